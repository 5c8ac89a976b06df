"""What a site sets, and the constants of the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from xomflow.core.verdicts import ALL_MODES

# Raised when the same results and settings give other verdicts; everything is judged again then.
METHOD = 2
# Number of results over which scatter is estimated and followers are compared.
MEMORY = 400.0
# Number of results over which tails and the errors of predicted means are estimated.
LONG_MEMORY = 4000.0
# Limits in standard deviations of a normal distribution: of one result, of several together, of their scatter.
OUTLIER, STEP, SCATTER = 4.6, 4.7, 4.2
# A result this far away is marked however heavy the tails of its variable are.
ALWAYS_OUTLIER = 7.0


class Size(NamedTuple):
    """A size in the unit of a variable, or relative to its level.

    Parameters
    ----------
    value
        The size.
    is_relative
        Whether it is a part of the level.
    """

    value: float
    is_relative: bool = False

    def at(self, level: float) -> float:
        """Return the size at a level, in the unit of the variable."""
        return self.value * abs(level) if self.is_relative else self.value


@dataclass(frozen=True, slots=True)
class Settings:
    """What a site sets for one analysis.

    Parameters
    ----------
    minimum
        Results before the first verdict on a variable.
    accept
        Results after which a new level counts as normal by itself.
    matters
        By variable, the smallest error that counts: differences far below it are of no interest.
    tolerance
        By variable, how far the level may move in 30 days; a variable without it has no alarm of drift.
    groups
        Groups of run modes with their modes; a mode in none is a group by itself. None: all runs are one group.
    """

    minimum: int = 30
    accept: int = 48
    matters: Mapping[str, Size] = field(default_factory=dict)
    tolerance: Mapping[str, Size] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] | None = None

    def group_of(self, mode: str) -> str:
        """Return the name of the group of a run mode."""
        if self.groups is None:
            return ALL_MODES
        return next((name for name, modes in self.groups.items() if mode in modes), mode or ALL_MODES)

    def to_json(self) -> dict[str, Any]:
        """Return what verdicts depend on, the method included."""
        return {"method": METHOD, **asdict(self)}


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What a site sets for all analyses.

    Parameters
    ----------
    minimum, accept
        As of `Settings`.
    groups
        Run modes of each group.
    together
        Analyses whose runs are one group, whatever their modes.
    time_per_tick_s
        Seconds in which a tick judges results.
    sizes
        What matters and what is tolerated, as texts, by analysis and variable.
    """

    minimum: int = 30
    accept: int = 48
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    time_per_tick_s: float = 0.2
    sizes: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    together: tuple[str, ...] = ()

    def of(self, analysis: str) -> Settings:
        """Return the settings of an analysis."""
        sizes = self.sizes.get(analysis, {})
        matters = {variable: size_of(matters) for variable, (matters, _) in sizes.items() if matters}
        tolerance = {variable: size_of(tolerance) for variable, (_, tolerance) in sizes.items() if tolerance}
        groups = None if analysis in self.together else self.groups
        return Settings(self.minimum, self.accept, matters, tolerance, groups)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SiteSettings:
        """Return what `to_json` wrote."""
        sizes = {
            analysis: {variable: (str(matters), str(tolerance)) for variable, (matters, tolerance) in of.items()}
            for analysis, of in content.get("sizes", {}).items()
        }
        return cls(**{**content, "sizes": sizes, "together": tuple(content.get("together", ()))})


def size_of(text: str) -> Size:
    """Return the size in a text such as ``0.5 %`` or ``0.02``."""
    number = text.removesuffix("%").strip()
    return Size(float(number) / 100, True) if text.endswith("%") else Size(float(number))

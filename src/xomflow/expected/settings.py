"""What a site sets, and the constants of the method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

# Raised when the same results and settings give other verdicts; everything is judged again then.
METHOD = 1
# Results over which scatter is learned, and choice of follower is made.
MEMORY = 400.0
# Results over which tails, and how much means miss, are learned.
LONG_MEMORY = 4000.0
# Limits in standard deviations of a normal distribution: of one result, of several together, of their scatter.
OUTLIER, STEP, SCATTER = 4.6, 4.7, 4.3
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
    """

    minimum: int = 30
    accept: int = 48
    matters: Mapping[str, Size] = field(default_factory=dict)
    tolerance: Mapping[str, Size] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what verdicts depend on, the method included."""
        return {"method": METHOD, **asdict(self)}

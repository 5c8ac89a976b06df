"""What made the results of each version, and what that took.

Kept by shelf beside a fingerprint, so that the question costs a look at the folders. The file can be deleted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Fingerprint, OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults, Method
from xomflow.outcomes.model import Outcome

# Number of the longest runs of a shelf that are kept.
_LONGEST = 10


@dataclass(frozen=True, slots=True)
class Maker:
    """What made an outcome.

    Parameters
    ----------
    script, settings
        Their digests; empty where they are not known, as in older outcomes.
    software
        Name of the software.
    lineage, versions
        Lineage hash of each type that was read, and versions of packages, in the order of their names.
    """

    script: str
    settings: str
    software: str
    lineage: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, outcome: Outcome) -> Maker:
        """Return what made an outcome."""
        one = outcome.provenance
        named = (tuple(sorted(names.items())) for names in (one.lineage, one.versions))
        return cls(one.script or "", one.settings or "", one.software, *named)

    @property
    def is_known(self) -> bool:
        """Whether script and settings are known."""
        return bool(self.script and self.settings)


@dataclass(slots=True)
class Made:
    """The outcomes of one maker: how many, and the ids of the first and the last run."""

    number: int
    first: str
    last: str

    def add(self, other: Made) -> None:
        """Add the outcomes of the same maker from elsewhere."""
        self.number += other.number
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)


@dataclass(slots=True)
class Makers:
    """How the current outcomes of one version were made, and the time that it took.

    Parameters
    ----------
    made
        The outcomes of each maker.
    wall_s, cpu_s
        Seconds of all of them together; processor time only of those where it was measured.
    longest
        Those that took longest: seconds and id of the run, in order.
    units
        Variables in the outcomes, the first saved first, with their units in the newest run.
    """

    made: dict[Maker, Made] = field(default_factory=dict)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    longest: list[tuple[float, str]] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of outcomes."""
        return sum(one.number for one in self.made.values())

    @property
    def number(self) -> int:
        """Number of outcomes whose script and settings are known."""
        return self.scripts.total()

    @property
    def scripts(self) -> Counter[str]:
        """Digest of each known script to the number of its outcomes."""
        return self._counted(lambda maker: maker.script)

    @property
    def settings(self) -> Counter[str]:
        """The same of settings."""
        return self._counted(lambda maker: maker.settings)

    @property
    def read(self) -> set[str]:
        """Types that any known script read."""
        return {name for maker in self.made if maker.is_known for name, _ in maker.lineage}

    def _counted(self, part: Callable[[Maker], str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for maker, made in self.made.items():
            if maker.is_known:
                found[part(maker)] += made.number
        return found

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Makers:
        """Return what made some outcomes."""
        found, took = cls(), list[tuple[float, str]]()
        for outcome in outcomes:
            run, used = outcome.key.run, outcome.resources
            found._add_made(Maker.of(outcome), Made(1, run, run))
            found.wall_s += used.wall_s
            found.cpu_s += used.cpu_s or 0.0
            took.append((used.wall_s, run))
            found.units |= {result.variable: result.unit for result in outcome.results}
        found.longest = _longest(took)
        return found

    def add(self, other: Makers) -> None:
        """Add those of another shelf."""
        for maker, made in other.made.items():
            self._add_made(maker, replace(made))
        self.wall_s += other.wall_s
        self.cpu_s += other.cpu_s
        self.longest = _longest([*self.longest, *other.longest])
        self.units |= other.units

    def _add_made(self, maker: Maker, made: Made) -> None:
        if maker in self.made:
            self.made[maker].add(made)
        else:
            self.made[maker] = made

    def to_json(self) -> dict[str, Any]:
        """Return the form in the file."""
        made = [{**asdict(maker), **asdict(made)} for maker, made in self.made.items()]
        return {"made": made, "wall_s": self.wall_s, "cpu_s": self.cpu_s, "longest": self.longest, "units": self.units}

    @classmethod
    def from_json(cls, content: Any) -> Makers:
        """Return what `to_json` wrote."""
        longest = [(float(seconds), str(run)) for seconds, run in content["longest"]]
        made = dict(map(_made_in, content["made"]))
        return cls(made, float(content["wall_s"]), float(content["cpu_s"]), longest, dict_of(str)(content["units"]))


class MakersOfShelves:
    """What made the current outcomes of each shelf.

    Parameters
    ----------
    place
        The file in which it is kept.
    most
        Of so many shelves that changed the outcomes are read; None: of all.

    Attributes
    ----------
    found
        What made the outcomes, by shelf.
    unknown
        Number of the shelves that changed and were not read.
    """

    def __init__(self, place: Path, most: int | None = None) -> None:
        self._place = place
        self._left = most
        self._kept = read_kept(place, _parsed) or {}
        self._fresh: dict[str, tuple[str, Makers]] = {}
        self.unknown = 0
        self.found: dict[Shelf, Makers] = {}

    def look_at(self, shelf: Shelf, fingerprint: Fingerprint, outcomes: Callable[[], Iterable[Outcome]]) -> None:
        """Find out what made the outcomes of a shelf.

        Parameters
        ----------
        shelf, fingerprint
            The shelf, and what changes whenever its current outcomes do; 0 if that cannot be seen at present.
        outcomes
            Returns the current ones; called only if they changed.
        """
        before = self._fresh.get(str(shelf)) or self._kept.get(str(shelf))
        if before and before[0] == fingerprint:
            makers = before[1]
        elif self._left == 0:
            self.unknown += 1
            return
        else:
            self._left = self._left and self._left - 1
            makers = Makers.of(outcomes())
        if fingerprint:
            self._fresh[str(shelf)] = (str(fingerprint), makers)
        self.found[shelf] = makers

    def keep(self) -> None:
        """Keep what was found out about the shelves that were looked at."""
        if self._fresh != self._kept:
            content = {shelf: [stamp, makers.to_json()] for shelf, (stamp, makers) in self._fresh.items()}
            write_kept(self._place, json.dumps(content))


def look_at_makers(paths: Paths, most: int | None = None) -> MakersOfShelves:
    """Return what made the current outcomes of each shelf, the newest shelves first; reads only.

    Parameters
    ----------
    paths
        Where they are.
    most
        As of `MakersOfShelves`.
    """
    cache, current = OutcomeCache(paths, may_write=False), CurrentResults(paths)
    makers = MakersOfShelves(paths.makers, most)
    for shelf in sorted(cache.shelves(), key=lambda shelf: shelf.name, reverse=True):
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}" if changed else 0

        def outcomes(shelf: Shelf = shelf) -> Iterable[Outcome]:
            return current.of(shelf, cache.outcomes(shelf)).values()

        makers.look_at(shelf, fingerprint, outcomes)
    return makers


def by_method(makers: Mapping[Shelf, Makers]) -> dict[Method, Makers]:
    """Return what made the outcomes of all shelves together, by analysis and version."""
    found: dict[Method, Makers] = {}
    for shelf, one in sorted(makers.items(), key=lambda item: item[0]):
        found.setdefault((shelf.analysis, shelf.version), Makers()).add(one)
    return found


def _longest(took: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return sorted(took, reverse=True)[:_LONGEST]


def _made_in(entry: Any) -> tuple[Maker, Made]:
    lineage, versions = (
        tuple((str(name), str(text)) for name, text in entry[part]) for part in ("lineage", "versions")
    )
    maker = Maker(str(entry["script"]), str(entry["settings"]), str(entry["software"]), lineage, versions)
    return maker, Made(int(entry["number"]), str(entry["first"]), str(entry["last"]))


def _parsed(content: Any) -> dict[str, tuple[str, Makers]]:
    return {shelf: (str(stamp), Makers.from_json(makers)) for shelf, (stamp, makers) in content.items()}

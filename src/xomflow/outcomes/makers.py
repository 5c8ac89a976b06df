"""By which scripts and settings the results of each version were made, and what these read.

Kept by shelf beside a fingerprint, so that the question costs a look at the folders. The file can be deleted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Fingerprint, OutcomeCache, Shelf
from xomflow.outcomes.groups import CurrentResults, Method
from xomflow.outcomes.model import Outcome


@dataclass(slots=True)
class Makers:
    """What made the current outcomes of one version; those whose script is not known are left out.

    Parameters
    ----------
    scripts, settings
        Digest to the number of outcomes.
    read
        Types that any of them read.
    """

    scripts: Counter[str] = field(default_factory=Counter)
    settings: Counter[str] = field(default_factory=Counter)
    read: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        """Number of outcomes."""
        return self.scripts.total()

    def add(self, other: Makers) -> None:
        """Add those of another shelf."""
        self.scripts += other.scripts
        self.settings += other.settings
        self.read |= other.read

    def to_json(self) -> dict[str, Any]:
        """Return the form in the file."""
        return {"scripts": self.scripts, "settings": self.settings, "read": sorted(self.read)}

    @classmethod
    def from_json(cls, content: Any) -> Makers:
        """Return what `to_json` wrote."""
        scripts, settings = ({str(one): int(n) for one, n in content[name].items()} for name in ("scripts", "settings"))
        return cls(Counter(scripts), Counter(settings), set(map(str, content["read"])))


class MakersOfShelves:
    """What made the current outcomes of each shelf.

    Parameters
    ----------
    place
        The file in which it is kept.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._kept = read_kept(place, _parsed) or {}
        self._fresh: dict[str, tuple[str, Makers]] = {}
        self.found: dict[Method, Makers] = {}

    def look_at(self, shelf: Shelf, fingerprint: Fingerprint, outcomes: Callable[[], Iterable[Outcome]]) -> None:
        """Find out what made the outcomes of a shelf.

        Parameters
        ----------
        shelf, fingerprint
            The shelf, and what changes whenever its current outcomes do; 0 if that cannot be seen at present.
        outcomes
            Returns the current ones; called only if they changed.
        """
        before = self._kept.get(str(shelf))
        is_known = fingerprint and before and before[0] == fingerprint
        makers = before[1] if before and is_known else _makers_in(outcomes())
        if fingerprint:
            self._fresh[str(shelf)] = (str(fingerprint), makers)
        self.found.setdefault((shelf.analysis, shelf.version), Makers()).add(makers)

    def keep(self) -> None:
        """Keep what was found out about the shelves that were looked at."""
        if self._fresh != self._kept:
            content = {shelf: [stamp, makers.to_json()] for shelf, (stamp, makers) in self._fresh.items()}
            write_kept(self._place, json.dumps(content))


def makers_of(paths: Paths) -> dict[Method, Makers]:
    """Return what made the current outcomes, by analysis and version; reads only."""
    cache, current, makers = OutcomeCache(paths, may_write=False), CurrentResults(paths), MakersOfShelves(paths.makers)
    for shelf in cache.shelves():
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}" if changed else 0

        def outcomes(shelf: Shelf = shelf) -> Iterable[Outcome]:
            return current.of(shelf, cache.outcomes(shelf)).values()

        makers.look_at(shelf, fingerprint, outcomes)
    return makers.found


def _makers_in(outcomes: Iterable[Outcome]) -> Makers:
    made = Makers()
    for outcome in outcomes:
        origin = outcome.provenance
        if origin.script is not None and origin.settings is not None:
            made.scripts[origin.script] += 1
            made.settings[origin.settings] += 1
            made.read |= origin.lineage.keys()
    return made


def _parsed(content: Any) -> dict[str, tuple[str, Makers]]:
    return {shelf: (str(stamp), Makers.from_json(makers)) for shelf, (stamp, makers) in content.items()}

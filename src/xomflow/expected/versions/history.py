"""The results that are judged: of the current outcomes of one version of an analysis, read as few times as possible."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from xomflow.core.key import is_group
from xomflow.expected.bank import RunResults
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults
from xomflow.outcomes.model import Outcome


class Judgeable(NamedTuple):
    """The results of a run, as they are judged.

    Parameters
    ----------
    group
        The group of its mode.
    results
        The results.
    units
        Unit of each variable.
    """

    group: str
    results: RunResults
    units: dict[str, str]


class History:
    """The current outcomes of all versions.

    Parameters
    ----------
    cache
        Where they are read.
    current
        Which of them are current.
    group_of
        Returns the group of a run from its analysis and its mode.
    """

    def __init__(self, cache: OutcomeCache, current: CurrentResults, group_of: Callable[[str, str], str]) -> None:
        self._cache, self._current, self._group_of = cache, current, group_of
        self._shelves: dict[str, dict[str, list[Shelf]]] = {}
        for one in cache.shelves():
            self._shelves.setdefault(one.analysis, {}).setdefault(one.version, []).append(one)

    def shelves(self, analysis: str) -> Mapping[str, Sequence[Shelf]]:
        """Return the shelves of each version of an analysis, in order."""
        return self._shelves.get(analysis, {})

    def fingerprint(self, shelf: Shelf) -> str:
        """Return a text that changes whenever a result of a shelf does; empty if that cannot be seen at present."""
        changed = self._cache.fingerprint(shelf)
        return f"{changed} {self._current.fingerprint(shelf)}" if changed else ""

    def stamps(self, shelf: Shelf) -> dict[str, int]:
        """Return for each run of a shelf, in order, a number that changes whenever its results do."""
        vetoed, current = self._current.vetoed_in(shelf), self._current.fingerprint(shelf)
        found = {run: stamp for run, stamp in self._cache.stamps(shelf).items() if run not in vetoed}
        return {run: crc32(current.encode(), stamp) if is_group(run) else stamp for run, stamp in sorted(found.items())}

    def read(self, shelf: Shelf, runs: Collection[str]) -> dict[str, Judgeable]:
        """Return the results of some runs of a shelf."""
        outcomes = self._cache.unchanged(shelf, runs)
        if outcomes is None:
            outcomes = {run: one for run, one in self._cache.outcomes(shelf).items() if run in runs}
        of_runs = self._current.of(shelf, outcomes).items()
        return {run: self._judgeable(shelf, run, one) for run, one in of_runs}

    def _judgeable(self, shelf: Shelf, run: str, outcome: Outcome) -> Judgeable:
        group = self._group_of(shelf.analysis, outcome.run.mode)
        values = {
            one.variable: (float(one.value), float(one.error or 0.0))
            for one in outcome.results
            if one.value is not None and one.limit is None
        }
        units = {one.variable: one.unit for one in outcome.results if one.unit}
        return Judgeable(group, RunResults(run, outcome.run.start or "", values), units)

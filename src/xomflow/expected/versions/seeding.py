"""Which runs of another version a version begins with, see `xomflow.expected.seed`."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xomflow.expected.seed import FEWEST, HISTORY, MOST, Seed, seed_of
from xomflow.expected.versions.history import History
from xomflow.outcomes.cache import Shelf

# Judged runs after which a version keeps its seed, whatever results the other version gets.
_GROWN = 200


class _Used(NamedTuple):
    """Runs that are used: those of the other version by shelf, and which of them this version has too."""

    runs: Mapping[Shelf, Sequence[str]]
    common: Sequence[str]


class Seeding:
    """What one version of an analysis begins with.

    Parameters
    ----------
    history
        The results.
    version
        Which version.
    versions
        The shelves of all versions of its analysis.
    """

    def __init__(self, history: History, version: str, versions: Mapping[str, Sequence[Shelf]]) -> None:
        self._history = history
        self._here = versions.get(version, [])
        self._others = [shelves for name, shelves in sorted(versions.items()) if name != version]

    def digest(self, judged: int, before: str) -> str:
        """Return a digest of the runs that are used; that of before if the version has judged many runs since.

        Parameters
        ----------
        judged
            How many runs it has judged.
        before
            What this returned then.
        """
        if judged > _GROWN:
            return before
        if not self._used.runs:
            return ""
        stamps = [(str(shelf), self._history.stamps(shelf).get(run)) for shelf, run in self._used_runs]
        return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]

    def seeds(self) -> dict[str, Seed]:
        """Return the seed of each group of run modes."""
        if not self._used.runs:
            return {}
        common = set(self._used.common)
        old = [
            one for shelf, runs in self._used.runs.items() for _, one in sorted(self._history.read(shelf, runs).items())
        ]
        shelves = [shelf for shelf in self._here if any(run.startswith(shelf.name) for run in common)]
        new = [one for shelf in shelves for _, one in sorted(self._history.read(shelf, common).items())]
        here = [one.results for one in new]  # those of other groups have none to be compared with
        return {
            group: seed_of([one.results for one in old if one.group == group], here)
            for group in {one.group for one in new}
        }

    @property
    def _used_runs(self) -> list[tuple[Shelf, str]]:
        return [(shelf, run) for shelf, runs in self._used.runs.items() for run in runs]

    @functools.cached_property
    def _used(self) -> _Used:
        """The runs of the other version that has most runs in common with this one."""
        here = [run for shelf in (self._here if self._others else ()) for run in self._history.stamps(shelf)]
        found = [self._used_of(shelves, here) for shelves in self._others] if here else []
        return max(found, key=lambda one: len(one.common), default=_Used({}, ()))

    def _used_of(self, shelves: Sequence[Shelf], here: Sequence[str]) -> _Used:
        there = [(run, shelf) for shelf in shelves for run in self._history.stamps(shelf)]
        common = sorted({run for run, _ in there}.intersection(here))[:MOST]
        earlier = [run for run, _ in there if run < here[0]][-HISTORY:]
        if len(common) < FEWEST or not earlier:
            return _Used({}, ())
        wanted = {*common, *earlier}
        return _Used({shelf: [run for run, of in there if of == shelf and run in wanted] for shelf in shelves}, common)

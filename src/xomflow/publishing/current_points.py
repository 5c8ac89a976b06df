"""The points that a store should have: of the current outcomes, with the present metadata of their runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from xomflow.core.key import shelf_of
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Fingerprint, OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults, GroupsOfAll
from xomflow.outcomes.files import superseded_in
from xomflow.outcomes.model import Outcome
from xomflow.publishing.point import FORM
from xomflow.publishing.points import points_of
from xomflow.publishing.scope import EVERYTHING, Scope
from xomflow.publishing.stores.store import MakePoints, Points
from xomflow.rundb.run_metadata import RunMetadata
from xomflow.rundb.united import RunEntries, united

OnRead = Callable[[Shelf, Mapping[str, Outcome]], None]

# Shelves whose metadata of runs are in memory at a time; a group may have runs of several.
_SHELVES = 4


class CurrentPoints:
    """The points of all shelves, as of one look at everything.

    Parameters
    ----------
    paths
        Where the outcomes are.
    prefix
        What measurements begin with.
    groups
        What decides which outcomes of groups are current; None: what the last tick left.
    page_url
        Address of the page; empty if there is none.
    may_write
        Whether what was read is kept.
    scope
        What the store shows; it has no points of the rest.
    on_read
        Called with a shelf and its outcomes once all of them have been read.
    make_points
        Gives results the form that they have in the store.
    """

    def __init__(
        self,
        paths: Paths,
        prefix: str,
        groups: GroupsOfAll | None = None,
        page_url: str = "",
        may_write: bool = True,
        scope: Scope = EVERYTHING,
        on_read: OnRead | None = None,
        make_points: MakePoints = points_of,
    ) -> None:
        self._make_points = make_points
        self._scope = scope
        self._on_read = on_read
        self._paths = paths
        self._prefix = prefix
        self._page_url = page_url
        self._cache = OutcomeCache(paths, may_write)
        self._metadata = RunMetadata(paths)
        self._entries = functools.lru_cache(_SHELVES)(self._metadata.of)
        self.current = CurrentResults(paths, groups)

    @property
    def problems(self) -> list[str]:
        """Sentences about outcomes that could not be read."""
        return self._cache.problems

    def set_aside_damaged(self) -> list[str]:
        """Move damaged outcomes away; return sentences about these and about those that cannot be read now."""
        return self._cache.set_aside_damaged()

    def unknown_in(self, shelf: Shelf, points: Points) -> set[str]:
        """Return the ids of outcomes of a shelf that cannot be read now, and have no points therefore."""
        return self._cache.unknown_in(shelf, points)

    def shelves(self) -> list[Shelf]:
        """Return all shelves that are shown."""
        return [shelf for shelf in self._cache.shelves() if self._scope.shows(shelf)]

    def superseded(self, shelf: Shelf) -> set[str]:
        """Return the ids of the outcomes of a shelf that are kept and are not current, or are vetoed."""
        superseded = superseded_in(self._paths.shelves(shelf.analysis, shelf.version) / shelf.name)
        return superseded | self.current.vetoed_in(shelf)

    def fingerprint(self, shelf: Shelf) -> Fingerprint:
        """Return what changes whenever the points of a shelf do; 0 if that cannot be seen at present."""
        if not self._scope.shows(shelf):
            return "not shown"
        changed = self._cache.fingerprint(shelf)
        metadata = [self._metadata.digest(one) for one in self.current.shelves(shelf)]
        groups = self.current.fingerprint(shelf)
        return f"{changed} {' '.join(metadata)} {groups} {self._page_url} {FORM}" if changed else 0

    def changed_since(self, shelf: Shelf, before: Fingerprint) -> set[str] | None:
        """Return the ids of runs whose points may differ from those at an earlier fingerprint; None: of any run.

        Only where nothing but the metadata of runs changed, of which most have no outcome yet, it need not be any run.
        """
        now = str(self.fingerprint(shelf)).split(" ")
        then = str(before).split(" ")
        if self.current.shelves(shelf) != [shelf.name] or [*then[:1], *then[2:]] != [*now[:1], *now[2:]]:
            return None
        return self._metadata.changed_since(shelf.name, then[1]) if len(then) > 1 else None

    def of(self, shelf: Shelf) -> Points:
        """Return the points of a shelf, by the id of the run or campaign."""
        if not self._scope.shows(shelf):
            return {}
        outcomes = self._cache.outcomes(shelf)
        if self._on_read is not None and not self._cache.unknown_in(shelf, ()):
            self._on_read(shelf, outcomes)
        return self._made(self.current.of(shelf, outcomes))

    def of_some(self, shelf: Shelf, runs: Collection[str]) -> Points | None:
        """Return the points of some runs of a shelf; None if a file of the shelf has changed."""
        outcomes = self._cache.unchanged(shelf, runs)
        return None if outcomes is None else self._made(self.current.of(shelf, outcomes))

    def _made(self, outcomes: Mapping[str, Outcome]) -> Points:
        return {
            run: self._make_points(one, self._prefix, self._present_metadata(one), self._page_url)
            for run, one in outcomes.items()
        }

    def of_all(self, shelves: Iterable[Shelf]) -> Iterator[tuple[Shelf, Points]]:
        """Yield the points of several shelves."""
        for shelf in shelves:
            yield shelf, self.of(shelf)

    def _present_metadata(self, outcome: Outcome) -> dict[str, Any] | None:
        """Return the present metadata of a run, or of all runs of a campaign; None if one of them has no valid ones."""
        runs = outcome.run.runs or [outcome.key.run]
        found = [entries for run in runs if (entries := self._entries_of(run)) is not None]
        if len(found) < len(runs):
            return None
        whole = (united(found) if outcome.run.runs else found[0])._asdict()
        del whole["seconds"]
        return whole

    def _entries_of(self, run: str) -> RunEntries | None:
        return self._entries(shelf_of(run)).get(run)

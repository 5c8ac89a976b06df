"""Publish the outcomes that the store lacks; fill a store again; compare it with the outcomes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from xomflow.core.errors import XomError, sentence_of
from xomflow.core.files.file_lock import LONGEST_WAIT, exclusive, shared
from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.core.key import first_run, is_group, run_id
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Receipt
from xomflow.outcomes.cache import Fingerprint, Shelf
from xomflow.outcomes.campaigns.groups import GroupsOfAll
from xomflow.outcomes.known import UNKNOWN, shelves_in
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomflow.publishing.boards.uses import Uses
from xomflow.publishing.current_points import CurrentPoints, OnRead
from xomflow.publishing.open_store import local_stores
from xomflow.publishing.point import is_outdated
from xomflow.publishing.scope import EVERYTHING, Scope
from xomflow.publishing.stores.store import Points, Store, StoreAwayError, StoreError, WholeShelfNeededError
from xomflow.publishing.stores.stored import Stored

# In a ledger: the fingerprint of each shelf when it was published last.
_STAMPS = "stamps.json"


def publish(
    paths: Paths,
    store: Store,
    prefix: str,
    page_url: str = "",
    longest_wait: float = LONGEST_WAIT,
    look_at: Collection[Shelf] = (),
    scope: Scope = EVERYTHING,
    on_read: OnRead | None = None,
) -> Receipt:
    """Publish every outcome whose points are not in the ledger with their present fingerprint.

    The points are made of the outcome and of the present metadata of its run. The ledger has, for each shelf, the
    fingerprints of the points in the store. Without it all outcomes are offered once more: an InfluxDB is asked for its
    fingerprints and gets only what differs, a local store is written to the same points.

    Parameters
    ----------
    paths
        Where the outcomes and the ledger are.
    store
        The store.
    prefix
        What measurements begin with.
    page_url
        Address of the page; empty if there is none.
    longest_wait
        Longest wait for another process that publishes; seconds.
    look_at
        Shelves that are looked at even if they seem unchanged.
    scope
        What the store shows.
    on_read
        As of `CurrentPoints`.
    """
    with exclusive(paths.publishing_lock, longest_wait):
        points = CurrentPoints(
            paths, prefix, page_url=page_url, scope=scope, on_read=on_read, make_points=store.make_points
        )
        return _Publishing(paths, store, points, look_at, scope).all()


def joined(one: Receipt, other: Receipt) -> Receipt:
    """Return the receipt of what was published to two stores."""
    problems = list(dict.fromkeys([*one.problems, *other.problems]))
    return replace(
        one,
        outcomes=one.outcomes + other.outcomes,
        points=one.points + other.points,
        problems=problems,
        away=one.away or other.away,
    )


def rebuild(
    paths: Paths,
    store: Store,
    prefix: str,
    groups: GroupsOfAll | None = None,
    page_url: str = "",
    scope: Scope = EVERYTHING,
) -> Receipt:
    """Publish everything without regard to the ledger, as to a store that was emptied; see `CurrentPoints`."""
    with exclusive(paths.publishing_lock):
        ledger = paths.ledger / store.name
        if scope.only is None:
            shutil.rmtree(ledger, ignore_errors=True)
        for analysis, version in scope.only or ():
            shutil.rmtree(ledger / analysis / version, ignore_errors=True)
        (ledger / _STAMPS).unlink(missing_ok=True)
        points = CurrentPoints(paths, prefix, groups, page_url, scope=scope, make_points=store.make_points)
        return _Publishing(paths, store, points, (), scope).all()


def drop(paths: Paths, stores: Iterable[Store], analysis: str, longest_wait: float = LONGEST_WAIT) -> int:
    """Remove all points of an analysis from stores and from all local ones; return how many there were.

    No ledger has them afterwards, so a kill at any moment costs no more than that what is still there is offered again.
    """
    with exclusive(paths.publishing_lock, longest_wait):
        for ledger in (folder for folder in paths.ledger.glob("*") if folder.is_dir()):
            (ledger / _STAMPS).unlink(missing_ok=True)
            shutil.rmtree(ledger / analysis, ignore_errors=True)
        concerned = {one.name: one for one in [*local_stores(paths), *stores]}
        return sum(one.drop(analysis) for one in concerned.values())


def verify(
    paths: Paths,
    store: Store,
    prefix: str,
    groups: GroupsOfAll | None = None,
    page_url: str = "",
    scope: Scope = EVERYTHING,
) -> Iterator[str]:
    """Yield a sentence for each difference between the store and the outcomes; reads only."""
    points = CurrentPoints(paths, prefix, groups, page_url, may_write=False, scope=scope, make_points=store.make_points)
    with shared(paths.publishing_lock):
        yield from store.differences(points.of_all(points.shelves()), scope.only)
    yield from points.problems


class _Publishing:
    """One pass over all shelves.

    Parameters
    ----------
    paths, store
        As for `publish`.
    points
        The points.
    look_at, scope
        As for `publish`.
    """

    def __init__(
        self, paths: Paths, store: Store, points: CurrentPoints, look_at: Collection[Shelf], scope: Scope
    ) -> None:
        self._scope = scope
        self._ledger = paths.ledger / store.name
        self._store = store
        self._points = points
        self._seen = SeenFingerprints(self._ledger / _STAMPS, look_at)
        self._stored = Stored(store, self._ledger)
        self._uses = Uses(paths.uses(store.name))
        self._receipt = Receipt()

    def all(self) -> Receipt:
        """Publish what the store lacks; return the receipt."""
        points, receipt = self._points, self._receipt
        receipt.problems += points.current.rename()
        published = filter(self._scope.concerns, shelves_in(self._ledger))  # some may have lost their outcomes
        shelves_of_all = sorted({*points.shelves(), *published})
        try:
            fingerprints = {shelf: points.fingerprint(shelf) for shelf in shelves_of_all}
            changed = [one for one in shelves_of_all if not self._is_published(one, fingerprints[one])]
            for analysis in dict.fromkeys(one.analysis for one in changed):
                self._renew_analysis([one for one in shelves_of_all if one.analysis == analysis])
            # All analyses of the same runs follow each other, so the metadata of runs are read once, and not all kept.
            for shelf in sorted(changed, key=lambda one: one.name):
                self._publish_and_note(shelf, fingerprints[shelf])
            for shelf in shelves_of_all:
                self._stored.note_unknown(shelf)
        except StoreAwayError as error:
            receipt.problems.append(str(error))
            receipt.away = True
        self._seen.keep()
        self._stored.keep()
        self._uses.keep(shelves_of_all)
        receipt.problems[:0] = points.set_aside_damaged()
        return receipt

    def _renew_analysis(self, shelves: list[Shelf]) -> None:
        if not any(self._is_of_present_form(one) for one in shelves):
            self._tried(self._store.renew, shelves[0].analysis, self._renewable(shelves))

    def _publish_and_note(self, shelf: Shelf, fingerprint: Fingerprint) -> None:
        if self._tried(self._publish_shelf, shelf):
            self._stored.note(shelf)
            if not self._points.unknown_in(shelf, {}):
                self._seen.note(shelf, fingerprint)

    def _renewable(self, shelves: list[Shelf]) -> Iterator[tuple[Shelf, Points]]:
        """Yield the points of the shelves that can be published now: the others keep the points that they have."""
        for shelf, points in self._points.of_all(shelves):
            if not self._points.unknown_in(shelf, points):
                yield shelf, points

    def _is_published(self, shelf: Shelf, fingerprint: Fingerprint) -> bool:
        return self._seen.seen(shelf, fingerprint) and shelf in self._uses and self._stored.has(shelf)

    def _is_of_present_form(self, shelf: Shelf) -> bool:
        """Return whether points of the shelf were published in the present form; then those before are removed."""
        known = read_kept(self._ledger / f"{shelf}.json", dict_of(str)) or {}
        return not all(map(is_outdated, known.values()))

    def _tried(self, do: Callable[..., None], *arguments: Any) -> bool:
        """Do something; return whether it succeeded. Only a store that is away stops everything."""
        try:
            do(*arguments)
        except StoreAwayError:
            raise
        except (XomError, OSError) as error:
            self._receipt.problems.append(sentence_of(error))
            return False
        return True

    def _publish_shelf(self, shelf: Shelf) -> None:
        if self._publish_documents(shelf):
            return
        points = self._points.of(shelf)
        self._uses.note(shelf, points)
        known = self._known(shelf, points.keys())
        if unknown := self._points.unknown_in(shelf, points) & known.keys():
            raise StoreError(f"{shelf}: not published, or the points of {min(unknown)}, which cannot be read, would go")
        self._bring(shelf, points, known, _fingerprints(points), whole=True)
        if not points:  # its ledger was lost together with its last outcome
            self._store.write(shelf, points, set())

    def _publish_documents(self, shelf: Shelf) -> bool:
        """Publish a shelf of which only run documents changed; return whether that was so.

        Most of these are of runs without a point; of the others only their own outcomes are read.
        """
        runs = self._points.changed_since(shelf, self._seen.last(shelf))
        if runs is None or shelf not in self._uses or not self._stored.has(shelf):
            return False
        known = read_kept(self._ledger / f"{shelf}.json", dict_of(str))
        if known is None or any(map(is_group, known)):
            return False
        points = self._points.of_some(shelf, runs & known.keys())
        if points is None:
            return False
        try:
            self._bring(shelf, points, known, known | _fingerprints(points), whole=False)
        except WholeShelfNeededError:
            return False
        return True

    def _bring(self, shelf: Shelf, points: Points, known: dict[str, str], present: dict[str, str], whole: bool) -> None:
        """Bring a shelf from the known fingerprints to the present ones."""
        if present == known:
            return
        ledger = self._ledger / f"{shelf}.json"
        changed = {run for run in present.keys() | known.keys() if present.get(run) != known.get(run)}
        # A write that fails may have changed some of these points, so they count as unknown until it has succeeded.
        write_kept(ledger, json.dumps(known | dict.fromkeys(changed, UNKNOWN)))
        self._seen.forget(shelf)
        self._store.write(shelf, points, changed, whole)
        write_kept(ledger, json.dumps(present))
        self._receipt.outcomes += len(changed & present.keys())
        self._receipt.points += sum(len(points[run]) for run in changed & present.keys())

    def _known(self, shelf: Shelf, ids: Set[str]) -> dict[str, str]:
        """Return the fingerprints in the store by id. Without a ledger it may still have what was superseded."""
        if self._stored.is_gone(shelf):
            return {}
        known = _read_ledger(self._ledger / f"{shelf}.json", ids)
        if known is None:
            return dict.fromkeys(self._points.superseded(shelf), UNKNOWN)
        return known if self._stored.has(shelf) else dict.fromkeys(known, UNKNOWN)


def _fingerprints(points: Points) -> dict[str, str]:
    return {run: of_run[0].fingerprint if of_run else "" for run, of_run in points.items()}


def _read_ledger(path: Path, ids: Set[str]) -> dict[str, str] | None:
    """Return what a ledger has, None if there is none; version 1.0 had campaigns under the id of their first run."""
    known = read_kept(path, dict_of(str))
    if known is None:
        return None
    for campaign in ids - known.keys():
        first = run_id(first_run(campaign))
        if first in known:
            known[campaign] = known.pop(first)
    return known

"""Publish the outcomes that the store lacks; fill a store again; compare it with the outcomes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from pathlib import Path

from xomflow.core.errors import XomError
from xomflow.core.file_lock import exclusive
from xomflow.core.kept_json import dict_of, read_kept
from xomflow.core.key import first_run, run_id
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Receipt
from xomflow.outcomes.cache import SeenFingerprints, Shelf
from xomflow.outcomes.groups import GroupsOfAll
from xomflow.publishing.current_points import CurrentPoints
from xomflow.publishing.store import Points, Store, StoreAwayError
from xomlib.files import dump_json

_UNKNOWN = "?"


def publish(paths: Paths, store: Store, prefix: str) -> Receipt:
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
    """
    with exclusive(paths.publishing_lock):
        return _publish(paths, store, prefix)


def rebuild(paths: Paths, store: Store, prefix: str, groups: GroupsOfAll | None = None) -> Receipt:
    """Publish everything without regard to the ledger, as to a store that was emptied; see `CurrentPoints`."""
    with exclusive(paths.publishing_lock):
        shutil.rmtree(paths.ledger / store.name, ignore_errors=True)
        return _publish(paths, store, prefix, groups)


def verify(paths: Paths, store: Store, prefix: str, groups: GroupsOfAll | None = None) -> Iterator[str]:
    """Yield a sentence for each difference between the store and the outcomes; damaged outcomes are set aside."""
    points = CurrentPoints(paths, prefix, groups)
    with exclusive(paths.publishing_lock):
        yield from store.differences((shelf, points.of(shelf)) for shelf in points.shelves())
    yield from points.problems


def _publish(paths: Paths, store: Store, prefix: str, groups: GroupsOfAll | None = None) -> Receipt:
    points, receipt = CurrentPoints(paths, prefix, groups), Receipt()
    receipt.problems += points.current.rename()
    fingerprints = SeenFingerprints(paths.ledger / store.name / "stamps.json")
    for shelf in points.shelves():
        fingerprint = points.fingerprint(shelf)
        if fingerprints.seen(shelf, fingerprint) and store.has(shelf):
            continue
        try:
            _publish_shelf(paths, store, shelf, points.of(shelf), receipt)
        except StoreAwayError as error:
            receipt.problems.append(str(error))
            receipt.away = True
            break
        except (XomError, OSError) as error:
            receipt.problems.append(str(error))
            continue
        fingerprints.note(shelf, fingerprint)
    fingerprints.keep()
    receipt.problems[:0] = points.problems
    return receipt


def _publish_shelf(paths: Paths, store: Store, shelf: Shelf, points: Points, receipt: Receipt) -> None:
    ledger = paths.ledger / store.name / f"{shelf}.json"
    known = _read_ledger(ledger, points.keys()) if store.has(shelf) else {}
    present = {run: of_run[0].fingerprint if of_run else "" for run, of_run in points.items()}
    if present == known:
        return
    changed = {run for run in present.keys() | known.keys() if present.get(run) != known.get(run)}
    # A write that fails may have changed some of these points, so they count as unknown until it has succeeded.
    dump_json(ledger, known | dict.fromkeys(changed, _UNKNOWN))
    store.write(shelf, points, changed)
    dump_json(ledger, present)
    receipt.outcomes += len(changed & present.keys())
    receipt.points += sum(len(points[run]) for run in changed & present.keys())


def _read_ledger(path: Path, ids: Set[str]) -> dict[str, str]:
    """Return the fingerprints in the store by id; version 1.0 had campaigns under the id of their first run."""
    known = read_kept(path, dict_of(str)) or {}
    for campaign in ids - known.keys():
        first = run_id(first_run(campaign))
        if first in known and first not in ids:
            known[campaign] = known.pop(first)
    return known

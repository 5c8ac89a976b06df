"""Publish what the store does not have in its present form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xomflow.claims import alone
from xomflow.errors import XomError
from xomflow.index import Index, Shelf, Stamps
from xomflow.paths import Paths
from xomflow.points import points_of
from xomflow.stores import Store
from xomlib.files import dump_json, read_json


@dataclass(slots=True)
class Receipt:
    """What was published.

    Parameters
    ----------
    outcomes, points
        Number of outcomes that the store did not have in this form, and of their points.
    problems
        Sentences about outcomes that could not be read or shelves that the store did not take.
    """

    outcomes: int = 0
    points: int = 0
    problems: list[str] = field(default_factory=list)


def publish(paths: Paths, store: Store, prefix: str) -> Receipt:
    """Publish every outcome that the ledger does not know in its present form.

    The ledger remembers for each shelf the digests of what the store has. Without it everything is published once more,
    to the same points.

    Parameters
    ----------
    paths
        Where the outcomes and the ledger are.
    store
        Where they go.
    prefix
        What measurements begin with.
    """
    with alone(paths.publishing_lock):
        return _publish(paths, store, prefix)


def _publish(paths: Paths, store: Store, prefix: str) -> Receipt:
    index, receipt = Index(paths), Receipt()
    stamps = Stamps(paths.ledger / store.name / "stamps.json")
    for shelf in index.shelves():
        stamp = index.stamp(shelf)
        if stamps.seen(shelf, stamp) and store.has(shelf):
            continue
        try:
            _publish_shelf(paths, store, prefix, index, shelf, receipt)
        except (XomError, OSError) as error:
            receipt.problems.append(str(error))
            continue
        stamps.note(shelf, stamp)
    stamps.keep()
    receipt.problems[:0] = index.problems
    return receipt


def _publish_shelf(paths: Paths, store: Store, prefix: str, index: Index, shelf: Shelf, receipt: Receipt) -> None:
    entries = index.entries(shelf)
    ledger = paths.ledger / store.name / f"{shelf}.json"
    known = _read(ledger) if store.has(shelf) else {}
    present = {run: entry.digest for run, entry in entries.items()}
    changed = {run for run, digest in present.items() if known.get(run) != digest}
    if present == known:
        return
    points = {run: points_of(entry.outcome, prefix) for run, entry in entries.items()}
    store.write(shelf, points, changed)
    dump_json(ledger, present)
    receipt.outcomes += len(changed)
    receipt.points += sum(len(points[run]) for run in changed)


def _read(ledger: Any) -> dict[str, str]:
    try:
        known = read_json(ledger)
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}

"""The bands in which results were expected, published run by run: only what the store lacks.

There is a point for each result, so they are not compared with the store in every tick, as limits are. A ledger has a
digest of each run's verdicts, and a shelf whose file did not change is not read. Nor is its ledger: one file has the
stamps of all shelves whose bands the store has.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.core.files.stamps import stamp_of
from xomflow.core.paths import Paths
from xomflow.core.verdicts import SeriesId, Verdict, read_bands
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.known import UNKNOWN, shelves_in
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomflow.publishing.boards.expected import TABLE, band_points
from xomflow.publishing.point import FORM
from xomflow.publishing.stores.store import Store, WholeShelfNeededError
from xomflow.publishing.stores.stored import Stored

# In the ledger of bands, beside the folders of analyses: the stamp of each shelf's bands when it was published last.
_STAMPS = "stamps.json"
# Behind the stamp of bands that have no point, such as those of the first runs; the ledger has no file of these.
_NO_POINT = " none"

Verdicts = dict[str, dict[SeriesId, Verdict]]  # by run, the verdict on each of its results


def publish_bands(paths: Paths, store: Store, prefix: str) -> None:
    """Make the store have the bands of all results, and no others.

    Parameters
    ----------
    paths
        Where the bands and the ledger are.
    store
        Where the points go.
    prefix
        What measurements begin with.

    Raises
    ------
    StoreError
        If not everything has arrived; the next tick tries again.
    """
    ledger, bands = paths.ledger / store.name / "bands", paths.all_bands
    published, seen = set(shelves_in(ledger)), SeenFingerprints(ledger / _STAMPS)
    stored = Stored(store, ledger, TABLE)
    for shelf in sorted({*shelves_in(bands), *published}):
        stamp, has, is_published = stamp_of(f"{bands}/{shelf}.json"), stored.has(shelf), shelf in published
        is_seen = seen.seen(shelf, f"{FORM} {stamp}{'' if is_published else _NO_POINT}")
        if not is_seen or (is_published and not has):
            has_points = _publish_shelf(paths, store, shelf, prefix, has)
            stored.note(shelf)
            if stamp:
                seen.note(shelf, f"{FORM} {stamp}{'' if has_points else _NO_POINT}")
            else:
                seen.forget(shelf)
        stored.note_unknown(shelf)
    seen.keep()
    stored.keep()


def _publish_shelf(paths: Paths, store: Store, shelf: Shelf, prefix: str, has: bool) -> bool:
    """Make the store have the bands of a shelf, all of them if it can have lost some; return whether it has any."""
    file = paths.ledger / store.name / "bands" / f"{shelf}.json"
    known = read_kept(file, _digests) or {}
    if not has:
        known = dict.fromkeys(known, UNKNOWN)
    verdicts = _by_run(read_bands(paths, shelf.analysis, shelf.version, shelf.name))
    present = {run: _digest(of_run) for run, of_run in verdicts.items()}
    changed = {run for run in present.keys() | known.keys() if present.get(run) != known.get(run)}
    if changed:
        # A write that fails may have changed some of these points.
        write_kept(file, _text(known | dict.fromkeys(changed, UNKNOWN)))
        _write(store, shelf, verdicts, changed, prefix)
    if present:
        write_kept(file, _text(present))
    else:
        file.unlink(missing_ok=True)
    return bool(present)


def _write(store: Store, shelf: Shelf, verdicts: Verdicts, changed: set[str], prefix: str) -> None:
    """Write the points of the runs that changed, or of all if the others cannot stay or some have to go."""
    if changed <= verdicts.keys():
        some = {run: band_points(verdicts[run], prefix) for run in changed}
        try:
            store.write(shelf, some, changed, whole=False, table=TABLE)
        except WholeShelfNeededError:
            pass
        else:
            return
    points = {run: band_points(of_run, prefix) for run, of_run in verdicts.items()}
    store.write(shelf, points, changed, table=TABLE)


def _by_run(bands: dict[SeriesId, list[Verdict]]) -> Verdicts:
    """Return the verdicts with a band; the first ones have not enough history."""
    made: Verdicts = {}
    for series, verdicts in bands.items():
        for verdict in verdicts:
            if verdict.expected is not None:
                made.setdefault(verdict.run, {})[series] = verdict
    return made


def _digest(of_run: dict[SeriesId, Verdict]) -> str:
    content = [[*series, *verdict] for series, verdict in of_run.items()]
    return hashlib.sha256(json.dumps([FORM, *content]).encode()).hexdigest()[:16]


def _text(digests: dict[str, str]) -> str:
    """Return the content of a ledger: digests by run, after a place for a stamp, which is not used any more."""
    return json.dumps(["", digests])


def _digests(content: Any) -> dict[str, str]:
    _, digests = content
    return dict_of(str)(digests)

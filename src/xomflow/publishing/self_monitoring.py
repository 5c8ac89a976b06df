"""XOM's own state as points: duration of ticks, runs in each state, failures, the longest wait, jobs in Slurm.

The measurement is ``<prefix>xom``. Each finished tick has a point for every analysis and one for all together, with the
analysis ``all``. They are made of the summary of the tick, and published by the tick itself or, if the store could not
be used, by a later tick; until then the folder of the tick stays, a week at most.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from xomflow.core.files.kept_json import list_of, read_kept, write_kept
from xomflow.core.key import first_run
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import FAILURES, WAITINGS, State
from xomflow.core.tick_summary import JobCounts, ListedKey, OldestReady, Receipt, Summary
from xomflow.publishing.point import Point, add_fingerprint
from xomflow.publishing.stores.store import Store

_SECOND = 1_000_000_000


def publish(paths: Paths, store: Store, prefix: str, own: Summary) -> None:
    """Publish the ticks that the store does not have.

    Parameters
    ----------
    paths
        Where the ticks and the ledger are.
    store
        Where the points go.
    prefix
        What measurements begin with.
    own
        The summary of the present tick, which is not yet written.

    Raises
    ------
    StoreError
        If not everything has arrived; the next tick tries again.
    """
    ledger = paths.ledger / store.name / "ticks.json"
    known = set(read_kept(ledger, list_of(str)) or [])
    names = [folder.name for folder in sorted(paths.ticks.iterdir()) if folder.is_dir()]
    new = [own]
    for name in names:
        if name not in known and name != own.tick:
            summary = read_kept(TickPaths(paths.tick(name)).summary, Summary.from_json)
            new += [summary] if summary else []
    days: dict[str, list[Point]] = {}
    for summary in new:
        days.setdefault(f"{summary.started:%Y-%m-%d}", []).extend(points_of(summary, prefix))
    for day, made in sorted(days.items()):
        store.add(day, made)
    write_kept(ledger, json.dumps(sorted(known & set(names) | {summary.tick for summary in new})))


def points_of(summary: Summary, prefix: str) -> list[Point]:
    """Return the points of a tick's summary, as `line_protocol.text` takes them."""
    total = {state: sum(numbers.get(state, 0) for numbers in summary.counts.values()) for state in State}
    jobs = {"all": _sum(summary.batch_jobs.values()), **summary.batch_jobs}
    made = []
    for analysis, numbers in {**summary.counts, "all": total}.items():
        listed = [one for one in summary.listed if analysis in ("all", one.key.analysis)]
        taken = [one for one in summary.taken if analysis in ("all", one.key.analysis)]
        fields = {
            "tick": summary.tick,
            "duration_s": (summary.ended - summary.started).total_seconds(),
            "taken": len(taken),
            "failures": sum(one.state in FAILURES for one in taken),
            **{state.field: int(numbers.get(state, 0)) for state in State},
            **_oldest(listed, summary.ended),
            **_oldest_ready(summary.oldest_ready, analysis, summary.ended),
            **{f"slurm_{state}": number for state, number in jobs.get(analysis, JobCounts())._asdict().items()},
        }
        if analysis == "all":
            published = summary.published or Receipt()
            fields |= {"published": published.outcomes, "problems": len(summary.site_errors + summary.warnings)}
        # Ticks may begin in the same second; their names differ.
        time = int(summary.started.timestamp()) * _SECOND + zlib.crc32(summary.tick.encode()) % _SECOND
        made += add_fingerprint([Point(f"{prefix}xom", {"analysis": analysis}, fields, time)])
    return made


def _sum(counts: Iterable[JobCounts]) -> JobCounts:
    found = list(counts)
    return JobCounts(sum(one.pending for one in found), sum(one.running for one in found))


def _oldest_ready(oldest: Mapping[str, OldestReady], analysis: str, now: datetime) -> dict[str, Any]:
    """Return the oldest ready run of an analysis, or of all, with the time since its end; 0 where none is ready."""
    found = [one for name, one in oldest.items() if analysis in ("all", name)]
    if not found:
        return {"oldest_ready_s": 0.0}
    one = min(found, key=lambda one: one.since)
    return {"oldest_ready_run": first_run(one.run), "oldest_ready_s": (now - one.since).total_seconds()}


def _oldest(listed: Iterable[ListedKey], now: datetime) -> dict[str, Any]:
    """Return the run that waits longest, with the time since its end; no run and 0 where none waits."""
    waiting = [(one.since, one.key.run) for one in listed if one.state in WAITINGS and one.since]
    if not waiting:
        return {"oldest_waiting_s": 0.0}
    since, run = min(waiting, key=lambda one: one[0])
    return {"oldest_waiting_run": first_run(run), "oldest_waiting_s": (now - since).total_seconds()}

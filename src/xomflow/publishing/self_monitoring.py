"""XOM's own health as points: how long ticks take, how many runs are in which state, what failed, what waits longest.

One measurement, ``<prefix>xom``. Each finished tick has a point for every analysis and one, of the analysis ``all``,
for everything together. They are made of the summaries that ticks leave, and published by the tick itself or, where
the store was away, by a later one, as long as the summary is kept (``keep_ticks``).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from xomflow.core import times
from xomflow.core.key import first_run
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import STATES
from xomflow.publishing import points
from xomflow.publishing.store import Store
from xomlib.files import dump_json, read_json

_SECOND = 1_000_000_000
_WAITING = ("waiting", "stale")
_FAILED = ("failed", "gave up")


def publish(paths: Paths, store: Store, prefix: str, own: dict[str, Any]) -> None:
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
    known = set(_read(ledger, []))
    names = [folder.name for folder in sorted(paths.ticks.iterdir()) if folder.is_dir()]
    new = [own]
    for name in names:
        if name not in known and name != own["tick"]:
            summary = _read(TickPaths(paths.tick(name)).summary, None)
            new += [summary] if summary else []
    days: dict[str, list[dict[str, Any]]] = {}
    for summary in new:
        days.setdefault(summary["started"][:10], []).extend(points_of(summary, prefix))
    for day, made in sorted(days.items()):
        store.add(day, made)
    dump_json(ledger, sorted(known & set(names) | {summary["tick"] for summary in new}))


def points_of(summary: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the points of a tick's summary, as `lines.text` takes them."""
    started, ended = times.moment(summary["started"]), times.moment(summary["ended"])
    counts, items, taken = summary["counts"], summary["items"], summary["taken"]
    total = {state: sum(numbers.get(state, 0) for numbers in counts.values()) for state in STATES}
    made = []
    for analysis, numbers in {**counts, "all": total}.items():
        mine = [item for item in items if analysis in ("all", item["analysis"])]
        ours = [item for item in taken if analysis in ("all", item["analysis"])]
        fields = {
            "tick": summary["tick"],
            "duration_s": (ended - started).total_seconds(),
            "taken": len(ours),
            "failures": sum(item["state"] in _FAILED for item in ours),
            **{state.replace(" ", "_"): int(numbers.get(state, 0)) for state in STATES},
            **_oldest(mine, ended.timestamp()),
        }
        if analysis == "all":
            published = summary["published"] or {"outcomes": 0, "problems": []}
            fields |= {"published": published["outcomes"], "problems": len(summary["troubles"] + summary["problems"])}
        # Ticks may begin in the same second; their names tell them apart.
        time = int(started.timestamp()) * _SECOND + zlib.crc32(summary["tick"].encode()) % _SECOND
        point = {"measurement": f"{prefix}xom", "tags": {"analysis": analysis}, "fields": fields, "time": time}
        fields[points.FORM] = points.form_of([point])
        made.append(point)
    return made


def _oldest(items: Iterable[dict[str, Any]], now: float) -> dict[str, Any]:
    """Return which run waits longest, and for how long since its end; no run and 0 where none waits."""
    waiting = [item for item in items if item["state"] in _WAITING and item["since"]]
    if not waiting:
        return {"oldest_waiting_s": 0.0}
    oldest = min(waiting, key=lambda item: item["since"])
    return {
        "oldest_waiting_run": first_run(oldest["run"]),
        "oldest_waiting_s": now - times.moment(oldest["since"]).timestamp(),
    }


def _read(path: Any, otherwise: Any) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return otherwise

"""The batches that a tick plans: discovery writes them, and the tick submits those of their runs whose jobs begin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomlib.files import dump_json, read_json


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of a planned batch.

    Parameters
    ----------
    key
        The key.
    seconds
        How long it is expected to take.
    """

    key: Key
    seconds: float


def write_plan(tick: TickPaths, batches: Iterable[Iterable[Planned]]) -> None:
    """Write the batches that a tick plans."""
    rows = [[[p.key.analysis, p.key.version, p.key.run, round(p.seconds, 3)] for p in batch] for batch in batches]
    dump_json(tick.batch_plan, rows)


def read_plan(tick: TickPaths) -> list[list[Planned]]:
    """Return the batches that a tick plans; none if it planned none."""
    try:
        rows = read_json(tick.batch_plan)
    except FileNotFoundError:
        return []
    return [[Planned(Key(*names), float(seconds)) for *names, seconds in batch] for batch in rows]

"""The run list of an analysis, a table that a tick leaves for people: which selected runs are not done, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from xomflow.core import times
from xomflow.core.state import WAITINGS, State
from xomflow.planning.items import Item

# Heading and value of each column; `run_list` adds to the reason what the tick did. Readers find columns by heading.
_COLUMNS: Mapping[str, Callable[[Item], object]] = {
    "run": lambda item: item.key.run,
    "state": lambda item: item.state.name,
    "reason": lambda item: item.state.reason,
    "attempt": lambda item: item.state.attempt,
    "next_try": lambda item: _time(item.state.next_try),
    "mode": lambda item: item.run.mode,
    "start": lambda item: _time(item.run.start),
    "end": lambda item: _time(item.run.end),
    "tags": lambda item: ", ".join(sorted(item.run.tags)),
}


def run_list(items: Iterable[Item], chosen: Iterable[Item], only_counted: Mapping[State, int]) -> str:
    """Return the run list: one row for each item.

    Parameters
    ----------
    items
        The selected runs that are not done, in the order of the rows.
    chosen
        Those that the tick takes.
    only_counted
        Number of more runs by state; each state has one row, after the others.
    """
    taken = {item.key for item in chosen}
    out = io.StringIO()
    table = csv.DictWriter(out, _COLUMNS, restval="", dialect="excel-tab", lineterminator="\n")
    table.writeheader()
    for item in items:
        row = {heading: _one_line(str(value(item))) for heading, value in _COLUMNS.items()}
        table.writerow({**row, "reason": row["reason"] + _what_the_tick_did(item, taken=item.key in taken)})
    for state, number in only_counted.items():
        if number:
            then = "xom status --waiting --run lists them" if state in WAITINGS else "a later tick takes them"
            more = f"{number} more runs between these, {then}"
            table.writerow({"run": "...", "state": state, "reason": more})
    return out.getvalue()


def _what_the_tick_did(item: Item, taken: bool) -> str:
    if taken:
        return "; taken by this tick"
    return "; this tick is full, a later one takes it" if item.state.due else ""


def _time(value: datetime | None) -> str:
    return times.text(value) if value else ""


def _one_line(value: str) -> str:
    """Return a text from a run document as one printable line."""
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else " " for letter in value)

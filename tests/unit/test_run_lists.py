"""The run list that a tick leaves for people."""

from __future__ import annotations

import csv
from datetime import timedelta

from support.factory import NOW, key_of, run
from xomflow.core.state import State
from xomflow.planning.decide import KeyState
from xomflow.planning.items import Item
from xomflow.workflow.run_lists import run_list


def item(number: int, state: KeyState) -> Item:
    return Item(key_of(number), run(number), state, ())


READY, TAKEN = (item(number, KeyState(State.READY, "due")) for number in (7, 8))
FAILED = item(9, KeyState(State.FAILED, "raised\tat 1", 2, NOW + timedelta(hours=1)))


def rows(*items: Item, **numbers: int) -> list[dict[str, str]]:
    text = run_list(items, [TAKEN], {State[name]: number for name, number in numbers.items()})
    return list(csv.DictReader(text.splitlines(), dialect="excel-tab"))


def test_the_reason_has_what_the_tick_did() -> None:
    assert [row["reason"] for row in rows(READY, TAKEN)] == [
        "due; this tick is full, a later one takes it",
        "due; taken by this tick",
    ]


def test_every_value_is_one_line_of_text() -> None:
    (row,) = rows(FAILED)
    assert (row["reason"], row["attempt"], row["next_try"]) == ("raised at 1", "2", "2026-11-22T13:00:00Z")


def test_runs_that_are_only_counted_have_one_row_of_each_state() -> None:
    counted = rows(WAITING=3, READY=2, STALE=0)
    assert [(row["run"], row["state"], row["attempt"]) for row in counted] == [
        ("...", "waiting", ""),
        ("...", "ready", ""),
    ]
    assert [row["reason"].partition(", ")[::2] for row in counted] == [
        ("3 more runs between these", "xom status --waiting --run lists them"),
        ("2 more runs between these", "a later tick takes them"),
    ]

"""What a tick takes of backfills, and what they are expected to cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.factory import keep, key_of, outcome, run, settings
from xomflow.core.key import Key, run_id
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Backfill, backfilled, backfills
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.past.expected_times import Cost, expected_cost
from xomflow.planning.choose import choose
from xomflow.planning.decide import KeyState
from xomflow.planning.items import Item
from xomflow.planning.queue.backfills import take_of_backfills
from xomflow.workflow.decisions.backfill import describe_cost, describe_progress

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
READY = KeyState(State.READY, "ready", 1)


def item(number: int, backfill: str, at_once: int, analysis: str = "kr83m") -> Item:
    key = Key(analysis, "v1", run_id(number))
    made = run(number)
    return Item(key, made, READY, (), True, Backfill(backfill, at_once, 0, Reason("kim: a test")))


def decision(name: str, *runs: str, analysis: str = "kr83m", verb: Verb = Verb.BACKFILL) -> Decision:
    return Decision(verb, Subject(analysis, "v1", runs, most=5, nice=7), "kim", NOW, "a test", name=name)


@given(
    ready=st.lists(
        st.tuples(st.integers(1, 99), st.sampled_from("ab"), st.sampled_from(["kr83m", "rate"])), unique=True
    ),
    at_once=st.fixed_dictionaries({"a": st.integers(1, 9), "b": st.integers(1, 9)}),
    running=st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.integers(0, 9)}),
    room=st.integers(0, 20),
    room_of=st.dictionaries(st.just("rate"), st.integers(0, 5)),
)
def test_all_bounds_hold_and_nothing_is_left_that_they_allow(ready, at_once, running, room, room_of) -> None:
    items = [item(number, name, at_once[name], analysis) for number, name, analysis in ready]
    taken = take_of_backfills(items, running, room, room_of)
    assert taken == [one for one in items if one in taken]  # in their order
    of = {name: sum(one.backfill.name == name for one in taken) for name in "ab"}
    rates = sum(one.key.analysis == "rate" for one in taken)
    assert len(taken) <= room
    assert all(not of[name] or of[name] + running[name] <= at_once[name] for name in "ab")
    assert rates <= room_of.get("rate", 99)
    for one in items:
        if one not in taken:
            name = one.backfill.name
            full = len(taken) == room or of[name] + running[name] >= at_once[name]
            assert full or (one.key.analysis == "rate" and rates == room_of.get("rate"))


def test_a_tick_takes_runs_of_backfills_after_all_others_within_what_these_leave(tmp_path: Path) -> None:
    waits, runs = KeyState(State.WAITING, "no data", 1), KeyState(State.RUNNING, "it runs", 1)
    listed = [
        replace(item(7, "b", 9), state=waits),
        replace(item(6, "", 9), backfill=None, is_old=False),
        item(5, "a", 2),
        replace(item(3, "a", 2), state=runs),
        item(2, "a", 2),
        item(1, "b", 9),
    ]
    of_another_version = key_of(52001, version="v0")
    unbound = [item(4, "b", 9, "rate")]

    def chosen(max_running: int) -> list[int]:
        analyses = {"kr83m": {"version": "v1", "max_running": max_running}, "rate": {"version": "v1"}}
        in_progress: Any = SimpleNamespace(working=lambda: frozenset({of_another_version}))
        found, counted = {"kr83m": listed, "rate": unbound}, {"kr83m": Counter[State](), "rate": Counter[State]()}
        taken, left = choose(found, counted, settings(tmp_path, analyses=analyses, max_running=50), in_progress)
        assert left == []
        return [one.run.number for one in taken]

    assert chosen(50) == [6, 5, 1, 4], "of the first backfill one run is at work, and two may be"
    assert [chosen(most) for most in (5, 4, 3)] == [[6, 5, 1, 4], [6, 5, 4], [6, 4]], "two are at work"


def test_a_key_in_two_backfills_is_in_the_first_one() -> None:
    made = [
        decision("one", "052001", "052801-0bea"),
        decision("two", "052001", "052002"),
        decision("no", verb=Verb.RETRY),
    ]
    found = backfills(made)
    assert {key.run: one.name for key, one in found.items()} == {"052001": "one", "052801-0bea": "one", "052002": "two"}
    assert (found[key_of(52001)].at_once, found[key_of(52001)].nice) == (5, 7)
    assert backfilled(made, "kr83m", "v1") == {52001, 52002}
    assert backfilled(made, "kr83m", "v2") == backfilled(made, "rate", "v1") == frozenset()


def test_the_cost_is_the_median_of_what_outcomes_say(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert expected_cost(paths, "kr83m", "v1") is None
    for number, (wall, cpu) in enumerate([(10.0, 8.0), (30.0, None), (20.0, 40.0)], start=52001):
        used = {"wall_s": wall, "cpu_s": cpu, "peak_memory_mb": None}
        keep(paths, outcome(key_of(number), resources=used))
    assert expected_cost(paths, "kr83m", "v1") == Cost(20.0, 30.0, 3)


def test_an_estimate_is_bound_by_the_ticks_where_runs_are_short() -> None:
    short, long = Cost(36.0, 72.0, 15), Cost(7200.0, 3600.0, 4)
    words = "about 10.0 h with a tick every 1.0 h, and 2.0 core hours: a run takes 36 s and 72 s of CPU time"
    assert describe_cost("kr83m v1", 100, 10, 3600.0, short).startswith(words)
    assert describe_cost("kr83m v1", 100, 10, 600.0, long).startswith(
        "about 20.0 h with a tick every 10 min, and 100.0 core"
    )
    assert describe_cost("kr83m v1", 1, 10, 600.0, None) == (
        "no run of kr83m v1 is done yet, so it is unknown how long this takes"
    )


def test_progress_has_an_estimate_as_soon_as_a_run_is_done(tmp_path: Path) -> None:
    made = [decision("one", "052001", "052002", "052003"), decision("no", verb=Verb.RETRY), decision("over", "052004")]
    left = {"one": Counter({State.READY: 2}), "over": Counter[State]()}
    survey: Any = SimpleNamespace(standing=SimpleNamespace(made=made), backfills=left)
    config = settings(tmp_path)
    assert list(describe_progress(config, survey)) == [
        "backfill of kr83m v1 by kim: 0 of 3 runs done, 2 ready, 1 not selected any more"
    ]
    keep(Paths(tmp_path), outcome(key_of(52003), resources={"wall_s": 7200.0, "cpu_s": 1.0, "peak_memory_mb": None}))
    assert list(describe_progress(config, survey)) == [
        "backfill of kr83m v1 by kim: 1 of 3 runs done, 2 ready; about 2.0 h more"
    ]
    states = dict.fromkeys((State.READY, State.RUNNING, State.FAILED), 2)
    made[0], left["one"] = decision("one", *(f"{number:06d}" for number in range(52001, 52007))), Counter(states)
    (sentence,) = describe_progress(config, survey)
    assert sentence.endswith("; about 4.0 h more"), "five at a time"

"""The kept states of a judge, and which results it has seen: what judging goes on from after a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xomflow.core.key import run_id
from xomflow.core.verdicts import Kind
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.versions.seen import Seen
from xomflow.expected.versions.states import EVERY, Reached, States
from xomflow.outcomes.cache import Shelf

SETTINGS = Settings()
KR83M = [Shelf("kr83m", "v1", name) for name in ("052", "053")]


def reached(runs: int) -> Reached:
    return Reached(run_id(52_900 + runs), runs)


def keep(states: States, *runs: int) -> None:
    for number in runs:
        states.keep(Judge(SETTINGS), reached(number), is_newest=False)


def kept(folder: Path) -> list[int]:
    return sorted(int(file.stem) for file in folder.glob("*.json") if file.stem != "newest")


def found(states: States, run: int) -> Reached | None:
    one = states.before(run_id(52_900 + run), SETTINGS)
    return one and one[1]


def test_a_kept_event_may_have_the_number_of_the_run_that_noticed_it() -> None:
    event = Event(Kind.STEP, "rate", 1, "052001", "", "052004", "", 10.0, 12.0, 6.0, 4, 4)
    assert Event.from_json([*event[:7], 4, *event[7:]]) == Event.from_json(event) == event


def test_judging_goes_on_from_the_newest_state_before_a_run(tmp_path: Path) -> None:
    states = States(tmp_path)
    keep(states, 50, 100, 150)
    assert found(states, 151) == reached(150)
    assert found(states, 150) == reached(100)
    assert found(states, 50) is None


def test_the_newest_state_is_none_of_the_older_ones(tmp_path: Path) -> None:
    states = States(tmp_path)
    states.keep(Judge(SETTINGS), reached(70), is_newest=True)
    newest = states.newest(SETTINGS)
    assert newest is not None and newest[1] == reached(70)
    assert found(states, 80) is None


def test_of_old_states_one_in_twenty_is_kept(tmp_path: Path) -> None:
    states = States(tmp_path)
    keep(states, *range(EVERY, 2500, EVERY))
    assert kept(tmp_path) == [1000, 2000, 2300, 2350, 2400, 2450]


def test_states_of_later_runs_are_forgotten(tmp_path: Path) -> None:
    states = States(tmp_path)
    keep(states, 50, 100, 150)
    states.forget_after(reached(100))
    assert kept(tmp_path) == [50, 100]


@pytest.mark.parametrize("content", ["", '["052950", 50, {"all"', '["052950", 50, {"all": 3}]', "[]", '["052950", 50]'])
def test_a_damaged_state_is_passed_over(tmp_path: Path, content: str) -> None:
    states = States(tmp_path)
    keep(states, 50, 100)
    (tmp_path / "100.json").write_text(content)
    assert found(states, 150) == reached(50)


class Results:
    """Results in memory: a stamp by run."""

    def __init__(self, **of: int) -> None:
        self.of = {name.removeprefix("r"): stamp for name, stamp in of.items()}
        self.looks = 0
        self.is_visible = True

    def fingerprint(self, shelf: Shelf) -> str:
        return json.dumps([one for one in self.of.items() if one[0].startswith(shelf.name)]) if self.is_visible else ""

    def stamps(self, shelf: Shelf) -> dict[str, int]:
        self.looks += 1
        return {run: stamp for run, stamp in sorted(self.of.items()) if run.startswith(shelf.name)}


def seen(folder: Path, history: Results, before: Seen | None = None) -> Seen:
    return Seen(folder, history, before.fingerprints if before else {})  # type: ignore[arg-type]


@pytest.fixture
def history() -> Results:
    return Results(r052998=1, r052999=1, r053001=1)


@pytest.fixture
def noted(tmp_path: Path, history: Results) -> Seen:
    """The results of the history, noted by an earlier tick."""
    one = seen(tmp_path, history)
    one.note(one.changes(KR83M), KR83M)
    return one


def changed(one: Seen, shelves: list[Shelf] = KR83M) -> dict[str, set[str]]:
    return {name: change.runs for name, change in one.changes(shelves).items()}


def test_what_came_changed_and_went_is_new_until_it_is_noted(tmp_path: Path, history: Results, noted: Seen) -> None:
    history.of |= {"052997": 1, "052998": 2}
    del history.of["052999"]
    one = seen(tmp_path, history, noted)
    assert changed(one) == {"052": {"052997", "052998", "052999"}}
    assert one.note(one.changes(KR83M), KR83M) == set()
    again = seen(tmp_path, history, one)
    assert changed(again) == {}
    assert again.runs("052") == {"052997": 1, "052998": 2}


def test_a_shelf_whose_fingerprint_is_the_same_costs_no_look(tmp_path: Path, history: Results, noted: Seen) -> None:
    history.looks = 0
    assert changed(seen(tmp_path, history, noted)) == {}
    assert history.looks == 0


def test_a_shelf_that_is_gone_takes_its_runs_with_it(tmp_path: Path, history: Results, noted: Seen) -> None:
    one = seen(tmp_path, history, noted)
    assert changed(one, KR83M[:1]) == {"053": {"053001"}}
    assert one.note(one.changes(KR83M[:1]), KR83M[:1]) == {"053"}
    assert one.runs("053") == {}
    assert changed(seen(tmp_path, history, one), KR83M[:1]) == {}


def test_a_change_is_seen_where_no_fingerprint_can_be_had(tmp_path: Path, history: Results, noted: Seen) -> None:
    history.is_visible = False
    assert changed(seen(tmp_path, history, noted)) == {}
    for stamp in (5, 6):
        history.of["052998"] = stamp
        one = seen(tmp_path, history, noted)
        assert changed(one) == {"052": {"052998"}}
        one.note(one.changes(KR83M), KR83M)
        noted = one


def test_runs_after_one_come_in_order_by_shelf(noted: Seen) -> None:
    assert [(shelf.name, runs) for shelf, runs in noted.after(KR83M, "")] == [
        ("052", ["052998", "052999"]),
        ("053", ["053001"]),
    ]
    assert [runs for _, runs in noted.after(KR83M, "052998")] == [["052999"], ["053001"]]
    assert [runs for _, runs in noted.after(KR83M, "053000")] == [["053001"]]


def test_the_newest_runs_come_in_order_from_as_many_shelves_as_are_needed(noted: Seen) -> None:
    assert noted.newest(KR83M, 1) == ["053001"]
    assert noted.newest(KR83M, 2) == ["052999", "053001"]
    assert noted.newest(KR83M, 9) == ["052998", "052999", "053001"]

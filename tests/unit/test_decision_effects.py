"""What stands, and what follows from it for runs and analyses, in whatever order decisions were made and taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from xomflow.core.key import Key
from xomflow.core.reason import Reason
from xomflow.decisions.effects import Grant, drained, grants, held_back, vetoes
from xomflow.decisions.model import Decision, Subject, Verb, standing, to_redo

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def decided(name: str, what: Verb, subject: Subject, until: datetime | None = None) -> Decision:
    return Decision(what, subject, "kim", NOW, "a valve", until, name)


VETO_ALL = decided("veto-all", Verb.VETO, Subject(runs=("052001", "052002")))
VETO_KR = decided("veto-kr", Verb.VETO, Subject("kr", runs=("052003",)), until=NOW + HOUR)
RETRY = decided("retry", Verb.RETRY, Subject("kr", "v1", ("052004", "052005"), attempts=(4, 2), most=3))
REDO = decided("redo", Verb.REDO, Subject("kr", "v1", ("052006", "052007"), ("x", "y")))
PAUSE = decided("pause", Verb.PAUSE, Subject("kr"), until=NOW + HOUR)
DRAIN = decided("drain", Verb.DRAIN, Subject())


def take_back(*names: str, runs: tuple[str, ...] = ()) -> Decision:
    return Decision(
        Verb.WITHDRAW, Subject(runs=runs, decisions=names), "lee", NOW, "mended", name=f"back {names} {runs}"
    )


def test_a_veto_is_about_runs_of_one_analysis_or_of_all_until_it_ends() -> None:
    made = standing([VETO_KR, VETO_ALL], NOW)
    words = Reason("vetoed by kim: a valve")
    assert vetoes(made, "kr") == dict.fromkeys([52001, 52002, 52003], words)
    assert vetoes(made, "other") == dict.fromkeys([52001, 52002], words)
    assert vetoes(standing([VETO_KR, VETO_ALL], NOW + HOUR), "kr").keys() == {52001, 52002}


def test_what_is_taken_back_for_some_runs_stands_for_the_others() -> None:
    made = [VETO_ALL, RETRY, REDO, take_back("veto-all", "retry", "redo", runs=("052001", "052004", "052006"))]
    stand = standing(made, NOW)
    assert vetoes(stand, "kr").keys() == {52002}
    assert grants(stand) == {Key("kr", "v1", "052005"): (Grant(2, 3, Reason("kim: a valve")),)}
    assert to_redo(stand) == {Key("kr", "v1", "052007"): {"y"}}
    assert (
        standing([VETO_ALL, take_back("veto-all", runs=("052001",)), take_back("veto-all", runs=("052002",))], NOW)
        == ()
    )


def test_a_paused_analysis_and_a_drained_site_are_held_back_with_the_reason() -> None:
    assert held_back(standing([PAUSE], NOW), "other") is None
    assert held_back(standing([PAUSE], NOW), "kr") == "kr is paused until 2026-11-28T13:00:00Z by kim: a valve"
    assert held_back(standing([PAUSE], NOW + HOUR), "kr") is None
    assert held_back(standing([DRAIN], NOW), "kr") == "the site is drained by kim: a valve"
    assert (drained(standing([DRAIN], NOW)), drained(standing([DRAIN, take_back("drain")], NOW))) == (DRAIN, None)


def test_a_grant_covers_the_attempts_after_the_one_that_it_names() -> None:
    grant = Grant(4, 3, Reason("kim: a valve"))
    assert [attempt for attempt in range(1, 10) if grant.covers(attempt)] == [5, 6, 7]
    assert [attempt for attempt in range(1, 10) if grant.wants_now(attempt)] == [5]


ALL = [
    VETO_ALL,
    VETO_KR,
    RETRY,
    REDO,
    PAUSE,
    DRAIN,
    take_back("veto-all", runs=("052001",)),
    take_back("drain", "redo"),
]


@given(st.permutations(ALL))
def test_the_order_in_which_files_are_found_changes_nothing(made: list[Decision]) -> None:
    stand = standing(made, NOW)
    assert vetoes(stand, "kr").keys() == {52002, 52003}
    assert (to_redo(stand), drained(stand), len(grants(stand)), held_back(stand, "kr") is None) == ({}, None, 2, False)


def test_a_decision_in_a_file_is_the_same_again() -> None:
    assert [Decision.from_json(json.loads(json.dumps(one.to_json())), one.name) for one in ALL] == ALL

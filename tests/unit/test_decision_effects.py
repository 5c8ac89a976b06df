"""What stands, and what follows from it for runs and analyses, in whatever order decisions were made and taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomflow.core.key import Key
from xomflow.core.reason import Reason
from xomflow.decisions.effects import (
    Backfill,
    Grant,
    backfilled,
    backfills,
    drained,
    grants,
    held_back,
    promoted,
    redo_words,
    vetoes,
)
from xomflow.decisions.model import Decision, Subject, Verb, accepted, standing, to_redo

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


def effects(*made: Decision) -> dict[str, Any]:
    """All that follows from decisions for version v1 of kr, as far as anything does."""
    stand = standing(made, NOW)
    found = {
        "backfills": backfills(stand),
        "backfilled": backfilled(stand, "kr", "v1"),
        "promoted": promoted(stand),
        "vetoes": vetoes(stand, "kr"),
        "grants": grants(stand),
        "redo words": redo_words(stand),
        "to redo": to_redo(stand),
        "held back": held_back(stand, "kr"),
        "drained": drained(stand),
        "accepted": accepted(stand, "kr", "v1"),
    }
    return {name: one for name, one in found.items() if one}


WORDS = Reason("kim: a valve")
# Only the first of the two has a number of an attempt and a digest.
FULL = Subject("kr", "v1", ("052001", "052801-0bea"), ("x",), ("other",), (4,), 5, 7, "light", ("alarm",))
FIRST, GROUP = Key("kr", "v1", "052001"), Key("kr", "v1", "052801-0bea")
EFFECTS: dict[Verb, dict[str, Any]] = {
    Verb.BACKFILL: {"backfills": dict.fromkeys([FIRST, GROUP], Backfill("one", 5, 7, WORDS)), "backfilled": {52001}},
    Verb.PROMOTE: {"promoted": {("kr", "v1")}},
    Verb.VETO: {"vetoes": dict.fromkeys([52001, 52801], Reason("vetoed by kim: a valve"))},
    Verb.RETRY: {"grants": {FIRST: (Grant(4, 5, WORDS),)}},
    Verb.REDO: {"redo words": dict.fromkeys([FIRST, GROUP], WORDS), "to redo": {FIRST: {"x"}}},
    Verb.DRAIN: {
        "held back": Reason("the site is drained by kim: a valve"),
        "drained": decided("one", Verb.DRAIN, FULL),
    },
    Verb.PAUSE: {"held back": Reason("kr is paused by kim: a valve")},
    Verb.ACCEPT: {"accepted": dict.fromkeys(["052001", "052801-0bea"], NOW)},
}


@pytest.mark.parametrize("verb", Verb)
def test_a_decision_has_the_effects_of_its_verb_and_no_others(verb: Verb) -> None:
    other = decided("other", Verb.PROMOTE, Subject("rate", "v2"))
    found = effects(decided("one", verb, FULL), other)
    promoted_too = {("rate", "v2")} | EFFECTS.get(verb, {}).get("promoted", set())
    # A withdrawal that names runs takes back a decision for these only.
    assert found == {**EFFECTS.get(verb, {}), "promoted": promoted_too}


@pytest.mark.parametrize("verb", [Verb.BACKFILL, Verb.VETO, Verb.RETRY, Verb.REDO, Verb.PAUSE, Verb.ACCEPT])
def test_a_decision_about_another_analysis_or_version_does_nothing_here(verb: Verb) -> None:
    made = effects(decided("one", verb, replace(FULL, analysis="rate")))
    keys = {key.analysis for name in ("backfills", "grants", "redo words", "to redo") for key in made.pop(name, ())}
    assert made == {} and keys <= {"rate"}
    later = effects(decided("one", verb, replace(FULL, version="v2")))
    assert not {"accepted", "backfilled"} & later.keys()


def test_a_change_that_is_accepted_twice_counts_from_the_later_time() -> None:
    made = [replace(decided("", Verb.ACCEPT, FULL), when=NOW - hours * HOUR, name=f"{hours}") for hours in (1, 3, 2)]
    assert accepted(made, "kr", "v1") == dict.fromkeys(FULL.runs, NOW - HOUR)


def test_grants_for_a_key_add_up_and_the_last_wish_to_redo_it_is_told() -> None:
    first, second = (replace(decided(who, Verb.RETRY, FULL), who=who) for who in ("kim", "lee"))
    assert grants([first, second]) == {
        FIRST: (Grant(4, 5, Reason("kim: a valve")), Grant(4, 5, Reason("lee: a valve")))
    }
    again = [replace(one, what=Verb.REDO, subject=replace(FULL, digests=(one.who,))) for one in (first, second)]
    assert (redo_words(again)[GROUP], to_redo(again)) == ("lee: a valve", {FIRST: {"kim", "lee"}})


def test_a_renamed_analysis_keeps_what_was_decided_about_it() -> None:
    assert FULL.renamed("kr", "krypton") == replace(FULL, analysis="krypton")
    assert FULL.renamed("rate", "rates") == FULL
    named = Subject("kr", alarms=("kr-v1-052001", "rate-v1-052001"))
    assert named.renamed("kr", "krypton") == Subject("krypton", alarms=("krypton-v1-052001", "rate-v1-052001"))


def test_a_decision_counts_from_its_moment_on_and_ends_at_the_moment_that_it_names() -> None:
    made = decided("one", Verb.DRAIN, Subject(), until=NOW + HOUR)
    moments = [NOW - timedelta(microseconds=1), NOW, NOW + HOUR - timedelta(microseconds=1), NOW + HOUR]
    assert [bool(standing([made], moment)) for moment in moments] == [False, True, True, False]


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
    assert not Grant(4, 0, Reason("kim: a valve")).wants_now(5)


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

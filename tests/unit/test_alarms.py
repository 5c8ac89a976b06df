"""Alarms: events of one cause together, in words, with what people decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, is_same
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.expected.alarms import Facts, Origin, alarms_of
from xomflow.expected.event import Event

KR = Origin("kr83m", "v1", "all")
RATES = Origin("event_rates", "v2", "all")
FACTS = Facts({("kr83m", "v1", "light_yield_9_4"): "PE/keV"}, {"kr83m": "ann@lab.org"})
STEP = Event(
    kind=Kind.STEP,
    variable="light_yield_9_4",
    number=100,
    run="052894",
    start="2026-11-01T00:00:00Z",
    noticed="052897",
    noticed_at="2026-11-01T03:00:00Z",
    noticed_number=103,
    before=10.24,
    after=9.91,
    sigma=-4.9,
    n=4,
    agree=4,
)


def other(number: int, variable: str, **changed: object) -> Event:
    """Return an event of another variable, a number of runs after the first one."""
    run, hour = f"{52894 + number:06d}", f"{number:02d}"
    late = f"2026-11-{2 + number // 24:02d}T{number % 24:02d}:00:00Z"
    moved = STEP._replace(
        variable=variable, number=100 + number, run=run, start=f"2026-11-01T{int(hour) % 24:02d}:30:00Z",
        noticed=f"{52897 + number:06d}", noticed_at=late, noticed_number=103 + number, sigma=-4.0,
    )  # fmt: skip
    return moved._replace(**changed)  # type: ignore[arg-type]


def decision(what: Verb, **subject: object) -> Decision:
    return Decision(what, Subject(**subject), "ann", datetime(2026, 11, 2, tzinfo=UTC), "new source")  # type: ignore[arg-type]


def alarm(*events: Event, decisions: tuple[Decision, ...] = ()) -> Alarm:
    (one,) = alarms_of({KR: events}, FACTS, decisions)
    return one


def test_the_sentence_of_a_step_answers_what_since_when_how_sure_and_whom_to_ask() -> None:
    others = [other(i % 3, f"v{i}") for i in range(9)]
    assert alarm(STEP, *others).sentence == (
        "light_yield_9_4 fell from 10.24 to 9.91 PE/keV (4.9 sigma, -3.2 %) with run 052894; 4 of the last 4 runs "
        "agree; 9 other variables of kr83m moved too; contact: ann@lab.org"
    )


def test_changes_that_begin_within_four_runs_are_one_alarm_and_later_ones_another() -> None:
    found = alarms_of({KR: [STEP, other(4, "near"), other(5, "far")]}, FACTS, ())
    assert [[one.variable for one in alarm.series] for alarm in found] == [["far"], ["light_yield_9_4", "near"]]


def test_changes_of_two_analyses_with_the_same_run_are_one_alarm() -> None:
    found = alarms_of({KR: [STEP], RATES: [other(0, "rate")._replace(number=7)]}, FACTS, ())
    assert [one.analysis for one in found[0].series] == ["kr83m", "event_rates"] and len(found) == 1
    assert "so did variables of event_rates" in found[0].sentence


def test_the_id_stays_while_more_variables_join() -> None:
    assert alarm(STEP).id == alarm(STEP, other(2, "larger", sigma=-9.0)).id == "kr83m-v1-052894"
    assert alarm(STEP, other(2, "larger", sigma=-9.0)).main.variable == "larger"


def test_a_bad_run_that_turns_out_to_be_a_step_keeps_its_id() -> None:
    bad = STEP._replace(kind=Kind.BAD_RUN, noticed="052894", noticed_at=STEP.start, n=20, agree=8)
    both = alarm(bad, STEP._replace(noticed_number=104))
    assert (both.kind, both.id) == (Kind.STEP, alarm(bad).id)
    assert alarm(bad).sentence.startswith("run 052894 of kr83m is bad: 8 of 20 variables are far from")


def test_a_change_that_goes_on_after_its_level_was_accepted_is_the_same_alarm() -> None:
    over = STEP._replace(ended="2026-11-01T20:00:00Z", ended_number=150, how=HowEnded.UNEXPLAINED)
    again = other(70, STEP.variable, before=9.91, after=9.5)
    assert alarm(over, again).state is AlarmState.OPEN
    assert len(alarms_of({KR: [over, other(70, STEP.variable, before=9.91, after=10.5)]}, FACTS, ())) == 2


def test_an_alarm_ends_with_its_last_event() -> None:
    over = STEP._replace(ended="2026-11-03T20:00:00Z", ended_number=180, how=HowEnded.RETURNED)
    assert alarm(over).state is AlarmState.ENDED and "back to what was expected" in alarm(over).sentence
    assert alarm(over, other(1, "near")).state is AlarmState.OPEN


def test_other_kinds_have_sentences() -> None:
    scatter = STEP._replace(kind=Kind.SCATTER, before=0.1, after=0.21)
    missing = STEP._replace(kind=Kind.MISSING, after=0.02, n=5)
    drift = STEP._replace(kind=Kind.DRIFT)
    assert alarm(scatter).sentence.startswith("light_yield_9_4 scatters 2.1 times as much as before (4.9 sigma)")
    assert "is missing since run 052894, in 5 runs in a row of its analysis; usually 2 of" in alarm(missing).sentence
    assert "drifted from 10.24 to 9.91 PE/keV in 30 days" in alarm(drift).sentence


def test_decisions_change_how_an_alarm_stands_and_give_its_reason() -> None:
    known = alarm(STEP, decisions=(decision(Verb.ACKNOWLEDGE, alarms=("kr83m-v1-052894",)),))
    muted = alarm(STEP, decisions=(decision(Verb.MUTE, analysis="kr83m"),))
    foreign = alarm(STEP, decisions=(decision(Verb.MUTE, analysis="kr83m", variable="resolution"),))
    assert [one.state for one in (known, muted, foreign)] == ["acknowledged", "muted", "open"]
    assert known.reason == "ann: new source" and foreign.reason == ""


def test_an_accepted_change_needs_a_reason_until_it_is_acknowledged() -> None:
    over = STEP._replace(ended="2026-11-01T20:00:00Z", ended_number=150, how=HowEnded.UNEXPLAINED)
    assert alarm(over).needs_reason
    assert not alarm(over, decisions=(decision(Verb.ACKNOWLEDGE, alarms=("kr83m-v1-052894",)),)).needs_reason


def test_an_id_is_the_same_although_late_runs_moved_the_first_one() -> None:
    assert is_same("kr83m-v1-052894", "kr83m-v1-052902")
    assert not is_same("kr83m-v1-052894", "kr83m-v1-052903") and not is_same("kr83m-v1-052894", "gains-v1-052894")
    moved = replace(alarm(STEP), id="kr83m-v1-052890")
    assert is_same(moved.id, alarm(STEP).id)

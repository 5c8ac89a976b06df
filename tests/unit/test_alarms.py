"""Alarms: events of one cause together, in words, with what people decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, SeriesId, is_same
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
        noticed=f"{52897 + number:06d}", noticed_at=late, sigma=-4.0,
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
    both = alarm(bad, STEP)
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


def test_an_alarm_has_all_that_is_known_of_its_main_event() -> None:
    over = other(1, "near", sigma=6.0, ended="2026-11-02T08:00:00Z", how=HowEnded.RETURNED)
    main = SeriesId("kr83m", "v1", "all", "light_yield_9_4")
    expected = Alarm(
        id="kr83m-v1-052894",
        kind=Kind.STEP,
        series=(main,),
        first_run="052894",
        began=STEP.start,
        noticed_run="052897",
        sentence=alarm(STEP).sentence,
        ended=None,
        how_ended=HowEnded.GOES_ON,
        before=10.24,
        after=9.91,
        unit="PE/keV",
        sigma=-4.9,
        relative=(9.91 - 10.24) / 10.24,
        contact="ann@lab.org",
        state=AlarmState.OPEN,
    )
    assert alarm(STEP) == expected
    both = alarm(STEP, over)  # the larger one is the main one, the first one gives the name
    near = SeriesId("kr83m", "v1", "all", "near")
    assert (both.series, both.main, both.unit, both.sigma, both.id) == ((near, main), near, "", 6.0, expected.id)
    assert (both.first_run, both.noticed_run, both.ended, both.state) == ("052895", "052897", None, AlarmState.OPEN)
    ended = alarm(STEP._replace(ended="2026-11-02T05:00:00Z", how=HowEnded.UNEXPLAINED), over)
    assert (ended.ended, ended.how_ended, ended.state) == (over.ended, HowEnded.RETURNED, AlarmState.ENDED)
    missing = alarm(STEP._replace(kind=Kind.MISSING))
    assert (missing.before, missing.after, missing.relative) == (None, None, None)
    bad = alarm(STEP._replace(kind=Kind.BAD_RUN))
    assert (bad.before, bad.after, bad.relative) == (10.24, 9.91, None)


def test_the_series_of_an_alarm_are_those_of_its_main_analysis_first_each_the_larger_change_first() -> None:
    here = [STEP, other(1, "y", sigma=3.0), other(1, "z", sigma=-3.5)]
    there = [other(0, "rate", sigma=-4.5)._replace(number=7)]
    (found,) = alarms_of({RATES: there, KR: here}, FACTS, ())
    assert [one.variable for one in found.series] == ["light_yield_9_4", "z", "y", "rate"]


def test_a_bad_run_that_no_variable_shows_has_no_group() -> None:
    (found,) = alarms_of({KR._replace(group="day"): [STEP._replace(kind=Kind.BAD_RUN, variable="")]}, FACTS, ())
    assert found.sentence == "run 052894 of kr83m is a bad run; contact: ann@lab.org"


def test_alarms_come_the_newest_first() -> None:
    events = [other(number, "x", start=f"2026-11-{2 + number // 24:02d}T00:30:00Z") for number in (50, 150, 100)]
    assert [one.first_run for one in alarms_of({KR: events}, FACTS, ())] == ["053044", "052994", "052944"]


OVER = STEP._replace(ended="2026-11-01T20:00:00Z", ended_number=150, how=HowEnded.UNEXPLAINED)


@pytest.mark.parametrize(
    ("first", "second", "one_cause"),
    [
        (STEP, other(4, "y"), True),
        (STEP, other(5, "y"), False),
        (STEP, other(5, "y")._replace(number=96), True),  # it began before and was noticed later
        (STEP, other(5, "y")._replace(number=95), False),
        (STEP, other(32, STEP.variable, kind=Kind.SCATTER), True),
        (STEP, other(33, STEP.variable, kind=Kind.SCATTER), False),
        (STEP, other(32, STEP.variable, kind=Kind.BAD_RUN), False),
        (STEP._replace(ended="2026-11-02T01:00:00Z"), other(1, "y"), True),  # it ends with the run that shows the other
        (STEP._replace(ended="2026-11-02T00:59:59Z"), other(1, "y"), False),
        (OVER, other(146, STEP.variable), True),  # as many results after the end as count
        (OVER, other(147, STEP.variable), False),
        (OVER._replace(how=HowEnded.RETURNED), other(100, STEP.variable), True),
        (OVER._replace(how=HowEnded.EXPECTED), other(100, STEP.variable), False),
        (OVER, other(100, STEP.variable, after=11.0), False),
        (OVER, other(100, STEP.variable, kind=Kind.DRIFT), False),
        (OVER, other(100, "y"), False),
    ],
)
def test_events_have_one_cause_if_they_begin_together_or_go_on(first: Event, second: Event, one_cause: bool) -> None:
    for events in ([first, second], [second, first]):
        assert len(alarms_of({KR: events}, FACTS, ())) == (1 if one_cause else 2)


@pytest.mark.parametrize(("runs", "one_cause"), [(0, True), (4, True), (-4, True), (5, False), (-5, False)])
def test_events_of_two_analyses_have_one_cause_if_their_runs_are_near(runs: int, one_cause: bool) -> None:
    there = STEP._replace(number=7, run=f"{52894 + runs:06d}")
    assert len(alarms_of({KR: [STEP], RATES: [there]}, FACTS, ())) == (1 if one_cause else 2)


START = "light_yield_9_4"
RUNS = "with run 052894; 4 of the last 4 runs agree"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"after": 10.25}, f"{START} rose from 10.24 to 10.25 PE/keV (4.9 sigma, +0.1 %) {RUNS}"),
        ({"after": 10.24001}, f"{START} rose from 10.24 to 10.24001 PE/keV (4.9 sigma, +0.0 %) {RUNS}"),
        ({"before": 10.2412}, f"{START} fell from 10.24 to 9.91 PE/keV (4.9 sigma, -3.2 %) {RUNS}"),
        ({"after": 10.24}, f"{START} fell from 10.24 to 10.24 PE/keV (4.9 sigma) {RUNS}"),
        ({"before": 0.0, "after": 2.0}, f"{START} rose from 0 to 2 PE/keV (4.9 sigma) {RUNS}"),
        ({"before": 1.0, "after": 10.99}, f"{START} rose from 1 to 10.99 PE/keV (4.9 sigma, +999.0 %) {RUNS}"),
        ({"before": 1.0, "after": 11.0}, f"{START} rose from 1 to 11 PE/keV (4.9 sigma) {RUNS}"),
        ({"before": -2.0, "after": -3.0}, f"{START} fell from -2 to -3 PE/keV (4.9 sigma, -50.0 %) {RUNS}"),
        (
            {"kind": Kind.DRIFT},
            f"{START} drifted from 10.24 to 9.91 PE/keV in 30 days (4.9 sigma, -3.2 %), as seen with run 052894",
        ),
        (
            {"kind": Kind.SCATTER, "before": 0.1, "after": 0.21},
            f"{START} scatters 2.1 times as much as before (4.9 sigma), 0.21 instead of 0.1 PE/keV, since run 052894",
        ),
        (
            {"kind": Kind.SCATTER, "before": 0.0, "after": 0.21},
            f"{START} scatters more than before (4.9 sigma), 0.21 instead of 0 PE/keV, since run 052894",
        ),
        (
            {"kind": Kind.MISSING, "after": 0.02, "n": 5},
            f"{START} is missing since run 052894, in 5 runs in a row of its analysis; usually 2 of 100 runs lack it",
        ),
        (
            {"kind": Kind.BAD_RUN, "n": 20, "agree": 8},
            "run 052894 of kr83m is bad: 8 of 20 variables are far from what was expected, "
            f"most of all {START}, 9.91 instead of 10.24 PE/keV",
        ),
        ({"kind": Kind.BAD_RUN, "variable": ""}, "run 052894 of kr83m is a bad run"),
    ],
)
def test_each_kind_has_its_sentence(changed: dict[str, object], words: str) -> None:
    assert alarm(STEP._replace(**changed)).sentence == f"{words}; contact: ann@lab.org"  # type: ignore[arg-type]


def test_a_sentence_says_what_else_moved_and_how_it_ended() -> None:
    def ends(*events: Event) -> str:
        return alarm(*events).sentence.partition(f"{RUNS}; ")[2].removesuffix("contact: ann@lab.org").rstrip("; ")

    assert ends(STEP, other(1, "y")) == "y of kr83m moved too"
    assert ends(STEP, other(1, "y"), other(1, "z")) == "2 other variables of kr83m moved too"
    over = "2026-11-01T20:00:00Z"
    assert ends(STEP._replace(ended=over, how=HowEnded.RETURNED)) == f"back to what was expected with the run of {over}"
    accepted = f"counts as normal since {over}, and no person gave a reason"
    assert ends(STEP._replace(ended=over, how=HowEnded.UNEXPLAINED)) == accepted
    assert ends(STEP._replace(ended=over, how=HowEnded.EXPECTED)) == "a person expects it"
    assert ends(STEP._replace(ended=over, how=HowEnded.ONE_RUN)) == f"the run of {over} is as usual again"


@pytest.mark.parametrize(
    ("event", "made", "state"),
    [
        (STEP, decision(Verb.MUTE, analysis="kr83m", variable=STEP.variable), AlarmState.MUTED),
        (STEP, decision(Verb.MUTE, analysis="event_rates"), AlarmState.OPEN),
        (STEP, decision(Verb.ACKNOWLEDGE, alarms=("kr83m-v1-052902",)), AlarmState.ACKNOWLEDGED),
        (STEP, decision(Verb.ACKNOWLEDGE, alarms=("kr83m-v1-053902",)), AlarmState.OPEN),
        (STEP, decision(Verb.EXPECT, analysis="kr83m"), AlarmState.OPEN),
        (OVER._replace(how=HowEnded.EXPECTED), decision(Verb.EXPECT, analysis="kr83m"), AlarmState.ENDED),
        (STEP, decision(Verb.BAD_RUN, runs=("052894",)), AlarmState.OPEN),
        (STEP, decision(Verb.EXPECT, analysis="kr83m", variable="resolution"), AlarmState.OPEN),
        (STEP._replace(kind=Kind.BAD_RUN), decision(Verb.BAD_RUN, runs=("052894",)), AlarmState.ENDED),
        (STEP._replace(kind=Kind.BAD_RUN), decision(Verb.BAD_RUN, runs=("052895",)), AlarmState.OPEN),
        (OVER, decision(Verb.MUTE, analysis="kr83m"), AlarmState.ENDED),
        (STEP, decision(Verb.PAUSE, analysis="kr83m"), AlarmState.OPEN),
    ],
)
def test_an_alarm_stands_as_people_decided_about_it(event: Event, made: Decision, state: AlarmState) -> None:
    found = alarm(event, decisions=(decision(Verb.DRAIN), made))
    is_about_it = state is not AlarmState.OPEN
    assert (found.state, found.reason) == (state, "ann: new source" if is_about_it else "")
    newer = replace(decision(Verb.ACKNOWLEDGE, alarms=(found.id,)), why="newer")
    assert alarm(event, decisions=(made, newer)).reason == "ann: newer"


def test_an_expected_change_of_another_variable_is_no_reason() -> None:
    expected = OVER._replace(how=HowEnded.EXPECTED)
    for subject in ({"analysis": "kr83m", "variable": "resolution"}, {"analysis": "event_rates"}):
        assert alarm(expected, decisions=(decision(Verb.EXPECT, **subject),)).reason == ""


def test_an_alarm_of_several_variables_is_muted_only_if_all_are() -> None:
    of_one, of_all = decision(Verb.MUTE, analysis="kr83m", variable="y"), decision(Verb.MUTE, analysis="kr83m")
    assert [alarm(STEP, other(1, "y"), decisions=(one,)).state for one in (of_one, of_all)] == ["open", "muted"]
    expected = OVER._replace(ended="2026-11-02T05:00:00Z", how=HowEnded.EXPECTED)
    near = other(1, "y", ended=expected.ended, how=HowEnded.EXPECTED)
    made = decision(Verb.EXPECT, analysis="kr83m", variable="y")
    assert alarm(expected, near, decisions=(made,)).reason == "ann: new source"


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

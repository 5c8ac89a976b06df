"""What is news for a recipient: each matter when it begins and ends, nothing old, nothing twice, nothing lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import NOW
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, SeriesId
from xomflow.core.verdicts import Kind as AlarmKind
from xomflow.notify.letter import Letter, letter_about
from xomflow.notify.matter import Kind, Matter, of_alarms, of_end, of_given_up, of_persons, of_troubles
from xomflow.notify.news import Known, News, news_for

EVERY = timedelta(minutes=10)
ALL = set(Kind)
NEW = "light_yield fell [kr83m-v1-052894]"


def told_in(
    ticks: Iterable[Iterable[Matter]], fails: Sequence[int] = ()
) -> list[tuple[list[str], list[str], list[str]]]:
    """What ticks ten minutes apart tell as new, as lasting and as over; the messages of some do not arrive."""
    known: dict[str, Known] = {}
    found = []
    for place, matters in enumerate(ticks):
        news = news_for(known, list(matters), ALL, NOW + place * EVERY)
        known = dict(news.seen if place in fails else news.told)
        # As a file keeps it.
        known = {name: Known.from_json(one.to_json()) for name, one in known.items()}
        found.append(([one.sentence for one in news.begun], [one.sentence for one in news.lasting], list(news.ended)))
    return found


def alarm(**changes: object) -> Alarm:
    began = times.text(NOW - timedelta(hours=2))
    series = (SeriesId("kr83m", "v1", "all", "light_yield"),)
    made = Alarm("kr83m-v1-052894", AlarmKind.STEP, series, "052894", began, "052897", "light_yield fell")
    return replace(made, **changes)  # type: ignore[arg-type]


def matters_of(*alarms: Alarm) -> list[Matter]:
    return of_alarms(alarms, lambda one: times.moment(one.began))


def suspended(text: str = "analyses.kr83m is suspended") -> list[Matter]:
    return of_persons([text], NOW)


def test_an_alarm_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    open_, over = matters_of(alarm()), matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    found = told_in([open_, open_, over, over])
    assert found == [([NEW], [], []), ([], [], []), ([], [], [NEW]), ([], [], [])]


def test_an_alarm_does_not_remind() -> None:
    assert sum(bool(any(one)) for one in told_in([matters_of(alarm())] * 400)) == 1


def test_an_alarm_of_one_bad_run_is_told_once_as_new() -> None:
    one = matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.ONE_RUN))
    assert told_in([one, one]) == [([NEW], [], []), ([], [], [])]


def test_an_alarm_that_came_and_went_between_two_ticks_is_told_once() -> None:
    over = matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.EXPECTED, reason="jane: source replaced"))
    first, second = told_in([over, over])
    assert first == ([], [], ["light_yield fell (jane: source replaced) [kr83m-v1-052894]"])
    assert not any(second)


def test_nothing_is_told_about_what_changed_more_than_two_days_ago() -> None:
    old = times.text(NOW - timedelta(days=2, minutes=1))
    assert not any(told_in([matters_of(alarm(began=old))])[0])
    assert not any(told_in([matters_of(alarm(began=old, ended=old, how_ended=HowEnded.RETURNED))])[0])
    assert any(told_in([matters_of(alarm(began=times.text(NOW - timedelta(days=1, hours=23))))])[0])


def test_the_end_of_an_alarm_that_began_long_ago_is_news() -> None:
    old = times.text(NOW - timedelta(days=9))
    over = matters_of(alarm(began=old, ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    assert told_in([over]) == [([], [], [NEW])]


def test_what_changed_two_days_ago_to_the_second_is_news_still() -> None:
    edge = times.text(NOW - timedelta(days=2))
    assert any(told_in([matters_of(alarm(began=edge))])[0])
    assert any(told_in([matters_of(alarm(began=edge, ended=edge, how_ended=HowEnded.RETURNED))])[0])


def test_what_was_told_and_is_not_looked_at_is_forgotten_after_ninety_days() -> None:
    told = news_for({}, suspended(), ALL, NOW).told
    days = [timedelta(days=90) - timedelta(seconds=1), timedelta(days=90)]
    assert [bool(news_for(told, [], set(), NOW + later).told) for later in days] == [True, False]
    seen = news_for({}, suspended(), ALL, NOW).seen
    assert news_for(seen, [], set(), NOW + timedelta(days=900)).told == seen


def test_a_clock_that_was_set_back_reminds_at_once() -> None:
    told = news_for({}, suspended(), ALL, NOW).told
    assert not news_for(told, suspended(), ALL, NOW)
    again = news_for(told, suspended(), ALL, NOW - timedelta(seconds=1))
    assert again and again.lasting


def test_a_mute_of_an_alarm_that_was_away_brings_it_back() -> None:
    told = news_for({}, matters_of(alarm()), ALL, NOW).told
    away = news_for(told, [], ALL, NOW + EVERY).told
    muted = news_for(away, matters_of(alarm(state=AlarmState.MUTED)), ALL, NOW + 2 * EVERY).told
    assert [one.gone for known in (told, away, muted) for one in known.values()] == [None, NOW + EVERY, None]


def test_what_could_not_be_told_is_not_told_while_it_is_muted() -> None:
    muted = matters_of(alarm(state=AlarmState.MUTED))
    assert [any(one) for one in told_in([matters_of(alarm()), muted, matters_of(alarm())], fails=[0])] == [
        *(True, False, True),
    ]


def test_an_alarm_that_is_known_keeps_its_name_beside_one_that_is_away() -> None:
    both = matters_of(alarm(), alarm(id="kr83m-v1-052891", first_run="052891"))
    told = news_for({}, both, ALL, NOW).told
    later = news_for(told, both[:1], ALL, NOW + EVERY).told
    assert {name: one.gone for name, one in later.items()} == {
        "alarm kr83m-v1-052894": None,
        "alarm kr83m-v1-052891": NOW + EVERY,
    }


def test_runs_that_are_tried_again_are_over_without_a_word() -> None:
    told = news_for({}, given_up(52801), ALL, NOW).told
    news = news_for(told, [], ALL, NOW + EVERY)
    assert (bool(news), news.told, news.seen) == (False, {}, {})


def test_what_could_not_be_told_in_time_is_told_later() -> None:
    found = told_in([matters_of(alarm())] * 500, fails=range(499))
    assert all(one[0] == [NEW] for one in found)


def test_an_alarm_that_is_forgotten_does_not_come_back() -> None:
    open_, over = matters_of(alarm()), matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    found = told_in([open_, *[over] * 600, *[[]] * 300])
    assert sum(map(any, found)) == 2
    told = news_for(news_for({}, open_, ALL, NOW).told, over, ALL, NOW + EVERY).told
    assert news_for(told, over, ALL, NOW + timedelta(days=3)).told == {}


def test_an_alarm_that_is_over_and_gone_is_not_told_again() -> None:
    open_, over = matters_of(alarm()), matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    assert not any(map(any, told_in([open_, over, *[[]] * 300])[2:]))


def test_another_sentence_of_an_alarm_does_not_remind() -> None:
    other = matters_of(alarm(sentence="light_yield fell by more"))
    assert not any(map(any, told_in([matters_of(alarm()), *[other] * 300])[1:]))


def test_an_alarm_takes_the_name_of_no_other() -> None:
    first, close = alarm(), alarm(id="kr83m-v1-052891", sentence="drift fell")
    other = alarm(id="daq_rate-v1-052894", sentence="rate fell")
    for now, told in ([other], "rate fell [daq_rate-v1-052894]"), ([first, close], "drift fell [kr83m-v1-052891]"):
        assert told_in([matters_of(first), matters_of(*now)])[1][0] == [told]
    jobs = [Matter(Kind.PERSON, f"job-{number}", f"job {number} is held", NOW) for number in (1, 2)]
    assert told_in([jobs[:1], jobs[1:]])[1] == (["job 2 is held"], [], ["job 1 is held"])


def test_an_alarm_whose_first_run_moved_by_late_data_is_the_same() -> None:
    moved = matters_of(alarm(id="kr83m-v1-052891", first_run="052891"))
    other = matters_of(alarm(id="kr83m-v2-052894"), alarm())
    found = told_in([matters_of(alarm()), moved, moved, other])
    assert [one[0] for one in found] == [[NEW], [], [], ["light_yield fell [kr83m-v2-052894]"]]


def test_an_alarm_that_goes_on_after_all_is_new_again() -> None:
    open_, over = matters_of(alarm()), matters_of(alarm(ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    assert [tuple(map(bool, one)) for one in told_in([open_, over, open_, open_, over])] == [
        *((True, False, False), (False, False, True), (True, False, False)),
        *((False, False, False), (False, False, True)),
    ]


def test_an_alarm_that_was_none_is_told_only_if_it_stays_away() -> None:
    there = matters_of(alarm())
    found = told_in([there, *[[]] * 100, there, *[[]] * 200])
    news = [(place, one) for place, one in enumerate(found) if any(one)]
    gone = f"no alarm any more by what is known now: {NEW}"
    assert news == [(0, ([NEW], [], [])), (102 + 144, ([], [], [gone]))]


def test_while_an_alarm_is_muted_nothing_is_told_about_it() -> None:
    open_, muted = matters_of(alarm()), matters_of(alarm(state=AlarmState.MUTED))
    over = matters_of(alarm(state=AlarmState.ENDED, ended=times.text(NOW), how_ended=HowEnded.RETURNED))
    assert not any(map(any, told_in([muted] * 300)))
    found = told_in([open_, *[muted] * 200, over])
    assert [(place, one) for place, one in enumerate(found) if any(one)] == [
        (0, ([NEW], [], [])),
        (201, ([], [], [NEW])),
    ]


def test_a_suspension_is_told_when_it_begins_and_ends_and_once_a_day() -> None:
    found = told_in([[], *[suspended()] * 300, [], []])
    news = [(place, one) for place, one in enumerate(found) if any(one)]
    sentence = "analyses.kr83m is suspended"
    assert news == [
        *((1, ([sentence], [], [])), (145, ([], [sentence], [])), (289, ([], [sentence], []))),
        (301, ([], [], [sentence])),
    ]


def test_another_number_in_a_sentence_is_no_news_but_another_name_is() -> None:
    assert sum(any(one) for one in told_in([suspended("7 jobs are held"), suspended("9 jobs are held")])) == 1
    assert told_in([suspended("kr83m waits"), [*suspended("kr83m waits"), *suspended("kr84m waits")]])[1][0]


def test_a_trouble_that_passes_by_itself_is_not_told() -> None:
    away = of_troubles(["the store is away"], NOW)
    assert not any(any(one) for one in told_in([away, [], away, []]))
    assert [bool(one[0]) for one in told_in([away, away, away])] == [False, True, False]


def test_what_was_not_looked_at_does_not_end() -> None:
    known = news_for({}, suspended(), ALL, NOW).told
    news = news_for(known, [], {Kind.TROUBLE}, NOW + EVERY)
    assert not news and news.told == known
    assert news_for(known, [], ALL, NOW + EVERY).ended


def given_up(*runs: int, hours: float = 1) -> list[Matter]:
    ended = NOW - timedelta(hours=hours)
    listed = [
        ListedKey(Key("kr83m", "v1", f"{run:06}"), State.GAVE_UP, f"raised: no peak in run {run}", since=ended)
        for run in runs
    ]
    return of_given_up(listed, {"kr83m": "Jane <jane@example.org>"}, NOW)


def test_runs_without_results_are_one_line_and_more_of_them_are_told_once_a_day() -> None:
    one, two = given_up(52801), given_up(52801, 52802)
    found = told_in([one, two, *[two] * 200])
    news = [(place, told) for place, told in enumerate(found) if any(told)]
    asked = "; contact: Jane <jane@example.org>"
    assert news == [
        (0, ([f"kr83m gave up on run 052801: raised: no peak in run 52801{asked}"], [], [])),
        (
            144,
            ([], [f"kr83m gave up on 2 runs, the newest is 052802: raised: no peak in run 52802{asked}"], []),
        ),
    ]


def test_runs_of_a_backfill_are_no_news() -> None:
    assert not any(told_in([given_up(*range(10_000, 10_100), hours=50)])[0])


def test_the_end_of_a_tick_without_a_sentence_has_one() -> None:
    assert [one.sentence for one in of_end(ExitCode.SLURM, ["slurm: sbatch refuses"], NOW)] == ["slurm: sbatch refuses"]
    assert [one.sentence for one in of_end(ExitCode.SLURM, [], NOW)] == [
        "ticks end with code 5, since Slurm does not answer or refuses jobs: see their last lines"
    ]
    assert not of_end(ExitCode.FAILED_RUNS, [], NOW)


def test_the_newest_end_of_the_runs_decides_whether_they_are_news() -> None:
    both = [*given_up(52801, hours=50), *given_up(52802, hours=1)]
    assert [one.since for one in both] == [NOW - timedelta(hours=50), NOW - timedelta(hours=1)]
    ends = [NOW - timedelta(hours=2), None, NOW - timedelta(hours=3)]
    states = [State.GAVE_UP, State.GAVE_UP, State.GAVE_UP, State.FAILED]
    keys = [
        ListedKey(Key("a", "v1", f"{run:06}"), state, "raised", since=end)
        for run, (state, end) in enumerate(zip(states, [*ends, NOW], strict=True))
    ]
    (one,) = of_given_up(keys, {}, NOW)
    assert (one.since, one.sentence) == (ends[0], "a gave up on 3 runs, the newest is 000002: raised")
    assert of_given_up(keys[1:2], {}, NOW)[0].since == NOW


SITUATIONS = st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.booleans()), max_size=60)


@given(SITUATIONS)
def test_whatever_fails_each_begin_and_end_is_told_exactly_once(ticks: list[tuple[set[str], bool]]) -> None:
    """A recipient who believes the messages has the right picture after each one that arrives."""
    known, believed = dict[str, Known](), set[str]()
    for place, (names, arrives) in enumerate(ticks):
        matters = [one for name in sorted(names) for one in suspended(name)]
        news = news_for(known, matters, ALL, NOW + place * EVERY)
        known = dict(news.told if arrives else news.seen)
        if arrives:
            begun = {one.sentence for one in news.begun}
            assert not begun & believed and set(news.ended) <= believed
            believed = (believed | begun) - set(news.ended)
            assert believed == names


# --- words ------------------------------------------------------------------------------------------------------------
def test_the_title_has_the_first_thing_and_how_many_more() -> None:
    news = News(begun=matters_of(alarm(sentence="light_yield " * 20), alarm()), ended=["b"])
    letter = letter_about(news, None, "The page: here")
    assert "xom acknowledge NAME" in letter.body
    title = letter.title
    assert title.startswith("XOM: light_yield light_yield") and title.endswith("... (and 2 more)")
    assert len(title) < 140


def test_a_message_has_its_parts_and_no_more_lines_than_people_read() -> None:
    news = News(begun=suspended("x") * 50, ended=["it is over"], lasting=suspended("still"))
    lines = letter_about(news, Letter("XOM: the day", "Digest\n- 5 runs"), "The page: here").body.splitlines()
    assert lines.count("- x") == 30 and "- ... and 20 more" in lines
    assert [one for one in lines if one in ("New", "Over", "Still so", "Digest")] == [
        "New",
        "Over",
        "Still so",
        "Digest",
    ]
    assert lines[-1] == "The page: here"


def test_a_message_is_written_like_this() -> None:
    news = News(begun=matters_of(alarm()), ended=["it is\n  over"], lasting=suspended("still"))
    assert letter_about(news, Letter("XOM: the day", "Digest"), "The page: here", maybe_known=True) == Letter(
        "XOM: light_yield fell [kr83m-v1-052894] (and 2 more)",
        "XOM was stopped while it sent its last message: you may know some of this.\n\n"
        "New\n- light_yield fell [kr83m-v1-052894]\n\nOver\n- it is over\n\nStill so\n- still\n\nDigest\n\n"
        'The name in brackets is the alarm\'s: xom acknowledge NAME --why "..."\nThe page: here\n',
    )
    assert letter_about(News(), Letter("XOM: the day", "Digest"), "here") == Letter("XOM: the day", "Digest\n\nhere\n")
    assert letter_about(News(), None, "here") == Letter("XOM", "here\n")
    assert letter_about(News(ended=["x"]), None, "here") == Letter("XOM: over: x", "Over\n- x\n\nhere\n")
    whole = letter_about(News(lasting=suspended("x") * 30), None, "here")
    assert (whole.title, "more" in whole.body) == ("XOM: still: x (and 29 more)", False)
    two = letter_about(News(begun=suspended("x"), ended=["y"]), None, "here")
    assert two.title == "XOM: x (and 1 more)"


def test_a_long_sentence_is_shortened_in_the_title() -> None:
    for number, is_whole in ((55, True), (56, False)):
        title = letter_about(News(begun=suspended(" ".join("x" * number) + "y")), None, "").title
        assert (len(title) == 5 + 110, title.endswith(" ...")) == (is_whole, not is_whole)
    assert letter_about(News(begun=suspended(" ".join("x" * 55) + "yy")), None, "").title.endswith(" ...")


@pytest.mark.parametrize("maybe", [True, False])
def test_a_message_that_may_be_a_repetition_is_marked(maybe: bool) -> None:
    body = letter_about(News(begun=suspended()), None, "", maybe_known=maybe).body
    assert body.startswith("XOM was stopped while it sent") == maybe

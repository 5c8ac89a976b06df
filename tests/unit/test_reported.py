"""What needs a person is reported when it begins, changes or ends, and once a day while it lasts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import NOW
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths, TickPaths
from xomflow.planning.progress.claims import hold_tick, new_tick
from xomflow.workflow.ending.reported import NO_MAIL, REPORTED, news_of, note_news, with_news
from xomlib.files import dump_json

EVERY = timedelta(minutes=10)


def reports(ticks: Iterable[Iterable[str]]) -> list[bool]:
    """Whether each of these ticks, one every ten minutes, with what waits in it, has news."""
    reported, found = {}, []
    for place, waiting in enumerate(ticks):
        news = news_of(reported, list(waiting), NOW + place * EVERY)
        reported = dict(news.reported)
        found.append(news.is_due)
    return found


def test_it_is_reported_when_it_begins_changes_and_ends() -> None:
    assert reports([[], ["a"], ["a"], ["a", "b"], ["a", "b"], ["b"], ["b"], [], []]) == [
        *(False, True, False, True, False, True, False, True, False)
    ]


def test_it_is_reported_once_a_day_while_it_lasts() -> None:
    found = reports([["a"]] * 500)
    assert [place for place, one in enumerate(found) if one] == [0, 144, 288, 432]


def test_another_name_is_news_also_if_it_differs_by_a_number() -> None:
    for one, other in (("band_1", "band_2"), ("kr83m", "kr84m"), ("rate v1", "rate v2")):
        assert news_of({f"{one} waits": NOW}, [f"{one} waits", f"{other} waits"], NOW).is_due, other


def test_other_numbers_are_no_news() -> None:
    assert reports([["job 12 and 3 more"], ["job 13 and 14 more"], ["job 13"]]) == [True, False, True]


def test_the_name_of_a_tick_and_a_moment_in_a_sentence_are_no_news() -> None:
    full = "work/ticks/2026{}-vm-{}/settings.json: No space left on device, since 2026-11-{}Z"
    ticks = [("1128T171412", 14150, "28T17:14:12"), ("1129T172512", 9, "29T17:25:12")]
    assert reports([[full.format(*one)] for one in ticks]) == [True, False]


def test_what_ended_is_named() -> None:
    assert news_of({"a 1": NOW}, ["b"], NOW).lines(ExitCode.WAITS_FOR_PERSON) == ["it has ended: a 1"]


def test_a_code_that_was_reported_has_a_line_that_keeps_the_mail_back() -> None:
    for code, lines in ((ExitCode.STORE_OR_DISK, 1), (ExitCode.FAILED_RUNS, 0), (ExitCode.OK, 0)):
        told = news_of({"a": NOW}, ["a"], NOW + EVERY).lines(code)
        assert [NO_MAIL in one for one in told] == [True] * lines
    assert news_of({}, [], NOW).lines(ExitCode.STORE_OR_DISK) == []  # where it cannot be noted, it is mailed


def test_what_happened_and_does_not_last_is_due_and_has_no_end() -> None:
    news = news_of({}, [], NOW, has_event=True)
    assert (news.is_due, news.reported) == (True, {})


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    assert news_of({"a": NOW + timedelta(days=9)}, ["a"], NOW).is_due


def test_a_tick_that_was_stopped_ends_nothing() -> None:
    news = news_of({"held": NOW}, ["brake"], NOW + EVERY, is_all=False)
    assert (news.is_due, news.ended, set(news.reported)) == (True, (), {"held", "brake"})
    assert not news_of(news.reported, ["brake"], NOW + 2 * EVERY, is_all=False).is_due


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=300))
def test_nothing_waits_unreported_and_nothing_is_reported_twice_a_day(ticks: list[set[str]]) -> None:
    found = reports(ticks)
    for place, (one, before) in enumerate(zip(ticks, [set(), *ticks], strict=False)):
        assert found[place] or one == before
        assert not found[place] or one != before or any(found[max(0, place - 144) : place])


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    return Paths(tmp_path)


def tick(paths: Paths, seconds: int = 0) -> TickPaths:
    return TickPaths(paths.tick(new_tick(times.now() + timedelta(seconds=seconds))))


def is_due(paths: Paths, *troubles: str) -> bool:
    return note_news(troubles, (paths, tick(paths))).is_due


def test_what_a_tick_reported_the_next_one_knows(paths: Paths) -> None:
    assert [is_due(paths, "a") for _ in range(2)] == [True, False]
    REPORTED.write_text('["damaged"]')
    assert [is_due(paths, "a") for _ in range(2)] == [True, False]
    assert [is_due(paths) for _ in range(2)] == [True, False]


def test_a_tick_that_a_later_one_overtook_has_no_news(paths: Paths) -> None:
    earlier, later = tick(paths, -60), tick(paths, -30)
    hold_tick(later).close()
    assert note_news(["a"], (paths, later)).is_due
    dump_json(later.summary, {})
    overtaken = note_news([], (paths, earlier))
    assert not overtaken.is_due
    assert [NO_MAIL in line for line in overtaken.lines(ExitCode.STORE_OR_DISK)] == [True]
    assert not is_due(paths, "a")


def test_a_disk_that_takes_nothing_keeps_it_news(paths: Paths) -> None:
    REPORTED.parent.write_text("no folder")
    assert [is_due(paths, "a") for _ in range(2)] == [True, True]


def test_a_stop_is_news_once_and_a_wrong_word_of_a_person_is_not_noted(paths: Paths) -> None:
    def lines(code: ExitCode) -> list[int]:
        return [len(with_news("kr83m v1: 12 of 20 results\nb v1: 9 of 9", code).splitlines()) for _ in range(2)]

    note_news(["held"])
    assert lines(ExitCode.WAITS_FOR_PERSON) == [2, 3], "that jobs are held has not ended"
    assert with_news("no such option", ExitCode.USAGE) == "no such option"
    assert not is_due(paths, "held", "kr83m v1: 1 of 1 results", "b v1: 0 of 0")

"""What waits for a person is reported when it begins, changes or ends, and once a day while it lasts."""

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
from xomflow.planning.claims import hold_tick, new_tick
from xomflow.workflow.reported import code_in_trouble, news_of, note_news
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


def test_what_ended_is_named() -> None:
    assert news_of({"a 1": NOW}, ["b"], NOW).lines == ["no person is needed any more: a 1"]


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
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def tick(paths: Paths, seconds: int = 0) -> TickPaths:
    return TickPaths(paths.tick(new_tick(times.now() + timedelta(seconds=seconds))))


def test_what_a_tick_reported_the_next_one_knows(paths: Paths) -> None:
    assert [note_news(paths, tick(paths), ["a"]).is_due for _ in range(2)] == [True, False]
    paths.reported.write_text('["damaged"]')
    assert [note_news(paths, tick(paths), ["a"]).is_due for _ in range(2)] == [True, False]
    assert [note_news(paths, tick(paths), []).lines for _ in range(2)] == [["no person is needed any more: a"], []]


def test_a_tick_that_a_later_one_overtook_has_no_news(paths: Paths) -> None:
    earlier, later = tick(paths, -60), tick(paths, -30)
    hold_tick(later).close()
    assert note_news(paths, later, ["a"]).is_due
    dump_json(later.summary, {})
    assert not note_news(paths, earlier, []).is_due
    assert not note_news(paths, tick(paths), ["a"]).is_due


def test_a_disk_that_takes_nothing_keeps_it_news(paths: Paths) -> None:
    paths.cache.write_text("no folder")
    assert [note_news(paths, tick(paths), ["a"]).is_due for _ in range(2)] == [True, True]


def test_of_a_stopped_tick_only_the_code_of_a_person_can_be_silent(paths: Paths) -> None:
    def codes(code: ExitCode) -> list[ExitCode]:
        return [code_in_trouble(paths, tick(paths), "kr83m v1: 12 of 20 results\nb v1: 9 of 9", code) for _ in range(2)]

    assert codes(ExitCode.WAITS_FOR_PERSON) == [ExitCode.WAITS_FOR_PERSON, ExitCode.FAILED_RUNS]
    assert codes(ExitCode.RUN_DATABASE) == [ExitCode.RUN_DATABASE] * 2

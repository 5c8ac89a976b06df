"""What a tick has to tell follows from its files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from support.factory import NOW
from support.verdicts import alarm, put_alarms, put_bands
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import Summary
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.notify.matter import Kind
from xomflow.notify.news import OLD, news_for
from xomflow.workflow.messages import of_tick
from xomflow.workflow.messages.of_tick import alarms_now, matters_of
from xomlib.files import dump_json

WEEKS_AGO = times.text(NOW - timedelta(days=21))


@pytest.fixture
def tick(tmp_path: Path) -> TickPaths:
    tick = TickPaths(Paths(tmp_path).tick("20261122T120000-vm-1"))
    tick.folder.mkdir(parents=True)
    return tick


def found(tick: TickPaths, code: int) -> tuple[list[tuple[Kind, str]], set[Kind]]:
    matters, looked_at = matters_of(tick, {}, code, NOW)
    return [(one.kind, one.sentence) for one in matters], looked_at


def test_what_stopped_a_tick_waits_for_a_person_or_is_trouble(tick: TickPaths) -> None:
    for code, kind in ((ExitCode.WAITS_FOR_PERSON, Kind.PERSON), (ExitCode.RUN_DATABASE, Kind.TROUBLE)):
        dump_json(tick.trouble, {"sentence": "kr83m v1: 12 of 20 vanish\nb v1: 9 of 9 vanish", "exit_code": code})
        told, looked_at = found(tick, code)
        assert told == [(kind, "kr83m v1: 12 of 20 vanish"), (kind, "b v1: 9 of 9 vanish")]
        assert looked_at == {Kind.TROUBLE}


def test_a_tick_that_was_killed_has_a_sentence_of_its_code(tick: TickPaths) -> None:
    assert found(tick, ExitCode.UNFORESEEN)[0] == [
        (Kind.TROUBLE, "ticks end with code 1, in a way that XOM does not expect: see their last lines")
    ]


def test_a_tick_that_looked_has_all_kinds(tick: TickPaths) -> None:
    summary = Summary("t", NOW, NOW, site_errors=["the store is away"], for_person=["a job is held"])
    dump_json(tick.summary, summary.to_json())
    told, looked_at = found(tick, ExitCode.STORE_OR_DISK)
    assert told == [(Kind.PERSON, "a job is held"), (Kind.TROUBLE, "the store is away")]
    assert looked_at == {Kind.TROUBLE, Kind.PERSON, Kind.RUNS}


@pytest.mark.parametrize(("noticed", "is_told"), [(timedelta(hours=5), True), (timedelta(days=5), False)])
def test_a_change_of_rare_runs_is_news_when_it_is_found(tick: TickPaths, noticed: timedelta, is_told: bool) -> None:
    """Of weekly calibrations a step is found weeks after it began."""
    paths = Paths(tick.folder.parents[1])
    rare = alarm(began=WEEKS_AGO)
    put_alarms(paths, rare)
    verdict = Verdict(rare.noticed_run, times.text(NOW - noticed), 9.9)
    other = SeriesId("kr83m", "v1", "all", "another_variable")
    put_bands(paths, "052", {other: [verdict]})
    assert bool(news_for({}, alarms_now(paths, (), NOW), {Kind.ALARM}, NOW)) == is_told


def test_an_alarm_that_began_long_ago_and_whose_run_is_unknown_is_no_news(tick: TickPaths) -> None:
    paths = Paths(tick.folder.parents[1])
    put_alarms(paths, alarm(began=WEEKS_AGO, noticed_run="052999"))
    assert not news_for({}, alarms_now(paths, (), NOW), {Kind.ALARM}, NOW)


def test_verdicts_are_read_only_for_alarms_that_may_be_news_for_their_run(
    tick: TickPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(of_tick, "_starts", lambda *of: read.append(of[-1]) or {})
    day, old = timedelta(days=1), NOW - OLD
    for began, ended, is_read in (
        (old, None, False),
        (old - day, None, True),
        (old - day, old, True),
        (old - 2 * day, old - day, False),
    ):
        one = alarm(began=times.text(began), ended=times.text_or_none(ended) or "")
        assert of_tick.noticed(Paths(tick.folder.parents[1]), one, NOW) == began
        assert bool(read) == is_read
        read.clear()


def test_an_alarm_of_a_trial_is_not_told(tick: TickPaths) -> None:
    paths = Paths(tick.folder.parents[1])
    put_alarms(paths, alarm())
    assert len(alarms_now(paths, {("kr83m", "v2")}, NOW)) == 1
    assert alarms_now(paths, {("kr83m", "v1")}, NOW) == []

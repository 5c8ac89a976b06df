"""What a digest or a report is made of, as a site's files have it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import NOW, keep, key_of, outcome, result, settings
from support.verdicts import alarm, put_alarms, put_bands
from xomflow.core import times
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey, Summary
from xomflow.core.verdicts import AlarmState, HowEnded, Mark, SeriesId, Verdict
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.reports.facts import Facts, Missing, Period, Point, Series
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.messages import week
from xomflow.workflow.messages.digest import digest_of
from xomflow.workflow.messages.period import facts_of
from xomflow.workflow.messages.results import Results
from xomlib.files import dump_json

DAY = Period(NOW - timedelta(days=1), NOW)
LIGHT = SeriesId("kr83m", "v1", "all", "light_yield")
OTHER = LIGHT._replace(variable="other", group="kr")


def at(hours: float) -> str:
    return times.text(NOW + timedelta(hours=hours))


def made(
    number: int, begun: float, ended: float, attempt: int = 1, cpu_s: float | None = 10.0, value: float = 10.0
) -> dict[str, Any]:
    """The outcome of a run that began and an attempt that ended so many hours after the present."""
    results = [
        result("light_yield", value),
        result("other", number / 1000, unit="Hz"),
        result("none", None, error=None, insufficient="few"),
    ]
    used = {"wall_s": 1.0, "cpu_s": cpu_s, "peak_memory_mb": None}
    run = {"start": at(begun), "end": at(begun + 0.9)}
    return outcome(key_of(number), results, run=run, ended=at(ended), attempt=attempt, resources=used)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def config(paths: Paths) -> ReportConfig:
    kr = {"version": "v1", "title": "Krypton", "contact": "Jane", "variables": {"light_yield": {"title": "Light"}}}
    return ReportConfig.of(settings(paths.work, analyses={"kr83m": kr, "rate": {"version": "v1"}}))


@pytest.fixture
def site(paths: Paths) -> Paths:
    """A site with results of three shelves; that of the oldest has not changed in the period."""
    keep(
        paths,
        made(52894, begun=-3, ended=-2, attempt=3, cpu_s=100.0),
        made(52893, begun=-30, ended=-24, cpu_s=None, value=9.0),
        made(52892, begun=-48, ended=0),
        made(52891, begun=-48.01, ended=-24.01),
        made(51001, begun=-240, ended=-12, cpu_s=1.0),
        made(50001, begun=-480, ended=-12, cpu_s=1000.0),
    )
    edge = DAY.begin.timestamp()
    os.utime(paths.shelves("kr83m", "v1") / "051", (edge, edge))
    os.utime(paths.shelves("kr83m", "v1") / "050", (edge - 1, edge - 1))
    (paths.shelves("kr83m", "v1") / "a file").touch()
    (paths.shelves("kr83m", "v1") / "050a").mkdir()  # without any outcome
    return paths


# --- results ----------------------------------------------------------------------------------------------------------
def test_the_work_of_a_period_is_that_of_the_outcomes_that_were_made_in_it(site: Paths, config: ReportConfig) -> None:
    of = Results(site, DAY).of("kr83m", config.analyses["kr83m"], {State.DONE: 6}, None)
    assert (of.name, of.version, of.title, of.contact) == ("kr83m", "v1", "Krypton", "Jane")
    assert (of.done, of.failed, of.cpu_s, of.states, of.series) == (3, 2, 101.0, {State.DONE: 6}, ())
    none = Results(site, DAY).of("rate", config.analyses["rate"], {}, DAY.begin)
    assert (none.done, none.failed, none.cpu_s, none.series) == (0, 0, 0.0, ())


def test_series_have_the_results_since_a_moment_with_their_verdicts(site: Paths, config: ReportConfig) -> None:
    one = Verdict("052893", at(-30), 9.0, 10.0, 9.5, 10.5, -4.0, mark=Mark.OUTLIER)
    put_bands(site, "052", {LIGHT: [one]})
    since = NOW - timedelta(hours=48)
    light, other, none = Results(site, DAY).of("kr83m", config.analyses["kr83m"], {}, since).series
    starts = [NOW - timedelta(hours=hours) for hours in (48, 30, 3)]
    assert light == Series(
        "light_yield",
        "Light",
        "PE/keV",
        (
            Point("052892", starts[0], 10.0, 0.1, "tpc_kr83m"),
            Point("052893", starts[1], 9.0, 0.1, "tpc_kr83m", "all", one),
            Point("052894", starts[2], 10.0, 0.1, "tpc_kr83m"),
        ),
    )
    assert (other.title, other.unit, [one.value for one in other.points]) == ("other", "Hz", [52.892, 52.893, 52.894])
    assert (none.variable, none.points) == ("none", ())
    longer = Results(site, DAY).of("kr83m", config.analyses["kr83m"], {}, NOW - timedelta(hours=500)).series[0]
    assert [one.run for one in longer.points] == ["050001", "051001", "052891", "052892", "052893", "052894"]
    begun = Results(site, Period(DAY.begin, starts[2])).of("kr83m", config.analyses["kr83m"], {}, since).series[0]
    assert [one.run for one in begun.points] == ["052892", "052893"]


def test_the_main_variables_are_shown_or_else_the_first_three(site: Paths, config: ReportConfig) -> None:
    def shown(*main: str) -> list[str]:
        block = replace(config.analyses["kr83m"], main_variables=list(main))
        return [one.variable for one in Results(site, DAY).of("kr83m", block, {}, DAY.begin).series]

    keep(site, outcome(key_of(52895), [result(name) for name in "abcd"], run={"start": at(-1)}))
    assert shown("other", "unknown", "d") == ["other", "d"]
    assert shown() == ["light_yield", "other", "none"]


def test_an_outcome_whose_end_has_another_form_counts_if_it_is_a_time(site: Paths, config: ReportConfig) -> None:
    ends = ("soon", at(-1).removesuffix("Z"), at(-1).replace("Z", "+00:00"), at(-1).replace("Z", "+13:00"))
    keep(site, *(outcome(key_of(number), ended=ended) for number, ended in enumerate(ends, start=52895)))
    of = Results(site, DAY).of("kr83m", config.analyses["kr83m"], {}, None)
    assert of.done == 3 + 3


def test_marks_are_those_of_runs_of_the_period_with_their_units(site: Paths, config: ReportConfig) -> None:
    marks = {-3.0: Mark.OUTLIER, -2.0: Mark.MUTED, -1.0: Mark.NONE, -23.9: Mark.BAD_RUN, -24.1: Mark.OUTLIER}
    verdicts = [
        Verdict(f"0528{place:02}", at(hours), 1.0, mark=mark) for place, (hours, mark) in enumerate(marks.items())
    ]
    newest = Verdict("052900", at(-0.5), 2.0, mark=Mark.OUTLIER)
    put_bands(site, "052", {LIGHT: sorted(verdicts, key=lambda one: one.start), OTHER: [newest]})
    put_bands(
        site, "051", {LIGHT: [Verdict("051001", at(-30), 3.0), Verdict("051002", at(-20), 3.0, mark=Mark.OUTLIER)]}
    )
    put_bands(site, "050", {LIGHT: [Verdict("050001", at(-4), 3.0, mark=Mark.OUTLIER)]})
    results = Results(site, DAY)
    results.of("kr83m", config.analyses["kr83m"], {}, None)
    assert [(one.analysis, one.variable, one.unit, one.verdict.run) for one in results.marks("kr83m", "v1")] == [
        ("kr83m", "other", "Hz", "052900"),
        ("kr83m", "light_yield", "PE/keV", "052800"),
        ("kr83m", "light_yield", "PE/keV", "051002"),
        ("kr83m", "light_yield", "PE/keV", "052803"),
    ]
    put_bands(site, "052", {OTHER: [newest]})
    found = Results(site, DAY).marks("kr83m", "v1")
    assert [(one.unit, one.verdict.run) for one in found] == [("", "052900"), ("", "051002")]


# --- ticks, alarms, changes -------------------------------------------------------------------------------------------
def tick(paths: Paths, began: float, ended: float | None, **changes: object) -> TickPaths:
    """A tick of the past; without an end it has no summary."""
    moment = NOW + timedelta(hours=began)
    files = TickPaths(paths.tick(f"{moment:%Y%m%dT%H%M%S}-vm-1"))
    files.folder.mkdir(parents=True)
    if ended is not None:
        summary = Summary(files.folder.name, moment, NOW + timedelta(hours=ended), **changes)  # type: ignore[arg-type]
        dump_json(files.summary, summary.to_json())
    return files


def test_ticks_that_ended_in_the_period_are_counted_with_the_longest_time_between_ends(
    paths: Paths, config: ReportConfig
) -> None:
    assert (facts_of(paths, config, DAY).ticks, facts_of(paths, config, DAY).gap_s) == (0, 86_400.0)
    tick(paths, -20, -19)
    assert (facts_of(paths, config, DAY).ticks, facts_of(paths, config, DAY).gap_s) == (1, 19 * 3600.0)
    tick(paths, -10, -9.5)
    tick(paths, -3, None)
    tick(paths, -2, None).summary.write_text("[]")
    tick(paths, -1, 0)
    assert (facts_of(paths, config, DAY).ticks, facts_of(paths, config, DAY).gap_s) == (2, 9.5 * 3600)
    tick(paths, -8, -0.5)
    tick(paths, -24.5, -24)
    assert (facts_of(paths, config, DAY).ticks, facts_of(paths, config, DAY).gap_s) == (4, 9.5 * 3600)
    tick(paths, -30, -29)
    assert (facts_of(paths, config, DAY).ticks, facts_of(paths, config, DAY).gap_s) == (4, 9.5 * 3600)


def test_the_time_before_the_first_tick_of_a_period_counts_if_there_were_ticks_before(
    paths: Paths, config: ReportConfig
) -> None:
    tick(paths, -4, -3)
    assert facts_of(paths, config, DAY).gap_s == 3 * 3600
    tick(paths, -30, -29)
    assert facts_of(paths, config, DAY).gap_s == 21 * 3600


def test_the_newest_summary_has_what_is_missing_and_what_is_wrong(paths: Paths, config: ReportConfig) -> None:
    listed = [ListedKey(key_of(number), State.GAVE_UP, f"raised: run {number}") for number in (52001, 52002)]
    newest = {
        "counts": {"kr83m": {State.DONE: 5}, "gone": {State.DONE: 1}},
        "listed": [*listed, ListedKey(key_of(52003), State.WAITING, "no data")],
        "for_person": ["a"],
        "configuration_errors": ["b"],
        "site_errors": ["c"],
        "warnings": ["d"],
    }
    tick(paths, -2, -1, **newest)
    tick(paths, -4, -3, counts={"kr83m": {State.DONE: 4}}, for_person=["old"])
    found = facts_of(paths, config, DAY)
    assert [(one.name, {state: n for state, n in one.states.items() if n}) for one in found.analyses] == [
        ("kr83m", {State.DONE: 5}),
        ("rate", {}),
    ]
    assert found.sentences == ["a", "b", "c"]
    assert found.missing == [
        Missing(State.GAVE_UP, 2, "kr83m", "052001", "raised: run 52001"),
        Missing(State.WAITING, 1, "kr83m", "052003", "no data"),
    ]
    assert found.site == f"{paths.work} on {os.uname().nodename}"
    earlier = facts_of(paths, config, Period(DAY.begin, NOW - timedelta(hours=2)))
    assert earlier.sentences == ["old"]


def test_an_alarm_concerns_a_period_until_it_has_a_reason_or_two_weeks_are_over(
    paths: Paths, config: ReportConfig
) -> None:
    ended = {"state": AlarmState.ENDED, "how_ended": HowEnded.RETURNED}
    unexplained = {**ended, "how_ended": HowEnded.UNEXPLAINED}
    two_weeks = -24 - 14 * 24
    cases = {
        "goes on": ({"began": at(-500)}, True),
        "begins later": ({"began": at(0)}, False),
        "began in time": ({"began": at(-0.01)}, True),
        "ended at its begin": ({"began": at(-500), "ended": at(-24), **ended}, True),
        "ended before": ({"began": at(-500), "ended": at(-24.01), **ended}, False),
        "nobody knows": ({"began": at(-500), "ended": at(two_weeks), **unexplained}, True),
        "nobody knew": ({"began": at(-500), "ended": at(two_weeks - 0.01), **unexplained}, False),
        "has a reason": ({"began": at(-500), "ended": at(-25), "reason": "a", **unexplained}, False),
    }
    put_alarms(paths, *(alarm(id=name, **changes) for name, (changes, _) in cases.items()))
    found = {one.id for one in facts_of(paths, config, DAY).alarms}
    assert found == {name for name, (_, concerns) in cases.items() if concerns}


def test_changes_are_decisions_and_new_software_of_the_period(
    paths: Paths, config: ReportConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.decisions.mkdir()
    for hours, verb in ((-24, Verb.DRAIN), (-24.01, Verb.PAUSE), (0, Verb.PAUSE), (-1, Verb.PAUSE)):
        subject = Subject() if verb is Verb.DRAIN else Subject("kr83m")
        write_decision(paths, Decision(verb, subject, "kim", NOW + timedelta(hours=hours), "a valve"))
    for store in ("local-a", "local-b"):
        uses = [[at(hours), name, {}] for hours, name in ((-30, "old"), (-5, "new"))]
        dump_json(paths.uses(store), {"kr83m/v1/052": uses})
    found = [(one.when, one.what, one.details) for one in facts_of(paths, config, DAY).changes]
    assert found[0] == (DAY.begin, "drain", "kim: a valve")
    assert found[-1] == (NOW - timedelta(hours=1), "pause kr83m", "kim: a valve")
    assert [one[:2] for one in found[1:-1]] == [
        (NOW - timedelta(hours=5), "software: kr83m v1: other software"),
    ]


def test_the_digest_is_about_the_day_until_now(site: Paths, config: ReportConfig) -> None:
    letter = digest_of(site, config, NOW)
    assert letter.title.startswith("XOM: the day until 2026-11-22 12:00 UTC: 3 results of runs, 0 alarms")
    assert "- Krypton: 3 runs done, 2 attempts failed" in letter.body.splitlines()


# --- the report as a file ---------------------------------------------------------------------------------------------
@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A browser that prints nothing; the test writes what it does."""
    program = tmp_path / "bin/google-chrome"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setattr(week, "_BROWSERS", ("no-such-browser", "google-chrome"))
    yield program


def report(paths: Paths, file: Path) -> list[str]:
    return week.write_report(settings(paths.work), DAY, file)


def test_a_report_is_an_html_file_and_a_pdf_beside_it(
    site: Paths, browser: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prints = 'for word; do case "$word" in --print-to-pdf=*) echo "$HOME" > "${word#*=}" ;; esac; done'
    browser.write_text(f"#!/bin/sh\n{prints}\necho something\n")
    begun: list[datetime | None] = []

    def page(facts: Facts, begin: datetime) -> str:
        begun.append(begin)
        return f"{facts.site} {len(facts.analyses[0].series)}"

    monkeypatch.setattr(week, "week_page", page)
    file = site.work / "reports/week.html"
    assert report(site, file) == [str(file), str(file.with_suffix(".pdf"))]
    assert begun == [DAY.begin - timedelta(days=3)]
    assert capfd.readouterr() == ("", "")
    assert file.read_text().endswith(" 3")
    assert sorted(path.name for path in file.parent.iterdir()) == ["week.html", "week.pdf"]


def test_without_a_pdf_the_reason_is_printed(site: Paths, browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = site.work / "week.html"
    browser.write_text("#!/bin/sh\nexit 3\n")
    assert report(site, file)[1] == f"no PDF: {browser} ended with 3"
    browser.write_text("#!/bin/sh\nexit 0\n")
    assert report(site, file)[1] == f"no PDF: {browser} ended with 0"
    browser.write_text("#!/no/such/shell\n")
    assert report(site, file)[1] == f"no PDF: {browser} did not print the page: FileNotFoundError"
    browser.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(week, "_LONGEST", 0.1)
    assert report(site, file)[1] == f"no PDF: {browser} did not print the page: TimeoutExpired"
    browser.unlink()
    assert report(site, file)[1] == (
        "no PDF: none of no-such-browser, google-chrome is on the PATH; print the page from a browser"
    )
    assert file.exists()

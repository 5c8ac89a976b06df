"""The last steps of a tick: what is printed, judged, drawn, and what an error of one costs the others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import NOW, failed, keep_failure, key_of, settings, tick_summary
from support.verdicts import alarm, put_alarms
from xomflow.config.model import Grafana
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey, OldestReady, Receipt, Summary
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Learning, read_alarms, read_learning
from xomflow.grafana.site import Bucket
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.files import Failure, failure_path
from xomflow.outcomes.past.makers import Makers
from xomflow.outcomes.retries import RetryPolicy
from xomflow.planning.brake import BrakeError
from xomflow.planning.progress.claims import Claim, write_claims
from xomflow.publishing.stores.store import StoreError
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending import dashboards, expected, finish, terminal
from xomflow.workflow.ending import summary as summary_of
from xomflow.workflow.ending.boards import of_alarm
from xomflow.workflow.survey_document import SurveyDocument
from xomlib.files import dump_json


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    return Paths(Path("work"))


def listed(number: int, state: State, reason: str = "because", hours: float | None = None) -> ListedKey:
    next_try = None if hours is None else NOW + timedelta(hours=hours)
    return ListedKey(key_of(number), state, reason, 1, next_try=next_try)


def summary(**changes: Any) -> Summary:
    return Summary("a tick", NOW, NOW, **changes)


# --- failed runs ------------------------------------------------------------------------------------------------------
def test_failed_runs_have_reason_and_log_of_their_newest_records_of_many_only_the_first(paths: Paths) -> None:
    keys = [listed(number, State.WAITING if number == 52002 else State.FAILED) for number in range(52001, 52006)]
    for one in keys[:-2]:
        for attempt in (2, 3):
            record = failed(one.key, "timeout", attempt=attempt)
            keep_failure(failure_path(paths, one.key, Failure(attempt, "timeout", NOW)), record)
    damaged = failure_path(paths, keys[-2].key, Failure(2, "raised", NOW))
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_text("{}")
    log = [str(paths.log(one.key)) for one in keys]
    read = [
        ("timeout: it broke", "a.log", 3, "timeout"),
        ("because", None, 1, ""),
        ("timeout: it broke", "a.log", 3, "timeout"),
        ("because", log[3], 2, "raised"),
        ("because", log[4], 1, ""),
    ]
    for most in (None, 4, 2, 1, 0):
        found = summary_of.with_records(paths, keys, most)
        place = {None: 5, 4: 5, 2: 3, 1: 1, 0: 0}[most]
        assert [(one.reason, one.log, one.attempt, one.kind) for one in found[:place]] == read[:place]
        assert found[place:] == keys[place:]


def test_a_claimed_run_without_an_end_is_in_its_job_or_as_ready_as_before(paths: Paths) -> None:
    one, config = listed(52001, State.READY), SimpleNamespace(retries=RetryPolicy(4, 50, 3600.0, 4.0))
    given = Submission(one.key, 2, "t", NOW)

    def now(submission: Submission | None = None) -> State:
        submitted = {one.key: submission} if submission else {}
        return summary_of._after_work(paths, config, one, 2, submitted).state  # type: ignore[arg-type]

    for attempt, state in ((1, State.READY), (2, State.FAILED)):
        record = failed(one.key, "raised", attempt=attempt)
        keep_failure(failure_path(paths, one.key, Failure(attempt, "raised", NOW)), record)
        assert (now(), now(given)) == (state, state)
        assert now(replace(given, job="17")) == (State.RUNNING if attempt == 1 else state)


def test_the_shelves_of_the_claimed_runs_are_looked_at_in_any_case(paths: Paths) -> None:
    tick = TickPaths(paths.tick("t"))
    tick.folder.mkdir(parents=True)
    write_claims(tick, [Claim(key_of(number), 1) for number in (52001, 52002, 53001)])
    assert summary_of.claimed_shelves(tick) == {Shelf("kr83m", "v1", "052"), Shelf("kr83m", "v1", "053")}


# --- the last lines ---------------------------------------------------------------------------------------------------
def test_keys_that_failed_alike_are_one_line_with_the_first_next_try(paths: Paths) -> None:
    keys = [listed(52001, State.FAILED, "run 52001", 5), listed(52002, State.FAILED, "run 52002", 2)]
    lines = terminal.closing_lines(summary(listed=keys), paths, "", "Slurm")
    assert lines[2] == "failed    2 runs of kr83m, such as 052001: run 52001; next try 2026-11-22T14:00:00Z"
    alone = terminal.closing_lines(summary(listed=keys[:1]), paths, "", "Slurm")
    assert alone[2] == "failed    kr83m v1 run 052001: run 52001; next try 2026-11-22T17:00:00Z"


@pytest.mark.parametrize(("number", "lines"), [(20, 20), (21, 21)])
def test_of_many_reasons_the_first_twenty_are_printed(paths: Paths, number: int, lines: int) -> None:
    keys = [listed(52000, State.FAILED, "abcdefghijklmnopqrstuvwxyz"[place]) for place in range(number)]
    found = terminal.closing_lines(summary(listed=keys, counts={"kr83m": {State.FAILED: number}}), paths, "", "Slurm")
    more = [line for line in found if line.startswith("... and")]
    assert more == (["... and 1 more reasons: xom status --run lists all runs"] if lines > 20 else [])
    assert sum(line.startswith("failed ") for line in found) == 20


def test_of_many_decisions_the_first_ten_are_printed() -> None:
    assert terminal.decision_lines(list("abcdefghij")) == list("abcdefghij")
    assert terminal.decision_lines(list("abcdefghijk")) == [
        *"abcdefghij",
        "... and 1 more, see: xom decisions",
    ]


def test_the_oldest_ready_run_is_that_which_ended_first() -> None:
    runs = {"a": OldestReady("052002", NOW - timedelta(hours=1)), "b": OldestReady("052001", NOW - timedelta(hours=2))}
    line = "the oldest ready run is {}, which ended {} ago"
    assert terminal.oldest_ready_line(runs, NOW) == [line.format("052001 of b", "2.0 h")]
    assert terminal.oldest_ready_line({"a": runs["a"]}, NOW - timedelta(hours=9)) == [line.format("052002 of a", "0 s")]
    assert terminal.oldest_ready_line({}, NOW) == []


def test_what_goes_on_and_what_is_left_is_counted(paths: Paths) -> None:
    taken = [listed(52001, State.DONE), listed(52002, State.RUNNING), listed(52003, State.READY)]
    page = f"page: {paths.page.absolute()}/index.html"
    going = "1 runs go on in Slurm, a later tick takes up what they leave"
    ready = "ready     kr83m v1 run 052003: because; log None"

    def last(given: list[ListedKey], left: str) -> list[str]:
        lines = terminal.closing_lines(summary(taken=given), paths, left, "Slurm")
        return lines[lines.index(page) + 1 :]

    assert last(taken, "") == [going, "this tick: 1 of 3 runs done, 1 not:", ready]
    assert last(taken, "its time is up") == [
        going,
        "its time is up: 1 runs are left for the next tick",
        "this tick: 1 of 3 runs done",
    ]
    assert last(taken[:1], "refused") == ["refused: no runs are left for the next tick", "this tick: 1 of 1 runs done"]
    assert last([], "") == ["this tick: 0 of 0 runs done"]


def test_the_first_thing_that_a_person_has_to_do_is_the_exit_code() -> None:
    failed = {"taken": [listed(52001, State.FAILED)]}
    cases: list[tuple[dict[str, Any], bool, str, bool, ExitCode]] = [
        ({}, False, "", False, ExitCode.OK),
        ({}, False, "refused", False, ExitCode.OK),
        ({}, True, "", False, ExitCode.UNFORESEEN),
        ({}, False, "", True, ExitCode.UNFORESEEN),
        (failed, True, "", False, ExitCode.FAILED_RUNS),
        (failed, True, "", True, ExitCode.UNFORESEEN),
        ({**failed, "for_person": ["a"]}, True, "", True, ExitCode.WAITS_FOR_PERSON),
        ({**failed, "for_person": ["a"], "site_errors": ["b"]}, True, "", True, ExitCode.STORE_OR_DISK),
        ({"site_errors": ["b"]}, True, "refused", True, ExitCode.SLURM),
        ({"configuration_errors": ["c"]}, True, "refused", True, ExitCode.CONFIGURATION),
    ]
    found = [terminal.exit_code(summary(**given), *rest) for given, *rest, _ in cases]
    assert found == [code for *_, code in cases]
    assert terminal.troubles_of(summary(), True, "") == ["a job failed, and no run"]
    assert terminal.troubles_of(summary(**failed), True, "") == terminal.troubles_of(summary(), False, "") == []
    whole = summary(configuration_errors=["c"], site_errors=["b", "x; moved to y"], for_person=["a"])
    assert terminal.troubles_of(whole, True, "refused") == ["c", "refused", "b", "a"]


def test_status_repeats_the_errors_of_the_newest_tick_that_has_ended(paths: Paths) -> None:
    assert terminal._newest_site_errors(paths) == []
    for place, errors in enumerate((["old"], ["new", "newer"], None)):
        tick = TickPaths(paths.tick(f"2026112{place}T120000-vm-1"))
        tick.folder.mkdir(parents=True)
        if errors:
            dump_json(tick.summary, tick_summary(troubles=errors).to_json())
            os.utime(tick.summary, (place + 1, place + 1))
    assert terminal._newest_site_errors(paths) == [
        f"the tick that ended at 2026-11-22T12:00:30Z: {error}" for error in ("new", "newer")
    ]
    tick = TickPaths(paths.tick("20261129T120000-vm-1"))
    tick.folder.mkdir()
    tick.summary.write_text("half")
    assert terminal._newest_site_errors(paths) == []


# --- the last step ----------------------------------------------------------------------------------------------------
@pytest.fixture
def ending(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A tick whose steps a test replaces; it notes which of them were done."""
    tick = TickPaths(paths.tick("20261122T120000-vm-1"))
    tick.folder.mkdir(parents=True)
    survey = SurveyDocument(ReportConfig.of(settings(paths.work)), {}, [], [], [], [], [])
    dump_json(tick.survey, survey.to_json())
    write_claims(tick, [])
    done: list[str] = []
    for name in ("write_report", "sweep"):
        monkeypatch.setattr(finish, name, lambda *_, name=name: done.append(name))
    yield SimpleNamespace(tick=tick, done=done, patch=monkeypatch)


def test_an_error_that_nobody_expects_costs_the_publication_only(ending: SimpleNamespace) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("odd")

    ending.patch.setattr(finish, "publish", fail)
    with pytest.raises(KeyError, match="odd"):
        finish.finish(ending.tick)
    assert ending.done == ["write_report", "sweep"] and not ending.tick.published.exists()


def test_what_stops_a_tick_stops_its_end_too(ending: SimpleNamespace) -> None:
    def stop(*_: Any) -> Any:
        raise BrakeError([])

    ending.patch.setattr(finish, "stop_before", stop)
    with pytest.raises(BrakeError):
        finish.finish(ending.tick)
    assert ending.done == []


def test_a_store_that_is_away_is_told_and_the_rest_is_done(ending: SimpleNamespace) -> None:
    def fail(*_: Any) -> Any:
        raise StoreError("it is away")

    ending.patch.setattr(finish, "publish", fail)
    assert finish.finish(ending.tick) == ["0 outcomes, 0 points published", "it is away"]
    assert ending.done == ["write_report", "sweep"]
    assert Receipt.from_json(json.loads(ending.tick.published.read_text())) == Receipt(
        away=True, problems=["it is away"]
    )
    ending.patch.setattr(finish, "publish", lambda *_: Receipt(3, 4))
    assert finish.finish(ending.tick) == [], "what was published is not published again"


# --- what is expected -------------------------------------------------------------------------------------------------
@pytest.fixture
def config(paths: Paths) -> ReportConfig:
    blocks = {name: {"version": "v1"} for name in "abc"}
    return ReportConfig.of(settings(paths.work, analyses=blocks))


def test_an_error_in_judging_costs_one_sentence(
    paths: Paths, config: ReportConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []

    def fail(error: Exception) -> Callable[..., bool]:
        def judge(*_: Any) -> bool:
            tried.append(paths.all_judged.exists())
            paths.all_judged.mkdir(parents=True, exist_ok=True)
            raise error

        return judge

    for error, times in ((KeyError("a"), 2), (ValueError("a"), 2), (TypeError("a"), 2), (OSError("a"), 1)):
        tried.clear()
        paths.all_judged.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(expected, "judge_until", fail(error))
        (sentence,) = expected.judge_results(paths, config)
        assert sentence.startswith(f"results cannot be judged: {type(error).__name__}: ")
        assert sentence.endswith("; the next tick tries again")
        assert tried == [True, False][:times], "what is damaged is removed before the second time"
    monkeypatch.setattr(expected, "judge_until", fail(BrakeError([])))
    with pytest.raises(BrakeError):
        expected.judge_results(paths, config)


class Judged:
    """A version of which so many steps are left to be judged."""

    def __init__(self, new: bool, rest: bool = True) -> None:
        self.steps: list[str] = []
        self._new, self._rest = new, rest

    def judge_new(self, is_over: Callable[[], bool]) -> bool:
        self.steps.append("new")
        return self._new

    def judge_rest(self, is_over: Callable[[], bool]) -> bool:
        self.steps.append("rest")
        return self._rest


def judged(is_over: bool, *versions: Judged) -> tuple[bool, list[list[str]]]:
    is_done = expected._judge_in_turn(versions, lambda: is_over)  # type: ignore[arg-type]
    return is_done, [one.steps for one in versions]


def test_the_first_version_has_its_turn_whether_there_is_time_or_not() -> None:
    assert judged(False, Judged(True), Judged(False), Judged(False)) == (
        True,
        [["new"], ["new", "rest"], ["new", "rest"]],
    )
    assert judged(True, Judged(True), Judged(True)) == (False, [["new"], []])
    assert judged(True, Judged(False), Judged(False)) == (False, [["new", "rest"], []])
    assert judged(True, Judged(False)) == (True, [["new", "rest"]])
    assert judged(False, Judged(False, rest=False), Judged(False)) == (False, [["new", "rest"], ["new", "rest"]])
    assert judged(False) == (True, [])
    first, second, over = Judged(False), Judged(False), iter([False, True])  # it is over after the new runs
    assert not expected._judge_in_turn([first, second], lambda: next(over))  # type: ignore[list-item]
    assert (first.steps, second.steps) == (["new", "rest"], ["new"])


def test_the_version_that_was_judged_longest_ago_comes_first(paths: Paths, config: ReportConfig) -> None:
    for name, time in (("a", 300), ("b", 100)):
        file = paths.judged(name, "v1") / "newest.json"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (time, time))
    assert expected._turns(paths, config) == [("c", "v1"), ("b", "v1"), ("a", "v1")]


def test_the_time_for_judging_is_over_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 104.9, 105.0])
    monkeypatch.setattr(expected, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    is_over = expected._timer(5.0)
    assert [is_over(), is_over()] == [False, True]


def test_all_results_are_judged_however_long_it_takes(
    paths: Paths, config: ReportConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(expected, "judge_until", lambda *given: asked.append(given))
    expected.judge_all(paths, config, {})
    ((_, _, is_over, groups),) = asked
    assert (is_over(), groups) == (False, {})


def test_which_histories_are_learned_is_kept_as_long_as_there_are_any(paths: Paths) -> None:
    values = [3 + place for place, _ in enumerate(Learning._fields[2:])]
    versions: Any = [
        SimpleNamespace(analysis=name, version="v1", learned=values if name != "b" else None) for name in "cba"
    ]
    expected._keep_learning(paths, versions)
    assert [one.analysis for one in read_learning(paths)] == ["a", "c"]
    expected._keep_learning(paths, versions[1:2])
    assert not paths.learning.exists()


def test_each_version_is_judged_and_leaves_what_is_learned_and_its_alarms(
    paths: Paths, config: ReportConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Version(Judged):
        def __init__(self, _: Paths, history: Any, analysis: str, version: str, *rest: Any) -> None:
            super().__init__(new=analysis != "b")
            self.analysis, self.version, self.kept_in = analysis, version, paths.judged(analysis, version) / "none"
            self.units, self.events, self.learned = {"rate": "Hz"}, {}, (1, 2) if analysis == "b" else None

    monkeypatch.setattr(expected, "JudgedVersion", Version)
    found: list[Any] = []
    monkeypatch.setattr(expected, "alarms_of", lambda *given: found.append(given) or [alarm()])
    assert expected.judge_until(paths, config, lambda: False, {})
    assert read_learning(paths) == [Learning("b", "v1", 1, 2)]
    ((events, facts, _),) = found
    assert (events, facts.units) == ({}, {(name, "v1", "rate"): "Hz" for name in "abc"})
    assert read_alarms(paths) == [alarm()]


def test_alarms_are_found_anew_only_if_what_they_follow_from_has_changed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    version: Any = SimpleNamespace(analysis="kr83m", version="v1", kept_in=paths.work / "kept", units={}, events={})
    paths.work.mkdir()
    found: list[list[Alarm]] = []

    def renew(*alarms: Alarm, kept: str = "", contact: str = "Jane") -> tuple[int, list[Alarm]]:
        found.clear()
        version.kept_in.write_text(kept)
        monkeypatch.setattr(expected, "alarms_of", lambda *_: found.append(list(alarms)) or list(alarms))
        expected._renew_alarms(paths, [version], {"kr83m": contact}, [])
        return len(found), read_alarms(paths)

    one, other = alarm(id="a"), alarm(id="b")
    assert renew() == (1, []) and paths.alarms.exists()
    assert renew() == (0, [])
    assert renew(one, kept="more results") == (1, [one])
    assert renew(other, kept="more results") == (0, [one])
    assert renew(other, kept="more results", contact="Kim") == (1, [other])
    before = paths.alarms.stat().st_ino
    assert renew(other, kept="still more") == (1, [other])
    assert paths.alarms.stat().st_ino == before, "the same alarms are not written again"
    paths.alarms.write_text("damaged")
    assert renew(one, kept="still more") == (1, [one])


def test_alarms_are_open_until_they_have_a_reason(paths: Paths) -> None:
    ended = {"state": AlarmState.ENDED, "how_ended": HowEnded.UNEXPLAINED}
    put_alarms(paths, alarm(id="a"), alarm(id="b", **ended), alarm(id="c", **ended, reason="x"))
    assert [one.id for one in expected.open_alarms(paths)] == ["a", "b"]
    assert (expected._checksum(paths.alarms) > 0, expected._checksum(paths.work / "no")) == (True, 0)


def test_an_alarm_is_an_event_with_all_that_is_known_of_it() -> None:
    one = alarm(began="2026-11-22T09:00:00Z", contact="Jane", reason="kim: a valve", how_ended=HowEnded.RETURNED)
    assert of_alarm(one)._asdict() == {
        "kind": "alarm",
        "title": one.sentence,
        "text": "step since run 052894. returned. kim: a valve. Contact: Jane",
        "start": "2026-11-22T09:00:00Z",
        "end": None,
        "analysis": "kr83m",
        "state": "open",
    }
    assert of_alarm(alarm()).text == "step since run 052894"


# --- dashboards -------------------------------------------------------------------------------------------------------
def boards(paths: Paths, **block: Any) -> ReportConfig:
    return ReportConfig.of(settings(paths.work, analyses={"kr83m": {"version": "v2", **block}}))


def test_a_board_has_the_variables_of_its_version_in_order_with_limits_and_titles(paths: Paths) -> None:
    block = {
        "variables": {"b": {"title": "Bee", "main": True, "unit": "x", "help": "?"}, "gone": {"main": True}},
        "limits": {"a": {"warn": [1, 2], "error": [0, 3]}},
    }
    makers = {
        ("kr83m", "v2"): Makers(units={"a": "PE", "b": "Hz"}),
        ("kr83m", "v1"): Makers(units={"a": "PE", "old": "m"}),
        ("other", "v1"): Makers(units={"z": "s"}),
    }
    site = dashboards.site_of(paths, boards(paths, **block), Bucket("u", "o", "b"), makers)
    (one,) = site.analyses
    assert [(v.name, v.unit, v.warn, v.error, v.title) for v in one.variables] == [
        ("b", "Hz", (None, None), (None, None), "Bee"),
        ("a", "PE", (1, 2), (0, 3), ""),
    ]
    assert [v.name for v in one.earlier] == ["old"]
    assert (site.folder, one.version, one.has_groups) == (paths.grafana.absolute(), "v2", True)
    del makers["kr83m", "v2"]
    (raised,) = dashboards.site_of(paths, boards(paths), Bucket("u", "o", "b"), makers).analyses
    assert ([v.name for v in raised.variables], raised.earlier) == (["a", "old"], ())
    (none,) = dashboards.site_of(paths, boards(paths), Bucket("u", "o", "b"), {}).analyses
    assert (none.variables, none.earlier) == ((), ())


def test_names_that_no_result_has_are_told_once_there_are_results(paths: Paths) -> None:
    config = boards(paths, variables={"rat": {"main": True}, "a": {"main": True}}, limits={"raet": {}, "a": {}})
    makers = {("kr83m", "v2"): Makers(units={"rate": "Hz", "a": ""})}
    has = "and no result of v2 has this variable: correct the name; did you mean 'rate'?"
    assert dashboards.names_without_results(config, makers) == [
        f"analyses.kr83m.limits has 'raet', {has}",
        f"analyses.kr83m.variables has 'rat', {has}",
    ]
    assert dashboards.names_without_results(config, {}) == []
    assert dashboards.names_without_results(config, {("kr83m", "v1"): Makers(units={"rate": "Hz"})}) == []


def test_what_keeps_dashboards_from_being_written_is_a_sentence_of_a_tick(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboards, "write_dashboards", lambda *_: 1 / 0)
    local = boards(paths)
    assert dashboards.renew_dashboards(paths, local, dict) == []
    served = ReportConfig.of(settings(paths.work, store={"kind": "influxdb", "credentials": "none.json"}))

    def raising(error: Exception) -> Callable[..., Any]:
        def fail(*_: Any) -> Any:
            raise error

        return fail

    monkeypatch.setattr(dashboards, "write_dashboards", raising(OSError(28, "No space", "a file")))
    assert dashboards.renew_dashboards(paths, served, dict) == ["the dashboards cannot be written: a file: No space"]
    monkeypatch.setattr(dashboards, "write_dashboards", raising(OSError(28, "No space")))
    assert dashboards.renew_dashboards(paths, served, dict) == [
        f"the dashboards cannot be written: {paths.grafana}: No space"
    ]
    monkeypatch.setattr(dashboards, "write_dashboards", raising(StoreError("no account")))
    assert dashboards.renew_dashboards(paths, served, dict) == []


def test_grafana_may_see_the_dashboards_in_another_folder(paths: Paths) -> None:
    config = ReportConfig.of(settings(paths.work, grafana=Grafana(folder="/srv/boards").model_dump()))
    assert dashboards.site_of(paths, config, Bucket("u", "o", "b"), {}).folder == Path("/srv/boards")

"""One job: what is written about it, who holds it, and how its process is started."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import keep, outcome, result
from support.old_work import LIVE_TICK, old_site
from support.site import Site
from xomflow.core import times
from xomflow.core.errors import DiskError
from xomflow.core.files.folder_marks import FolderAwayError
from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.jobs import runner
from xomflow.jobs.description import read_job
from xomflow.jobs.processes.process import STOP_SIGNALS, ProcessEnd, ProcessSpec, StopRequested, raise_on_stop
from xomflow.jobs.processes.surroundings import ALONE_IN_BATCH_JOB, beside
from xomflow.jobs.run_lock import lock_owners
from xomflow.outcomes.files import Failure, failure_path, failures_of
from xomlib.documents.schema import SchemaError
from xomlib.files import dump_json

KEY = Key("answer", "v1", "053006")  # which a tick of the kept site has claimed
OTHER = Key("moody", "v1", "053014")  # whose lock a process has left there


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = old_site(tmp_path)
    monkeypatch.chdir(tmp_path)
    return made


def run(site: Site, in_batch: bool = False) -> int:
    tick = TickPaths(site.paths.tick(LIVE_TICK))
    around = ALONE_IN_BATCH_JOB if in_batch else beside(tick)
    return runner.run_job(site.paths, tick, read_job(tick, KEY), around)


def records(site: Site) -> list[tuple[int, str]]:
    return [(failure.attempt, failure.kind) for failure in failures_of(site.paths, KEY)]


def process(monkeypatch: pytest.MonkeyPatch, end: Callable[[], ProcessEnd]) -> list[str]:
    """Let processes end so, and return the list of how they were started."""
    started: list[str] = []
    monkeypatch.setattr(runner, "run_cold", lambda *_: (started.append("cold"), end())[1])
    monkeypatch.setattr(runner, "run_warm", lambda *_: started.append("warm"))
    return started


def test_a_run_is_done_once_and_leaves_an_outcome_figures_and_a_log(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = site.paths
    paths.log(KEY).parent.mkdir(parents=True, exist_ok=True)
    paths.log(KEY).write_text("of an older attempt")
    paths.draft(KEY).mkdir(parents=True)
    shelf = paths.figure(KEY, "").parent
    for place in ("053006.of_an_older_attempt.png", "053006-12ab.pixel.png", "053006/pixel.png"):
        (shelf / place).parent.mkdir(parents=True, exist_ok=True)
        (shelf / place).touch()
    assert run(site) == 0
    made = site.outcome("answer", 53006)
    assert (made["status"], made["attempt"], made["figures"]) == ("done", 1, ["pixel.png"])
    assert sorted(path.name for path in shelf.iterdir()) == ["053006-12ab.pixel.png", "053006.pixel.png"]
    assert paths.figure(KEY, "pixel.png").stat().st_size > 0
    assert list(paths.drafts.iterdir()) == [paths.draft(KEY)]  # another process' own
    assert not paths.run_lock(KEY).exists()
    assert paths.log(KEY).read_text().startswith("--- attempt 1, ")
    before = paths.outcome(KEY).stat().st_mtime_ns
    assert capsys.readouterr().out == ""
    assert run(site) == 0
    assert paths.outcome(KEY).stat().st_mtime_ns == before
    assert capsys.readouterr().out == f"{KEY}: done by another process meanwhile\n"


def test_an_outcome_that_another_process_made_meanwhile_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(spec: ProcessSpec, _: Any) -> ProcessEnd:
        dump_json(spec.draft / "draft.json", {"results": [result()], "figures": [], "messages": [], "problems": []})
        dump_json(spec.draft / "end.json", {"failure": None, "versions": {}, "cpu_s": 1.0, "peak_memory_mb": 1.0})
        keep(site.paths, outcome(KEY, message="of another process"))
        return ProcessEnd(0)

    monkeypatch.setattr(runner, "run_cold", end)
    assert run(site) == 0
    assert site.outcome("answer", 53006)["message"] == "of another process"
    assert capsys.readouterr().out == f"{KEY}: done by another process meanwhile\n"


def test_a_run_that_has_a_job_to_itself_goes_on_in_the_log_of_its_job(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = site.paths.log(KEY)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("of the batch system\n")
    process(monkeypatch, lambda: ProcessEnd(9))
    assert run(site, in_batch=True) == 1
    kept = site.paths.log_of_attempt(KEY, 1).read_text()
    assert kept.startswith("of the batch system\n--- attempt 1, ")


def test_of_a_very_long_log_beginning_and_end_are_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    log = site.paths.log(KEY)

    def print_much() -> ProcessEnd:
        with log.open("a") as file:
            file.write("first words\n" + "x" * 30_000_000 + "\nlast words\n")
        return ProcessEnd(0)

    process(monkeypatch, print_much)
    run(site)
    text = log.read_text()
    assert len(text) < 11_001_000
    assert (text.startswith("--- attempt 1, "), "first words\n" in text, text.endswith("\nlast words\n")) == (True,) * 3
    assert re.search("x\n--- 190000[0-9]{2} bytes were left out here ---\nx", text)


def test_an_attempt_that_another_process_made_and_that_failed_is_not_made_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = process(monkeypatch, lambda: ProcessEnd(0))
    failure = failure_path(site.paths, KEY, Failure(1, "raised", lock_owners(site.paths)[OTHER].began))
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.touch()
    assert run(site) == 1
    assert started == []
    assert capsys.readouterr().out == f"{KEY}: attempt 1 was made by another process meanwhile, and failed\n"
    assert not site.paths.run_lock(KEY).exists()


def test_while_it_runs_its_lock_names_attempt_and_process(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: list[Any] = []
    shutil.rmtree(site.paths.logs, ignore_errors=True)

    def end() -> ProcessEnd:
        owners.append((lock_owners(site.paths)[KEY], json.loads(site.paths.run_lock(KEY).read_text())))
        return ProcessEnd(9)

    process(monkeypatch, end)
    assert run(site) == 1
    ((owner, written),) = owners
    assert (owner.held, owner.attempt, written["tick"]) == (True, 1, LIVE_TICK)
    assert records(site) == [(1, "killed")]


@pytest.mark.parametrize(("in_batch", "recorded"), [(False, [(1, "stopped")]), (True, [])])
def test_why_a_job_was_stopped_only_its_batch_system_can_say(
    site: Site, monkeypatch: pytest.MonkeyPatch, in_batch: bool, recorded: list[Any]
) -> None:
    process(monkeypatch, lambda: ProcessEnd(None, stopped_by="SIGTERM"))
    assert run(site, in_batch) == 1
    assert records(site) == recorded
    assert site.paths.run_lock(KEY).exists() == in_batch, "there it shows that the attempt had begun"


def test_a_process_that_gets_the_signal_of_its_job_before_the_runner_does_was_stopped_and_not_killed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.time, "sleep", lambda _: signal.raise_signal(signal.SIGTERM))
    process(monkeypatch, lambda: ProcessEnd(signal.SIGTERM))
    assert run(site, in_batch=True) == 1
    assert records(site) == []
    assert site.paths.run_lock(KEY).exists()


@pytest.mark.parametrize(("kills", "kind"), [([3, 3], "killed"), ([3, 4], "out_of_memory")])
def test_a_kill_by_the_kernel_while_it_ran_is_for_want_of_memory(
    site: Site, monkeypatch: pytest.MonkeyPatch, kills: list[int], kind: str
) -> None:
    monkeypatch.setattr(runner, "oom_kills", iter(kills).__next__)
    process(monkeypatch, lambda: ProcessEnd(9))
    run(site)
    assert records(site) == [(1, kind)]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (ProcessEnd(signal.SIGKILL), "out_of_memory"),
        (ProcessEnd(None), "out_of_memory"),  # the preloaded process was killed as well, so how it ended is unknown
        (ProcessEnd(7 << 8), "killed"),
        (ProcessEnd(signal.SIGSEGV), "killed"),
        (ProcessEnd(None, timed_out=True), "timeout"),
    ],
)
def test_of_several_runs_at_once_the_kernel_s_kill_counts_for_the_one_whose_process_was_killed(
    site: Site, monkeypatch: pytest.MonkeyPatch, end: ProcessEnd, kind: str
) -> None:
    monkeypatch.setattr(runner, "oom_kills", iter([3, 4]).__next__)
    process(monkeypatch, lambda: end)
    run(site)
    assert records(site) == [(1, kind)]


def test_of_a_run_that_has_a_job_to_itself_any_kill_by_the_kernel_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "oom_kills", iter([3, 4]).__next__)
    process(monkeypatch, lambda: ProcessEnd(None, timed_out=True))  # it waited for a process of its own
    run(site, in_batch=True)
    assert records(site) == [(1, "out_of_memory")]


def test_a_failure_is_printed_with_its_reason_and_the_next_try(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = TickPaths(site.paths.tick(LIVE_TICK)).jobs("answer")
    process(monkeypatch, lambda: ProcessEnd(9))
    for attempts, then in ((1, "that was the last try"), (2, "next try 20")):
        tree = json.loads(jobs.read_text())
        tree["retries"]["attempts"] = attempts
        jobs.write_text(json.dumps(tree))
        run(site)
        printed = capsys.readouterr().out
        assert printed.startswith(f"{KEY}: killed: the process was ended by SIGKILL; {then}")
        assert printed.endswith(f"; log {site.paths.log_of_attempt(KEY, 1)}\n")
        failure_path(site.paths, KEY, failures_of(site.paths, KEY)[0]).unlink()


def test_the_clock_of_a_node_that_is_ahead_delays_no_retry(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    present = times.now()
    monkeypatch.setattr(times, "now", lambda: present + timedelta(days=1))
    process(monkeypatch, lambda: ProcessEnd(9))
    assert run(site) == 1
    (failure,) = failures_of(site.paths, KEY)
    assert abs(failure.ended - present) < timedelta(hours=1)


def test_at_its_time_limit_a_process_ends_with_all_that_it_started(site: Site) -> None:
    jobs = TickPaths(site.paths.tick(LIVE_TICK)).jobs("answer")
    tree = json.loads(jobs.read_text())
    tree["runs"][KEY.run]["time_limit_s"] = 0.3
    jobs.write_text(json.dumps(tree))
    body = "import subprocess\n\ndef main(run_id):\n    subprocess.run(['sleep', '600'])\n"
    (site.folder / "extra/scripts/analyses/answer.py").write_text(body)
    assert run(site) == 1
    assert records(site) == [(1, "timeout")]
    assert site.processes() == [os.getpid()]


def test_a_failure_record_that_is_none_ends_the_job_with_a_sentence(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise SchemaError("has no key")

    process(monkeypatch, lambda: ProcessEnd(9))
    monkeypatch.setattr(runner, "write_outcome", refuse)
    with pytest.raises(SystemExit, match="answer v1 run 053006: the failure record is not valid: has no key"):
        run(site)


@pytest.mark.parametrize(
    ("enabled", "in_batch", "ways"), [(False, False, ["cold"]), (True, False, ["warm", "cold"]), (True, True, ["cold"])]
)
def test_a_job_is_started_warm_where_that_is_wanted_and_can_be_and_else_cold(
    site: Site, monkeypatch: pytest.MonkeyPatch, enabled: bool, in_batch: bool, ways: list[str]
) -> None:
    jobs = TickPaths(site.paths.tick(LIVE_TICK)).jobs("answer")
    tree = json.loads(jobs.read_text())
    tree["warm"]["enabled"] = enabled
    jobs.write_text(json.dumps(tree))
    started = process(monkeypatch, lambda: ProcessEnd(9))
    run(site, in_batch)
    assert started == ways


# --- what a disk does not take ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DiskError("the disk is away"), "the disk is away"),
        (OSError(28, "No space left on device", "/work/x"), "/work/x cannot be written: No space left on device"),
    ],
)
def test_a_job_that_a_disk_keeps_from_beginning_leaves_a_note_for_its_tick(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise error

    tick = TickPaths(site.paths.tick(LIVE_TICK))
    monkeypatch.setattr(runner, "hold_memory", refuse)
    with pytest.raises(type(error)):
        run(site)
    assert tick.disk_note(KEY).read_text() == words
    assert not tick.made(KEY).exists()
    tick.disk_note(KEY).write_text("of another run")
    with pytest.raises(type(error)):
        run(site)
    assert tick.disk_note(KEY).read_text() == words
    shutil.rmtree(tick.disk_note(KEY).parent)
    tick.disk_note(KEY).parent.touch()
    with pytest.raises(type(error)):
        run(site)


def test_a_disk_that_takes_no_draft_is_the_failure_of_the_attempt(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    process(monkeypatch, lambda: ProcessEnd(0))
    site.paths.drafts.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(runner, "_launch", lambda *_: (_ for _ in ()).throw(OSError(28, "No space", "/work/x")))
    assert run(site) == 1
    assert records(site) == [(1, "disk")]
    (record,) = site.failures("answer", 53006)
    assert record["failure"]["message"] == "/work/x cannot be written: No space"
    assert list(site.paths.drafts.iterdir()) == []
    assert not site.paths.run_lock(KEY).exists()


def test_where_no_folder_for_a_draft_can_be_made_the_attempt_failed_for_the_disk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(monkeypatch, lambda: ProcessEnd(0))
    shutil.rmtree(site.paths.drafts, ignore_errors=True)
    site.paths.drafts.touch()
    assert run(site) == 1
    assert records(site) == [(1, "disk")]


def test_only_a_job_that_a_signal_may_have_stopped_waits_for_its_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(runner.time, "sleep", slept.append)
    for end, in_batch in ((signal.SIGTERM, False), (signal.SIGKILL, True), (0, True), (signal.SIGTERM, True)):
        process(monkeypatch, lambda end=end: ProcessEnd(end))
        run(site, in_batch)
        for failure in failures_of(site.paths, KEY):
            failure_path(site.paths, KEY, failure).unlink()
    assert slept == [2.0]


def test_a_folder_that_is_away_records_nothing_and_an_error_of_xom_gives_the_lock_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(monkeypatch, lambda: ProcessEnd(9))
    for error in (FolderAwayError("its disk is away"), KeyError("odd")):
        monkeypatch.setattr(runner, "check_folders", lambda _, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(type(error)):
            run(site)
        assert records(site) == []
        assert not site.paths.run_lock(KEY).exists()


def test_an_outcome_makes_the_output_of_its_job_and_a_failure_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick = TickPaths(site.paths.tick(LIVE_TICK))
    process(monkeypatch, lambda: ProcessEnd(9))
    assert (run(site), tick.made(KEY).exists()) == (1, False)
    failure_path(site.paths, KEY, failures_of(site.paths, KEY)[0]).unlink()
    monkeypatch.setattr(runner, "_attempt", lambda *_: 0)
    assert (run(site), tick.made(KEY).exists()) == (0, True)


def test_a_signal_to_stop_is_raised_once_and_ignored_afterwards() -> None:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        for number in STOP_SIGNALS:
            with pytest.raises(StopRequested, match=rf"^{signal.Signals(number).name}$"), raise_on_stop():
                signal.raise_signal(number)
            assert {signal.getsignal(one) for one in STOP_SIGNALS} == {signal.SIG_IGN}
        with raise_on_stop():
            with pytest.raises(StopRequested):
                signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)  # while the process is ended
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

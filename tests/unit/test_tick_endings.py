"""How a tick ends: its exit code, its last lines and its limit, whatever its steps and jobs did."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import KEY, NOW
from xomflow.config.model import Slurm
from xomflow.core.errors import RunDBError
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey, Summary
from xomflow.workflow.commands import RunCommand, batch_command, notify_command, step_command
from xomflow.workflow.snakemake import tick_end
from xomflow.workflow.snakemake.exits import exit_with, explained
from xomflow.workflow.snakemake.tick_end import TickEnd
from xomlib.files import dump_json

FAILED = ListedKey(KEY, State.FAILED, "raised: it broke")


class Ending:
    """A tick at its end, in a folder of its own, whose Snakemake and Slurm a test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = Paths(folder / "work")
        self.files = TickPaths(self.paths.tick("20261122T120000-vm-1"))
        self.files.folder.mkdir(parents=True)
        log = self.files.log("discover")
        log.parent.mkdir()
        log.write_text("1 runs to analyse")
        self.files.claims.write_text("[]")
        self.told: list[int] = []
        self.published: list[str] = []
        self.unstarted = 0
        self.code_of_step = 0
        config = SimpleNamespace(slurm=SimpleNamespace(tick_limit=60.0))
        self.tick: Any = SimpleNamespace(
            config=config, paths=self.paths, files=self.files, record_unstarted=lambda failed: self.unstarted
        )
        self.snakemake: Any = SimpleNamespace(
            runs_jobs_here=True, failed_outputs=lambda: {"an output"}, is_own_handler=lambda handler: False
        )
        self.submitter: Any = SimpleNamespace(complaint="", batch_system="Slurm")
        monkeypatch.setattr(tick_end, "send_messages", lambda config, files, code: self.told.append(code))
        monkeypatch.setattr(tick_end.subprocess, "run", self._step)
        self.end = TickEnd(self.snakemake, self.tick)
        self.end._submitter = self.submitter

    def summary(self, **changes: Any) -> None:
        dump_json(self.files.summary, Summary("t", NOW, NOW, **changes).to_json())

    def _step(self, command: str, shell: bool, check: bool) -> Any:
        assert shell and not check
        self.published.append(command)
        return subprocess.CompletedProcess(command, self.code_of_step)

    def code(self, failed: bool = False) -> int:
        """End the tick; the exit code, which people are told too."""
        self.told.clear()
        try:
            self.end.end(failed)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        assert self.told == [code]
        return code


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ending:
    monkeypatch.chdir(tmp_path)
    return Ending(tmp_path, monkeypatch)


def last(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.usefixtures("own_signals")
def test_a_good_tick_ends_with_its_last_lines(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.summary()
    signal.setitimer(signal.ITIMER_REAL, 60)
    assert ending.code() == 0
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0, "its limit is over"
    lines = last(capsys)
    assert (lines[0], lines[-1]) == ("", "this tick: 0 of 0 runs done")
    assert ending.published == []


def test_runs_that_failed_are_the_code_and_no_news(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.summary(taken=[FAILED])
    assert ending.code(failed=True) == ExitCode.FAILED_RUNS
    assert last(capsys)[-1].startswith("failed    kr83m v1 run 052894: raised: it broke")


def test_a_job_that_did_not_start_is_unforeseen(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.summary(taken=[FAILED])
    ending.unstarted = 2
    assert ending.code(failed=True) == ExitCode.UNFORESEEN
    assert "2 jobs could not be started, see .snakemake/log" in last(capsys)
    ending.snakemake.runs_jobs_here = False
    assert ending.code(failed=True) == ExitCode.FAILED_RUNS, "of its jobs Slurm has a better reason"
    ending.snakemake.runs_jobs_here = True
    assert ending.code(failed=False) == ExitCode.FAILED_RUNS


def test_a_slurm_that_refuses_jobs_is_told_if_jobs_failed(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.summary()
    ending.submitter.complaint = "Slurm refuses jobs"
    assert ending.code(failed=True) == ExitCode.SLURM
    assert "Slurm refuses jobs: no runs are left for the next tick" in last(capsys)
    assert ending.code(failed=False) == ExitCode.OK


def test_an_interrupted_tick_says_so(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.summary()
    ending.end._interruption = "interrupted"
    ending.unstarted = 2
    assert ending.code(failed=True) == ExitCode.UNFORESEEN
    lines = last(capsys)
    assert not any("could not be started" in line for line in lines), "the interruption has ended them"
    assert "it was interrupted while jobs ran" in lines
    assert "interrupted: no runs are left for the next tick" in lines
    assert ending.code(failed=False) == ExitCode.OK


def test_steps_that_a_failed_job_prevented_are_done(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending.code() == ExitCode.UNFORESEEN, "the step wrote no report"
    assert ending.published == [step_command("publish", ending.files)]
    assert f"the report could not be written, see {ending.files.folder}" in last(capsys)
    for code, expected in ((6, ExitCode.STORE_OR_DISK), (-9, ExitCode.UNFORESEEN), (99, ExitCode.UNFORESEEN)):
        ending.code_of_step = code
        assert ending.code() == expected


def test_a_step_that_fails_after_its_report_is_unforeseen(
    ending: Ending, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(*_: Any, **__: Any) -> Any:
        ending.summary()
        return subprocess.CompletedProcess("", ending.code_of_step)

    monkeypatch.setattr(tick_end.subprocess, "run", report)
    assert ending.code() == ExitCode.OK
    ending.files.summary.unlink()
    ending.code_of_step = 1
    assert ending.code() == ExitCode.UNFORESEEN
    assert "the step that publishes and reports failed" in last(capsys)


def test_trouble_of_a_step_ends_the_tick_with_its_sentence_and_code(
    ending: Ending, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dump_json(ending.files.trouble, {"sentence": "the run database is away", "exit_code": 4})
    assert (ending.code(), last(capsys)) == (ExitCode.RUN_DATABASE, ["the run database is away"])
    assert ending.published == []
    assert ending.code() == ExitCode.RUN_DATABASE
    assert last(capsys)[1].startswith("no mail is due: what needs a person was reported at ")
    ending.files.trouble.unlink()

    def publish(*_: Any, **__: Any) -> Any:
        dump_json(ending.files.trouble, {"sentence": "12 of 20 vanish", "exit_code": 8})
        return subprocess.CompletedProcess("", 8)

    monkeypatch.setattr(tick_end.subprocess, "run", publish)
    assert (ending.code(), last(capsys)[0]) == (ExitCode.WAITS_FOR_PERSON, "12 of 20 vanish")


def test_less_than_a_tick_is_refused(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    log = ending.files.log("discover")
    for make in (lambda: log.write_text(""), log.unlink):
        make()
        assert ending.code() == ExitCode.USAGE
        assert last(capsys)[0].startswith("nothing was done, since Snakemake was asked for less than a tick")


def test_a_tick_that_had_not_looked_leaves_its_trouble(ending: Ending, capsys: pytest.CaptureFixture[str]) -> None:
    ending.files.claims.unlink()
    sentence = f"the tick ended before it had looked for work, see {ending.files.log('discover')}"
    assert (ending.code(), last(capsys)[0]) == (ExitCode.UNFORESEEN, sentence)
    assert ending.files.trouble.exists()
    ending.files.trouble.unlink()
    ending.files.claims.write_text("[]")
    ending.end._submitter = None
    assert (ending.code(), last(capsys)[0]) == (ExitCode.UNFORESEEN, sentence)


def test_people_are_told_of_an_error_that_nobody_expects(ending: Ending) -> None:
    ending.summary()
    ending.tick.record_unstarted = lambda failed: 1 / 0
    with pytest.raises(ZeroDivisionError):
        ending.end.end(failed=True)
    assert ending.told == [ExitCode.UNFORESEEN]


# --- signals ----------------------------------------------------------------------------------------------------------
KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = [signal.getsignal(number) for number in KINDS]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(KINDS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("own_signals")
def test_a_signal_ends_a_tick_whose_jobs_are_in_slurm(
    ending: Ending, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    ending.end._submitter = None
    ending.snakemake.runs_jobs_here = False
    for number, why in (
        (signal.SIGTERM, "interrupted"),
        (signal.SIGINT, "interrupted"),
        (signal.SIGALRM, "its time is up"),
    ):
        ending.summary(taken=[ListedKey(KEY, State.READY, "left")])
        ending.end.prepare(ending.submitter)
        signal.raise_signal(number)
        assert f"{why}: 1 runs are left for the next tick" in last(capsys)
        assert [signal.getsignal(one) for one in KINDS] == [signal.SIG_IGN] * 3
        for one in KINDS:
            signal.signal(one, signal.default_int_handler)
    assert codes == [0, 0, 0]
    ending.summary(for_person=["a job is held"])
    ending.end.prepare(ending.submitter)
    signal.raise_signal(signal.SIGTERM)
    assert codes[-1] == ExitCode.WAITS_FOR_PERSON
    ending.tick.paths = None
    ending.end.prepare(ending.submitter)
    last(capsys)
    signal.raise_signal(signal.SIGTERM)
    assert (codes[-1], bool(last(capsys))) == (ExitCode.UNFORESEEN, True)


@pytest.mark.usefixtures("own_signals")
def test_snakemake_ends_a_tick_whose_jobs_run_here(ending: Ending) -> None:
    got: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ending.end.prepare(ending.submitter)
    signal.raise_signal(signal.SIGTERM)
    assert (got, ending.end._interruption) == ([signal.SIGTERM], "interrupted")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    threads: list[str] = []
    tick_end.in_thread(lambda number, frame: threads.append(f"{number}"))(7, None)
    while not threads:
        os.sched_yield()
    assert threads == ["7"]


# --- commands and exits -----------------------------------------------------------------------------------------------
def test_rules_start_these_commands() -> None:
    tick = TickPaths(Path("/a b/tick"))
    begin = "-m xomflow job"
    assert step_command("publish", tick).partition(begin)[2] == " publish '/a b/tick'"
    assert batch_command("b-1", tick).partition(begin)[2] == " batch '/a b/tick' b-1"
    assert notify_command(tick, ExitCode.SLURM)[1:] == ["-m", "xomflow", "job", "notify", "/a b/tick", "5"]
    command = RunCommand("/t", "kr83m", lambda analysis, run: f"{analysis}-{run}")
    made = command(SimpleNamespace(run="052894"))
    assert made.partition(begin)[2] == " run /t kr83m kr83m-052894 052894"


def test_an_error_for_a_user_is_printed_and_any_other_one_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, explained():
        raise RunDBError("it is\naway")
    assert (end.value.code, last(capsys)) == (ExitCode.RUN_DATABASE, ["it is", "away"])
    with pytest.raises(SystemExit), explained(lambda sentence, code: f"{sentence} {int(code)}"):
        raise RunDBError("away")
    assert last(capsys) == ["away 4"]
    with pytest.raises(KeyError), explained():
        raise KeyError("odd")
    with pytest.raises(SystemExit) as end:
        exit_with("a", ExitCode.USAGE)
    assert (end.value.code, last(capsys)) == (2, ["a"])


def prepared(runs_jobs_here: bool) -> float:
    """The seconds until the alarm of a tick; 0 if it has none."""
    snakemake: Any = SimpleNamespace(runs_jobs_here=runs_jobs_here, is_own_handler=lambda handler: False)
    config = SimpleNamespace(slurm=Slurm.model_validate({"tick_limit": "2 h"}))
    TickEnd(snakemake, SimpleNamespace(config=config)).prepare(SimpleNamespace())  # type: ignore[arg-type]
    return signal.getitimer(signal.ITIMER_REAL)[0]


@pytest.mark.usefixtures("own_signals")
def test_only_a_tick_whose_jobs_are_in_slurm_is_bounded_by_its_limit() -> None:
    assert prepared(runs_jobs_here=True) == 0
    assert prepared(runs_jobs_here=False) == pytest.approx(7200, abs=60)
    assert signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, signal.SIG_IGN)

"""The work on the members of a batch: what begins when, and what is said and recorded about each end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support import factory
from support.jobs import analysis_jobs, run_job
from xomflow.core.files.folder_marks import FolderAwayError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.batches import child, run_batch, silent_ends
from xomflow.jobs.batches.batch_file import Batch, read_batch, write_batch
from xomflow.jobs.batches.plan import Planned, read_plan, write_plan
from xomflow.jobs.description import Job, read_job, write_jobs
from xomflow.jobs.processes.surroundings import Surroundings
from xomflow.jobs.run_lock import hold_run, leave_run, write_owner
from xomflow.outcomes.files import failures_of
from xomflow.outcomes.reading import read_outcome

KEYS = [factory.key_of(number) for number in range(1, 6)]


class Children:
    """Stand for the child processes of a batch, and for its clock.

    Attributes
    ----------
    ends
        Exit code of each run; a run without one ends once it is asked to stop, by SIGTERM.
    signals
        What the process of the batch gets at each look; None: nothing.
    begun, asked
        Runs in the order in which they were begun, and asked to stop.
    most
        How many were at work at a time.
    waited
        Those whose ends were waited for, at whatever cost of time.
    kills
        How many processes the kernel killed so far.
    killed_by_hand
        Runs that a person kills, not the kernel.
    """

    def __init__(self) -> None:
        self.ends: dict[int, int] = {}
        self.signals: list[Callable[[], Any]] = []
        self.begun: list[int] = []
        self.asked: list[int] = []
        self.waited: list[int] = []
        self.around: list[Surroundings] = []
        self.most = self.kills = 0
        self.killed_by_hand: set[int] = set()
        self._running: set[int] = set()

    def fork(self, work: partial[int], _: Any) -> int:
        run = int(work.args[2].key.run)
        self.begun.append(run)
        self.around.append(work.args[3])
        self._running.add(run)
        self.most = max(self.most, len(self._running))
        return run

    def kill(self, pid: int, number: int) -> None:
        assert number == signal.SIGTERM
        self.asked.append(pid)
        self.ends.setdefault(pid, -number)

    def waitpid(self, pid: int, flags: int) -> tuple[int, int]:
        if flags != os.WNOHANG:
            self.waited.append(pid)
        if pid not in self.ends:
            return 0, 0
        self._running.remove(pid)
        code = self.ends[pid]
        self.kills += code == -signal.SIGKILL and pid not in self.killed_by_hand
        return pid, -code if code < 0 else code << 8

    def look(self, signals: Any, seconds: float) -> Any:
        assert {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT} <= set(signals)
        assert seconds <= 1.0, "a person who cancels a run waits for the next look"
        return self.signals.pop(0)() if self.signals else None


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def tick(paths: Paths) -> TickPaths:
    made = TickPaths(paths.tick("tick-1"))
    write_jobs(made, KEYS[0].analysis, analysis_jobs({key.run: run_job() for key in KEYS}))
    return made


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """The children of a batch; however it ends, signals are as before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    made = Children()
    its_os = {"waitpid": made.waitpid, "kill": made.kill, "waitstatus_to_exitcode": os.waitstatus_to_exitcode}
    monkeypatch.setattr(run_batch, "os", SimpleNamespace(environ={}, WNOHANG=os.WNOHANG, **its_os))
    monkeypatch.setattr(run_batch, "time", SimpleNamespace(time=lambda: 1000.0))
    monkeypatch.setattr(run_batch, "gc", SimpleNamespace(collect=lambda: None, freeze=lambda: None))
    monkeypatch.setattr(run_batch, "git_revision", lambda: None)
    monkeypatch.setattr(run_batch, "oom_kills", lambda: made.kills)
    monkeypatch.setattr(run_batch.child, "fork", made.fork)
    monkeypatch.setattr(run_batch.signal, "sigtimedwait", made.look)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield made
    assert signal.pthread_sigmask(signal.SIG_SETMASK, before) == before


def work(paths: Paths, tick: TickPaths, *keys: Key, at_once: int = 1, seconds: float = 1e6) -> int:
    return run_batch.run_batch(paths, tick, Batch("7", keys, at_once, seconds))


def kinds(paths: Paths) -> dict[int, list[tuple[int, str]]]:
    found = {int(key.run): [(one.attempt, one.kind) for one in failures_of(paths, key)] for key in KEYS}
    return {run: failures for run, failures in found.items() if failures}


def cancel(tick: TickPaths, key: Key) -> None:
    tick.cancelled(key).parent.mkdir(parents=True, exist_ok=True)
    tick.cancelled(key).touch()


def stop(number: int) -> Callable[[], Any]:
    return lambda: SimpleNamespace(si_signo=number)


def test_members_begin_in_order_and_each_end_is_recorded_once(
    paths: Paths, tick: TickPaths, children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.ends = {1: 0, 2: 3, 3: -signal.SIGKILL}
    cancel(tick, KEYS[3])
    held = hold_run(paths, KEYS[4])
    assert work(paths, tick, *KEYS, at_once=2) == 0
    held.close()
    assert (children.begun, children.most, children.asked, children.waited) == ([1, 2, 3], 2, [], [])
    assert kinds(paths) == {2: [(1, "not_started")], 3: [(1, "out_of_memory")], 4: [(1, "cancelled")]}
    assert capsys.readouterr().out.splitlines() == [
        "batch 7: 5 runs, 2 at a time",
        "batch 7: 1 cancelled, 1 done, 2 failed, 1 left to another process that works on it",
    ]
    assert all(one.in_batch_job and one.home and not one.home.folder.exists() for one in children.around)


def test_the_last_member_is_waited_for(paths: Paths, tick: TickPaths, children: Children) -> None:
    children.signals = [lambda: None, lambda: children.ends.update({1: 0})]
    assert work(paths, tick, KEYS[0]) == 0
    assert (children.asked, children.waited) == ([], [])


def test_a_kill_by_the_kernel_before_a_member_began_is_not_its_end(
    paths: Paths, tick: TickPaths, children: Children
) -> None:
    children.ends = {1: -signal.SIGKILL, 2: -signal.SIGSEGV, 3: -signal.SIGKILL}
    children.killed_by_hand = {3}
    work(paths, tick, *KEYS[:3])
    assert kinds(paths) == {1: [(1, "out_of_memory")], 2: [(1, "lost")], 3: [(1, "lost")]}


@pytest.mark.parametrize(("seconds", "begun"), [(90.0, [1]), (89.9, [])])
def test_a_member_begins_only_if_the_job_lasts_until_its_limit_and_half_a_minute(
    paths: Paths,
    tick: TickPaths,
    children: Children,
    capsys: pytest.CaptureFixture[str],
    seconds: float,
    begun: list[int],
) -> None:
    children.ends = {1: 0}
    assert work(paths, tick, KEYS[0], seconds=seconds) == 0
    assert (children.begun, kinds(paths)) == (begun, {})
    ended = "1 done" if begun else "1 not begun for want of time"
    assert capsys.readouterr().out.endswith(f"batch 7: {ended}\n")


def test_the_end_that_the_batch_system_gives_counts(
    paths: Paths, tick: TickPaths, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_batch.os.environ["XOM_BATCH_JOB_END"] = "1089"
    work(paths, tick, KEYS[0])
    assert children.begun == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_stopped_asks_what_runs_to_stop_and_records_nothing(
    paths: Paths, tick: TickPaths, children: Children, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    children.ends = {1: 0}
    children.signals = [stop(signal.SIGCHLD), stop(number)]
    assert work(paths, tick, *KEYS, at_once=2) == 1
    assert (children.begun, children.asked, kinds(paths)) == ([1, 2, 3], [2, 3], {})
    name = signal.Signals(number).name
    assert capsys.readouterr().out.endswith(f"batch 7: 1 done, 2 not begun, 2 stopped; stopped by {name}\n")


def test_a_job_that_is_stopped_begins_no_member_in_the_place_of_one_that_ends(
    paths: Paths, tick: TickPaths, children: Children
) -> None:
    children.kill = lambda pid, _: children.asked.append(pid)  # type: ignore[method-assign]
    run_batch.os.kill = children.kill
    ends = [lambda: children.ends.update({1: 1}), lambda: children.ends.update({2: 1})]
    children.signals = [stop(signal.SIGTERM), *ends]
    assert work(paths, tick, *KEYS, at_once=2) == 1
    assert children.begun == [1, 2]


def test_a_member_that_a_person_cancels_is_asked_once_to_stop_and_the_others_go_on(
    paths: Paths, tick: TickPaths, children: Children, capsys: pytest.CaptureFixture[str]
) -> None:
    children.ends = {2: 0}
    wanted = [lambda: cancel(tick, KEYS[0]), lambda: None]
    children.kill = lambda pid, _: children.asked.append(pid)  # type: ignore[method-assign]
    run_batch.os.kill = children.kill
    children.signals = [*wanted, lambda: children.ends.update({1: 1})]
    assert work(paths, tick, *KEYS[:2]) == 0
    assert (children.begun, children.asked, kinds(paths)) == ([1, 2], [1], {1: [(1, "cancelled")]})
    assert capsys.readouterr().out.endswith("batch 7: 1 cancelled, 1 done\n")


def test_after_an_error_what_runs_is_ended(
    paths: Paths, tick: TickPaths, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork(job: partial[int], unblock: Any) -> int:
        if children.begun:
            raise BlockingIOError("no process is left")
        return children.fork(job, unblock)

    monkeypatch.setattr(run_batch.child, "fork", fork)
    with pytest.raises(BlockingIOError):
        work(paths, tick, *KEYS[:2], at_once=2)
    assert (children.asked, children.waited) == ([1], [1])


# --- a member whose runner wrote nothing ------------------------------------------------------------------------------
def job_of(tick: TickPaths, attempt: int = 1) -> Job:
    job = read_job(tick, KEYS[0])
    return replace(job, own=replace(job.own, limits=replace(job.own.limits, attempt=attempt)))


def leave_lock(paths: Paths) -> None:
    lock = hold_run(paths, KEYS[0])
    write_owner(lock, KEYS[0], 1, "tick-1")
    leave_run(lock)


@pytest.mark.parametrize(
    ("code", "left", "note", "kind", "words"),
    [
        (1, False, "", "not_started", "ended with an error before it began; the log of its batch has the reason"),
        (1, False, "/work: no space", "disk", "/work: no space"),
        (1, True, "", "lost", "XOM's runner was ended by a signal to stop, and the job of its batch went on"),
        (-signal.SIGTERM, False, "", "lost", "XOM's runner was ended by SIGTERM, and the job of its batch went on"),
    ],
)
def test_the_record_has_how_the_runner_ended(
    paths: Paths, tick: TickPaths, code: int, left: bool, note: str, kind: str, words: str
) -> None:
    if left:
        leave_lock(paths)
    if note:
        tick.disk_note(KEYS[0]).parent.mkdir(parents=True)
        tick.disk_note(KEYS[0]).write_text(note)
    silent_ends.record_end(paths, tick, job_of(tick, 2), code, was_asked=False, out_of_memory=False)
    ((failure,),) = [failures_of(paths, KEYS[0])]
    assert (failure.attempt, failure.kind) == (2, kind)
    (record,) = paths.outcome(KEYS[0]).parent.iterdir()
    written = read_outcome(record)
    assert written.failure
    assert words in written.failure.message
    assert written.run.number == factory.outcome()["run"]["number"], "it has the metadata of the run"
    assert not paths.run_lock(KEYS[0]).exists()


@pytest.mark.parametrize(("seconds", "kind"), [(9.9, {1: [(1, "lost")]}), (10.1, {})])
def test_an_analysis_that_outlived_its_runner_is_waited_for_ten_seconds(
    paths: Paths, tick: TickPaths, monkeypatch: pytest.MonkeyPatch, seconds: float, kind: dict[int, Any]
) -> None:
    clock = iter([0.0, seconds, seconds, seconds])
    with ExitStack() as held:
        lock = held.enter_context(hold_run(paths, KEYS[0]))
        write_owner(lock, KEYS[0], 1, "tick-1")
        its_time = SimpleNamespace(monotonic=clock.__next__, sleep=lambda _: lock.close())
        monkeypatch.setattr(silent_ends, "time", its_time)
        silent_ends.record_end(paths, tick, job_of(tick), -signal.SIGKILL, was_asked=False, out_of_memory=False)
    assert kinds(paths) == kind


def test_behind_a_runner_that_ended_by_itself_nothing_is_waited_for(
    paths: Paths, tick: TickPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silent_ends, "time", SimpleNamespace(monotonic=lambda: 0.0))
    with hold_run(paths, KEYS[0]):
        silent_ends.record_end(paths, tick, job_of(tick), 1, was_asked=False, out_of_memory=False)
    assert kinds(paths) == {1: [(1, "not_started")]}


def test_where_a_disk_has_gone_no_record_is_written_in_its_place(
    paths: Paths, tick: TickPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Paths) -> None:
        raise FolderAwayError("the disk is away")

    monkeypatch.setattr(silent_ends, "check_folders", away)
    with pytest.raises(FolderAwayError, match="the disk is away"):
        silent_ends.cancel_before_begin(paths, job_of(tick))
    assert kinds(paths) == {}


# --- a child ----------------------------------------------------------------------------------------------------------
def code_of(work: Callable[[], int]) -> int:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        _, status = os.waitpid(child.fork(work, {signal.SIGTERM}), 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return os.waitstatus_to_exitcode(status)


def test_a_child_ends_with_the_code_of_its_work_and_with_1_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise KeyError("something odd")

    def fill() -> int:
        raise OSError(28, "No space left on device", "/work/x")

    assert [code_of(lambda: 0), code_of(lambda: 7), code_of(fail), code_of(fill)] == [0, 7, 1, 1]
    printed = capfd.readouterr().err
    assert "KeyError: 'something odd'" in printed
    assert printed.count("Traceback") == 1, "what a user understands comes as a sentence"
    assert "/work/x: No space left on device" in printed


def test_a_child_gets_the_signals_that_its_parent_blocks() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a runner that ended in this process ignores it
    try:
        assert code_of(lambda: signal.raise_signal(signal.SIGTERM) or 0) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_child_gets_a_signal_to_stop_when_its_parent_dies() -> None:
    def signal_of_that() -> int:
        number = ctypes.c_int()
        ctypes.CDLL(None).prctl(2, ctypes.byref(number))  # PR_GET_PDEATHSIG
        return number.value

    assert code_of(signal_of_that) == signal.SIGTERM


def test_what_was_printed_before_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        print("to out")
        print("to err", file=sys.stderr)

        def speak() -> int:
            for file in (out, err):
                print("of the child", file=file)
            return 0

        assert code_of(speak) == 0
    monkeypatch.undo()
    assert (tmp_path / "out").read_text() == "to out\nof the child\n"
    assert (tmp_path / "err").read_text() == "to err\nof the child\n"


def test_a_child_whose_parent_has_died_does_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    monkeypatch.setattr(child.os, "getppid", lambda: parent + 1)
    assert code_of(lambda: 0) == 1


def test_plan_and_batch_come_back_from_their_files(tick: TickPaths) -> None:
    assert read_plan(tick) == []
    write_plan(tick, [[Planned(KEYS[0], 1.23456), Planned(KEYS[1], 2.0)], []])
    assert read_plan(tick) == [[Planned(KEYS[0], 1.235), Planned(KEYS[1], 2.0)], []]
    whole = Batch("7", tuple(KEYS), 3, 60.5)
    write_batch(tick, whole)
    assert read_batch(tick, "7") == whole

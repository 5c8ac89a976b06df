"""Failure records of members of a batch whose runner could not write one, or was kept from it."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from xomflow.core import times
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.description import Job
from xomflow.jobs.ends.lost import disk_trouble, record_failure
from xomflow.jobs.run_lock import take_left_behind
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import DISK
from xomlib.process.locks import is_locked

_KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunnerEnd:
    """How the runner of a member ended, if its exit code was not 0.

    Parameters
    ----------
    signal_name
        The signal that ended it; empty: none.
    had_begun
        Whether it left a lock with its owner, as one that is killed or stopped does.
    was_asked
        Whether a person cancelled the run.
    out_of_memory
        Whether the kernel killed a process of the job for want of memory while it ran.
    disk_trouble
        What it wrote about a disk that takes no files; empty: nothing.
    """

    signal_name: str = ""
    had_begun: bool = False
    was_asked: bool = False
    out_of_memory: bool = False
    disk_trouble: str = ""


def failure_of(end: RunnerEnd) -> tuple[str, str]:
    """Return class and message of the failure of a member that has no record yet."""
    if end.was_asked:
        return "cancelled", "a person cancelled it"
    if end.signal_name == "SIGKILL" and end.out_of_memory:
        return "out_of_memory", "the kernel killed XOM's runner: its job had no memory left"
    if end.had_begun or end.signal_name:
        how = end.signal_name or "a signal to stop"
        return "lost", f"XOM's runner was ended by {how}, and the job of its batch went on without it"
    if end.disk_trouble:
        return DISK, end.disk_trouble
    return "not_started", "XOM's runner ended with an error before it began; the log of its batch has the reason"


def cancel_before_begin(paths: Paths, job: Job) -> None:
    """Write the record of a member that a person cancelled before it began."""
    _record(paths, job, *failure_of(RunnerEnd(was_asked=True)))


def record_end(paths: Paths, tick: TickPaths, job: Job, code: int, was_asked: bool, out_of_memory: bool) -> None:
    """Write the record of a member whose runner ended with another exit code than 0, unless the runner wrote it.

    Nothing is written while its analysis goes on without a runner: the lock, which that holds, shows that it had begun.

    Parameters
    ----------
    paths, tick, job
        Where, of which tick, and which member.
    code
        The exit code; negative: the number of the signal that ended it.
    was_asked, out_of_memory
        See `RunnerEnd`.
    """
    lock, until = str(paths.run_lock(job.key)), time.monotonic() + _KILL_SECONDS
    while code < 0 and is_locked(lock):  # the preloaded process is ending its fork
        if time.monotonic() > until:
            return
        time.sleep(0.02)
    name = signal.Signals(-code).name if code < 0 else ""
    had_begun = take_left_behind(paths, job.key) is not None
    end = RunnerEnd(name, had_begun, was_asked, out_of_memory, disk_trouble(paths, tick, job.key))
    _record(paths, job, *failure_of(end))


def _record(paths: Paths, job: Job, kind: str, message: str) -> None:
    check_folders(paths)  # where a disk has gone nothing is written in its place
    failure = Failure(job.attempt, kind, times.now())
    record_failure(paths, job.common.retries, job.key, failure, message, job.own.run)

"""Run the members of a batch, each in a child process of its own with its own limits, lock, log and outcome."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.batches import child
from xomflow.jobs.batches.batch_file import Batch
from xomflow.jobs.batches.node_home import home_on_node
from xomflow.jobs.batches.silent_ends import cancel_before_begin, record_end
from xomflow.jobs.description import Job, read_jobs_of
from xomflow.jobs.ends.compose import git_revision
from xomflow.jobs.processes.oom import oom_kills
from xomflow.jobs.processes.process import STOP_SIGNALS
from xomflow.jobs.processes.surroundings import Home, Surroundings
from xomflow.jobs.runner import run_job
from xomlib.printing import say
from xomlib.process.locks import is_locked

_SIGNALS = {signal.SIGCHLD, *STOP_SIGNALS}
_LOOK_SECONDS = 1.0
# A member at its time limit is killed, and then writes how it ended.
_END_SECONDS = 30.0


def run_batch(paths: Paths, tick: TickPaths, batch: Batch) -> int:
    """Work on the members of a batch in their order; 0 unless the job is stopped.

    How a member ended is in its own files. One that has not begun leaves none: its run is as ready as before. One that
    has ended with this attempt is passed over, so a job that is started again does what is left.

    Raises
    ------
    OSError, KeyError
        If the descriptions of the jobs cannot be read, or lack a member.
    DiskError
        If a disk has gone.
    """
    jobs = read_jobs_of(tick, batch.members)
    end = end_of_job(batch.seconds, time.time(), os.environ.get("XOM_BATCH_JOB_END", ""))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with home_on_node() as home:
            work = _Work(paths, tick, home, batch.at_once, end)
            say(f"batch {batch.name}: {len(jobs)} runs, {batch.at_once} at a time")
            work.do(jobs)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    say(f"batch {batch.name}: {work.summary()}")
    return 1 if work.stopped_by else 0


def end_of_job(seconds: float, began: float, given: str) -> float:
    """Return when a job ends, in seconds since 1970: at its time limit, or earlier where the batch system gives an end.

    Parameters
    ----------
    seconds
        The time limit of the job.
    began
        When it began.
    given
        The end that the batch system gives, in seconds since 1970; empty: none.
    """
    return min(began + seconds, float(given)) if given.isdecimal() else began + seconds


@dataclass(slots=True)
class _AtWork:
    """A member that has a child process.

    Parameters
    ----------
    job
        Its job.
    kills
        How many processes the kernel had killed for want of memory when it began.
    was_asked
        Whether a person cancelled it.
    """

    job: Job
    kills: int
    was_asked: bool = False


class _Work:
    """The work on a batch, with `_SIGNALS` blocked: they are waited for, and interrupt nothing.

    Attributes
    ----------
    stopped_by
        Name of the signal that stopped it; empty if none did.
    """

    def __init__(self, paths: Paths, tick: TickPaths, home: Home, at_once: int, end: float) -> None:
        self._paths, self._tick, self._at_once, self._end = paths, tick, at_once, end
        self._around = Surroundings(in_batch_job=True, home=home)
        self._running: dict[int, _AtWork] = {}
        self._ends: Counter[str] = Counter()
        self.stopped_by = ""

    def do(self, jobs: list[Job]) -> None:
        """Begin the jobs one after the other and wait for their ends."""
        git_revision()  # the children need not find it again
        gc.collect()
        gc.freeze()  # nor copy what no collector touches
        waiting = list(reversed(jobs))
        try:
            while (waiting and not self.stopped_by) or self._running:
                while waiting and not self.stopped_by and len(self._running) < self._at_once:
                    self._begin(waiting.pop())
                if self._running:
                    self._wait()
        finally:
            self._end_all()
        self._ends["not begun"] += len(waiting)

    def summary(self) -> str:
        """Return in words how many members ended how."""
        ends = [f"{number} {what}" for what, number in sorted(self._ends.items()) if number]
        return ", ".join(ends) + (f"; stopped by {self.stopped_by}" if self.stopped_by else "")

    def _begin(self, job: Job) -> None:
        """Begin a member, unless it is not to be begun here."""
        if self._tick.cancelled(job.key).exists():
            cancel_before_begin(self._paths, job)
            self._ends["cancelled"] += 1
        elif time.time() + job.own.limits.time_limit_s + _END_SECONDS > self._end:
            self._ends["not begun for want of time"] += 1
        elif is_locked(str(self._paths.run_lock(job.key))):
            self._ends["left to another process that works on it"] += 1
        else:
            kills, work = oom_kills(), partial(run_job, self._paths, self._tick, job, self._around)
            self._running[child.fork(work, _SIGNALS)] = _AtWork(job, kills)

    def _wait(self) -> None:
        """Wait for an end or a signal to stop, but not for long: a person may cancel a member."""
        found = signal.sigtimedwait(_SIGNALS, _LOOK_SECONDS)
        if found and found.si_signo in STOP_SIGNALS:
            self.stopped_by = signal.Signals(found.si_signo).name
            self._ask_to_stop(self._running)
        for pid, one in list(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._running[pid]
                self._note_end(one, os.waitstatus_to_exitcode(status))
            elif not one.was_asked and self._tick.cancelled(one.job.key).exists():
                one.was_asked = True
                self._ask_to_stop([pid])

    def _note_end(self, one: _AtWork, code: int) -> None:
        if code == 0:
            self._ends["done"] += 1
        elif self.stopped_by:  # the batch system has the reason
            self._ends["stopped"] += 1
        else:
            killed = oom_kills() > one.kills
            record_end(self._paths, self._tick, one.job, code, one.was_asked, killed)
            self._ends["cancelled" if one.was_asked else "failed"] += 1

    def _ask_to_stop(self, children: Iterable[int]) -> None:
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    def _end_all(self) -> None:
        """End what still runs after an error, as after a signal to stop."""
        self._ask_to_stop(self._running)
        for pid in self._running:
            os.waitpid(pid, 0)

"""Start one analysis in a process of its own, cold or as a fork of a preloaded one, and wait for it."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from xomflow.config import software
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomlib.files import dump_json
from xomlib.limits import limit_memory

_GRACE_SECONDS = 60
_TOLD_TO_END = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Work:
    """One analysis to start.

    Parameters
    ----------
    program
        What runs it.
    job
        What xomlib is told, see `xomlib.job.Session`.
    draft
        Folder for the job's files.
    log
        Open file for what the analysis prints.
    lock
        The held lock of the run, which the process keeps open.
    time_limit
        Seconds.
    memory_mb
        Megabytes.
    """

    program: Program
    job: dict[str, Any]
    draft: Path
    log: IO[str]
    lock: IO[str]
    time_limit: float
    memory_mb: int


class Stopped(BaseException):
    """Somebody told this job to end."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended.

    Parameters
    ----------
    status
        Its wait status, where it is known.
    timed_out
        Whether its time was up.
    stopped_by
        Name of the signal that told the job to end; empty if none did.
    out_of_memory
        Whether the kernel ended a process of the job because there was no memory left.
    """

    status: int | None
    timed_out: bool = False
    stopped_by: str = ""
    out_of_memory: bool = False

    @property
    def signal_name(self) -> str:
        """Name of the signal that ended it; empty if none did or nobody knows."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return ""
        return signal.Signals(os.WTERMSIG(self.status)).name


def run_cold(work: Work, paths: Paths) -> End:
    """Run the analysis in a new process."""
    order = work.draft / "job.json"
    dump_json(order, work.job)
    # Being told to end must wait until there is a process to end.
    signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD_TO_END)
    try:
        process = subprocess.Popen(
            software.command(work.program, paths, "xomlib.worker", str(order.absolute())),
            env=software.environment(work.program, paths),
            stdin=subprocess.DEVNULL,
            stdout=work.log,
            stderr=subprocess.STDOUT,
            pass_fds=(work.lock.fileno(),),
            start_new_session=True,
            preexec_fn=lambda: _prepare(work),
        )
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
            code = process.wait(work.time_limit)
        except (subprocess.TimeoutExpired, Stopped) as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return End(None, timed_out=not isinstance(error, Stopped), stopped_by=_who(error))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
    return End(-code if code < 0 else code << 8)


def _prepare(work: Work) -> None:
    """Set up the new process, in it, before it becomes the analysis."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
    limit_memory(work.memory_mb)
    signal.alarm(math.ceil(work.time_limit) + _GRACE_SECONDS)  # should nobody be left to see to its time


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within it, being told to end raises `Stopped`; afterwards it is ignored: the last word must be written."""

    def stop(number: int, _: Any) -> None:
        _on_signals(signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    _on_signals(stop)
    try:
        yield
    finally:
        _on_signals(signal.SIG_IGN)


def _on_signals(then: Any) -> None:
    for one in _TOLD_TO_END:
        signal.signal(one, then)


def _who(error: BaseException) -> str:
    return str(error) if isinstance(error, Stopped) else ""

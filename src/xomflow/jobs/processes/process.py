"""The process of one analysis: what it needs, how it ended, and how a signal to its job stops it.

`cold_start` starts it as a new process, `warm_start` as a fork of a preloaded one.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from xomflow.config.software import Program
from xomlib.documents.job_description import JobDescription

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What the process of an analysis needs.

    Parameters
    ----------
    program
        The software that runs it.
    job
        The description of the job.
    draft
        Folder for the job's files.
    log
        Open file for what the analysis prints.
    lock
        The open lock file of the run, which the process inherits.
    time_limit
        Seconds.
    memory_mb
        Megabytes.
    """

    program: Program
    job: JobDescription
    draft: Path
    log: IO[str]
    lock: IO[str]
    time_limit: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a process ended.

    Parameters
    ----------
    status
        Its wait status; None if it is unknown.
    timed_out
        Whether it reached its time limit.
    stopped_by
        Name of the signal that stopped the job; empty if none did.
    out_of_memory
        Whether the kernel killed a process of the job because there was no memory left.
    """

    status: int | None
    timed_out: bool = False
    stopped_by: str = ""
    out_of_memory: bool = False

    @property
    def signal_name(self) -> str:
        """Name of the signal that ended it; empty if none did or that is unknown."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return ""
        return signal.Signals(os.WTERMSIG(self.status)).name

    @property
    def is_unknown(self) -> bool:
        """Whether nothing shows how it ended."""
        return self.status is None and not self.timed_out and not self.stopped_by

    @property
    def may_be_a_stop(self) -> bool:
        """Whether a signal to stop may have ended it."""
        return self.is_unknown or self.signal_name in [one.name for one in STOP_SIGNALS]

    @property
    def may_be_for_want_of_memory(self) -> bool:
        """Whether the kernel may have ended it for want of memory, which it does with SIGKILL."""
        return self.is_unknown or self.signal_name == "SIGKILL"


class StopRequested(BaseException):
    """The job got a signal to stop; the message is the signal's name."""


@contextlib.contextmanager
def raise_on_stop() -> Iterator[None]:
    """Within it, a stop signal raises `StopRequested`; afterwards it is ignored: the outcome must be written."""

    def stop(number: int, _: Any) -> None:
        _on_stop_signals(signal.SIG_IGN)
        raise StopRequested(signal.Signals(number).name)

    _on_stop_signals(stop)
    try:
        yield
    finally:
        _on_stop_signals(signal.SIG_IGN)


def _on_stop_signals(handler: Any) -> None:
    for one in STOP_SIGNALS:
        signal.signal(one, handler)

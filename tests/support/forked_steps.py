"""What a tick starts as processes, as forks of the test's process: new interpreters take 0.1 to 0.8 s of CPU each."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from support.in_fork import be_new, fork
from xomflow.cli import main as xom
from xomflow.core.files import file_lock
from xomflow.jobs.processes import cold_start
from xomflow.workflow.messages import start as telling
from xomlib.documents.job_description import JobDescription
from xomlib.files import read_json
from xomlib.process import launch, worker

_MODULE = "xomlib.process.worker"
_launch = launch.start
# Smaller limits are what a test is about, and the test's process is larger than a worker's own.
_LEAST_MB = 4000


def use_forks() -> None:
    """Let the tick in this process, itself a fork, start its workers and the process that sends messages as forks.

    That locks keep another process out is tested elsewhere; here two more forks in each tick would only take time.
    """
    vars(file_lock)["_is_refused_elsewhere"] = lambda place: True
    vars(cold_start)["start"] = start
    vars(telling)["subprocess"] = SimpleNamespace(run=run_telling, TimeoutExpired=subprocess.TimeoutExpired)


class Forked:
    """A fork of this process, with what its starter asks of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            watched = os.pidfd_open(self.pid)
            try:
                if not select.select([watched], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired([_MODULE], timeout or 0)
            finally:
                os.close(watched)
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def start(
    command: Sequence[str],
    variables: dict[str, str],
    log: Any,
    memory_mb: int,
    time_limit: float,
    keep_open: Sequence[int] = (),
    unblock: Iterable[signal.Signals] = (),
) -> Any:
    """Do what `xomlib.process.launch.start` does; under this interpreter, a worker without a close limit is a fork."""
    if [*command[:-1]] != [sys.executable, "-m", _MODULE] or memory_mb < _LEAST_MB:
        return _launch(command, variables, log, memory_mb, time_limit, keep_open, unblock)

    def work() -> int:
        os.setsid()
        _redirect(log, keep_open)
        for one in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(one, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
        signal.alarm(int(time_limit) + 61 if time_limit else 0)
        os.environ.clear()
        os.environ.update(variables)
        sys.dont_write_bytecode = True  # as the variables have it
        be_new()
        sys.path.insert(0, str(Path.cwd()))  # as with ``-m``
        return worker.run_in_scratch(JobDescription.from_json(read_json(command[-1])))

    return Forked(fork(work))


def run_telling(command: Sequence[str], *, input: str, timeout: float, **_: Any) -> None:
    """Do what `subprocess.run` does with ``xom job notify``."""

    def work() -> int:
        be_new()
        sys.stdin = io.StringIO(input)
        return xom([*command[3:]])

    forked = Forked(fork(work))
    try:
        forked.wait(timeout)
    except subprocess.TimeoutExpired:
        os.kill(forked.pid, signal.SIGKILL)
        forked.wait()
        raise


def _redirect(log: Any, keep_open: Sequence[int]) -> None:
    """Let standard output be the log, and close what the process of a worker does not inherit."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for target in (1, 2):
        os.dup2(log if isinstance(log, int) else log.fileno(), target)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep_open:
            with contextlib.suppress(OSError):
                os.close(int(name))
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)

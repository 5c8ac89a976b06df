"""Run an analysis in a new process."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess

from xomflow.config import software
from xomflow.core.paths import Paths
from xomflow.jobs.process import STOP_SIGNALS, ProcessEnd, ProcessSpec, StopRequested
from xomlib.files import dump_json
from xomlib.limits import limit_memory

_GRACE_SECONDS = 60


def run_cold(spec: ProcessSpec, paths: Paths) -> ProcessEnd:
    """Run the analysis in a new process and return how it ended."""
    description = spec.draft / "job.json"
    dump_json(description, spec.job.to_json())
    # A signal to stop must wait until there is a process to stop.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = subprocess.Popen(
            software.command(spec.program, paths, "xomlib.worker", str(description.absolute())),
            env=software.environment(spec.program, paths),
            stdin=subprocess.DEVNULL,
            stdout=spec.log,
            stderr=subprocess.STDOUT,
            pass_fds=(spec.lock.fileno(),),
            start_new_session=True,
            preexec_fn=lambda: _prepare(spec),
        )
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            code = process.wait(spec.time_limit)
        except StopRequested as request:
            _kill(process)
            return ProcessEnd(None, stopped_by=str(request))
        except subprocess.TimeoutExpired:
            _kill(process)
            return ProcessEnd(None, timed_out=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return ProcessEnd(-code if code < 0 else code << 8)


def _prepare(spec: ProcessSpec) -> None:
    """Set up the new process, in it, before it becomes the analysis."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    limit_memory(spec.memory_mb)
    signal.alarm(math.ceil(spec.time_limit) + _GRACE_SECONDS)  # ends it if the runner, which has the limit, is gone


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

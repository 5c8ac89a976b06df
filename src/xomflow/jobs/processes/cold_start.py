"""Run an analysis in a new process."""

from __future__ import annotations

import signal
import subprocess

from xomflow.config import software
from xomflow.core.paths import Paths
from xomflow.jobs.processes.process import STOP_SIGNALS, ProcessEnd, ProcessSpec, StopRequested
from xomlib.files import dump_json
from xomlib.process.launch import end_left_behind, kill, start


def run_cold(spec: ProcessSpec, paths: Paths) -> ProcessEnd:
    """Run the analysis in a new process and return how it ended; `StopRequested` once it is killed."""
    description = spec.draft / "job.json"
    dump_json(description, spec.job.to_json())
    # A signal to stop must wait until there is a process to stop.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = start(
            software.command(spec.program, paths, "xomlib.process.worker", str(description.absolute())),
            software.environment(spec.program, paths),
            spec.log,
            spec.memory_mb,
            spec.time_limit,
            keep_open=(spec.lock.fileno(),),
            unblock=STOP_SIGNALS,
        )
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            code = process.wait(spec.time_limit)
            end_left_behind(process.pid)
        except StopRequested:
            kill(process)
            raise
        except subprocess.TimeoutExpired:
            kill(process)
            return ProcessEnd(None, timed_out=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return ProcessEnd(-code if code < 0 else code << 8)

"""Slurm through its commands ``sbatch``, ``squeue`` and ``scancel``."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest

_TIMEOUT_SECONDS = 60.0
_SQUEUE_FORMAT = "%i|%T|%r|%e|%N|%k"
# Failure class of each of Slurm's final states; a job in any other state may still work.
FINAL_STATES = {
    "OUT_OF_MEMORY": "out_of_memory",
    "TIMEOUT": "timeout",
    "DEADLINE": "timeout",
    "NODE_FAIL": "node_failed",
    "BOOT_FAIL": "node_failed",
    "PREEMPTED": "preempted",
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled",
    "COMPLETED": "lost",
    "FAILED": "lost",
}
# State and reason of a job that Slurm accepted and then finds no node for.
_NO_NODE = ("FAILED", "BadConstraints")
# State and reason of a job that a node could not start; Slurm keeps it until a person releases it.
_HELD = ("PENDING", "launch_failed_requeued_held")
# The only variables that a job gets of our environment: others may hold secrets, and Slurm would store them.
_EXPORTED = "PATH,HOME,USER,LOGNAME,LANG,LC_ALL,TZ,TMPDIR,XENON_CONFIG,SLURM_CONF"


class Slurm:
    """Slurm as a batch system; see `BatchSystem`.

    Parameters
    ----------
    config
        The configuration: account, partition, quality of service and more options, by analysis.
    """

    name = "Slurm"

    def __init__(self, config: Config) -> None:
        self._config = config

    def jobs(self) -> dict[str, BatchJob]:
        """Return this user's jobs by their comment."""
        found: dict[str, BatchJob] = {}
        command = ["squeue", "--me", "--all", "--noheader", "--states=all", f"--format={_SQUEUE_FORMAT}"]
        for line in _run(command).splitlines():
            comment, job = parse(line)
            if job and (comment not in found or found[comment].is_over):
                found[comment] = job
        return found

    def options(self, request: JobRequest) -> tuple[str, ...]:
        """Return the options of ``sbatch`` for a job."""
        chosen = self._config.slurm_options_of(request.key.analysis)
        named = {"account": chosen.account, "partition": chosen.partition, "qos": chosen.qos, "time": request.minutes}
        named |= {"mem": request.memory_mb + self._config.slurm.memory_margin_mb, "cpus-per-task": request.cpus}
        return *(f"--{option}={value}" for option, value in named.items() if value is not None), *chosen.options

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> str:
        """Submit a job that runs in the working directory, and return its number."""
        own = 'XOM_BATCH_JOB="slurm $SLURM_JOB_ID"; export XOM_BATCH_JOB'  # see BatchSystem.submit
        script = f"#!/bin/sh\n{own}\ncd {shlex.quote(str(Path.cwd()))} && exec {request.command} --batch\n"
        fixed = [f"--job-name={request.name}", f"--comment={label}", f"--output={log.absolute()}"]
        fixed += ["--parsable", "--open-mode=append", f"--export={_EXPORTED}"]
        answer = _run(["sbatch", *fixed, *self.options(request)], script, lock)
        return answer.strip().partition(";")[0]

    def cancel(self, numbers: Sequence[str]) -> None:
        """End jobs."""
        if numbers:
            _run(["scancel", *numbers])


def parse(line: str) -> tuple[str, BatchJob | None]:
    """Return the comment and the job in a line of ``squeue``; None if the line has another form."""
    parts = line.split("|", 5)
    if len(parts) != 6:
        return "", None
    number, state, reason, ended, node, comment = parts
    why = f" ({reason})" if reason not in ("", "None") else ""
    where = f" on {node}" if node else ""
    is_stuck = (state, reason.replace(" ", "_")) == _HELD
    return comment, BatchJob(
        number,
        f"Slurm job {number} is {state.lower()}{where}{why}",
        _end_of(number, state, reason) if is_stuck or state in FINAL_STATES else None,
        _time(ended),
        is_stuck,
    )


def _end_of(number: str, state: str, reason: str) -> JobEnd:
    how = f"{state} ({reason})"
    if state not in FINAL_STATES:
        return JobEnd("node_failed", f"a node could not start Slurm job {number}: {how}; XOM cancels it")
    if (state, reason) == _NO_NODE:
        limits = "memory_mb of the analysis, threads of its rule, partition and options of slurm"
        return JobEnd("not_started", f"Slurm has no node for what job {number} asks: {how}; see {limits}")
    return JobEnd(FINAL_STATES[state], f"Slurm ended job {number}: {how}")


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _run(command: list[str], stdin: str = "", lock: IO[bytes] | None = None) -> str:
    """Return the output of one of Slurm's commands, which inherits the lock; `BatchSystemError` if it fails."""
    program = command[0]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # comments of other jobs may hold anything
            check=False,
            timeout=_TIMEOUT_SECONDS,
            pass_fds=(lock.fileno(),) if lock else (),
            env=_environment(),
        )
    except FileNotFoundError:
        raise BatchSystemError(f"{program} is not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise BatchSystemError(f"{program} did not answer within {_TIMEOUT_SECONDS:.0f} s") from None
    except OSError as error:  # the machine has no memory or no process left for it
        raise BatchSystemError(f"{program} could not be started: {error.strerror}") from None
    if done.returncode != 0:
        words = refusal(program, done.stderr) or f"exit status {done.returncode}"
        raise BatchSystemError(f"{program} refused: {textwrap.shorten(words, 300, placeholder=' ...')}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return our environment without what makes ``squeue`` leave out jobs or write times in another form."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}
    return {**ours, "SLURM_TIME_FORMAT": "standard"}


def refusal(program: str, stderr: str) -> str:
    """Return the messages of one of Slurm's programs as one line, without its name before each.

    Of messages that differ in numbers only, such as one for each job, the first is kept.
    """
    lines = (" ".join(line.split()) for line in stderr.splitlines())
    messages = (line.removeprefix(f"{program}: ").removeprefix("error: ") for line in lines)
    found: dict[str, str] = {}
    for message in filter(None, messages):
        found.setdefault(re.sub("[0-9]+", "0", message), message)
    return "; ".join(found.values())

"""Slurm's commands: submit, look, cancel. What Slurm says is told apart from its saying nothing."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from xomflow.core.errors import SlurmError

_SECONDS = 60.0
_FORM = "%i|%T|%r|%e|%N|%k"
# The failure class of each way in which Slurm ends a job; every other state but these is that of a living job.
CLASSES = {
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
# State and reason of a job that Slurm took and then finds no node for.
_NO_NODE = ("FAILED", "BadConstraints")
# State and reason of a job that a node could not start, and that Slurm keeps until a person releases it.
_HELD = ("PENDING", "launch_failed_requeued_held")


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """A job as Slurm sees it.

    Parameters
    ----------
    number
        Job id.
    state
        Slurm's own word, such as ``PENDING``, ``RUNNING``, ``OUT_OF_MEMORY``.
    reason
        Slurm's reason for it, such as ``Priority``, ``PartitionDown``.
    ended
        When it ended or will have to, in the machine's local time; None where Slurm does not know.
    node
        Where it runs; empty if it does not.
    """

    number: str
    state: str
    reason: str
    ended: datetime | None
    node: str

    @property
    def is_over(self) -> bool:
        """Whether it will do nothing any more."""
        return self.state in CLASSES

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a person since a node could not start it; as after a controller that died."""
        return (self.state, self.reason.replace(" ", "_")) == _HELD

    @property
    def end(self) -> tuple[str, str]:
        """The failure class and a sentence about how Slurm ended it; of a job that is over, or stuck."""
        how = f"{self.state} ({self.reason})"
        if self.is_stuck:
            return "node_failed", f"a node could not start Slurm job {self.number}: {how}; XOM cancels it"
        if (self.state, self.reason) == _NO_NODE:
            asked = "memory_mb of the analysis, threads of its rule, partition and options of slurm"
            return "not_started", f"Slurm has no node for what job {self.number} asks: {how}; see {asked}"
        return CLASSES[self.state], f"Slurm ended job {self.number}: {how}"

    @property
    def words(self) -> str:
        """Where it stands, in words."""
        why = f" ({self.reason})" if self.reason not in ("", "None") else ""
        where = f" on {self.node}" if self.node else ""
        return f"Slurm job {self.number} is {self.state.lower()}{where}{why}"


def jobs() -> dict[str, SlurmJob]:
    """Return this user's jobs, those that ended lately too, by their comment; `SlurmError` if Slurm does not answer."""
    found: dict[str, SlurmJob] = {}
    for line in _ask(["squeue", "--me", "--all", "--noheader", "--states=all", f"--format={_FORM}"]).splitlines():
        job, comment = parse(line)
        if job and (comment not in found or found[comment].is_over):
            found[comment] = job
    return found


def parse(line: str) -> tuple[SlurmJob | None, str]:
    """Return the job and the comment in a line of ``squeue``; no job where the line is none."""
    parts = line.split("|", 5)
    if len(parts) != 6:
        return None, ""
    number, state, reason, ended, node, comment = parts
    try:
        end = datetime.fromisoformat(ended)
    except ValueError:
        end = None
    return SlurmJob(number, state, reason, end, node), comment


def submit(script: str, name: str, comment: str, log: str, resources: Iterable[str], held: IO[bytes]) -> str:
    """Submit a shell script and return the number of the job.

    Parameters
    ----------
    script
        What the job's shell does.
    name, comment
        For people, and to find it again.
    log
        File that gets what it prints.
    resources
        More options of ``sbatch``.
    held
        A lock that ``sbatch`` keeps, even if this process is killed meanwhile: it may still submit.

    Raises
    ------
    SlurmError
        If Slurm does not take it; the sentence has Slurm's own words.
    """
    # Nothing of this process's environment but what finds the way; secrets in it would stay in Slurm's memory.
    passed = "PATH,HOME,USER,LOGNAME,LANG,LC_ALL,TZ,TMPDIR,XENON_CONFIG,SLURM_CONF"
    options = [f"--job-name={name}", f"--comment={comment}", f"--output={log}", f"--export={passed}"]
    command = ["sbatch", "--parsable", "--open-mode=append", *options, *resources]
    said = _ask(command, given=f"#!/bin/sh\n{script}\n", held=held)
    return said.strip().partition(";")[0]


def cancel(numbers: Sequence[str]) -> None:
    """End jobs; `SlurmError` if Slurm does not answer."""
    if numbers:
        _ask(["scancel", *numbers])


def _ask(command: list[str], given: str = "", held: IO[bytes] | None = None) -> str:
    kept = (held.fileno(),) if held else ()
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # comments of other jobs are whatever somebody wrote
            check=False,
            timeout=_SECONDS,
            pass_fds=kept,
            env=_environment(),
        )
    except FileNotFoundError:
        raise SlurmError(f"{command[0]} is not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{command[0]} did not answer within {_SECONDS:.0f} s") from None
    except OSError as error:  # no memory or no process is left for it
        raise SlurmError(f"{command[0]} could not be started: {error.strerror}") from None
    if done.returncode != 0:
        words = refusal(command[0], done.stderr) or f"exit status {done.returncode}"
        raise SlurmError(f"{command[0]} refused: {textwrap.shorten(words, 300, placeholder=' ...')}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return our environment without what would make ``squeue`` leave out jobs or write times in another form."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}
    return {**ours, "SLURM_TIME_FORMAT": "standard"}


def refusal(program: str, said: str) -> str:
    """Return what one of Slurm's programs said in one line, without its name before each piece.

    Pieces that differ in numbers only, as of one job and the next, are said once.
    """
    pieces = (" ".join(line.split()).removeprefix(f"{program}: ").removeprefix("error: ") for line in said.splitlines())
    found: dict[str, str] = {}
    for piece in filter(None, pieces):
        found.setdefault(re.sub("[0-9]+", "0", piece), piece)
    return "; ".join(found.values())

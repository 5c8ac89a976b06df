"""Slurm through its commands ``sbatch``, ``squeue``, ``sacct``, ``scontrol``, ``scancel`` and ``sinfo``."""

from __future__ import annotations

import os
import shlex
import subprocess
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.slurm.answers import cluster_in, nodes_in, number_in, parse, parse_accounting, refusal
from xomflow.slurm.batch_system import BatchJob, JobRequest, Submitted

_TIMEOUT_SECONDS = 60.0
_SQUEUE_FORMAT = "%i|%T|%r|%e|%N|"
_MOST_NUMBERS = 500  # in one command line
# The only variables that a job gets of our environment: others may hold secrets, and Slurm would store them.
_EXPORTED = "PATH,HOME,USER,LOGNAME,LANG,LC_ALL,TZ,TMPDIR,XENON_CONFIG,SLURM_CONF"
# Variables that are options of Slurm's commands, and those of them without which Slurm cannot be reached.
_OPTIONS = ("SBATCH_", "SINFO_", "SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SLURM_")
_ACCESS = {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"}


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
        self._cluster: str | None = None

    def cluster(self) -> str:
        """Return the name of the cluster that is asked if none is named; empty if that is not known."""
        if self._cluster is None:
            try:
                self._cluster = cluster_in(_run(["scontrol", "show", "config"]))
            except BatchSystemError:
                self._cluster = ""
        return self._cluster

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        """Return the jobs of a user on a cluster, with comment or name."""
        command = ["squeue", f"--user={user}" if user else "--me", "--all", "--noheader", "--states=all"]
        command += [f"--format={_SQUEUE_FORMAT}{'%j' if by_name else '%k'}", *_clusters(cluster)]
        return _jobs_in(_table(command), parse)

    def ended_jobs(self, numbers: Sequence[str], cluster: str = "") -> list[BatchJob]:
        """Return how jobs ended, from Slurm's accounting."""
        command = ["sacct", "--allocations", "--noheader", "--parsable2", "--format=JobIDRaw,State,End"]
        found: list[BatchJob] = []
        for first in range(0, len(numbers), _MOST_NUMBERS):
            part = ",".join(numbers[first : first + _MOST_NUMBERS])
            answer = _run([*command, f"--jobs={part}", *_clusters(cluster)])
            found += _jobs_in(answer, parse_accounting)
        return found

    def nodes_out(self) -> list[str]:
        """Return which nodes take no jobs, with state and reason; of all partitions unless all analyses name theirs."""
        analyses = self._config.analyses
        partitions = {self._config.slurm_options_of(name).partition for name in analyses}
        of = [f"--partition={','.join(sorted(filter(None, partitions)))}"] if partitions and all(partitions) else []
        return nodes_in(_run(["sinfo", "--noheader", "--list-reasons", "--format=%T|%N|%E", *of]))

    def options(self, request: JobRequest) -> tuple[str, ...]:
        """Return the options of ``sbatch`` for a job."""
        chosen = self._config.slurm_options_of(request.key.analysis)
        named = {"account": chosen.account, "partition": chosen.partition, "qos": chosen.qos, "time": request.minutes}
        named |= {"mem": request.memory_mb + self._config.slurm.memory_margin_mb, "cpus-per-task": request.cpus}
        named |= {"nice": request.nice or None}
        return *(f"--{option}={value}" for option, value in named.items() if value is not None), *chosen.options

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> Submitted:
        """Submit a job that runs in the working directory."""
        fixed = [f"--job-name={request.name}", f"--comment={label}", f"--output={_plain(log)}"]
        fixed += ["--parsable", "--open-mode=append", f"--export={_EXPORTED}"]
        return number_in(_run(["sbatch", *fixed, *self.options(request)], _script(request), lock))

    def cancel(self, numbers: Sequence[str], cluster: str = "") -> None:
        """End jobs."""
        if numbers:
            _run(["scancel", *_clusters(cluster), *numbers])


def _plain(log: Path) -> str:
    """Return a path in which Slurm replaces nothing: it takes ``%j`` for the number of the job."""
    text = str(log.absolute())
    return text if "\\" in text else text.replace("%", "%%")


def _script(request: JobRequest) -> str:
    """Return the script of a job: the rule's command, unchanged, in the shell that Snakemake starts it with."""
    return "\n".join(
        [
            "#!/bin/sh",
            'XOM_BATCH_JOB="slurm $SLURM_JOB_ID"; export XOM_BATCH_JOB',  # see BatchSystem.submit
            'XOM_BATCH_JOB_END="$SLURM_JOB_END_TIME"; export XOM_BATCH_JOB_END',  # empty in older versions of Slurm
            f"cd {shlex.quote(str(Path.cwd()))} || exit",
            # At a signal, which the command gets too, the shell waits for the command to write how it ended.
            shlex.join(["exec", request.shell, "-c", f"trap : TERM INT\n{request.command}"]),
            "",
        ]
    )


def _clusters(cluster: str) -> list[str]:
    return [f"--clusters={cluster}"] if cluster else []


def _jobs_in(printed: str, read: Callable[[str], BatchJob | None]) -> list[BatchJob]:
    return [job for line in printed.splitlines() if (job := read(line))]


def _table(command: list[str]) -> str:
    """Return what ``squeue`` lists. Words without a list are no proof that there is no job, unless they have a heading.

    `BatchSystemError` if there is neither.
    """
    printed = _run(command)
    if not printed.strip() or any(map(parse, printed.splitlines())):
        return printed
    with_heading = _run([word for word in command if word != "--noheader"])
    if not any(map(parse, with_heading.splitlines())):
        words = textwrap.shorten(with_heading, 200, placeholder=" ...")
        raise BatchSystemError(f"{command[0]} printed no list of jobs: {words!r}")
    return printed


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
            env=_environment(program),
        )
    except FileNotFoundError:
        raise BatchSystemError(f"{program} is not on the PATH") from None
    except subprocess.TimeoutExpired:
        unclear = UnclearSubmissionError if program == "sbatch" else BatchSystemError
        raise unclear(f"{program} did not answer within {_TIMEOUT_SECONDS:.0f} s") from None
    except OSError as error:  # the machine has no memory or no process left for it
        raise BatchSystemError(f"{program} could not be started: {error.strerror}") from None
    if done.returncode != 0:
        words = refusal(program, done.stderr) or f"exit status {done.returncode}"
        raise BatchSystemError(f"{program} refused: {textwrap.shorten(words, 300, placeholder=' ...')}")
    return done.stdout


def _environment(program: str) -> dict[str, str]:
    """Return our environment without variables that are options: they would change what is asked or submitted."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_OPTIONS) or name in _ACCESS}
    if program == "sbatch":
        return ours  # the job gets our time zone
    return {**ours, "SLURM_TIME_FORMAT": "standard", "TZ": "UTC"}

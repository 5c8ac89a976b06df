"""What XOM asks of a batch system: submit jobs, list them, cancel them, and find how one ended.

`slurm.commands.Slurm` is the one implementation. Another scheduler needs another class of this form, and a line in
`slurm.open_batch_system`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from xomflow.core.key import Key


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to submit.

    Parameters
    ----------
    key, attempt
        What it works on.
    command
        Shell command.
    memory_mb, minutes, cpus
        What it may use.
    benchmark
        Snakemake's benchmark file, where the rule has one.
    shell
        The program that runs the command.
    batch
        Its name, if it is the job of a batch, whose first member has this key and attempt.
    batch_script
        Gives the command of a job that runs a batch of this name instead; None: the rule adds something of its own, so
        the run goes alone.
    nice
        By how much its priority is lowered.
    """

    key: Key
    attempt: int
    command: str
    memory_mb: int
    minutes: int
    cpus: int
    benchmark: Path | None = None
    shell: str = "/bin/bash"
    batch: str = ""
    batch_script: Callable[[str], str] | None = None
    nice: int = 0

    @property
    def name(self) -> str:
        """The job's name, from which a person sees analysis and run."""
        return self.batch or job_name(self.key)


def job_name(key: Key) -> str:
    """Return the name of the jobs of a key."""
    return f"xom-{key.analysis}-{key.run}"


def batch_name(tick: str, batch: str) -> str:
    """Return the name of the job of a batch of a tick."""
    return f"xom-batch-{tick}-{batch}"


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the batch system answered when it accepted a job.

    Parameters
    ----------
    number
        Its id there.
    cluster
        The cluster that has it; empty if the answer does not name one.
    """

    number: str
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How the batch system ended a job.

    Parameters
    ----------
    kind
        Failure class, such as ``timeout``, for the case that the job wrote neither an outcome nor a failure record.
    message
        The same as a sentence.
    """

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job in the batch system's list.

    Parameters
    ----------
    number
        Its id there.
    description
        Its state in words, such as ``Slurm job 17 is pending (Priority)``.
    end
        How it ended; None while it may still work.
    ended
        When it ended, UTC, by the batch system's clock; None if that is not known.
    is_stuck
        Whether it has an `end` but stays in the list until it is cancelled.
    held
        Its state and the reason, if it does nothing until a person acts; empty otherwise.
    label
        The text that was submitted with it; a site or a person may have replaced it.
    has_begun
        Whether it works already.
    """

    number: str
    description: str
    end: JobEnd | None = None
    ended: datetime | None = None
    is_stuck: bool = False
    held: str = ""
    label: str = ""
    has_begun: bool = True

    @property
    def is_over(self) -> bool:
        """Whether it can do nothing any more."""
        return self.end is not None and not self.is_stuck


class BatchSystem(Protocol):
    """A batch system. Each method raises `BatchSystemError` if it gets no answer, or a refusal.

    Attributes
    ----------
    name
        Its name in messages.
    """

    name: str

    def cluster(self) -> str:
        """Return the name of the cluster that is asked if none is named; empty if that is not known."""

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        """Return the jobs of a user on a cluster: all that may still work, and those that ended lately.

        Parameters
        ----------
        user
            Whose; empty: those of this process' user.
        cluster
            Where; empty: where jobs are submitted.
        by_name
            Whether the `label` of each is its name instead.
        """

    def ended_jobs(self, numbers: Sequence[str], cluster: str = "") -> list[BatchJob]:
        """Return how jobs ended that `jobs` does not list any more, as far as the batch system keeps records of it."""

    def nodes_out(self) -> list[str]:
        """Return a phrase for each group of nodes that take no jobs, with the reason."""

    def options(self, request: JobRequest) -> tuple[str, ...]:
        """Return the options for a job. Jobs with equal options are accepted or refused alike."""

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> Submitted:
        """Submit a job.

        The job runs the command in the working directory, as Snakemake runs it on this machine. Its environment has no
        more of the tick's than programs need, and two variables of XOM: ``XOM_BATCH_JOB``, name of the batch system and
        number of the job, and ``XOM_BATCH_JOB_END``, its end (seconds since 1970; empty if that is not known).
        `UnclearSubmissionError` if the job may have been accepted although its number is not known.

        Parameters
        ----------
        request
            The job.
        label
            Text by which `jobs` finds it again.
        log
            File to which its output is appended.
        lock
            Open lock file that the submitting program inherits, so that the lock lasts until it can no longer submit.
        """

    def cancel(self, numbers: Sequence[str], cluster: str = "") -> None:
        """End jobs, on a cluster if one is named."""

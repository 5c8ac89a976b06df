"""What XOM asks of a batch system: submit jobs, list them, cancel them, and tell how one ended.

`slurm.commands.Slurm` is the one implementation. Another scheduler needs another class of this form, and a line in
`slurm.open_batch_system`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """

    key: Key
    attempt: int
    command: str
    memory_mb: int
    minutes: int
    cpus: int
    benchmark: Path | None = None

    @property
    def name(self) -> str:
        """The job's name, from which a person sees analysis and run."""
        return f"xom-{self.key.analysis}-{self.key.run}"


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
        When it ended, in the machine's local time; None if that is not known.
    is_stuck
        Whether it has an `end` but stays in the list until it is cancelled.
    """

    number: str
    description: str
    end: JobEnd | None = None
    ended: datetime | None = None
    is_stuck: bool = False

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

    def jobs(self) -> dict[str, BatchJob]:
        """Return this user's jobs by their label: all that may still work, and those that ended lately."""

    def options(self, request: JobRequest) -> tuple[str, ...]:
        """Return the options for a job. Jobs with equal options are accepted or refused alike."""

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> str:
        """Submit a job, and return its number.

        The job runs ``<command> --batch`` in the working directory. Its environment has no more of the tick's than
        programs need, and ``XOM_BATCH_JOB``: name of the batch system and number of the job, for the outcome.

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

    def cancel(self, numbers: Sequence[str]) -> None:
        """End jobs."""

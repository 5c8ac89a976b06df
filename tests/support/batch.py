"""A batch system without processes, which records what it is asked and answers what a test sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.slurm.batch_system import BatchJob, JobRequest, Submitted


class FakeBatchSystem:
    """A `BatchSystem` that accepts jobs as long as they are few enough and their analysis is not refused.

    Attributes
    ----------
    limit
        How many jobs it accepts.
    refused
        Why it refuses the jobs of some analyses, by analysis.
    away
        Why it does not answer; empty while it answers.
    known
        Its jobs by label, as `jobs` lists them.
    asked, accepted
        Names of the jobs that were submitted, and of those that it accepted, in order.
    cancelled
        Numbers of the jobs that it was asked to cancel.
    listed, places
        How often it was asked for its jobs, and for those of which user and cluster.
    here
        Name of the cluster that it asks if none is named.
    names
        The names of its jobs, by label.
    keeps_labels
        Whether it keeps the label of a new job, or replaces it as some sites do.
    mumbles
        Whether it accepts jobs without giving their numbers.
    accounting
        How jobs ended that it does not list any more; None if it keeps no records of that.
    out
        Phrases about nodes that take no jobs.
    """

    name = "Slurm"

    def __init__(self) -> None:
        self.limit = 100
        self.refused: dict[str, str] = {}
        self.away = ""
        self.known: dict[str, BatchJob] = {}
        self.asked: list[str] = []
        self.accepted: list[str] = []
        self.cancelled: list[str] = []
        self.listed = 0
        self.here = "main"
        self.places: list[tuple[str, str]] = []
        self.names: dict[str, str] = {}
        self.keeps_labels = True
        self.mumbles = False
        self.accounting: list[BatchJob] | None = None
        self.out: list[str] = []

    def cluster(self) -> str:
        return self.here

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        self.listed += 1
        self.places.append((user, cluster))
        self._answer()
        if by_name:
            return [replace(self.known[label], label=name) for label, name in self.names.items()]
        return [replace(job, label=label) for label, job in self.known.items()] if (user, cluster) == ("", "") else []

    def ended_jobs(self, numbers: Sequence[str], cluster: str = "") -> list[BatchJob]:
        self._answer()
        if self.accounting is None:
            raise BatchSystemError("sacct refused: Slurm accounting storage is disabled")
        return [job for job in self.accounting if job.number in numbers]

    def nodes_out(self) -> list[str]:
        self._answer()
        return self.out

    def options(self, request: JobRequest) -> tuple[str, ...]:
        return str(request.memory_mb), self.refused.get(request.key.analysis, "")

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> Submitted:
        assert log.parent.is_dir(), "a batch system ends a job whose output it cannot write"
        self.asked.append(request.name)
        self._answer()
        if reason := self.refused.get(request.key.analysis):
            raise BatchSystemError(reason)
        if len(self.accepted) >= self.limit:
            raise BatchSystemError("sbatch refused: AssocMaxSubmitJobLimit")
        self.accepted.append(request.name)
        number = str(len(self.accepted))
        written = label if self.keeps_labels else f"project{number}"
        self.known[written] = BatchJob(number, f"Slurm job {number} is pending (Priority)")
        self.names[written] = request.name
        if self.mumbles:
            raise UnclearSubmissionError("sbatch printed no job number: 'welcome'")
        return Submitted(number)

    def cancel(self, numbers: Sequence[str], cluster: str = "") -> None:
        self._answer()
        self.cancelled += numbers

    def _answer(self) -> None:
        if self.away:
            raise BatchSystemError(self.away)

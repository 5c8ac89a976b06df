"""A batch system without processes, which records what it is asked and answers what a test sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from xomflow.core.errors import BatchSystemError
from xomflow.slurm.batch_system import BatchJob, JobRequest


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
    listed
        How often it was asked for its jobs.
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

    def jobs(self) -> dict[str, BatchJob]:
        self.listed += 1
        self._answer()
        return self.known

    def options(self, request: JobRequest) -> tuple[str, ...]:
        return str(request.memory_mb), self.refused.get(request.key.analysis, "")

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> str:
        self.asked.append(request.name)
        self._answer()
        if reason := self.refused.get(request.key.analysis):
            raise BatchSystemError(reason)
        if len(self.accepted) >= self.limit:
            raise BatchSystemError("sbatch refused: AssocMaxSubmitJobLimit")
        self.accepted.append(request.name)
        number = str(len(self.accepted))
        self.known[label] = BatchJob(number, f"Slurm job {number} is pending (Priority)")
        return number

    def cancel(self, numbers: Sequence[str]) -> None:
        self._answer()
        self.cancelled += numbers

    def _answer(self) -> None:
        if self.away:
            raise BatchSystemError(self.away)

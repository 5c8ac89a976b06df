"""Slurm whose jobs are forks of the process that submits them; what it has is in a folder, which all ticks share."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from support.in_fork import fork
from support.jobs import alive
from xomflow.cli import main as xom
from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.core.files.file_lock import TICK_VARIABLE
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest, Submitted
from xomlib.files import create_atomically, dump_json, read_json

_MOST_FILES = 4096


class ForkedSlurm:
    """A `BatchSystem`; files in its folder make it an odd one.

    Parameters
    ----------
    folder
        A folder with a file for each job. ``away``: it does not answer. ``rewrites``: it replaces the comments of all
        jobs, those that it has included. ``mumbles``: it accepts jobs and gives no number. ``queue``: no job begins.
        It makes ``twice`` if a job is submitted beside one of the same name that is not over.
    ticks
        The folder of the ticks.
    """

    name = "Slurm"

    def __init__(self, folder: Path, ticks: Path) -> None:
        self._folder = folder
        self._ticks = ticks

    def cluster(self) -> str:
        return "main"

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        self._answer()
        rewrites = (self._folder / "rewrites").exists()
        found = []
        for path in self._folder.glob("*.json"):
            job = read_json(path)
            label = job["name"] if by_name else f"project {path.stem}" if rewrites else job["label"]
            found.append(self._listed(path.stem, job, label))
        return found

    def _listed(self, number: str, job: dict[str, Any], label: str) -> BatchJob:
        works = job["process"] == 0 or alive(job["process"])
        end = None if works else JobEnd("node_failed", f"Slurm ended job {number}: NODE_FAIL")
        return BatchJob(number, f"Slurm job {number} is {'running' if works else 'over'}", end, label=label)

    def ended_jobs(self, numbers: Sequence[str], cluster: str = "") -> list[BatchJob]:
        return [job for job in self.jobs() if job.number in numbers and job.is_over]

    def nodes_out(self) -> list[str]:
        return []

    def options(self, request: JobRequest) -> tuple[str, ...]:
        return ()

    def submit(self, request: JobRequest, label: str, log: Path, lock: IO[bytes]) -> Submitted:
        self._answer()
        if any(job.label == request.name and not job.is_over for job in self.jobs(by_name=True)):
            (self._folder / "twice").write_text(label)
        job = {"label": label, "name": request.name, "process": 0}
        numbers = (str(number) for number in itertools.count(1))
        number = next(one for one in numbers if create_atomically(self._folder / f"{one}.json", json.dumps(job)))
        key, tick = request.key, self._ticks / os.environ[TICK_VARIABLE]
        words = ["job", "run", str(tick), key.analysis, key.version, key.run]
        process = fork(lambda: _alone(lambda: self._begin(words), log, number))
        dump_json(self._folder / f"{number}.json", {**job, "process": process})
        if (self._folder / "mumbles").exists():
            raise UnclearSubmissionError("sbatch printed no job number: 'welcome'")
        return Submitted(number)

    def _begin(self, words: list[str]) -> int:
        while (self._folder / "queue").exists():
            time.sleep(0.05)
        return xom(words)

    def cancel(self, numbers: Sequence[str], cluster: str = "") -> None:
        self._answer()

    def _answer(self) -> None:
        if (self._folder / "away").exists():
            raise BatchSystemError("squeue refused: Unable to contact slurm controller")


def _alone(work: Callable[[], int | None], log: Path, number: str) -> int | None:
    """Call a function in a session of its own, with no file of the tick open."""
    os.setsid()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.closerange(3, _MOST_FILES)
    os.environ["XOM_BATCH_JOB"] = f"slurm {number}"
    return work()

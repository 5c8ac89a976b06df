"""A fake Slurm: CPUs, a queue by priority, maintenance, nodes that fail; jobs work on their members one by one."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from support.simulated.clock import HOUR, MINUTE, Clock, moment
from xomflow.core.errors import BatchSystemError
from xomflow.slurm.batch_system import BatchJob, JobEnd
from xomflow.slurm.submitting.submissions import Submission

# Seconds: the start of the heavy libraries, once per job, and what each member costs beside its analysis.
START, BESIDE = 11.0, 0.5


@dataclass(eq=False, slots=True)
class Job:
    """A job of one or more members.

    Parameters
    ----------
    label, number
        Text and number by which it is found.
    members
        What it works on, in order.
    limits
        Time limit of each member; seconds.
    seconds
        Time limit of the job.
    nice
        By how much its priority is lowered.
    began, ended
        When; None if it has not.
    end
        How it ended.
    """

    label: str
    number: str
    members: Sequence[Submission]
    limits: Sequence[float]
    seconds: float
    nice: int
    began: float | None = None
    ended: float | None = None
    end: JobEnd | None = None

    def as_listed(self) -> BatchJob:
        """Return the job as `BatchSystem.jobs` lists it."""
        ended = None if self.ended is None else moment(self.ended)
        return BatchJob(
            self.number, f"Slurm job {self.number}", self.end, ended, False, "", self.label, bool(self.began)
        )


@dataclass(slots=True)
class Cluster:
    """The fake Slurm.

    Parameters
    ----------
    clock
        The clock.
    chance
        Decides which jobs lose their node.
    cpus
        How many jobs run at a time.
    maintenance
        When nothing starts and Slurm does not answer: pairs of times.
    fails_after
        Mean seconds of work after which a node fails under its job.
    work_on
        Begins a member of a job; returns after how many seconds it ends, and what happens then. None: it was done
        already.
    """

    clock: Clock
    chance: random.Random
    cpus: int
    maintenance: Sequence[tuple[float, float]]
    fails_after: float
    work_on: Callable[[Submission, float], tuple[float, Callable[[], None]] | None]
    submitted: int = 0
    busy_seconds: float = 0.0
    jobs: dict[str, Job] = field(default_factory=dict)
    running: dict[Job, float] = field(default_factory=dict)
    at_work: dict[Job, Submission] = field(default_factory=dict)
    _queue: list[tuple[int, int, Job]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Plan the maintenance."""
        for begin, end in self.maintenance:
            self.clock.at(begin, self._stop_all)
            self.clock.at(end, self._start)

    @property
    def is_away(self) -> bool:
        """Whether Slurm does not answer now."""
        return any(begin <= self.clock.now < end for begin, end in self.maintenance)

    def submit(
        self, label: str, members: Sequence[Submission], limits: Sequence[float], seconds: float, nice: int
    ) -> str:
        """Accept a job and return its number."""
        if self.is_away:
            raise BatchSystemError("sbatch: Unable to contact slurm controller")
        assert label not in self.jobs, f"submitted twice: {label}"
        number = next(self._numbers)
        job = self.jobs[label] = Job(label, str(number), members, limits, seconds, nice)
        self.submitted += 1
        heapq.heappush(self._queue, (nice, number, job))
        self._start()
        return job.number

    def find(self, label: str) -> BatchJob | None:
        """Return a job as Slurm lists it, or as its accounting does; `BatchSystemError` if it does not answer."""
        if self.is_away:
            raise BatchSystemError("squeue: Unable to contact slurm controller")
        return self.jobs[label].as_listed() if label in self.jobs else None

    def forget(self, label: str) -> None:
        """Drop a job that is over."""
        self.jobs.pop(label, None)

    # --- what jobs do ------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        while self._queue and len(self.running) < self.cpus and not self.is_away:
            job = heapq.heappop(self._queue)[2]
            job.began = self.clock.now
            fails = self.chance.expovariate(1 / self.fails_after)
            self.running[job] = self.clock.now
            if fails < job.seconds:
                self.clock.after(fails, partial(self._end, job, "node_failed"))
            self.clock.after(START, partial(self._next, job, 0))

    def _next(self, job: Job, place: int) -> None:
        self.at_work.pop(job, None)
        if job.ended is not None:
            return
        assert job.began is not None
        left = job.began + job.seconds - self.clock.now
        while place < len(job.members):
            if job.limits[place] <= left and (work := self.work_on(job.members[place], job.limits[place])):
                self.at_work[job] = job.members[place]
                seconds, ending = work
                self.clock.after(seconds + BESIDE, partial(self._end_member, job, place, ending))
                return
            place += 1
        self._end(job, "lost")  # as a job that ended by itself, and left no file about what it never began

    def _end_member(self, job: Job, place: int, ending: Callable[[], None]) -> None:
        if job.ended is None:
            ending()
            self._next(job, place + 1)

    def _end(self, job: Job, kind: str) -> None:
        if job.ended is None:
            job.ended, job.end = self.clock.now, JobEnd(kind, f"Slurm ended job {job.number}")
            self.busy_seconds += self.clock.now - self.running.pop(job)
            self._start()

    def _stop_all(self) -> None:
        for job in list(self.running):
            self._end(job, "node_failed")


def days_of_maintenance(first: float, every: float, until: float, hours: float) -> list[tuple[float, float]]:
    """Return regular times of maintenance."""
    number = int(max(0.0, until - first) // every) + 1
    return [(first + n * every, first + n * every + hours * HOUR) for n in range(number)]


def minutes_of(seconds: float) -> float:
    """Return a time limit as it is asked of Slurm: whole minutes."""
    return MINUTE * -(-seconds // MINUTE)

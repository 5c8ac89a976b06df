"""Collects the requests of a tick into jobs: those of a planned batch become one job, all others one each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xomflow.config.model import Batches
from xomflow.core import times
from xomflow.core.account import own_account
from xomflow.core.key import Key
from xomflow.jobs.batches.batch_file import Batch
from xomflow.jobs.batches.plan import Planned
from xomflow.slurm.batch_system import JobRequest, batch_name
from xomflow.slurm.submitting.submissions import Submission


@dataclass(frozen=True, slots=True)
class ToSubmit:
    """One job to submit.

    Parameters
    ----------
    request
        What is asked of the batch system.
    records
        The submission of each of its runs.
    batch
        The batch; None for a job of one run.
    """

    request: JobRequest
    records: tuple[Submission, ...]
    batch: Batch | None = None


class Batching:
    """The requests of a tick on their way to jobs.

    Parameters
    ----------
    tick
        Name of the tick.
    plan
        The planned batches.
    rule
        What jobs of batches may use.
    """

    def __init__(self, tick: str, plan: Sequence[Sequence[Planned]], rule: Batches) -> None:
        self._tick, self._rule = tick, rule
        self._seconds = {one.key: one.seconds for batch in plan for one in batch}
        self._batch_of = {one.key: number for number, batch in enumerate(plan) for one in batch}
        self._place = {key: place for place, key in enumerate(self._batch_of)}
        self._missing = [{one.key for one in batch} for batch in plan]
        self._come: dict[int, list[JobRequest]] = {}
        self._seen: dict[int, int] = {}
        self._names = itertools.count(1)

    @property
    def keys(self) -> set[Key]:
        """The keys that wait here for others of their batch."""
        return {request.key for come in self._come.values() for request in come}

    def add(self, *requests: JobRequest) -> list[ToSubmit]:
        """Take requests, and return the jobs that are complete now."""
        alone, numbers = [], set()
        for request in requests:
            number = self._batch_of.get(request.key)
            if number is None or request.batch_script is None:
                alone.append(self._alone(request))
            if number is not None:
                self._missing[number].discard(request.key)
                numbers.add(number)
                if request.batch_script is not None:
                    self._come.setdefault(number, []).append(request)
        complete = (number for number in sorted(numbers) if not self._missing[number])
        return [*alone, *(job for number in complete for job in self._jobs(number))]

    def rest(self) -> list[ToSubmit]:
        """Return the jobs of batches that got no request since the last call: further ones may never come."""
        still = [number for number, come in self._come.items() if self._seen.get(number) == len(come)]
        jobs = [job for number in still for job in self._jobs(number)]
        self._seen = {number: len(come) for number, come in self._come.items()}
        return jobs

    def _jobs(self, number: int) -> list[ToSubmit]:
        """Return the jobs of a batch: one, unless rules ask for different things."""
        groups: dict[tuple[int, int, str], list[JobRequest]] = {}
        for request in sorted(self._come.pop(number, ()), key=lambda one: self._place[one.key]):
            groups.setdefault((request.memory_mb, request.cpus, request.shell), []).append(request)
        return [self._together(group) if len(group) > 1 else self._alone(*group) for group in groups.values()]

    def _alone(self, request: JobRequest) -> ToSubmit:
        return ToSubmit(request, (self._record(request),))

    def _together(self, members: Sequence[JobRequest]) -> ToSubmit:
        first, name = members[0], str(next(self._names))
        assert first.batch_script is not None
        at_once = min(max(1, self._rule.cpus // first.cpus), len(members))
        expected = sum(self._seconds[one.key] for one in members) / at_once
        minutes = math.ceil(expected / 60) + max(one.minutes for one in members)
        request = replace(
            first,
            command=first.batch_script(name),
            memory_mb=at_once * first.memory_mb + self._rule.memory_mb,
            minutes=minutes,
            cpus=at_once * first.cpus,
            benchmark=None,
            batch=batch_name(self._tick, name),
        )
        records = tuple(
            replace(self._record(one), batch=name, is_first=place == 0) for place, one in enumerate(members)
        )
        batch = Batch(name, tuple(one.key for one in members), at_once, 60.0 * minutes)
        return ToSubmit(request, records, batch)

    def _record(self, request: JobRequest) -> Submission:
        return Submission(request.key, request.attempt, self._tick, times.now(), user=own_account())

"""Snakemake's scheduler for XOM's jobs, ``scheduler: xom``: they begin in the order in which the tick has claimed them.

Snakemake's own schedulers take jobs of equal priority in no particular order, and compare each selected job with all
others, so that 10,000 ready jobs cost minutes.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

from snakemake_interface_scheduler_plugins.base import SchedulerBase

# What each job uses at least one of: without one of these left, no more jobs fit.
_USED_BY_ALL = ("_cores", "_nodes", "_job_count")


class Scheduler(SchedulerBase):  # type: ignore[misc]  # which has no types
    """Selects the first jobs that fit; a job that does not fit now lets later ones pass."""

    def __post_init__(self) -> None:
        """Begin without known places."""
        self._places: dict[Any, int] = {}

    def select_jobs(
        self,
        selectable_jobs: Sequence[Any],
        remaining_jobs: Sequence[Any],
        available_resources: Mapping[str, int | str],
        input_sizes: Mapping[Any, int],
    ) -> Sequence[Any]:
        """Return the jobs that begin now."""
        left = {name: free for name, free in available_resources.items() if isinstance(free, int)}
        selected: list[Any] = []
        waiting = [(self._place(job), number, job) for number, job in enumerate(selectable_jobs)]
        heapq.heapify(waiting)
        while waiting and all(left.get(name, 1) > 0 for name in _USED_BY_ALL):
            job = heapq.heappop(waiting)[2]
            wanted = {name: job.scheduler_resources.get(name, 0) for name in left}
            if all(wanted[name] <= free for name, free in left.items()):
                left = {name: free - wanted[name] for name, free in left.items()}
                selected.append(job)
        return selected

    def _place(self, job: Any) -> int:
        """Return the place of a job in the tick's order; the tick's own steps come first."""
        if job not in self._places:
            xom = self.dag.workflow.globals.get("xom")
            outputs = [str(one.output[0]) for one in (job.jobs if job.is_group() else [job]) if one.output]
            self._places[job] = min((xom.place_of(output) for output in outputs), default=-1) if xom else 0
        return self._places[job]

"""Which of the ready jobs Snakemake begins, and in which order."""

from __future__ import annotations

import logging
import random
from types import SimpleNamespace
from typing import Any

from snakemake_scheduler_plugin_xom import Scheduler

MANY = 2**62


class Job:
    """A ready job, as far as a scheduler looks at it."""

    def __init__(self, name: str, **resources: int) -> None:
        self.output = [name]
        self.scheduler_resources = {"_cores": 1, "_nodes": 1, **resources}
        self.jobs: list[Job] = []

    def is_group(self) -> bool:
        return bool(self.jobs)


def selected(jobs: list[Job], **free: int) -> list[str]:
    places = {f"run-{number}": number for number in range(1000)}
    xom = SimpleNamespace(place_of=lambda made: places.get(made, -1))
    dag = SimpleNamespace(workflow=SimpleNamespace(globals={"xom": xom}))
    scheduler = Scheduler(dag, None, logging.getLogger())
    random.Random(1).shuffle(jobs)
    available: dict[str, Any] = {"_cores": MANY, "_nodes": MANY, "_job_count": MANY, "note": "text", **free}
    return [job.output[0] for job in scheduler.select_jobs(jobs, jobs, available, {})]


def test_jobs_begin_in_the_order_of_the_tick_and_its_own_steps_before_them() -> None:
    jobs = [Job(f"run-{number}") for number in range(30)]
    assert selected([*jobs, Job("publish")]) == ["publish", *(f"run-{number}" for number in range(30))]


def test_no_more_begin_than_fit() -> None:
    for name in ("_cores", "_nodes"):
        jobs = [Job(f"run-{number}") for number in range(30)]
        assert selected(jobs, **{name: 3}) == ["run-0", "run-1", "run-2"], name
    jobs = [Job(f"run-{number}", _job_count=1) for number in range(30)]
    assert selected(jobs, _job_count=2) == ["run-0", "run-1"]


def test_a_job_that_does_not_fit_now_lets_later_ones_pass() -> None:
    jobs = [Job("run-0", mem_mb=3000), Job("run-1", mem_mb=2000), Job("run-2", _cores=4), Job("run-3", mem_mb=900)]
    assert selected(jobs, _cores=3, mem_mb=4000) == ["run-0", "run-3"]


def test_a_group_of_jobs_has_the_place_of_its_first() -> None:
    group = Job("any")
    group.jobs = [Job("run-7"), Job("run-1")]
    assert selected([Job("run-0"), Job("run-2"), group]) == ["run-0", "any", "run-2"]

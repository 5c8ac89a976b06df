"""Snakemake's executor for jobs in Slurm, as far as it is more than the submitter."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snakemake_executor_plugin_xom_slurm import Executor, common_settings
from support import factory
from xomflow.core.key import Key
from xomflow.slurm.batch_system import JobRequest

KEYS = [factory.key_of(number) for number in range(1, 5)]
REQUEST = JobRequest(KEYS[0], 1, "true", 100, 10, 1)


class Jobs:
    """Stands for the submitter of a tick, whose jobs end as a test sets it."""

    def __init__(self) -> None:
        self.added: list[JobRequest] = []
        self.verdicts: dict[Key, str] | OSError = {}
        self.told: list[str] = []

    def add(self, request: JobRequest) -> None:
        self.added.append(request)

    def look(self, keys: Iterable[Key]) -> dict[Key, str]:
        if isinstance(self.verdicts, OSError):
            raise self.verdicts
        return {key: self.verdicts[key] for key in keys}

    def news(self) -> str:
        return self.told.pop() if self.told else ""


class Reporting(Executor):  # type: ignore[misc]  # which has no types
    """An executor that notes what it reports to Snakemake."""

    def __init__(self, jobs: Jobs) -> None:
        tick = SimpleNamespace(submitter=jobs, job_request=lambda *_: REQUEST)
        self.workflow = SimpleNamespace(globals={"xom": tick})
        self.logger = logging.getLogger("executor")
        self.reported: list[tuple[str, Key]] = []

    def report_job_submission(self, info: Any) -> None:
        self.reported.append(("submitted", info.aux["key"]))

    def report_job_success(self, info: Any) -> None:
        self.reported.append(("success", info.aux["key"]))

    def report_job_error(self, info: Any) -> None:
        self.reported.append(("error", info.aux["key"]))

    def look(self, *keys: Key) -> list[Key]:
        """Return the jobs that are active after one look."""

        async def look() -> list[Key]:
            active = [SimpleNamespace(aux={"key": key}) for key in keys]
            return [info.aux["key"] async for info in self.check_active_jobs(active)]

        return asyncio.run(look())


class Script:
    """Stands for a job of Snakemake whose rule is one of a rule file."""

    def __init__(self, benchmark: str | None = None) -> None:
        self.output, self.shellcmd, self.resources, self.threads = ["outcome"], "true", {}, 1
        self.benchmark = benchmark


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def executor(jobs: Jobs) -> Reporting:
    return Reporting(jobs)


def test_snakemake_is_told_that_jobs_run_elsewhere_on_the_files_of_the_site() -> None:
    assert common_settings.non_local_exec
    assert not common_settings.implies_no_shared_fs
    assert not common_settings.job_deploy_sources


def test_snakemake_learns_how_each_job_ended(executor: Reporting, jobs: Jobs) -> None:
    jobs.verdicts = dict(zip(KEYS, ("done", "failed", "active", "left"), strict=True))
    assert executor.look(*KEYS) == [KEYS[2]]
    assert executor.reported == [("success", KEYS[0]), ("error", KEYS[1]), ("error", KEYS[3])]


def test_what_slurm_refuses_is_logged_at_the_submission_and_at_each_look(
    executor: Reporting, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.told, jobs.verdicts = ["no such account"], {KEYS[0]: "active"}
    executor.run_job(Script())
    jobs.told = ["too many jobs"]
    executor.look(KEYS[0])
    assert caplog.messages == ["no such account", "too many jobs"]


def test_a_file_system_that_is_away_for_a_moment_ends_no_job(
    executor: Reporting, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.verdicts = OSError(errno.ESTALE, "Stale file handle")
    assert executor.look(*KEYS) == KEYS
    assert caplog.messages == [f"what became of the jobs cannot be seen just now: {jobs.verdicts}"]


def test_before_a_tick_has_begun_its_queue_is_not_asked_for(executor: Reporting) -> None:
    """Snakemake looks for jobs in a thread that starts before the tick; a queue made then would know no lock."""
    executor.workflow.globals.clear()
    assert executor.look() == []


@pytest.mark.parametrize("benchmark", [None, "benchmarks/one.tsv"])
def test_a_job_is_requested_with_the_benchmark_of_its_rule(
    executor: Reporting, jobs: Jobs, benchmark: str | None
) -> None:
    executor.run_job(Script(benchmark))
    assert jobs.added == [replace(REQUEST, benchmark=Path(benchmark) if benchmark else None)]
    assert executor.reported == [("submitted", KEYS[0])]


def test_the_end_of_a_tick_does_not_wait_for_the_next_look_at_jobs(executor: Reporting) -> None:
    executor.wait, executor._next_seconds_between_status_checks = True, 3600

    async def end_early() -> bool:
        looks = asyncio.create_task(executor.sleep())
        await asyncio.sleep(0)
        waits = not looks.done()
        executor.wait = False
        await asyncio.wait_for(looks, 60)
        return waits

    assert asyncio.run(end_early())


def test_the_next_look_at_jobs_comes_in_time(executor: Reporting) -> None:
    executor.wait, executor._next_seconds_between_status_checks = True, 0.05
    began = time.monotonic()
    asyncio.run(executor.sleep())
    assert time.monotonic() - began >= 0.05

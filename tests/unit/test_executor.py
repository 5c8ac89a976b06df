"""Snakemake's executor for jobs in Slurm, as far as it is more than the submitter."""

from __future__ import annotations

import asyncio
import time

from snakemake_executor_plugin_xom_slurm import Executor


def test_the_end_of_a_tick_does_not_wait_for_the_next_look_at_jobs() -> None:
    executor = object.__new__(Executor)
    executor.wait, executor._next_seconds_between_status_checks = True, 3600

    async def end_early() -> bool:
        looks = asyncio.create_task(executor.sleep())
        await asyncio.sleep(0)
        waits = not looks.done()
        executor.wait = False
        await asyncio.wait_for(looks, 60)
        return waits

    assert asyncio.run(end_early())


def test_the_next_look_at_jobs_comes_in_time() -> None:
    executor = object.__new__(Executor)
    executor.wait, executor._next_seconds_between_status_checks = True, 0.05
    began = time.monotonic()
    asyncio.run(executor.sleep())
    assert time.monotonic() - began >= 0.05

"""Snakemake's executor for batch jobs, ``executor: xom-slurm``; `xomflow.slurm.submitter` does the work.

A job is the run's own command: no second Snakemake starts inside it. Its end is seen in its files, so a finished run is
reported at the next look; the batch system's answer counts only for jobs that left no file about their end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

from xomlib.printing import printable

_SECONDS_TO_END = 0.1  # that the end of a tick may wait for the thread that looks at jobs

common_settings = CommonSettings(non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False)


class Executor(RemoteExecutor):  # type: ignore[misc]  # which has no types
    """Gives per-run jobs to the tick's submitter; the tick's own steps run where Snakemake runs."""

    @property
    def _xom(self) -> Any:
        """The tick; asked for anew, since the thread that looks for jobs starts before this object is complete."""
        return self.workflow.globals["xom"]

    def run_job(self, job: Any) -> None:
        """Submit a job, now or when the batch system accepts it."""
        request = self._xom.job_request(str(job.output[0]), job.shellcmd, job.resources, job.threads)
        if job.benchmark:
            request = replace(request, benchmark=Path(str(job.benchmark)))
        self._xom.submitter.add(request)
        self._log_news()
        self.report_job_submission(SubmittedJobInfo(job, aux={"key": request.key}))

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncIterator[SubmittedJobInfo]:
        """Report the jobs that ended, and yield the others."""
        if not active_jobs:
            return  # the tick may not have begun yet
        try:
            verdicts = self._xom.submitter.look([info.aux["key"] for info in active_jobs])
        except OSError as error:  # a file system that was away for a moment
            self.logger.warning(printable(f"what became of the jobs cannot be seen just now: {error}"))
            verdicts = {info.aux["key"]: "active" for info in active_jobs}
        self._log_news()
        for info in active_jobs:
            verdict = verdicts[info.aux["key"]]
            if verdict == "done":
                self.report_job_success(info)
            elif verdict == "active":
                yield info
            else:
                self.report_job_error(info)

    async def sleep(self) -> None:
        """Wait for the next look at the jobs; at the end of the tick, which waits for this, no longer."""
        end = time.monotonic() + self.next_seconds_between_status_checks
        while self.wait and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _SECONDS_TO_END))

    def _log_news(self) -> None:
        if news := self._xom.submitter.news():
            self.logger.warning(printable(news))

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Do nothing: jobs outlive a tick, and the next one takes up what they leave."""

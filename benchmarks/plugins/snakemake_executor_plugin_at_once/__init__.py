"""An executor whose jobs end at once with their outputs, so that only Snakemake's own share of a job is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False, init_seconds_before_status_checks=0
)


class Executor(RemoteExecutor):  # type: ignore[misc]  # which has no types
    """Makes the outputs of each job when it is submitted."""

    def run_job(self, job: Any) -> None:
        """Make the outputs of a job."""
        for file in job.output:
            Path(str(file)).parent.mkdir(parents=True, exist_ok=True)
            Path(str(file)).touch()
        self.report_job_submission(SubmittedJobInfo(job))

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncIterator[SubmittedJobInfo]:
        """Report that all jobs have ended."""
        for info in active_jobs:
            self.report_job_success(info)
        return
        yield

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Do nothing."""

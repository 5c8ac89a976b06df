"""Write failure records for jobs that the batch system ended before they could write one."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace

from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.lost import record_failure
from xomflow.jobs.run_lock import take_left_behind
from xomflow.outcomes.files import Failure
from xomflow.slurm import submissions
from xomflow.slurm.batch_system import BatchSystem
from xomflow.slurm.status import SubmissionStatus
from xomflow.slurm.submissions import Submission


def cancel(batch: BatchSystem, found: Collection[Submission]) -> None:
    """End the jobs of submissions, each on its cluster."""
    for cluster in sorted({one.cluster for one in found}):
        elsewhere = cluster if cluster != batch.cluster() else ""
        batch.cancel([one.job for one in found if one.cluster == cluster], elsewhere)


def settle(paths: Paths, batch: BatchSystem, retries: Retries, statuses: Mapping[Key, SubmissionStatus]) -> None:
    """Cancel stuck jobs, write failure records for ended ones, and remove the records of submissions that are over.

    Parameters
    ----------
    paths, batch, retries
        Where, the batch system, and how failures are tried again.
    statuses
        The status of each submission.
    """
    stuck = [status for status in statuses.values() if status.to_cancel]
    with contextlib.suppress(BatchSystemError):  # the attempt is over even if its job cannot be cancelled now
        cancel(batch, [replace(status.submission, job=status.to_cancel) for status in stuck])
    for key, status in statuses.items():
        if status.working:
            continue
        if status.kind:
            take_left_behind(paths, key)
            failure = Failure(status.submission.attempt, status.kind, times.now())
            record_failure(paths, retries, key, failure, status.message)
        submissions.forget(paths, key, status.submission.tick, status.submission.attempt)

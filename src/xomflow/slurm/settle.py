"""Write failure records for jobs that the batch system ended before they could write one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.ends.lost import record_failure
from xomflow.jobs.run_lock import take_left_behind
from xomflow.outcomes.files import Failure
from xomflow.slurm.batch_system import BatchSystem
from xomflow.slurm.status import SubmissionStatus
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.cancel import end_jobs


def settle(paths: Paths, batch: BatchSystem, retries: Retries, statuses: Mapping[Key, SubmissionStatus]) -> None:
    """Cancel stuck jobs, write failure records for ended ones, and remove the records of submissions that are over.

    The record of a batch is removed once nothing works on any of its members.

    Parameters
    ----------
    paths, batch, retries
        Where, the batch system, and how failures are tried again.
    statuses
        The status of each submission; of a batch, that of all members.
    """
    stuck = [status for status in statuses.values() if status.to_cancel]
    with contextlib.suppress(BatchSystemError):  # the attempt is over even if its job cannot be cancelled now
        end_jobs(batch, [replace(status.submission, job=status.to_cancel) for status in stuck])
    for key, status in statuses.items():
        if status.kind and not status.working:
            take_left_behind(paths, key)
            failure = Failure(status.submission.attempt, status.kind, times.now())
            record_failure(paths, retries, key, failure, status.message)
    at_work = {status.submission.label for status in statuses.values() if status.working}
    over = {status.submission.label: status.submission for status in statuses.values()}
    for label, submission in over.items():
        if label not in at_work:
            submissions.forget(paths, submission)

"""Write failure records for jobs that Slurm ended before they could write one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.errors import SlurmError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.lost import record_failure
from xomflow.jobs.run_lock import take_left_behind
from xomflow.outcomes.files import Failure
from xomflow.slurm import commands, submissions
from xomflow.slurm.submissions import SubmissionStatus


def settle(paths: Paths, retries: Retries, standings: Mapping[Key, SubmissionStatus]) -> None:
    """Write down how Slurm ended jobs, forget those about which all is known, cancel what it would keep for ever."""
    with contextlib.suppress(SlurmError):  # whatever becomes of such a job, its attempt is over
        commands.cancel([one.to_cancel for one in standings.values() if one.to_cancel])
    for key, standing in standings.items():
        if standing.working:
            continue
        if standing.kind:
            take_left_behind(paths, key)
            failure = Failure(standing.submission.attempt, standing.kind, times.now())
            record_failure(paths, retries, key, failure, standing.message)
        submissions.forget(paths, key, standing.submission.tick, standing.submission.attempt)

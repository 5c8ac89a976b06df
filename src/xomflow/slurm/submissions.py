"""Records of what was submitted: written before a job is submitted, removed when it is known how the attempt ended.

An attempt with a record, but with neither a job in the batch system nor a file about how it ended, is lost. While the
batch system does not answer, nothing is concluded: unknown is not gone.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.errors import BatchSystemError
from xomflow.core.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.files import failures_of
from xomflow.slurm.batch_system import BatchJob, BatchSystem
from xomlib.files import dump_json, read_json
from xomlib.locks import is_locked

_AWAY = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN}


@dataclass(frozen=True, slots=True)
class Submission:
    """The record of one attempt that was submitted, or was about to be.

    Parameters
    ----------
    key, attempt
        What the job works on.
    tick
        Name of the tick that submitted it.
    submitted
        When, UTC.
    job
        Number of the job; empty until the batch system has given it.
    """

    key: Key
    attempt: int
    tick: str
    submitted: datetime
    job: str = ""

    @property
    def label(self) -> str:
        """The label by which its job is found; no other attempt has the same."""
        key = self.key
        return f"xom {self.tick} {key.analysis}+{key.version}+{key.run} attempt {self.attempt}"

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        submitted = times.text(self.submitted)
        own = {"attempt": self.attempt, "tick": self.tick, "submitted": submitted, "job": self.job}
        return {"key": self.key.as_dict(), **own}

    @classmethod
    def from_json(cls, document: Any) -> Submission:
        """Return the record that `to_json` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(
            Key(**document["key"]),
            int(document["attempt"]),
            document["tick"],
            times.moment(document["submitted"]),
            document["job"],
        )


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """What became of a submission.

    Parameters
    ----------
    submission
        The record.
    working
        What works on it, in words; empty if nothing does any more.
    kind, message
        Failure class and sentence of an attempt that is over without an outcome or a failure record; empty otherwise.
    to_cancel
        Number of its job if the job stays in the batch system until it is cancelled; empty otherwise.
    """

    submission: Submission
    working: str = ""
    kind: str = ""
    message: str = ""
    to_cancel: str = ""


def note(paths: Paths, submission: Submission) -> None:
    """Write a record, or replace it."""
    dump_json(paths.submission(submission.key), submission.to_json())


def forget(paths: Paths, key: Key, tick: str, attempt: int) -> None:
    """Remove the record of a tick's attempt; that of another attempt, which may have begun since, stays."""
    path = paths.submission(key)
    found = _record_in(path)
    if found and (found.tick, found.attempt) == (tick, attempt):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def noted(paths: Paths) -> dict[Key, Submission]:
    """Return all records."""
    try:
        names = os.listdir(paths.submissions)
    except FileNotFoundError:
        return {}
    # A name that begins with a dot is of a file that is being written, or that a killed process left.
    records = (_record_in(paths.submissions / name) for name in names if not name.startswith("."))
    return {record.key: record for record in records if record}


def _record_in(path: Path) -> Submission | None:
    """Return the record in a file; None if it is missing or odd. `OSError` if the disk does not answer."""
    try:
        return Submission.from_json(read_json(path))
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno in _AWAY:
            raise
        return None


def damaged(paths: Paths) -> list[tuple[Path, Exception]]:
    """Return the files in the place of records that cannot be read; a job may be in the batch system nevertheless."""
    found: list[tuple[Path, Exception]] = []
    for path in sorted(paths.submissions.glob("[!.]*")) if paths.submissions.is_dir() else ():
        try:
            Submission.from_json(read_json(path))
        except FileNotFoundError:
            continue
        except UNREADABLE as error:
            found.append((path, error))
    return found


def statuses(paths: Paths, batch: BatchSystem, latency: float) -> dict[Key, SubmissionStatus]:
    """Return the status of every submission; the batch system is asked once, and only if there is a submission.

    Parameters
    ----------
    paths
        Where the records are.
    batch
        The batch system.
    latency
        Seconds after the end of a job in which its files may not be visible here yet.
    """
    records = noted(paths)
    if not records:
        return {}
    # Check locks before asking for jobs: once a tick's lock is free, it can no longer submit.
    going = {
        key for key, one in records.items() if not one.job and is_locked(str(TickPaths(paths.tick(one.tick)).lock))
    }
    try:
        jobs: dict[str, BatchJob] | None = batch.jobs()
    except BatchSystemError:
        jobs = None
    for key, one in records.items():
        job = (jobs or {}).get(one.label)
        if job and job.is_stuck and is_locked(str(paths.run_lock(key))):
            going.add(key)
    now, delay = datetime.now(), timedelta(seconds=latency)
    return {
        key: status_of(one, jobs, _has_ended(paths, one), delay, now, key in going, batch.name)
        for key, one in records.items()
    }


def _has_ended(paths: Paths, submission: Submission) -> bool:
    """Return whether there is an outcome, or a failure record of this attempt or a later one."""
    return paths.outcome(submission.key).exists() or any(
        failure.attempt >= submission.attempt for failure in failures_of(paths, submission.key)
    )


def status_of(
    submission: Submission,
    jobs: dict[str, BatchJob] | None,
    has_ended: bool,
    latency: timedelta,
    now: datetime,
    going: bool = False,
    system: str = "Slurm",
) -> SubmissionStatus:
    """Return the status of a submission.

    Parameters
    ----------
    submission
        The record.
    jobs
        The batch system's jobs by label; None if it does not answer.
    has_ended
        Whether there is an outcome, or a failure record of this attempt.
    latency
        How long after the end of a job its files may not be visible here yet.
    now
        The present in the machine's local time, as in `BatchJob`.
    going
        Whether it may be on its way to the batch system: its tick, or the submitting program that outlived the tick,
        is alive; of a stuck job, whether a process of it works nevertheless.
    system
        Name of the batch system.
    """
    if has_ended:
        return SubmissionStatus(submission)
    if jobs is None:
        name = f"job {submission.job}" if submission.job else "its job, if there is one,"
        return SubmissionStatus(submission, working=f"{system} does not answer; {name} may still be there")
    job = jobs.get(submission.label)
    if job is None:
        return _status_without_job(submission, going, system)
    if job.end is None or (job.is_stuck and going):
        return SubmissionStatus(submission, working=job.description)
    if not job.is_stuck and job.ended is not None and now - job.ended < latency:
        return SubmissionStatus(submission, working=f"{job.description}; its files may not be visible here yet")
    to_cancel = job.number if job.is_stuck else ""
    return SubmissionStatus(submission, kind=job.end.kind, message=job.end.message, to_cancel=to_cancel)


def _status_without_job(submission: Submission, going: bool, system: str) -> SubmissionStatus:
    if submission.job:
        message = f"{system} has no job {submission.job} any more, and the job left neither outcome nor failure record"
        return SubmissionStatus(submission, kind="lost", message=message)
    # It was never submitted, so nothing happened, unless it is being submitted now.
    return SubmissionStatus(submission, working=f"tick {submission.tick} is submitting it to {system}" if going else "")

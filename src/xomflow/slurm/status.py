"""What became of submissions, from their records, the files, the locks, and the batch system's answer or its absence.

Unknown is not gone: a missing job has ended only if the asker could have seen it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xomflow.core import times
from xomflow.core.account import own_account
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import JobCounts
from xomflow.jobs.redo import is_done
from xomflow.outcomes.files import failures_of
from xomflow.slurm.batch_system import BatchJob, BatchSystem
from xomflow.slurm.job_index import JobIndex, by_name, job_by_name
from xomflow.slurm.submissions import Submission, noted
from xomlib.process.locks import is_locked


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
    held
        State and reason of its job if the job does nothing until a person acts; empty otherwise.
    has_begun
        Whether its job works already; None if it has no job that may still work, or that is unknown.
    """

    submission: Submission
    working: str = ""
    kind: str = ""
    message: str = ""
    to_cancel: str = ""
    held: str = ""
    has_begun: bool | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about one submission.

    Parameters
    ----------
    submission
        The record.
    job
        Its job; None if the batch system does not list it.
    unseen
        Why a job that is not listed may be there nevertheless; empty if it cannot.
    has_ended
        Whether there is an outcome, or a failure record of this attempt.
    is_locked
        Whether a process holds the lock of the run.
    may_arrive
        Whether it may be on its way to the batch system: its tick, or the submitting program that outlived the tick,
        is alive.
    """

    submission: Submission
    job: BatchJob | None = None
    unseen: str = ""
    has_ended: bool = False
    is_locked: bool = False
    may_arrive: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the batch system does not have its job."""
        return self.job is None and not self.unseen


def status_of(facts: Facts, latency: timedelta, now: datetime, system: str = "Slurm") -> SubmissionStatus:
    """Return the status of a submission.

    Parameters
    ----------
    facts
        All that is known about it.
    latency
        How long after the end of a job its files may not be visible here yet.
    now
        The present.
    system
        Name of the batch system.
    """
    submission, job = facts.submission, facts.job
    if facts.has_ended:
        return SubmissionStatus(submission)
    if job is None:
        return _status_without_job(facts, system)
    if job.end is None:
        return SubmissionStatus(submission, working=job.description, held=job.held, has_begun=job.has_begun)
    if facts.is_locked:
        return SubmissionStatus(submission, working=f"{job.description}, but a process still works on the run")
    if not job.is_stuck and job.ended is not None and now - job.ended < latency:
        return SubmissionStatus(submission, working=f"{job.description}; its files may not be visible here yet")
    to_cancel = job.number if job.is_stuck else ""
    return SubmissionStatus(submission, kind=job.end.kind, message=job.end.message, to_cancel=to_cancel)


def _status_without_job(facts: Facts, system: str) -> SubmissionStatus:
    submission = facts.submission
    if facts.unseen:
        return SubmissionStatus(submission, working=facts.unseen)
    if facts.is_locked:
        return SubmissionStatus(submission, working=f"{system} does not list its job, but a process works on the run")
    if submission.job:
        message = f"{system} has no job {submission.job} any more, and the job left neither outcome nor failure record"
        return SubmissionStatus(submission, kind="lost", message=message)
    # It was never submitted, so nothing happened, unless it is being submitted now.
    arriving = f"tick {submission.tick} is submitting it to {system}" if facts.may_arrive else ""
    return SubmissionStatus(submission, working=arriving)


def statuses(paths: Paths, batch: BatchSystem, latency: float) -> dict[Key, SubmissionStatus]:
    """Return the status of every submission; the batch system is asked once for each account and cluster.

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
    arriving = {
        key for key, one in records.items() if not one.job and is_locked(str(TickPaths(paths.tick(one.tick)).lock))
    }
    facts = _Asked(batch, records).facts(arriving)
    delay, now = timedelta(seconds=latency), times.now()
    return {key: status_of(_with_files(paths, one), delay, now, batch.name) for key, one in facts.items()}


def _with_files(paths: Paths, facts: Facts) -> Facts:
    """Add what the files show. The lock first: a job writes how it ended before it gives the lock back."""
    key, attempt = facts.submission.key, facts.submission.attempt
    is_going = facts.job is not None and facts.job.end is None
    locked = not is_going and is_locked(str(paths.run_lock(key)))
    ended = is_done(paths, key) or any(one.attempt >= attempt for one in failures_of(paths, key))
    return replace(facts, has_ended=ended, is_locked=locked)


class _Asked:
    """What the batch system answers about records, each in the name of its account and on its cluster."""

    def __init__(self, batch: BatchSystem, records: Mapping[Key, Submission]) -> None:
        self._batch, self._records, self._me = batch, records, own_account()
        places = {self._place(one) for one in records.values()}
        self._answers = {place: self._jobs(*place) for place in places}
        self._indexes = {place: JobIndex(jobs or ()) for place, jobs in self._answers.items()}

    def facts(self, arriving: Iterable[Key]) -> dict[Key, Facts]:
        """Return what is known about each record, but for the files."""
        found = {key: self._find(one, key in arriving) for key, one in self._records.items()}
        self._find_nameless(found)
        self._find_ended(found)
        return found

    def _place(self, one: Submission) -> tuple[str, str]:
        user = one.user if one.user != self._me else ""
        return user, one.cluster if one.cluster and one.cluster != self._batch.cluster() else ""

    def _jobs(self, user: str, cluster: str) -> Sequence[BatchJob] | None:
        try:
            return self._batch.jobs(user, cluster)
        except BatchSystemError:
            return None

    def _find(self, one: Submission, arriving: bool) -> Facts:
        (user, cluster), system = self._place(one), self._batch.name
        jobs = self._answers[user, cluster]
        what = f"job {one.job}" if one.job else "its job, if there is one,"
        where = f" on cluster {cluster}" if cluster else ""
        if jobs is None:
            return Facts(one, unseen=f"{system} does not answer{where}; {what} may still be there")
        job = self._indexes[user, cluster].job_of(one)
        unseen = f"{what} is of {user}, and {self._me} may not see it in {system}{where}" if user and not job else ""
        return Facts(one, job, unseen, may_arrive=arriving)

    def _find_nameless(self, found: dict[Key, Facts]) -> None:
        """Find jobs by their names if a tick was killed before it knew the number, and the site replaces labels."""
        nameless = {
            key: one for key, one in found.items() if one.is_gone and not (one.submission.job or one.may_arrive)
        }
        if not nameless:
            return
        try:
            named = self._batch.jobs(by_name=True)
        except BatchSystemError:
            for key, one in nameless.items():
                found[key] = replace(one, unseen=f"{self._batch.name} does not answer; its job may be there")
            return
        others = set[str]().union(*(one.numbers_of_others(self._records.values()) for one in self._indexes.values()))
        names = by_name(named, others)
        for key, one in nameless.items():
            found[key] = replace(one, job=job_by_name(one.submission, names))

    def _find_ended(self, found: dict[Key, Facts]) -> None:
        """Find in the batch system's records how the jobs ended that it does not list any more."""
        gone = {key: one for key, one in found.items() if one.is_gone and one.submission.job}
        for cluster in {self._place(one.submission)[1] for one in gone.values()}:
            here = {key: one for key, one in gone.items() if self._place(one.submission)[1] == cluster}
            with contextlib.suppress(BatchSystemError):  # it keeps no records
                ended = self._batch.ended_jobs([one.submission.job for one in here.values()], cluster)
                by_number = {job.number: job if _is_past(job) else replace(job, ended=None) for job in ended}
                for key, one in here.items():
                    found[key] = replace(one, job=by_number.get(one.submission.job))


def _is_past(job: BatchJob) -> bool:
    """Return whether a job ended in the past; a batch system with a wrong clock may say otherwise."""
    return job.ended is not None and job.ended <= times.now()


def count_jobs(statuses: Mapping[Key, SubmissionStatus]) -> dict[str, JobCounts]:
    """Return the number of jobs that wait in the batch system and that work, by analysis; one without is left out."""
    seen = Counter((key.analysis, one.has_begun) for key, one in statuses.items() if one.has_begun is not None)
    return {analysis: JobCounts(seen[analysis, False], seen[analysis, True]) for analysis, _ in sorted(seen)}


def held_jobs(statuses: Iterable[SubmissionStatus], system: str = "Slurm") -> list[str]:
    """Return a sentence for each reason for which jobs do nothing until a person acts."""
    by_reason: dict[str, list[Submission]] = {}
    for status in statuses:
        if status.held:
            by_reason.setdefault(status.held, []).append(status.submission)
    return [_held_sentence(reason, found, system) for reason, found in sorted(by_reason.items())]


def _held_sentence(reason: str, found: list[Submission], system: str) -> str:
    first, more = min(found, key=lambda one: one.key), len(found) - 1
    others = f" and {more} more" if more else ""
    number = first.job or "its number"
    return (
        f"{system} job {number} of {first.key}{others} waits for a person, {reason}: "
        f"scontrol release {number} lets it go on, xom cancel {first.key.run.partition('-')[0].lstrip('0')} ends it"
    )

"""What became of a submission, from all that is known about it: a pure decision.

Unknown is not gone: a missing job has ended only if the asker could have seen it. A member of a batch that never began
made no attempt: it is as ready as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from xomflow.core.key import Key
from xomflow.core.tick_summary import JobCounts
from xomflow.slurm.batch_system import BatchJob
from xomflow.slurm.submitting.submissions import Submission


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
        Whether its job works on it already; None if it has no job that may still work, or that is unknown.
    left_by
        How the job of its batch ended, as a failure class, if the job is over and never began with it; empty otherwise.
    """

    submission: Submission
    working: str = ""
    kind: str = ""
    message: str = ""
    to_cancel: str = ""
    held: str = ""
    has_begun: bool | None = None
    left_by: str = ""


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
    has_begun
        Whether its attempt has begun; of a batch, the run lock shows which members have.
    is_to_blame
        Whether it counts as a failed attempt if its job is over without a file about it.
    """

    submission: Submission
    job: BatchJob | None = None
    unseen: str = ""
    has_ended: bool = False
    is_locked: bool = False
    may_arrive: bool = False
    has_begun: bool = True
    is_to_blame: bool = True

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
    if facts.has_ended:  # after a crash of its controller Slurm may hold the job of a finished run
        return SubmissionStatus(submission, to_cancel=job.number if job and job.is_stuck else "")
    if job is None:
        return _status_without_job(facts, system)
    if job.end is None:
        waits = "" if facts.has_begun or not job.has_begun else "it waits for its turn; "
        has_begun = job.has_begun and facts.has_begun
        return SubmissionStatus(submission, f"{waits}{job.description}", held=job.held, has_begun=has_begun)
    if facts.is_locked:
        return SubmissionStatus(submission, working=f"{job.description}, but a process still works on the run")
    if not job.is_stuck and job.ended is not None and now - job.ended < latency:
        return SubmissionStatus(submission, working=f"{job.description}; its files may not be visible here yet")
    to_cancel = job.number if job.is_stuck else ""
    if not facts.is_to_blame:
        return SubmissionStatus(submission, to_cancel=to_cancel, left_by=job.end.kind)
    return SubmissionStatus(submission, kind=job.end.kind, message=job.end.message, to_cancel=to_cancel)


def _status_without_job(facts: Facts, system: str) -> SubmissionStatus:
    submission = facts.submission
    if facts.unseen:
        return SubmissionStatus(submission, working=facts.unseen)
    if facts.is_locked:
        return SubmissionStatus(submission, working=f"{system} does not list its job, but a process works on the run")
    if submission.job and not facts.is_to_blame:
        return SubmissionStatus(submission, left_by="lost")
    if submission.job:
        message = f"{system} has no job {submission.job} any more, and the job left neither outcome nor failure record"
        return SubmissionStatus(submission, kind="lost", message=message)
    # It was never submitted, so nothing happened, unless it is being submitted now.
    arriving = f"tick {submission.tick} is submitting it to {system}" if facts.may_arrive else ""
    return SubmissionStatus(submission, working=arriving)


def to_blame(submissions: Sequence[Submission], begun: Collection[Key], ended: Collection[Key]) -> set[Key]:
    """Return the keys that count as failed attempts if their job is over without a file about them.

    Of a batch these are the members that had begun. If none had, the first one is: a job that always dies at its start
    must not be submitted again without end.

    Parameters
    ----------
    submissions
        All of them.
    begun, ended
        The keys whose attempts have begun, and those with an outcome or a failure record.
    """
    at_work = {one.label for one in submissions if one.key in begun or one.key in ended}
    return {one.key for one in submissions if one.key in begun or (one.is_first and one.label not in at_work)}


def count_jobs(statuses: Mapping[Key, SubmissionStatus]) -> dict[str, JobCounts]:
    """Return how many runs wait in the batch system and are worked on, by analysis; one without is left out."""
    seen = Counter((key.analysis, one.has_begun) for key, one in statuses.items() if one.has_begun is not None)
    return {analysis: JobCounts(seen[analysis, False], seen[analysis, True]) for analysis, _ in sorted(seen)}


def held_jobs(statuses: Iterable[SubmissionStatus], system: str = "Slurm") -> list[str]:
    """Return a sentence for each reason for which jobs do nothing until a person acts."""
    by_reason: dict[str, dict[str, Submission]] = {}
    for one in sorted((one for one in statuses if one.held), key=lambda one: one.submission.key):
        by_reason.setdefault(one.held, {}).setdefault(one.submission.label, one.submission)
    return [_held_sentence(reason, list(found.values()), system) for reason, found in sorted(by_reason.items())]


def _held_sentence(reason: str, found: list[Submission], system: str) -> str:
    first, more = found[0], len(found) - 1
    others = f" and {more} more" if more else ""
    number = first.job or "its number"
    end = f"scancel {number}" if first.batch else f"xom cancel {first.key.run.partition('-')[0].lstrip('0')}"
    return (
        f"{system} job {number} of {first.key}{' with others' if first.batch else ''}{others} waits for a person, "
        f"{reason}: scontrol release {number} lets it go on, {end} ends it"
    )

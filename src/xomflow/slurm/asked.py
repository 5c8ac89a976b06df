"""What became of the submissions: their records, the files, the locks, and what the batch system answers about them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from xomflow.core import times
from xomflow.core.account import own_account
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.ends.last_words import LastWords
from xomflow.jobs.run_lock import read_owner
from xomflow.outcomes.files import names_in
from xomflow.slurm.batch_system import BatchJob, BatchSystem
from xomflow.slurm.status import Facts, SubmissionStatus, status_of, to_blame
from xomflow.slurm.submitting.job_index import JobIndex, by_name, job_by_name
from xomflow.slurm.submitting.submissions import Submission, noted
from xomlib.process.locks import is_locked

# The clocks of this machine and of the cluster may differ by as much.
_CLOCKS = timedelta(days=1)


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
    ticks = {one.tick for one in records.values()}
    arriving = {tick for tick in ticks if is_locked(str(TickPaths(paths.tick(tick)).lock))}
    facts = _with_files(paths, _Asked(batch, records).facts(arriving))
    delay, now = timedelta(seconds=latency), times.now()
    return {key: status_of(one, delay, now, batch.name) for key, one in facts.items()}


def _with_files(paths: Paths, facts: Mapping[Key, Facts]) -> dict[Key, Facts]:
    """Add what the files show. The locks first: a job writes how it ended before it gives the lock back."""
    names = frozenset(names_in(paths.locks))
    locks = {key: lock for key in facts if (lock := paths.run_lock(key)).name in names}
    over = {key for key, one in facts.items() if one.job is None or one.job.end is not None}
    locked = {key for key in locks if key in over and is_locked(str(locks[key]))}
    begun = {key for key in locks if key not in over or key in locked or _is_left(paths, facts[key].submission)}
    words = LastWords(paths)
    ended = {key for key, one in facts.items() if words.has_ended(key, one.submission.attempt)}
    blamed = to_blame([one.submission for one in facts.values()], begun, ended)
    return {
        key: replace(
            one,
            has_ended=key in ended,
            is_locked=key in locked,
            has_begun=not one.submission.batch or key in begun,
            is_to_blame=key in blamed,
        )
        for key, one in facts.items()
    }


def _is_left(paths: Paths, one: Submission) -> bool:
    """Return whether the attempt left its run lock, as a process that was killed or stopped by a signal does."""
    owner = read_owner(paths, one.key)
    return owner is not None and (owner.attempt, owner.tick) == (one.attempt, one.tick)


class _Asked:
    """What the batch system answers about records, each in the name of its account and on its cluster."""

    def __init__(self, batch: BatchSystem, records: Mapping[Key, Submission]) -> None:
        self._batch, self._records, self._me = batch, records, own_account()
        places = {self._place(one) for one in records.values()}
        answers = {place: self._jobs(*place) for place in places}
        self._indexes = {place: JobIndex(jobs) for place, jobs in answers.items() if jobs is not None}

    def facts(self, arriving: Collection[str]) -> dict[Key, Facts]:
        """Return what is known about each record, but for the files; these ticks may be submitting theirs."""
        found = {key: self._find(one, one.tick in arriving) for key, one in self._records.items()}
        self._find_nameless(found)
        self._find_ended(found)
        return found

    def _place(self, one: Submission) -> tuple[str, str]:
        user = one.user if one.user != self._me else ""
        return user, one.cluster if one.cluster != self._batch.cluster() else ""

    def _jobs(self, user: str, cluster: str) -> Sequence[BatchJob] | None:
        try:
            return self._batch.jobs(user, cluster)
        except BatchSystemError:
            return None

    def _find(self, one: Submission, arriving: bool) -> Facts:
        (user, cluster), system = self._place(one), self._batch.name
        index = self._indexes.get((user, cluster))
        what = f"job {one.job}" if one.job else "its job, if there is one,"
        where = f" on cluster {cluster}" if cluster else ""
        if index is None:
            return Facts(one, unseen=f"{system} does not answer{where}; {what} may still be there")
        job = index.job_of(one)
        hidden = f"{what} belongs to {user}, and {self._me} cannot see it in {system}{where}"
        unseen = hidden if user else ""
        return Facts(one, job, unseen, may_arrive=arriving)

    def _find_nameless(self, found: dict[Key, Facts]) -> None:
        """Find jobs by their names if a tick was killed before it had their number, and the site replaces labels."""
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
                ended = self._batch.ended_jobs(sorted({one.submission.job for one in here.values()}), cluster)
                by_number = {job.number: job if _is_past(job) else replace(job, ended=None) for job in ended}
                for key, one in here.items():
                    job = by_number.get(one.submission.job)
                    found[key] = replace(one, job=job if job and _can_be(job, one.submission) else None)


def _can_be(job: BatchJob, submission: Submission) -> bool:
    """Return whether a job with the number of a submission can be its job: numbers begin again with a new database."""
    return job.ended is None or job.ended > submission.submitted - _CLOCKS


def _is_past(job: BatchJob) -> bool:
    """Return whether a job ended in the past; a batch system with a wrong clock may give a later time."""
    return job.ended is not None and job.ended <= times.now()

"""What was given to Slurm, by our own record: written before a job is submitted, removed when all about it is known.

A record without a job in Slurm and without an outcome is an attempt that vanished. While Slurm does not answer, nothing
is concluded: unknown is not gone.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.errors import SlurmError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.files import failures_of
from xomflow.slurm import commands
from xomflow.slurm.commands import SlurmJob
from xomlib.files import dump_json, read_json
from xomlib.locks import is_locked


@dataclass(frozen=True, slots=True)
class Submission:
    """One attempt that was given to Slurm, or was about to be.

    Parameters
    ----------
    key, attempt
        What.
    tick
        The tick that did it.
    submitted
        When, UTC.
    job
        Slurm's number; empty as long as it is not known.
    """

    key: Key
    attempt: int
    tick: str
    submitted: datetime
    job: str = ""

    @property
    def comment(self) -> str:
        """The comment by which its job is found in Slurm; no other attempt has the same."""
        key = self.key
        return f"xom {self.tick} {key.analysis}+{key.version}+{key.run} attempt {self.attempt}"


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """Where a submission stands.

    Parameters
    ----------
    submission
        Which.
    working
        Who works on it, in words; empty if nobody does any more.
    kind, message
        How it ended where it left no word itself: failure class and sentence; empty otherwise.
    to_cancel
        Number of its job if Slurm would keep that for ever; empty otherwise.
    """

    submission: Submission
    working: str = ""
    kind: str = ""
    message: str = ""
    to_cancel: str = ""


def note(paths: Paths, submission: Submission) -> None:
    """Write a record, or replace it."""
    document = {**asdict(submission), "submitted": times.text(submission.submitted)}
    dump_json(paths.submission(submission.key), document)


def forget(paths: Paths, key: Key, tick: str, attempt: int) -> None:
    """Remove the record of an attempt that a tick made; that of another one, which may have begun since, stays."""
    one = _at(paths.submission(key))
    if one and (one.tick, one.attempt) == (tick, attempt):
        with contextlib.suppress(FileNotFoundError):
            paths.submission(key).unlink()


def noted(paths: Paths) -> dict[Key, Submission]:
    """Return all records."""
    found = {}
    try:
        names = os.listdir(paths.submissions)
    except FileNotFoundError:
        return {}
    for name in names:
        if name.startswith("."):
            continue  # half written, or left behind by a kill
        if one := _at(paths.submissions / name):
            found[one.key] = one
    return found


def _at(path: Path) -> Submission | None:
    """Return a record; None where there is none, or what is there is none. One that cannot be read is not "none"."""
    try:
        return _read(read_json(path))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _read(document: dict[str, Any]) -> Submission:
    return Submission(
        Key(**document["key"]),
        int(document["attempt"]),
        document["tick"],
        times.moment(document["submitted"]),
        document["job"],
    )


def statuses(paths: Paths, latency: float) -> dict[Key, SubmissionStatus]:
    """Return where every submission stands; Slurm is asked once, and only if there is any.

    Parameters
    ----------
    paths
        Where the records are.
    latency
        Seconds after the end of a job in which its files may not be visible here yet.
    """
    records = noted(paths)
    if not records:
        return {}
    # Before Slurm is asked: whoever has let go of its tick by now has either submitted or never will.
    going = {
        key for key, one in records.items() if not one.job and is_locked(str(TickPaths(paths.tick(one.tick)).lock))
    }
    try:
        jobs: dict[str, SlurmJob] | None = commands.jobs()
    except SlurmError:
        jobs = None
    for key, one in records.items():
        job = (jobs or {}).get(one.comment)
        if job and job.is_stuck and is_locked(str(paths.run_lock(key))):
            going.add(key)
    return {
        key: status_of(one, jobs, _last_word(paths, one), timedelta(seconds=latency), datetime.now(), key in going)
        for key, one in records.items()
    }


def _last_word(paths: Paths, one: Submission) -> bool:
    """Return whether the attempt said how it ended."""
    return paths.outcome(one.key).exists() or any(
        failure.attempt >= one.attempt for failure in failures_of(paths, one.key)
    )


def status_of(
    one: Submission,
    jobs: dict[str, SlurmJob] | None,
    has_last_word: bool,
    latency: timedelta,
    now: datetime,
    going: bool = False,
) -> SubmissionStatus:
    """Return where a submission stands.

    Parameters
    ----------
    one
        Which.
    jobs
        What Slurm says, by comment; None if it does not answer.
    has_last_word
        Whether there is an outcome, or a failure record of this attempt.
    latency
        How long after the end of a job its last word may be on its way.
    now
        The present in the machine's local time, as Slurm tells times.
    going
        Whether it may be on its way to Slurm: its tick, or the ``sbatch`` that outlived it, is alive; of a stuck job,
        whether a process of it works nevertheless.
    """
    if has_last_word:
        return SubmissionStatus(one)
    name = f"job {one.job}" if one.job else "its job, if there is one,"
    if jobs is None:
        return SubmissionStatus(one, working=f"Slurm does not answer; {name} may still be there")
    job = jobs.get(one.comment)
    if job is None:
        if not one.job:  # it was never submitted, so nothing happened, unless that is being done just now
            return SubmissionStatus(one, working=f"tick {one.tick} is giving it to Slurm" if going else "")
        return SubmissionStatus(
            one, kind="lost", message=f"Slurm knows nothing of job {one.job} any more, and it left no word"
        )
    if job.is_stuck and not going:
        return SubmissionStatus(one, "", *job.end, to_cancel=job.number)
    if not job.is_over:
        return SubmissionStatus(one, working=job.words)
    if job.ended is not None and now - job.ended < latency:
        return SubmissionStatus(one, working=f"Slurm job {job.number} has just ended ({job.state.lower()})")
    kind, message = job.end
    return SubmissionStatus(one, kind=kind, message=message)

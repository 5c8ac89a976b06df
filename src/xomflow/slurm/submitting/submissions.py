"""Records of what was submitted: written before a job is submitted, removed when it is known how the attempt ended.

A job of one run has a record of its key. A batch has one record for all its members, which stays as it is until the job
is over: which members have ended follows from their files.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.slurm.batch_system import batch_name, job_name
from xomlib.files import dump_json, read_json

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
    user, cluster
        Account that submitted it, and the cluster that has it; empty if that is not known.
    batch
        Name of its batch within the tick; empty: it has a job of its own.
    is_first
        Whether it is the first member of its batch.
    """

    key: Key
    attempt: int
    tick: str
    submitted: datetime
    job: str = ""
    user: str = ""
    cluster: str = ""
    batch: str = ""
    is_first: bool = True

    @property
    def label(self) -> str:
        """The label by which its job is found; no other attempt has the same, but for those of its batch."""
        if self.batch:
            return f"xom {self.tick} batch {self.batch}"
        key = self.key
        return f"xom {self.tick} {key.analysis}+{key.version}+{key.run} attempt {self.attempt}"

    @property
    def job_name(self) -> str:
        """The name of its job."""
        return batch_name(self.tick, self.batch) if self.batch else job_name(self.key)

    def to_json(self) -> dict[str, Any]:
        """Return the record of a job of one run as JSON values."""
        return {"key": self.key.as_dict(), "attempt": self.attempt, **self._of_job()}

    def _of_job(self) -> dict[str, Any]:
        submitted = {"tick": self.tick, "submitted": times.text(self.submitted)}
        return {**submitted, "job": self.job, "user": self.user, "cluster": self.cluster}

    @classmethod
    def from_json(cls, document: Any) -> Submission:
        """Return the record that `to_json` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(Key(**document["key"]), int(document["attempt"]), *_job_in(document))


def _job_in(document: Any) -> tuple[str, datetime, str, str, str]:
    submitted = times.moment(document["submitted"])
    return document["tick"], submitted, document["job"], document.get("user", ""), document.get("cluster", "")


def _batch_json(members: Sequence[Submission]) -> dict[str, Any]:
    rows = [[one.key.analysis, one.key.version, one.key.run, one.attempt] for one in members]
    return {"batch": members[0].batch, **members[0]._of_job(), "members": rows}


def _parse(document: Any) -> list[Submission]:
    """Return the submissions in a record; `KeyError`, `TypeError` or `ValueError` for another form."""
    if "batch" not in document:
        return [Submission.from_json(document)]
    batch, job = str(document["batch"]), _job_in(document)
    rows = enumerate(document["members"])
    return [Submission(Key(*names), int(attempt), *job, batch, place == 0) for place, (*names, attempt) in rows]


def note(paths: Paths, *members: Submission) -> None:
    """Write the record of a job, or replace it; a batch has several members."""
    dump_json(_path(paths, members[0]), _batch_json(members) if members[0].batch else members[0].to_json())


def _path(paths: Paths, submission: Submission) -> Path:
    if submission.batch:
        return paths.batch_submission(submission.tick, submission.batch)
    return paths.submission(submission.key)


def forget(paths: Paths, submission: Submission) -> None:
    """Remove the record of a tick's attempt, or of a batch; that of another attempt, begun since, stays."""
    path = _path(paths, submission)
    found = _records_in(path)
    if found and (found[0].label == submission.label):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def noted(paths: Paths) -> dict[Key, Submission]:
    """Return all submissions; of several of a key that with the newest attempt."""
    found: dict[Key, Submission] = {}
    for one in _all(paths):
        other = found.get(one.key)
        if other is None or (one.attempt, one.submitted) > (other.attempt, other.submitted):
            found[one.key] = one
    return found


def _all(paths: Paths) -> Iterator[Submission]:
    try:
        names = os.listdir(paths.submissions)
    except FileNotFoundError:
        return
    # A name that begins with a dot is of a file that is being written, or that a killed process left.
    for name in names:
        if not name.startswith("."):
            yield from _records_in(paths.submissions / name)


def _records_in(path: Path) -> list[Submission]:
    """Return the submissions in a file; none if it is missing or odd. `OSError` if the disk does not answer."""
    try:
        return _parse(read_json(path))
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno in _AWAY:
            raise
        return []


def damaged(paths: Paths) -> list[tuple[Path, Exception]]:
    """Return the files in the place of records that cannot be read; a job may be in the batch system nevertheless."""
    found: list[tuple[Path, Exception]] = []
    for path in sorted(paths.submissions.glob("[!.]*")):
        try:
            _parse(read_json(path))
        except FileNotFoundError:
            pass  # its job is over at this moment
        except UNREADABLE as error:
            found.append((path, error))
    return found

"""Records of what was submitted: written before a job is submitted, removed when it is known how the attempt ended."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths
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
    """

    key: Key
    attempt: int
    tick: str
    submitted: datetime
    job: str = ""
    user: str = ""
    cluster: str = ""

    @property
    def label(self) -> str:
        """The label by which its job is found; no other attempt has the same."""
        key = self.key
        return f"xom {self.tick} {key.analysis}+{key.version}+{key.run} attempt {self.attempt}"

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        submitted = times.text(self.submitted)
        own = {"attempt": self.attempt, "tick": self.tick, "submitted": submitted, "job": self.job}
        return {"key": self.key.as_dict(), **own, "user": self.user, "cluster": self.cluster}

    @classmethod
    def from_json(cls, document: Any) -> Submission:
        """Return the record that `to_json` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(
            Key(**document["key"]),
            int(document["attempt"]),
            document["tick"],
            times.moment(document["submitted"]),
            document["job"],
            document.get("user", ""),
            document.get("cluster", ""),
        )


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

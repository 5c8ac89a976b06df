"""The lock of a run: at most one process at a time works on a key."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from xomflow.core import times
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomlib.files import open_file, read_json
from xomlib.process.locks import is_locked

# A job that has reached its time limit still writes how it ended, for at most this long.
_END_SECONDS = 900.0
# Seconds for which a damaged lock file counts as held: longer than nearly all jobs work.
_LONGEST_DOUBT = 86400.0


@dataclass(frozen=True, slots=True)
class LockOwner:
    """The process that works on a run, or did until it vanished.

    Parameters
    ----------
    attempt
        Number of the attempt.
    tick
        Name of the tick.
    host, pid
        Host and process.
    began
        When the attempt began, UTC.
    held
        Whether the process, or one that it started, still holds the lock, or may hold it.
    time_limit_s
        Seconds after which the attempt is ended; None: unknown.
    trouble
        Why the owner is unknown; empty if it is known.
    """

    attempt: int
    tick: str
    host: str
    pid: int
    began: datetime
    held: bool = True
    time_limit_s: float | None = None
    trouble: str = ""

    @property
    def where(self) -> str:
        """Host and process, in words."""
        if self.trouble:
            return f"an unknown place: {self.trouble}"
        return f"{self.host}, process {self.pid}" if self.pid else "unknown host, process unknown"

    def to_json(self, key: Key) -> dict[str, Any]:
        """Return the content of the lock file of a key."""
        process = {"host": self.host, "pid": self.pid, "began": times.text(self.began)}
        limit = {} if self.time_limit_s is None else {"time_limit_s": self.time_limit_s}
        return {**key.as_dict(), "attempt": self.attempt, "tick": self.tick, **process, **limit}

    @classmethod
    def from_json(cls, document: Any, held: bool) -> LockOwner:
        """Return the owner that `to_json` wrote; `KeyError`, `TypeError` or `ValueError` for another form."""
        began = times.moment(document["began"])
        process = str(document["host"]), int(document["pid"])
        limit = document.get("time_limit_s")
        seconds = None if limit is None else float(limit)
        return cls(int(document["attempt"]), str(document["tick"]), *process, began, held, seconds)

    def may_hold_elsewhere(self, now: datetime) -> bool:
        """Return whether it may work on another host, from which a lock may not reach here, within its time limit."""
        if self.time_limit_s is None or self.host == os.uname().nodename:
            return False
        return (now - self.began).total_seconds() < self.time_limit_s + _END_SECONDS


def hold_run(paths: Paths, key: Key) -> IO[str]:
    """Take a run's lock, after waiting for its owner; it is held as long as any process has the file open."""
    path = paths.run_lock(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            file = open_file(path, "a+", encoding="utf-8")
        except FileNotFoundError:
            if not path.is_symlink():
                raise
            path.unlink(missing_ok=True)  # a link to nothing: no process holds that
            continue
        fcntl.flock(file, fcntl.LOCK_EX)
        # Its owner may have removed the file while we waited; a lock on a removed file protects nothing.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def write_owner(file: IO[str], key: Key, attempt: int, tick: str, time_limit_s: float | None = None) -> None:
    """Write this process into a held lock as its owner, for people and for the case that it vanishes."""
    owner = LockOwner(attempt, tick, os.uname().nodename, os.getpid(), times.now(), time_limit_s=time_limit_s)
    file.seek(0)
    file.truncate()
    file.write(f"{json.dumps(owner.to_json(key))}\n")
    file.flush()


def release_run(paths: Paths, key: Key, file: IO[str]) -> None:
    """Remove a held lock; only what was killed, or stopped by a batch system, leaves a lock file that is not held."""
    with contextlib.suppress(FileNotFoundError):
        paths.run_lock(key).unlink()
    file.close()


def leave_run(file: IO[str]) -> None:
    """Give a lock back and leave its file, which then shows that the attempt had begun."""
    file.close()


def lock_owners(paths: Paths) -> dict[Key, LockOwner]:
    """Return the owners of the run locks, held or left behind."""
    found = {}
    for path in paths.locks.glob("*+*+*.lock"):
        analysis, version, run = path.stem.split("+", 2)
        with contextlib.suppress(FileNotFoundError):
            owner = _owner_in(path, held=is_locked(str(path)))
            if owner is not None and owner.may_hold_elsewhere(times.now()):
                owner = replace(owner, held=True)
            if owner is not None:
                found[Key(analysis, version, run)] = owner
    return found


def read_owner(paths: Paths, key: Key) -> LockOwner | None:
    """Return the owner in the lock file of a key, whether or not it holds the lock; None if there is none."""
    try:
        return LockOwner.from_json(read_json(paths.run_lock(key)), held=False)
    except UNREADABLE:
        return None


def take_left_behind(paths: Paths, key: Key) -> LockOwner | None:
    """Remove the lock file of a process that vanished and return its owner; None if the lock is held after all."""
    path = paths.run_lock(key)
    try:
        with open_file(path, "r+b") as file:  # to write, which NFS requires for an exclusive lock
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return None
            owner = _owner_in(path, held=False)
            path.unlink()  # only ever removed while held, see hold_run
            return owner
    except OSError:  # it is held, gone, or no file that can be a lock
        return None


def _owner_in(path: Path, held: bool) -> LockOwner | None:
    """Return the owner in a lock file; None if the lock is free and has no owner: the job never started."""
    try:
        return LockOwner.from_json(read_json(path), held)
    except FileNotFoundError:
        raise
    except OSError as error:  # whether a process holds it is unknown: that is no reason to start another one
        return LockOwner(1, "", "", 0, times.now(), trouble=f"{path} cannot be read: {error.strerror}")
    except UNREADABLE:
        if held:
            return LockOwner(1, "", "", 0, times.now())
        status = path.stat()
        if not status.st_size or (times.now().timestamp() - status.st_mtime) > _LONGEST_DOUBT:
            return None
        # It is free here, but a lock may not reach from the host that wrote it.
        trouble = f"{path} cannot be read: it shows no holder; delete it once no process works on its run"
        return LockOwner(1, "", "", 0, times.now(), trouble=trouble)

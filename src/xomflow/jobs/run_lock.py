"""The lock of a run: at most one process at a time works on a key."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomlib.files import read_json
from xomlib.locks import is_locked

# --- runs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LockOwner:
    """What a run's lock file says about who works on it, or did until it vanished.

    Parameters
    ----------
    held
        Whether somebody still does.
    attempt
        Number of the attempt.
    where
        Host and process, in words.
    began
        When it began, UTC.
    """

    held: bool
    attempt: int
    where: str
    began: datetime


def hold_run(paths: Paths, key: Key) -> IO[str]:
    """Take a run's lock, waiting for whoever has it; it lasts as long as any process has the file open."""
    path = paths.run_lock(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("a+", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        # Whoever had it may have removed the file while we waited; a lock on a removed file protects nothing.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def write_owner(file: IO[str], key: Key, attempt: int, tick: str) -> None:
    """Write into a held lock who works, for people and for the case that we vanish."""
    file.seek(0)
    file.truncate()
    mark = {
        **key.as_dict(),
        "attempt": attempt,
        "tick": tick,
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "began": times.text(times.now()),
    }
    print(json.dumps(mark), file=file)
    file.flush()


def release_run(paths: Paths, key: Key, file: IO[str]) -> None:
    """Remove a held lock; what remains after a kill is a lock file that nobody holds."""
    with contextlib.suppress(FileNotFoundError):
        paths.run_lock(key).unlink()
    file.close()


def lock_owners(paths: Paths) -> dict[Key, LockOwner]:
    """Return what the run locks say, held or left behind."""
    found = {}
    for path in paths.locks.glob("*+*+*.lock"):
        analysis, version, run = path.stem.split("+", 2)
        with contextlib.suppress(FileNotFoundError):
            mark = _owner_in(path, held=is_locked(str(path)))
            if mark is not None:
                found[Key(analysis, version, run)] = mark
    return found


def take_left_behind(paths: Paths, key: Key) -> LockOwner | None:
    """Remove the lock file of a process that vanished and return its mark; None if somebody holds it after all."""
    path = paths.run_lock(key)
    try:
        with path.open("r+b") as file:  # to write, as NFS wants it for an exclusive lock
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return None
            mark = _owner_in(path, held=False)
            path.unlink()  # only ever removed while held, see hold_run
            return mark
    except (BlockingIOError, FileNotFoundError):
        return None


def _owner_in(path: Path, held: bool) -> LockOwner | None:
    """Read a lock file; None for one that nobody holds and nobody signed: whoever had it did not begin to work."""
    try:
        content = read_json(path)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        if not held:
            return None
        content = {}
    return LockOwner(
        held=held,
        attempt=int(content.get("attempt", 1)),
        where=f"{content.get('host', 'unknown host')}, process {content.get('pid', 'unknown')}",
        began=times.moment(content["began"]) if "began" in content else times.now(),
    )

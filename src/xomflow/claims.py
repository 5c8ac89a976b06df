"""Who works on what: claims of live ticks and locks of live runs.

Both are held through ``flock``: the kernel lets go of them at any kind of death, so nothing is ever left to unlock. A
tick holds the lock of its folder; its claims count as long as it lives. Whoever works on a run holds the run's lock,
which also lasts when the tick is killed and its jobs go on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from xomflow import clock
from xomflow.keys import Key
from xomflow.paths import Paths, TickPaths
from xomlib.files import read_json
from xomlib.warm import is_locked

_NAME = re.compile(r"(?P<began>\d{8}T\d{6})-(?P<host>[A-Za-z0-9]*)-\d+")
_TIME_FORM = "%Y%m%dT%H%M%S"


def new_tick(moment: datetime) -> str:
    """Return a name for a tick: its time in UTC, and the host and process it belongs to."""
    return f"{moment.strftime(_TIME_FORM)}-{_host()}-{os.getpid()}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", os.uname().nodename.split(".")[0])


def hold_tick(folder: TickPaths) -> IO[bytes]:
    """Take the lock of one's own tick; it lasts until the returned file is closed or the process dies."""
    folder.folder.mkdir(parents=True, exist_ok=True)
    file = folder.lock.open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)  # waits for a tick that is just looking whether somebody holds it
    return file


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one tick at a time do something: look for work and claim it, or publish and renew the page."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def live_claims(paths: Paths, longest: float = 0.0, now: datetime | None = None) -> dict[Key, tuple[str, int]]:
    """Return what live ticks claim: for each key the tick and the number of the attempt.

    Parameters
    ----------
    paths
        Where the ticks are.
    longest
        Seconds that a tick may last. A lock may not reach from one host to another, so the claims of a tick of another
        host also count until it has written its summary or this time is over.
    now
        The present.
    """
    claimed = {}
    for folder in _tick_folders(paths):
        if is_locked(str(folder.lock)) or _may_live_elsewhere(folder, longest, now or clock.now()):
            with contextlib.suppress(FileNotFoundError):
                for analysis, version, run, attempt in read_json(folder.claims):
                    claimed[Key(analysis, version, run)] = (folder.folder.name, int(attempt))
    return claimed


def _may_live_elsewhere(folder: TickPaths, longest: float, now: datetime) -> bool:
    name = _NAME.fullmatch(folder.folder.name)
    if name is None or name["host"] == _host() or folder.summary.exists():
        return False
    return (now - _began(name)).total_seconds() < longest


def _began(name: re.Match[str]) -> datetime:
    return datetime.strptime(name["began"], _TIME_FORM).replace(tzinfo=UTC)


def is_overtaken(paths: Paths, tick: TickPaths, now: datetime) -> bool:
    """Return whether a tick that began later has reported already: it knew more than this one."""
    own = _NAME.fullmatch(tick.folder.name)
    names = ((folder, _NAME.fullmatch(folder.folder.name)) for folder in _tick_folders(paths))
    # A clock that was wrong may have named a tick of the future, which must not have the last word until then.
    later = (folder for folder, name in names if own and name and _began(own) < _began(name) <= now)
    return any(folder.summary.exists() for folder in later)


def forget_old_ticks(paths: Paths, keep: int, needed: Collection[str] = ()) -> None:
    """Delete the folders of all but the newest ``keep`` ticks; live ones, and those whose jobs are in Slurm, stay."""
    for folder in _tick_folders(paths)[:-keep]:
        if folder.folder.name not in needed and not is_locked(str(folder.lock)):
            shutil.rmtree(folder.folder, ignore_errors=True)


def _tick_folders(paths: Paths) -> list[TickPaths]:
    try:
        names = sorted(os.listdir(paths.ticks))
    except FileNotFoundError:
        return []
    return [TickPaths(paths.tick(name)) for name in names if (paths.tick(name) / "lock").exists()]


# --- runs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
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


def sign(file: IO[str], key: Key, attempt: int, tick: str) -> None:
    """Write into a held lock who works, for people and for the case that we vanish."""
    file.seek(0)
    file.truncate()
    mark = {
        **key.as_dict(),
        "attempt": attempt,
        "tick": tick,
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "began": clock.text(clock.now()),
    }
    print(json.dumps(mark), file=file)
    file.flush()


def release_run(paths: Paths, key: Key, file: IO[str]) -> None:
    """Remove a held lock; what remains after a kill is a lock file that nobody holds."""
    with contextlib.suppress(FileNotFoundError):
        paths.run_lock(key).unlink()
    file.close()


def marks(paths: Paths) -> dict[Key, Mark]:
    """Return what the run locks say, held or left behind."""
    found = {}
    for path in paths.locks.glob("*+*+*.lock"):
        analysis, version, run = path.stem.split("+", 2)
        with contextlib.suppress(FileNotFoundError):
            mark = _mark_in(path, held=is_locked(str(path)))
            if mark is not None:
                found[Key(analysis, version, run)] = mark
    return found


def take_left_behind(paths: Paths, key: Key) -> Mark | None:
    """Remove the lock file of a process that vanished and return its mark; None if somebody holds it after all."""
    path = paths.run_lock(key)
    try:
        with path.open("r+b") as file:  # to write, as NFS wants it for an exclusive lock
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return None
            mark = _mark_in(path, held=False)
            path.unlink()  # only ever removed while held, see hold_run
            return mark
    except (BlockingIOError, FileNotFoundError):
        return None


def _mark_in(path: Path, held: bool) -> Mark | None:
    """Read a lock file; None for one that nobody holds and nobody signed: whoever had it did not begin to work."""
    try:
        content = read_json(path)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        if not held:
            return None
        content = {}
    return Mark(
        held=held,
        attempt=int(content.get("attempt", 1)),
        where=f"{content.get('host', 'unknown host')}, process {content.get('pid', 'unknown')}",
        began=clock.moment(content["began"]) if "began" in content else clock.now(),
    )

"""Who works on what: claims of live ticks and locks of live runs.

Both are held through ``flock``: the kernel lets go of them at any kind of death, so nothing is ever left to unlock. A
tick holds the lock of its folder; its claims count as long as it lives. Whoever works on a run holds the run's lock,
which also lasts when the tick is killed and its jobs go on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Collection
from datetime import UTC, datetime
from typing import IO

from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomlib.files import read_json
from xomlib.locks import is_locked

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
        if is_locked(str(folder.lock)) or _may_live_elsewhere(folder, longest, now or times.now()):
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

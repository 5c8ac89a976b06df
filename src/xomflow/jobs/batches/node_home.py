"""The home of the preloaded processes of a batch: a folder of the node, since a Unix socket may not work elsewhere."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from xomflow.jobs.processes.surroundings import Home
from xomlib.process.locks import is_locked

_NAME, _LOCK = "xom-preloaded-", "lock"
_OLD_SECONDS = 86400.0


@contextlib.contextmanager
def home_on_node() -> Iterator[Home]:
    """Make a home and hold its lock; the preloaded processes in it end with this process."""
    remove_old_homes(Path(tempfile.gettempdir()), time.time())
    with tempfile.TemporaryDirectory(prefix=_NAME) as folder, Path(folder, _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Home(Path(folder), Path(folder, _LOCK))


def remove_old_homes(place: Path, now: float) -> None:
    """Remove what processes of batches left that were killed: homes that are old, and whose lock is free."""
    for home in place.glob(f"{_NAME}*"):
        with contextlib.suppress(OSError):  # of another account, or another process removes it
            if now - home.stat().st_mtime > _OLD_SECONDS and not is_locked(str(home / _LOCK)):
                shutil.rmtree(home)

"""Locks on files, held through ``flock``: the kernel releases them however the process ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.errors import DiskError, PersonNeededError
from xomlib.files import open_file, read_text
from xomlib.printing import say

# The environment of the processes that a tick starts has its name.
TICK_VARIABLE = "XOM_TICK"
# Seconds: the longest wait unless the configuration has another value, and the wait after which the holder is named.
LONGEST_WAIT = 600.0
_QUIET_WAIT = 5.0


@contextlib.contextmanager
def exclusive(lock: Path, longest: float = LONGEST_WAIT) -> Iterator[None]:
    """Hold a lock, so that one tick at a time looks for work and claims it, or publishes and renews the page.

    Parameters
    ----------
    lock
        The lock file; it contains tick, host and process that hold it.
    longest
        Seconds to wait for another holder.

    Raises
    ------
    PersonNeededError
        If another process holds it for longer: that one hangs.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    file = _opened(lock)
    try:
        _wait_for(file, lock, longest)
        _write_holder(file)
        yield
    finally:
        os.close(file)


@contextlib.contextmanager
def if_free(lock: Path) -> Iterator[bool]:
    """Hold a lock as `exclusive` does, or give False at once if another process holds it."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(exclusive(lock, 0.0))
        except PersonNeededError:
            yield False
            return
        yield True


def check_locks(folder: Path) -> None:
    """Make sure that files in a folder can be locked, and that a lock keeps another process out.

    Raises
    ------
    DiskError
        If not: on such a file system two ticks would analyse the same run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f".lock-test.{os.getpid()}"
    try:
        with open_file(place, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_refused(place) or not _is_refused_elsewhere(place):
                raise DiskError(f"{folder}: a file lock (flock) here does not keep another process out; {_REMEDY}")
    except OSError as error:
        if error.filename is not None:
            raise  # not of the lock
        raise DiskError(f"{folder}: file locks (flock) do not work here: {error.strerror}; {_REMEDY}") from None
    finally:
        with contextlib.suppress(OSError):
            place.unlink()


_REMEDY = "mount its file system with locks, such as Lustre with the option flock, or set `work` to another one"


def _opened(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except IsADirectoryError:  # a folder in the place of the file can be locked as well
        return os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if not lock.is_symlink():
            raise
        # Where it led may be a disk that is away, on which others hold the lock, so it is not made anew here.
        raise DiskError(f"{lock} is a link to nothing: make its disk available, or remove the link") from None


def _wait_for(file: int, lock: Path, longest: float, how: int = fcntl.LOCK_EX) -> None:
    began, pause, named = time.monotonic(), 0.01, False
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            waited = time.monotonic() - began
        if waited >= longest:
            raise PersonNeededError(
                f"{lock}: {describe_holder(lock)} holds this lock, and it was not free within {times.span(longest)}: "
                "find out why that process hangs and end it; the next tick goes on"
            )
        if waited >= _QUIET_WAIT and not named:
            say(f"waits for {describe_holder(lock)}, which holds {lock}", file=sys.stderr)
            named = True
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


def _write_holder(file: int) -> None:
    """Write this process into the lock that it holds; a full disk only costs the others its name."""
    tick, host = os.environ.get(TICK_VARIABLE, ""), os.uname().nodename
    with contextlib.suppress(OSError):
        holder = {"tick": tick, "host": host, "pid": os.getpid(), "since": times.text(times.now())}
        os.truncate(file, 0)
        os.write(file, json.dumps(holder).encode())


def describe_holder(lock: Path) -> str:
    """Return in words which tick or process holds a lock, as far as its file shows it."""
    try:
        holder: Any = json.loads(read_text(lock))
        who = f"tick {holder['tick']}" if holder["tick"] else "another process"
        return f"{who} (host {holder['host']}, process {holder['pid']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _is_refused(place: Path) -> bool:
    with open_file(place, "r+b") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_refused_elsewhere(place: Path) -> bool:
    """Return whether another process is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Snakemake has threads; the child needs none of them
        pid = os.fork()
    if pid == 0:
        refused = False
        try:
            refused = _is_refused(place)
        finally:
            os._exit(0 if refused else 1)
    return os.waitpid(pid, 0)[1] == 0


@contextlib.contextmanager
def shared(lock: Path, longest: float = LONGEST_WAIT) -> Iterator[None]:
    """Wait for the owner of a lock, as `exclusive` does, and keep others from taking it meanwhile; writes nothing."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe there can be locked too
    except FileNotFoundError:  # no tick has ever taken it
        yield
        return
    try:
        _wait_for(file, lock, longest, fcntl.LOCK_SH)
        yield
    finally:
        os.close(file)

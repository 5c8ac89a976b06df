"""Locks on files, held through ``flock``: the kernel releases them however the process ends."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock, so that one tick at a time looks for work and claims it, or publishes and renews the page."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def shared(lock: Path) -> Iterator[None]:
    """Wait for the owner of a lock, and keep others from taking it meanwhile; writes nothing."""
    try:
        file = lock.open("rb")
    except FileNotFoundError:  # no tick has ever taken it
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield

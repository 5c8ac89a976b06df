"""The memory of this machine: runs that it works on take their parts of it, over all ticks, and wait for each other.

A part is a range of bytes of one file, locked through ``lockf``: the kernel gives it back however the process ends. The
file has the name of the host, and nothing in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Iterator
from typing import IO

from xomflow.core.paths import Paths
from xomlib.files import open_file
from xomlib.printing import say

PART_MB = 100
_LOOK_SECONDS = 0.3


@contextlib.contextmanager
def hold_memory(paths: Paths, memory_mb: int, most_mb: int | None = None) -> Iterator[None]:
    """Within it, this process has so much of the machine's memory; before, it waits for it, first come first served.

    Parameters
    ----------
    paths
        Where the locks are.
    memory_mb
        What the run may use; more than there is counts as all.
    most_mb
        What all runs may use together; None: the memory of the machine or, if that is more, what as many such runs as
        it has cores may use.
    """
    parts = max(1, (most_mb or _of_machine(memory_mb)) // PART_MB)
    place = paths.memory_lock(os.uname().nodename)
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        try:
            file = held.enter_context(open_file(place, "a+b"))
            with open_file(place.with_name(f"{place.name}.next"), "wb") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                while not take_parts(file, math.ceil(memory_mb / PART_MB), parts):
                    time.sleep(_LOOK_SECONDS)
        except OSError as error:  # something else is in the place of a file, which is no reason to do nothing
            say(f"{error.filename or place}: {error.strerror}; runs of this machine begin without a look at its memory")
        yield


def take_parts(file: IO[bytes], wanted: int, parts: int) -> bool:
    """Lock so many of the parts, or none if fewer are free; return whether that succeeded."""
    taken = []
    for part in range(parts):
        with contextlib.suppress(BlockingIOError, PermissionError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, part)
            taken.append(part)
        if len(taken) >= min(wanted, parts):
            return True
    for part in taken:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, part)
    return False


def _of_machine(memory_mb: int) -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6
    return max(machine, memory_mb * (os.cpu_count() or 1))

"""Start the process of an analysis script; ticks and people who try a script by hand do it with this code alone."""

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from typing import IO, Any, Union

from xomlib.process.limits import limit_memory

# All other variables belong to the environment of the starting process.
_PASSED_ON = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XENON_CONFIG", "HTTPS_PROXY", "NO_PROXY")
_GRACE_SECONDS = 60
# Seconds for helpers, such as the one of multiprocessing that removes shared memory, to end by themselves.
_HELPERS_SECONDS = 1.0


def environment(search: Iterable[str], source: str, caches: "dict[str, str]") -> "dict[str, str]":
    """Return the environment of a script's process, free of the caller's own.

    Parameters
    ----------
    search
        Folders with commands.
    source
        Folder with xomlib.
    caches
        Variables that name the caches of numba and matplotlib: containers and homes may be read-only.
    """
    return {
        "LANG": "C.UTF-8",  # without any, Python would add a setting of its own to some processes and not to others
        **{one: os.environ[one] for one in _PASSED_ON if one in os.environ},
        "PATH": os.pathsep.join(search),
        "PYTHONPATH": source,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **caches,
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
    }


def start(
    command: Sequence[str],
    variables: "dict[str, str]",
    log: "Union[IO[Any], int]",
    memory_mb: int,
    time_limit: float,
    keep_open: Sequence[int] = (),
    unblock: Iterable[signal.Signals] = (),
) -> "subprocess.Popen[bytes]":
    """Start a script's process in a session of its own, with its limits.

    Parameters
    ----------
    command, variables
        What to start, and its environment.
    log
        Open file, or its descriptor, for what it prints.
    memory_mb
        Megabytes; 0: no limit.
    time_limit
        Seconds; the caller ends it then, and it ends itself a little later if the caller is gone. 0: no limit.
    keep_open
        File descriptors that it inherits.
    unblock
        Signals that the caller has blocked.
    """

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ignored, it would make multiprocessing wait without an end
        limit_memory(memory_mb)
        signal.alarm(math.ceil(time_limit) + _GRACE_SECONDS if time_limit else 0)

    return subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=keep_open,
        start_new_session=True,
        preexec_fn=prepare,
    )


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process with all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_left_behind(session: int) -> None:
    """End what a script's process, which has ended, left in its session; helpers get a moment to end by themselves.

    Parameters
    ----------
    session
        Number of the process, which is that of its session. It is not given to another one while anything is left.
    """
    until = time.monotonic() + _HELPERS_SECONDS
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left
        while time.monotonic() < until:
            os.killpg(session, 0)
            time.sleep(0.01)
        os.killpg(session, signal.SIGKILL)

"""A child process that works on one member of a batch, and does not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from typing import NoReturn

from xomflow.core.errors import for_user
from xomlib.printing import say

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_libc = ctypes.CDLL(None)


def fork(work: Callable[[], int], unblock: Collection[signal.Signals]) -> int:
    """Start work in a child whose exit code is what the work returns; return its process id.

    If this process dies, the child gets SIGTERM, as if its job were stopped.

    Parameters
    ----------
    work
        What the child does.
    unblock
        Signals that this process blocks and the child gets.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become(work, unblock, parent)
    return pid


def _become(work: Callable[[], int], unblock: Collection[signal.Signals], parent: int) -> NoReturn:
    code = 1
    try:
        _libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
        if os.getppid() == parent:  # else it died before it could have had us signalled
            code = work()
    except BaseException as error:  # never back into the parent's own code
        explained = for_user(error)
        if explained is None:
            traceback.print_exc()
        else:
            say(*explained[0].split("\n"), file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

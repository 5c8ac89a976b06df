"""Whether a process holds the lock on a file."""

import fcntl

from xomlib.files import open_file


def is_locked(path: str) -> bool:
    """Return whether another process holds the lock on ``path``.

    A file that is gone is not locked. One that cannot be opened or locked may be held: that is the safe answer.
    """
    try:
        with open_file(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False

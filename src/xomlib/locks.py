"""Whether a process holds the lock on a file."""

import fcntl


def is_locked(path: str) -> bool:
    """Return whether another process holds the lock on ``path``; a file that is gone is not locked."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False

"""What changes with a file: asked of thousands in each tick, so without objects for paths."""

from __future__ import annotations

import os
from pathlib import Path


def stamp_of(file: str | Path) -> str:
    """Return a text that differs whenever a file was written, replaced, moved or restored; empty if there is none.

    Parameters
    ----------
    file
        The file.
    """
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError:
        return ""
    # A restored file can have the time, the size and, on some file systems, the inode of another one.
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino} {status.st_ctime_ns}"


def changed_in(folder: str | Path) -> int:
    """Return when a name in a folder came, went or was replaced last; nanoseconds since 1970.

    Parameters
    ----------
    folder
        The folder.

    Raises
    ------
    OSError
        If it is not there or cannot be looked at.
    """
    return os.stat(folder).st_mtime_ns  # noqa: PTH116

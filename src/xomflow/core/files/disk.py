"""Whether a folder takes files: a disk that is full, read-only or away is not the fault of an analysis."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from xomflow.core.errors import cause_of
from xomlib.files import open_file

# More than what a file system keeps beside the names of files.
_BYTES = bytes(65536)


def trouble_in(folder: Path) -> str:
    """Write a file to a folder and remove it; return why that is impossible, with the path, empty if it is not."""
    place = folder / f".probe.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with open_file(place, "wb") as file:
                file.write(_BYTES)
                file.flush()
                os.fsync(file.fileno())
        finally:
            with contextlib.suppress(OSError):
                place.unlink()
    except OSError as error:
        return in_a_sentence(error, folder)
    return ""


def trouble_seen_in(folder: Path) -> str:
    """Return why a folder takes no files, as far as that can be seen without writing; empty if nothing is seen."""
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        disk = os.statvfs(place)
    except OSError as error:
        return in_a_sentence(error, folder)
    code = 0
    if not place.is_dir():
        code = errno.ENOTDIR
    elif disk.f_flag & os.ST_RDONLY:
        code = errno.EROFS
    elif disk.f_bavail == 0 or (disk.f_files and disk.f_favail == 0):  # some file systems count no files
        code = errno.ENOSPC
    return in_a_sentence(OSError(code, os.strerror(code)), folder) if code else ""


def in_a_sentence(error: OSError, path: Path) -> str:
    """Return what an error of a disk means, with the path that it names, else with another one."""
    place, words = cause_of(error, path)
    return f"{place} cannot be written: {words}"

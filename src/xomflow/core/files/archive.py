"""Archives of small files: zip files, complete at any moment, which every tool can read.

A file is added by a new archive in the place of the old one. So a file that is removed after it was added is not lost:
it is in the archive, beside it, or both.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from zlib import error as zlib_error

from xomflow.core.errors import DiskError
from xomlib.files import NoFileError, open_file

_DAMAGE = (zipfile.BadZipFile, zlib_error, EOFError, NotImplementedError, UnicodeDecodeError, NoFileError)


class DamagedArchiveError(DiskError):
    """An archive cannot be read."""


def add_to_archive(archive: Path, files: Mapping[str, Path], until: float) -> dict[str, Path]:
    """Add files to an archive, which is made if it is missing; files of the same names in it are replaced.

    Parameters
    ----------
    archive
        The archive.
    files
        The files, by their names in the archive.
    until
        Time of `time.monotonic` at which no further file is begun; one is added in any case.

    Returns
    -------
    dict
        The files that were added, or are gone. They are still at their place.

    Raises
    ------
    DamagedArchiveError
        If there is an archive that cannot be read.
    OSError
        If a file cannot be read or the archive not be written; then it is as before.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    temporary = archive.with_name(f".{archive.name}.{os.getpid()}.part")
    added: dict[str, Path] = {}
    try:
        _copy_without(archive, temporary, files)
        with zipfile.ZipFile(temporary, "a", zipfile.ZIP_DEFLATED, strict_timestamps=False) as target:
            for name, path in files.items():
                if added and time.monotonic() > until:
                    break
                with contextlib.suppress(FileNotFoundError):
                    target.write(path, name)
                added[name] = path
        _sync(temporary)
        temporary.replace(archive)
        _sync(archive.parent)
    except _DAMAGE as error:
        raise _damaged(archive, error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return added


def read_from_archive(archive: Path, name: str) -> bytes | None:
    """Return a file in an archive; None if there is none. `DamagedArchiveError` if the archive cannot be read."""
    try:
        with open_file(archive) as file, zipfile.ZipFile(file) as source:
            return source.read(name)
    except (FileNotFoundError, KeyError):
        return None
    except _DAMAGE as error:
        raise _damaged(archive, error) from None


def read_all_from_archive(archive: Path, is_wanted: Callable[[str, int], bool]) -> dict[str, bytes]:
    """Return the files in an archive that are wanted by name and size, by name; errors as of `read_from_archive`."""
    try:
        with open_file(archive) as file, zipfile.ZipFile(file) as source:
            wanted = [info for info in source.infolist() if is_wanted(info.filename, info.file_size)]
            return {info.filename: source.read(info) for info in wanted}
    except FileNotFoundError:
        return {}
    except _DAMAGE as error:
        raise _damaged(archive, error) from None


def names_in_archive(archive: Path) -> list[str]:
    """Return the names of the files in an archive; none if there is no archive, errors as of `read_from_archive`."""
    try:
        with open_file(archive) as file, zipfile.ZipFile(file) as source:
            return source.namelist()
    except FileNotFoundError:
        return []
    except _DAMAGE as error:
        raise _damaged(archive, error) from None


def _copy_without(archive: Path, target: Path, files: Mapping[str, Path]) -> None:
    """Copy an archive but for files of these names, of which a kill between adding and removing leaves both."""
    names = names_in_archive(archive)
    if files.keys().isdisjoint(names):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(archive, target)
        return
    with (
        open_file(archive) as file,
        zipfile.ZipFile(file) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for info in source.infolist():
            if info.filename not in files:
                copy.writestr(info, source.read(info))


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _damaged(archive: Path, error: Exception) -> DamagedArchiveError:
    return DamagedArchiveError(f"{archive}: is damaged: {error or type(error).__name__}")

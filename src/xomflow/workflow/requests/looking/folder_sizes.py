"""How many files and bytes the folders of a tree have, by several processes where there are many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

from xomflow.outcomes.files import is_done_name

# Bytes of the blocks in which a file system counts.
_BLOCK = 512
# Of a folder with more files than this, only a sample of this size is looked at; its mean counts for all.
_SAMPLE = 40
# Threads would wait for each other: Python's lock is taken anew for each file, a look at which takes a microsecond.
_PROCESSES = min(4, os.cpu_count() or 1)
# Fewer folders than this are counted sooner than processes start.
_FEW = 12


@dataclass(slots=True)
class Files:
    """How many files there are, and their bytes on the disk; an estimate where not all were looked at."""

    number: int = 0
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one folder, without those in the folders below it.

    Parameters
    ----------
    finished, others
        Its files: those named as outcomes of finished runs, and all others.
    folders
        The folders in it.
    missed
        Why it could not be read; empty if it was.
    """

    finished: Files
    others: Files
    folders: list[str]
    missed: str = ""


class FolderSizes:
    """Counts trees of folders.

    Parameters
    ----------
    exact
        Whether each file is looked at; else the size of a large folder follows from some of its files.
    """

    def __init__(self, exact: bool) -> None:
        self._count: Callable[[str], Folder] = partial(_folder, exact=exact)
        self._exact = exact
        self._open = ExitStack()
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def below(self, place: Path) -> Iterator[Folder]:
        """Yield a folder and all folders below it; nothing if there is none."""
        level = [str(place)]
        while level:
            found = self._counted(level)
            yield from found
            level = [name for one in found for name in one.folders]

    def _counted(self, places: list[str]) -> list[Folder]:
        if not self._exact or len(places) < _FEW:
            return list(map(self._count, places))
        if self._pool is None:
            pool = ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork"))
            self._pool = self._open.enter_context(pool)
        at_once = max(1, len(places) // (4 * _PROCESSES))
        return list(self._pool.map(self._count, places, chunksize=at_once))


def _folder(place: str, exact: bool) -> Folder:
    folders: list[str] = []
    finished: list[os.DirEntry[str]] = []
    others: list[os.DirEntry[str]] = []
    try:
        opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY)  # names within it are looked up in half the time
    except (FileNotFoundError, NotADirectoryError):
        return Folder(Files(), Files(), [])
    except OSError as error:
        return Folder(Files(), Files(), [], f"{place} is not counted: {error.strerror}")
    try:
        with os.scandir(opened) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{place}/{entry.name}")
                else:
                    (finished if _is_finished(entry.name) else others).append(entry)
        return Folder(_files(finished, exact), _files(others, exact), folders)
    finally:
        os.close(opened)


def _is_finished(name: str) -> bool:
    return is_done_name(name) or name.endswith(".superseded.json")


def _files(entries: list[os.DirEntry[str]], exact: bool) -> Files:
    if exact or len(entries) <= _SAMPLE:
        looked_at = entries
    else:
        looked_at = sorted(entries, key=lambda entry: entry.name)[:: len(entries) // _SAMPLE]
    sizes = list(_sizes(looked_at))
    return Files(len(entries), sum(sizes) / len(sizes) * len(entries) if sizes else 0.0)


def _sizes(entries: list[os.DirEntry[str]]) -> Iterator[int]:
    """Yield the bytes that files take on their disk, without those that are gone."""
    for entry in entries:
        try:  # a context manager for each of a million files would take a third of the time
            yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK
        except OSError:
            continue

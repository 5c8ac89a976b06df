"""Once a day a tick removes what killed processes and Snakemake left behind, which would grow without bound."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from xomflow.core.files.kept_json import write_kept
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomlib.process.locks import is_locked

_DAY = 86400.0
# Seconds: no file is under way for so long, and no job works for so long.
_OLDEST_PART = _DAY
_OLDEST_DRAFT = 7 * _DAY
_OLDEST_NOTE = 30 * _DAY
# Snakemake writes a file for each tick or job here, and removes none of a killed one.
_OF_SNAKEMAKE = ("log", "metadata", "incomplete")
# Folders of many files, none of them written under a temporary name.
_WITHOUT_PARTS = ("figures", "set_aside")


def sweep(paths: Paths, snakemake: Path, now: float | None = None) -> int:
    """Remove unfinished files, drafts without a process and old notes of Snakemake, at most once a day.

    Parameters
    ----------
    paths
        The folder of the site's files.
    snakemake
        The folder ``.snakemake``.
    now
        Seconds since 1970; None: the present.

    Returns
    -------
    int
        The number of files and drafts that were removed.
    """
    present = time.time() if now is None else now
    if present - last_change(paths.swept) < _DAY:
        return 0
    with contextlib.suppress(OSError):  # the next tick tries again
        write_kept(paths.swept, "")
    old = [file for file in _parts(paths.work) if present - last_change(file) > _OLDEST_PART]
    for folder in _OF_SNAKEMAKE:
        old += [file for file in _files(snakemake / folder) if present - last_change(file) > _OLDEST_NOTE]
    drafts = [one for one in _entries(paths.drafts) if present - last_change(one) > _OLDEST_DRAFT]
    drafts = [one for one in drafts if _is_left(paths, one)]
    for file in old:
        with contextlib.suppress(OSError):
            file.unlink()
    for draft in drafts:
        shutil.rmtree(draft, ignore_errors=True)
    return sum(not os.path.lexists(path) for path in [*old, *drafts])


def _parts(work: Path) -> Iterator[Path]:
    """Return the files that are written under a temporary name, or were until their process was killed."""
    for folder, folders, files in os.walk(work):
        if Path(folder) == work:
            folders[:] = [name for name in folders if name not in _WITHOUT_PARTS]
        yield from (
            Path(folder, name)
            for name in files
            if name.startswith(".") and (name.endswith(".part") or name.startswith(".lock-test."))
        )


def _files(folder: Path) -> Iterator[Path]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, name) for name in files)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _is_left(paths: Paths, draft: Path) -> bool:
    """Return whether no process works on the key of a draft."""
    parts = draft.name.split("+")
    return len(parts) >= 3 and not is_locked(str(paths.run_lock(Key(*parts[:3]))))


def last_change(path: Path) -> float:
    """Return when a file was changed, in seconds since 1970; 0 if it is not there."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0

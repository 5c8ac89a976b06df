"""Marks in the folders that may be a mount or a link: where one is missing, the disk is away, and nothing is done.

Each such folder has a hidden file, named after what the folder is for. That of ``work`` lists the folders in it that
have a mark, and a file in the site's folder names the marked ``work``. This distinguishes three cases. A folder that
was never used has no mark and is on no list. One of a version without marks is on no list either and has content. One
whose disk is not mounted, or whose link leads elsewhere, is on the list and has no mark. All marks contain the same id,
so a link to the folder of another ``work`` is noticed too.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from xomflow.core.errors import DiskError
from xomflow.core.files.kept_json import write_kept
from xomflow.core.paths import Paths
from xomlib.files import read_text, write_atomically

# In the site's folder, where Snakemake keeps its notes; both can be deleted.
_SITE = Path(".snakemake/xom-work")
_ID = "id "  # begins the line with the id
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


class FolderAwayError(DiskError):
    """A folder of ``work`` is not the one that was used before."""


def check_folders(paths: Paths) -> None:
    """Raise `FolderAwayError` unless every folder that was used before is there; reads only."""
    marked = _lines(_mark_of_work(paths))
    if marked is None and str(paths.work.absolute()) in _noted():
        raise _away(paths.work, _mark_of_work(paths))
    site = _id_in(marked or ())
    for folder in (paths.outcomes, paths.all_figures, paths.store, paths.decisions):
        if (own := _lines(mark(folder))) is not None:
            if site and _id_in(own) not in ("", site):
                raise _foreign(folder, site)
            continue
        # A store may be deleted at any time. A mount point or a link would still be there.
        deleted = folder == paths.store and not os.path.lexists(folder)
        if folder.name in (marked or ()) and not deleted:
            raise _away(folder, mark(folder))
        # A version without marks has left results, but none here.
        if folder in (paths.outcomes, paths.all_figures) and _is_empty_place(folder) and _has_results(paths):
            raise _away(folder, mark(folder))


def mark_folders(paths: Paths, local_store: bool) -> None:
    """Mark the folders that have no mark yet; only after `check_folders`.

    Parameters
    ----------
    paths
        The folders.
    local_store
        Whether results are published to the local store.
    """
    folders = [paths.outcomes, paths.all_figures, paths.decisions, *([paths.store] if local_store else [])]
    marks = [_mark_of_work(paths), *map(mark, folders)]
    line = _ID + next(filter(None, (_id_in(_lines(one) or ()) for one in marks)), os.urandom(6).hex())
    for folder in folders:
        if not _id_in(_lines(mark(folder)) or ()):
            try:
                write_atomically(mark(folder), f"{line}\n")
            except OSError:
                if folder != paths.all_figures:  # which most analyses do not need: the others' runs go on
                    raise
                folders = [one for one in folders if one != folder]
    _add_lines(_mark_of_work(paths), {line, *(folder.name for folder in folders)})
    _note_site(paths)


def mark(folder: Path) -> Path:
    """Return the file that marks a folder in ``work``; a link to another one of them is noticed by the name."""
    return folder / f".xom-{folder.name}"


def _mark_of_work(paths: Paths) -> Path:
    return paths.work / ".xom-work"


def _away(folder: Path, missing: Path) -> FolderAwayError:
    return FolderAwayError(
        f"{folder}: {missing.name} is not in it, so its disk is not mounted or its link leads elsewhere; nothing was "
        f"done; mount it, or if this folder is the right one, type: mkdir -p {folder} && touch {missing}"
    )


def _foreign(folder: Path, own: str) -> FolderAwayError:
    return FolderAwayError(
        f"{folder}: {mark(folder).name} is that of another site, to whose folder a link or a mount leads; nothing was "
        f"done; correct it, or if this folder is the right one, type: echo '{_ID}{own}' > {mark(folder)}"
    )


def _id_in(lines: Iterable[str]) -> str:
    """Return the id in the lines of a mark; empty if it has none, as those of version 1."""
    return next((line.removeprefix(_ID) for line in sorted(lines) if line.startswith(_ID)), "")


def _lines(path: Path) -> set[str] | None:
    """Return the lines of a file; None if there is none."""
    try:
        return set(read_text(path, errors="replace").split("\n")) - {""}
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        remedy = f"; if this folder is the right one, type: rm -r {path} && touch {path}" * _is_in_the_way(path)
        raise FolderAwayError(
            f"{path.parent}: {path.name} cannot be read: {error.strerror}; nothing was done{remedy}"
        ) from None


def _add_lines(path: Path, lines: set[str]) -> None:
    present = _lines(path)
    if present is None or not lines <= present:
        write_atomically(path, "".join(f"{line}\n" for line in sorted(lines | (present or set()))))


def _noted() -> set[str]:
    """Return the ``work`` folders that have a mark, as far as the site's folder shows it."""
    with contextlib.suppress(FolderAwayError):
        return _lines(_SITE) or set()
    return set()


def _note_site(paths: Paths) -> None:
    """Note in the site's folder that this ``work`` has a mark; the note can be made again, whatever is in its place."""
    known = _noted()
    if (own := str(paths.work.absolute())) not in known:
        write_kept(_SITE, "".join(f"{line}\n" for line in sorted({*known, own})))


def _is_in_the_way(path: Path) -> bool:
    """Return whether something that is no file has the place of a file."""
    with contextlib.suppress(OSError):
        return path.exists() and not path.is_file()
    return False


def _is_empty_place(folder: Path) -> bool:
    """Return whether a folder, or a link, is there and has nothing."""
    is_file = folder.is_file()  # in the way of a folder, which the job that needs it reports
    return os.path.lexists(folder) and not is_file and not _has_content(folder)


def _has_results(paths: Paths) -> bool:
    return any(map(_has_content, (paths.outcomes, paths.ledger, paths.known_outcomes)))


def _has_content(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False

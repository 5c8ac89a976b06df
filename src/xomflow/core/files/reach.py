"""Why this account cannot reach a file: a folder on the way that it may not enter."""

from __future__ import annotations

import os
from pathlib import Path

from xomflow.core.account import own_account, owner_of


def closed_folder(path: Path) -> Path | None:
    """Return the first folder on the way to a path, links followed, that this account may not enter."""
    try:
        folders = reversed(Path(os.path.realpath(path.expanduser())).parents)  # as far as links can be read
    except (OSError, RuntimeError, ValueError):  # the home folder of an unknown user, or a text that is no path
        return None
    return next((folder for folder in folders if folder.is_dir() and not os.access(folder, os.X_OK)), None)


def why_closed(folder: Path) -> str:
    """Return a phrase about a folder that this account may not enter, and what to do."""
    found = folder.stat()
    return (
        f"{own_account()} may not enter {folder} (mode {found.st_mode & 0o7777:04o}, of {owner_of(found.st_uid)}): "
        f"allow it with chmod a+x, or move what is needed to a folder that all accounts may enter"
    )

"""Files with secrets, which are read only if no other account can read them."""

from __future__ import annotations

import stat
from pathlib import Path

from xomflow.core.errors import XomError
from xomlib.files import read_text


def read_private(path: Path, place: str, error: type[XomError]) -> str:
    """Return the text of a file that only its owner may read.

    Parameters
    ----------
    path
        The file; ``~`` is the home folder.
    place
        The configuration's key that names it, for messages.
    error
        Class of the error that is raised if the file is missing, is not text, or can be read by other accounts.
    """
    try:
        found = path.expanduser()
        if found.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise error(f"{place}: {path} can be read by others; run: chmod 600 {path}")
        return read_text(found)
    except (OSError, RuntimeError) as problem:  # pathlib's error for an unknown home is a RuntimeError
        raise error(f"{place}: {path} cannot be read: {getattr(problem, 'strerror', problem)}") from None
    except UnicodeDecodeError:
        raise error(f"{place}: {path} is not text") from None

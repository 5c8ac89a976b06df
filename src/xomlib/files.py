"""Files that are complete or absent."""

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Union


def write_atomically(path: Union[str, Path], content: Union[str, bytes]) -> None:
    """Write a file so that a reader sees the old content, the new content, or no file, and never a part of it.

    Parameters
    ----------
    path
        Where the file goes; missing folders are made.
    content
        Text (written as UTF-8) or bytes.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Half a character, which some run documents hold, has no UTF-8; its escape is right in JSON and readable elsewhere.
    raw = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    # One name per process and thread: several may write the same file at a time.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error counts
            temporary.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # which a full disk does not say
        raise


def dump_json(path: Union[str, Path], value: Any) -> None:
    """Write ``value`` as one JSON file, atomically; NaN and infinity raise `ValueError`."""
    write_atomically(path, json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def digest(content: bytes) -> str:
    """Return a short digest of a content."""
    return hashlib.sha256(content).hexdigest()[:16]


def read_json(path: Union[str, Path]) -> Any:
    """Read one JSON file; `OSError` if it cannot be read, `ValueError` if it is not JSON."""
    with open(path, encoding="utf-8") as file:
        return parse_json(file.read())


def parse_json(text: Union[str, bytes]) -> Any:
    """Return what a JSON text says; `ValueError` if it is not JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None

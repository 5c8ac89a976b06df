"""Files that are complete or absent."""

import contextlib
import errno
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


def create_atomically(path: Union[str, Path], content: Union[str, bytes]) -> bool:
    """Write a file as `write_atomically` does, but never in the place of another one: the first one stays.

    Returns
    -------
    bool
        Whether the file was written.
    """
    path = Path(path)
    # One name per process and thread; another host may have the same process numbers.
    own = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}.{threading.get_ident()}.new.part")
    write_atomically(own, content)
    try:
        os.link(own, path)
    except FileExistsError:
        # A file server that answered late may have made the link, and refuse it as made.
        return os.stat(own).st_nlink == 2
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV):
            error.filename = error.filename2 = str(path)
            raise
        if os.path.lexists(path):  # no links there
            return False
        os.replace(own, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(own)
    return True


def dump_json(path: Union[str, Path], value: Any) -> None:
    """Write ``value`` as one JSON file, atomically; NaN and infinity raise `ValueError`."""
    write_atomically(path, json_text(value))


def json_text(value: Any) -> str:
    """Return ``value`` as the text of a JSON file; NaN and infinity raise `ValueError`."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


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

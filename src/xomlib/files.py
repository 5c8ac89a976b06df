"""Files that are complete or absent."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import threading
from pathlib import Path
from typing import IO, Any, Union

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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
            error.filename = str(path)  # which the error of a full disk lacks
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


def open_file(path: Union[str, Path], mode: str = "rb", **how: Any) -> IO[Any]:
    """Open a file as `open` does, and refuse at once what is none: a pipe in its place would be waited for.

    Parameters
    ----------
    path
        The file.
    mode, how
        As for `open`.

    Raises
    ------
    NoFileError
        If it is a pipe, a socket or a device.
    OSError
        If it cannot be opened; `IsADirectoryError` for a folder.
    """
    return open(path, mode, opener=_opened, **how)


class NoFileError(OSError):
    """Something else is in the place of a file."""


def _opened(path: str, flags: int) -> int:
    try:
        file = os.open(path, flags | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:  # of a socket, and of a pipe without a reader
            _check_kind(path, os.stat(path).st_mode)
        raise
    try:
        _check_kind(path, os.fstat(file).st_mode)
    except NoFileError:
        os.close(file)
        raise
    return file


def _check_kind(path: str, mode: int) -> None:
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is not None:
        raise NoFileError(errno.ENXIO, f"It is {kind}, not a file", path)


def read_bytes(path: Union[str, Path]) -> bytes:
    """Return the content of a file; errors as of `open_file`."""
    with open_file(path, buffering=0) as file:
        content: bytes = file.read()
        return content


def read_text(path: Union[str, Path], errors: str = "strict") -> str:
    """Return the text of a file in UTF-8; errors as of `open_file`, `UnicodeDecodeError` as ``errors`` has it."""
    with open_file(path, "r", encoding="utf-8", errors=errors) as file:
        content: str = file.read()
        return content


def read_json(path: Union[str, Path]) -> Any:
    """Read one JSON file; `OSError` if it cannot be read, `ValueError` if it is not JSON."""
    return parse_json(read_text(path))


def parse_json(text: Union[str, bytes]) -> Any:
    """Return the content of a JSON text; `ValueError` if it is not JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None

"""What a script reads through strax, whatever context, process or thread asks for it.

strax is never imported here: when the script imports it, some of its methods get a shell. One takes down each type
whose chunks are loaded, with its lineage hash; all mark the exceptions that they let through, so that the cause of a
failure is known although the exception stays as strax raised it, and a script can catch it as ever.
"""

import contextlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Optional, Union

from xomlib.files import open_file, read_text
from xomlib.printing import shortened
from xomlib.process.damage import damaged_block

JOURNAL = "reads.jsonl"
_MARK = "xom_read"
_STRAX = "strax"
_NOT_THERE = "DataNotAvailable"


class Journal:
    """The types that a script has read: a file with one line of JSON each, to which all its processes append.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self._path = Path(path)
        self._known: set = set()

    def begin(self) -> None:
        """Make the file: from now on all reads are in it."""
        with contextlib.suppress(OSError):
            self._path.touch()

    def note(self, data_type: str, lineage_hash: str) -> None:
        """Take down that chunks of a type were loaded."""
        if (data_type, lineage_hash) in self._known:
            return
        self._known.add((data_type, lineage_hash))
        line = json.dumps({"type": data_type, "lineage": lineage_hash}) + "\n"
        with contextlib.suppress(OSError), open_file(self._path, "ab", buffering=0) as file:
            file.write(line.encode())  # in one piece, so that lines of several processes do not mix


def lineage_in(path: Path) -> "dict[str, str]":
    """Return the lineage hash of each type in a journal; several hashes of one type stand side by side.

    Raises
    ------
    FileNotFoundError
        If there is none: strax was never loaded, or a version that cannot be watched.
    """
    found: dict = {}
    for line in read_text(path).splitlines():
        try:
            read = json.loads(line)
            found.setdefault(str(read["type"]), {})[str(read["lineage"])] = None
        except (ValueError, KeyError, TypeError):  # a full disk cuts a line
            continue
    return {data_type: " ".join(hashes) for data_type, hashes in found.items()}


def watch(journal: Optional[Journal]) -> None:
    """Take down what this process and its children read through strax, which may be loaded already or later.

    Parameters
    ----------
    journal
        Where; None: nowhere, failed reads are marked all the same.
    """
    if _STRAX in sys.modules:
        _wrap(sys.modules[_STRAX], journal)
    else:
        sys.meta_path.insert(0, _Finder(journal))


class _Finder:
    """Finds strax as others do, and has it watched as soon as it is loaded."""

    def __init__(self, journal: Optional[Journal]) -> None:
        self._journal = journal

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec of strax with another loader; of other modules nothing."""
        if name != _STRAX:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = spec.loader if spec else None
        if loader is not None:
            load = loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                _wrap(module, self._journal)

            loader.exec_module = exec_module
        return spec


def _wrap(strax: Any, journal: Optional[Journal]) -> None:
    """Put the shells around strax's methods; one that a version of strax does not have is left out."""
    for owner, name, shell in (
        ("StorageBackend", "_read_and_format_chunk", _reading_chunk),
        ("FileSytemBackend", "_read_chunk", _decoding),
        ("StorageFrontend", "loader", _loading),
        ("Context", "get_components", _looking),
    ):
        kind = getattr(strax, owner, None)
        method = getattr(kind, name, None)
        if method is not None and not hasattr(method, _MARK):
            wrapped = shell(method, journal)
            setattr(wrapped, _MARK, True)
            setattr(kind, name, wrapped)
            if journal is not None and shell is _reading_chunk:
                journal.begin()


def _reading_chunk(method: Any, journal: Optional[Journal]) -> Any:
    @wraps(method)
    def shell(self: Any, *args: Any, **keywords: Any) -> Any:
        metadata, chunk = keywords.get("metadata") or {}, keywords.get("chunk_info") or {}
        data_type = str(metadata.get("data_type"))
        try:
            found = method(self, *args, **keywords)
        except Exception as error:
            _mark(error, [data_type], str(chunk.get("run_id", metadata.get("run_id"))))
            raise
        if journal is not None:
            own = metadata.get("lineage_hash") or str(keywords.get("backend_key")).rpartition("-")[2]
            journal.note(data_type, str(own))
        return found

    return shell


def _decoding(method: Any, _: Optional[Journal]) -> Any:
    @wraps(method)
    def shell(self: Any, dirname: Any, chunk_info: Any, dtype: Any, compressor: Any) -> Any:
        data = method(self, dirname, chunk_info, dtype, compressor)
        file = Path(dirname) / str(chunk_info["filename"])
        block = damaged_block(file, data, str(compressor))
        if block is not None:
            words = f"{file}: block {block} is not what was written, a bit may be wrong"
            raise sys.modules[_STRAX].DataCorrupted(words)
        return data

    return shell


def _loading(method: Any, _: Optional[Journal]) -> Any:
    @wraps(method)
    def shell(self: Any, key: Any, *args: Any, **keywords: Any) -> Iterator:
        chunks: Any = None
        while True:
            try:
                chunks = iter(method(self, key, *args, **keywords)) if chunks is None else chunks
                chunk = next(chunks)
            except StopIteration:
                return
            except Exception as error:
                _mark(error, [str(key.data_type)], str(key.run_id))
                raise
            yield chunk  # outside: strax throws errors of others in here

    return shell


def _looking(method: Any, _: Optional[Journal]) -> Any:
    @wraps(method)
    def shell(self: Any, run_id: Any, targets: Any = (), *args: Any, **keywords: Any) -> Any:
        try:
            return method(self, run_id, targets, *args, **keywords)
        except Exception as error:
            if _is_of_strax(error):
                names = [targets] if isinstance(targets, str) else list(targets)
                lost = [name for name in names if not _is_stored(self, run_id, name)] or names
                below = {one for name in lost for one in _below(self, run_id, name)}
                _mark(error, lost, str(run_id), [one for one in below if not _is_stored(self, run_id, one)])
            raise

    return shell


def _is_stored(context: Any, run_id: Any, target: str) -> bool:
    try:
        return bool(context.is_stored(run_id, target))
    except Exception:  # its metadata are broken
        return False


def _below(context: Any, run_id: Any, target: str) -> list:
    """Return the types from which a type is made; none if strax has no answer."""
    try:
        return list(context.key_for(run_id, target).lineage)
    except Exception:
        return []


def _is_of_strax(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] == _STRAX}
    return bool(names & {_NOT_THERE, "DataCorrupted"})


def _mark(error: BaseException, data_types: list, run_id: str, below: Iterable = ()) -> None:
    """Mark an exception with what was read; the innermost mark stays, also when another process pickles it."""
    if failed_read(error) is None:
        with contextlib.suppress(AttributeError, TypeError):  # an exception that takes no attributes
            setattr(error, _MARK, ([str(one) for one in data_types], run_id, [str(one) for one in below]))


def failed_read(error: BaseException) -> Optional["FailedRead"]:
    """Return the read that failed and led to an exception; None if it has another cause."""
    for one in chain(error):
        mark = getattr(one, _MARK, None)
        if mark is not None:
            data_types, run_id, below = mark
            return FailedRead(data_types, run_id, below, type(one).__name__ == _NOT_THERE, _reason(one))
    return None


def chain(error: Optional[BaseException]) -> Iterator:
    """Yield an exception and those that led to it, as a traceback shows them."""
    seen: set = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class FailedRead:
    """A read through strax that failed.

    Parameters
    ----------
    data_types
        What was asked for.
    run_id
        Of which run.
    below
        Types from which these are made, and which strax does not have either.
    absent
        Whether strax does not have it at all; else it is damaged.
    reason
        The message of strax or its codec, one line.
    """

    def __init__(self, data_types: list, run_id: str, below: list, absent: bool, reason: str) -> None:
        self.data_types = data_types
        self.run_id = run_id
        self.below = below
        self.absent = absent
        self.reason = reason

    def __str__(self) -> str:
        return f"{', '.join(self.data_types)} of run {self.run_id} cannot be read: {self.reason}"

    def lacking(self, needs: Optional[list]) -> list:
        """Return what strax does not have and ``needs`` does not name; nothing where the needs are not known."""
        if needs is None or not self.absent or any(one in needs for one in self.below):
            return []
        return [one for one in self.data_types if one not in needs]


def _reason(error: BaseException) -> str:
    """Return one line about an exception; the text of strax's may be a whole traceback, which ends with the cause."""
    text = text_of(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return shortened(lines[-1] if "Traceback (most recent call last)" in text else lines[0])


def text_of(one: Any) -> str:
    """Return the text of an exception, or of what it holds; its class may be a script's own, with an error in it."""
    try:
        return str(one)
    except Exception as problem:
        return f"(its text cannot be made: {type(problem).__name__})"

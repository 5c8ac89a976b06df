"""Reading a run chunk by chunk."""

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomlib import DataBroken
from xomlib.process.reads import failed_read

# Names of strax's errors where nothing watches strax.
_BROKEN = frozenset(("DataNotAvailable", "DataCorrupted", "FileNotFoundError", "EOFError", "MailBoxAlreadyClosed"))


def chunks(st: Any, run_id: str, target: str, columns: Sequence[str]) -> Iterator[Any]:
    """Read one data type of a run, one strax chunk in memory at a time.

    Parameters
    ----------
    st
        strax context.
    run_id
        Six-digit run id.
    target
        Data type.
    columns
        The only columns that are kept.

    Yields
    ------
    strax.Chunk
        With ``data`` (structured array of ``columns``), ``start`` and ``end`` (ns since 1970).

    Raises
    ------
    DataBroken
        If the data cannot be read: they or one of their files are missing or damaged.
    """
    try:
        yield from st.get_iter(run_id, target, keep_columns=tuple(columns), progress_bar=False)
    except Exception as error:
        read = failed_read(error)
        if read is None and type(error).__name__ not in _BROKEN:
            raise
        raise DataBroken(str(read or f"{target} of run {run_id} cannot be read: {error}")) from error


def side_by_side(
    st: Any, run_id: str, columns: Mapping[str, Sequence[str]], names: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """Read several data types of one data kind side by side, row by row.

    strax itself merges them only if it may create data, and an analysis may not.

    Parameters
    ----------
    st, run_id
        See `chunks`.
    columns
        Data type to its columns that are kept. The first type's chunks are those of the result.
    names
        Name of a column to its new name; others keep theirs.

    Yields
    ------
    types.SimpleNamespace
        With ``start``, ``end``, ``data`` as a strax chunk.

    Raises
    ------
    DataBroken
        If one cannot be read, or they do not have the same rows.
    """
    first, *others = columns
    readers = [_Rows(chunks(st, run_id, other, ("time", *columns[other]))) for other in others]
    for chunk in chunks(st, run_id, first, ("time", *columns[first])):
        parts = [chunk.data, *(reader.take(len(chunk.data)) for reader in readers)]
        for other, part in zip(others, parts[1:], strict=True):
            if not np.array_equal(part["time"], chunk.data["time"]):
                raise DataBroken(f"{first} and {other} of run {run_id} do not have the same events")
        yield SimpleNamespace(start=chunk.start, end=chunk.end, data=_beside(parts, dict(names or {})))
    for reader, other in zip(readers, others, strict=True):
        if reader.rest():
            raise DataBroken(f"{other} of run {run_id} has more events than {first}")


class _Rows:
    """Returns a given number of rows from chunks of any size."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source
        self.buffer: list[NDArray[Any]] = []

    def take(self, n: int) -> NDArray[Any]:
        while sum(map(len, self.buffer)) < n and (chunk := next(self.source, None)) is not None:
            self.buffer.append(chunk.data)
        rows = np.concatenate(self.buffer) if self.buffer else np.zeros(0, [("time", np.int64)])
        self.buffer = [rows[n:]]
        return rows[:n]

    def rest(self) -> int:
        return sum(map(len, self.buffer)) + sum(len(chunk.data) for chunk in self.source)


def _beside(parts: list[NDArray[Any]], names: dict[str, str]) -> NDArray[Any]:
    fields = {names.get(name, name): part[name] for part in reversed(parts) for name in part.dtype.names or ()}
    table = np.empty(len(parts[0]), [(name, column.dtype) for name, column in fields.items()])
    for name, column in fields.items():
        table[name] = column
    return table

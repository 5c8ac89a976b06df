"""The vetoes of a run, gathered chunk by chunk: the names of their types need much more memory than their times."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics.reading.chunks import chunks
from xomphysics.reading.intervals import COLUMNS, is_named, merge
from xomphysics.reading.live_time import Vetoes


def read_vetoes(st: Any, run_id: str, settings: Mapping[str, Any]) -> Vetoes:
    """Read the vetoes of a run as `Vetoes.read` does, with the names of one chunk in memory at a time.

    Parameters
    ----------
    st
        strax context.
    run_id
        Six-digit run id.
    settings
        With the keys of `xomphysics.reading.live_time.DEFAULTS`; without vetoes nothing is read.

    Raises
    ------
    xomlib.DataBroken
        If the data cannot be read.
    """
    if not settings["vetoes"]:
        return Vetoes()
    return gather(chunks(st, run_id, "veto_intervals", COLUMNS), settings)


def gather(data: Iterable[Any], settings: Mapping[str, Any]) -> Vetoes:
    """Return the vetoes in chunks of ``veto_intervals`` (``start``, ``end``, ``data``; ns since 1970)."""
    low, high = 0, 0
    starts, ends = ([np.zeros(0, dtype=np.int64)] for _ in range(2))
    unknown: Counter[str] = Counter()
    for i, chunk in enumerate(data):
        low, high = int(chunk.start) if i == 0 else low, int(chunk.end)
        for name, rows in rows_by_type(chunk.data["veto_type"]):
            if is_named(name, settings["vetoes"])[0]:
                starts.append(chunk.data["time"][rows])
                ends.append(chunk.data["endtime"][rows])
            elif not is_named(name, settings["marks"])[0]:
                unknown[str(name[0])] += len(rows)
    vetoed = merge(np.concatenate(starts), np.concatenate(ends), low, high)
    return Vetoes(vetoed, float(settings["edge_ns"]), dict(unknown))


def rows_by_type(names: NDArray[Any]) -> Iterator[tuple[NDArray[np.str_], NDArray[np.int64]]]:
    """Return each name, as an array of one, with the rows that have it.

    There are few types, so comparing all names with each is many times faster than sorting them.
    """
    left, rows = np.asarray(names, dtype=np.str_), np.arange(len(names))
    while len(rows):
        same = left == left[0]
        yield left[:1], rows[same]
        left, rows = left[~same], rows[~same]

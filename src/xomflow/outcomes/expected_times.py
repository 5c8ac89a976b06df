"""How long an analysis is expected to take for a run, from its newest outcomes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, list_shelves, names_in

_NEWEST = 15


def expected_seconds(paths: Paths, analysis: str, version: str) -> float | None:
    """Return the median of the wall times of the newest runs that are done; None if none is.

    Parameters
    ----------
    paths
        Where the outcomes are.
    analysis, version
        Which analysis.
    """
    times: list[float] = []
    for path in _newest(paths, analysis, version):
        seconds = read_kept(path, lambda document: float(document["resources"]["wall_s"]))
        if seconds is not None:
            times.append(seconds)
        if len(times) == _NEWEST:
            break
    return statistics.median(times) if times else None


def _newest(paths: Paths, analysis: str, version: str) -> Iterator[Path]:
    for shelf in reversed(list_shelves(paths, analysis, version)):
        yield from (shelf / name for name in sorted(filter(is_done_name, names_in(shelf)), reverse=True))

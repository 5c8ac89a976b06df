"""What an analysis is expected to need for a run, from its newest outcomes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, list_shelves, names_in

_NEWEST = 15


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run is expected to need: medians of the newest runs that are done.

    Parameters
    ----------
    wall_s
        Seconds.
    cpu_s
        Seconds of CPU time.
    outcomes
        Of how many runs.
    """

    wall_s: float
    cpu_s: float
    outcomes: int


def expected_seconds(paths: Paths, analysis: str, version: str) -> float | None:
    """Return how many seconds a run is expected to take; None if none is done. See `expected_cost`."""
    cost = expected_cost(paths, analysis, version)
    return cost.wall_s if cost else None


def expected_cost(paths: Paths, analysis: str, version: str) -> Cost | None:
    """Return what a run is expected to need; None if none is done.

    Parameters
    ----------
    paths
        Where the outcomes are.
    analysis, version
        Which analysis.
    """
    found: list[tuple[float, float]] = []
    for path in _newest(paths, analysis, version):
        seconds = read_kept(path, _seconds)
        if seconds is not None:
            found.append(seconds)
        if len(found) == _NEWEST:
            break
    if not found:
        return None
    wall, cpu = zip(*found, strict=True)
    return Cost(statistics.median(wall), statistics.median(cpu), len(found))


def _seconds(document: Any) -> tuple[float, float]:
    """Return wall time and CPU time in an outcome; without the latter one CPU was used all the time."""
    used = document["resources"]
    wall = float(used["wall_s"])
    return wall, wall if used["cpu_s"] is None else float(used["cpu_s"])


def _newest(paths: Paths, analysis: str, version: str) -> Iterator[Path]:
    for shelf in reversed(list_shelves(paths, analysis, version)):
        yield from (shelf / name for name in sorted(filter(is_done_name, names_in(shelf)), reverse=True))

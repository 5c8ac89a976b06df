"""When the configured science runs were: the page draws over time, and the configuration has run numbers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from xomflow.core import times

if TYPE_CHECKING:  # reporting starts faster without the model of the configuration
    from xomflow.config.model import ScienceRun
    from xomflow.rundb.run import Run


class ScienceRunTimes(NamedTuple):
    """A science run over time, as the page's status has it.

    Parameters
    ----------
    name
        Its name in the configuration.
    start
        Start of its first run.
    end
        End of its last run; None while it goes on.
    """

    name: str
    start: str
    end: str | None


def times_of(science_runs: Iterable[ScienceRun], runs: Mapping[int, Run]) -> list[ScienceRunTimes]:
    """Return when science runs were, the first one first; one without a known run is left out.

    Parameters
    ----------
    science_runs
        Ranges of runs with names. One without a last run goes on.
    runs
        The known runs, by number.
    """
    numbers = sorted(runs)
    found = []
    for one in sorted(science_runs, key=lambda one: one.min_run):
        last = len(numbers) if one.max_run is None else bisect_right(numbers, one.max_run)
        members = [runs[number] for number in numbers[bisect_left(numbers, one.min_run) : last]]
        if not members:
            continue
        ends = [run.end for run in members if run.end]
        goes_on = one.max_run is None or len(ends) < len(members)
        start = min(run.start for run in members)
        found.append(ScienceRunTimes(one.name, times.text(start), None if goes_on else times.text(max(ends))))
    return found

"""When the configured science runs were: the page draws over time, and the configuration has run numbers."""

from __future__ import annotations

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


class Span(NamedTuple):
    """When the known runs of a science run were.

    Parameters
    ----------
    start
        Start of the earliest one.
    end
        End of the last one; empty if none has ended.
    goes_on
        Whether one of them has no end.
    """

    start: str
    end: str
    goes_on: bool


def spans_of(science_runs: Iterable[ScienceRun], runs: Iterable[Run]) -> dict[str, Span]:
    """Return the spans of science runs among some runs, by name; one without a run among them is left out."""
    spans: dict[str, Span] = {}
    known = list(runs)
    for one in science_runs:
        last = one.max_run
        members = [run for run in known if one.min_run <= run.number and (last is None or run.number <= last)]
        if members:
            ends = [run.end for run in members if run.end]
            end = times.text(max(ends)) if ends else ""
            spans[one.name] = Span(times.text(min(run.start for run in members)), end, len(ends) < len(members))
    return spans


def join_spans(spans: dict[str, Span], more: Mapping[str, Span]) -> None:
    """Add the spans of science runs among other runs to the first ones."""
    for name, one in more.items():
        known = spans.get(name, one)
        start, end = min(known.start, one.start), max(known.end, one.end)
        spans[name] = Span(start, end, known.goes_on or one.goes_on)


def times_of(science_runs: Iterable[ScienceRun], spans: Mapping[str, Span]) -> list[ScienceRunTimes]:
    """Return when science runs were, the first one first; one without a known run is left out.

    Parameters
    ----------
    science_runs
        Ranges of runs with names. One without a last run goes on.
    spans
        When their known runs were, by name.
    """
    ordered = sorted((one for one in science_runs if one.name in spans), key=lambda one: one.min_run)
    found = []
    for one in ordered:
        span = spans[one.name]
        goes_on = one.max_run is None or span.goes_on
        found.append(ScienceRunTimes(one.name, span.start, None if goes_on else span.end))
    return found

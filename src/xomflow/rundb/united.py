"""What holds for several runs together, of what their run documents hold for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class RunEntries(NamedTuple):
    """Entries of a run document.

    Parameters
    ----------
    mode, source
        As the DAQ wrote them; of several runs all that differ, with commas between them.
    tags
        In order.
    comments
        Oldest first.
    rate
        Mean rate by detector, in the DAQ's unit.
    seconds
        Length; None while the run is going on.
    """

    mode: str
    source: str
    tags: list[str]
    comments: list[str]
    rate: dict[str, float]
    seconds: float | None


def united(runs: Sequence[RunEntries]) -> RunEntries:
    """Return the entries of several runs as those of one: all tags and comments, and the mean rate over the whole time.

    A detector for which one of the runs has no rate has none; neither have runs of which one has no end.
    """
    lengths = [run.seconds for run in runs if run.seconds is not None]
    complete = len(lengths) == len(runs) and sum(lengths) > 0
    return RunEntries(
        ",".join(_different(run.mode for run in runs)),
        ",".join(_different(run.source for run in runs)),
        sorted({tag for run in runs for tag in run.tags}),
        _different(comment for run in runs for comment in run.comments),
        _mean([run.rate for run in runs], lengths) if complete else {},
        sum(lengths) if complete else None,
    )


def common(rates: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the names that all of these have, in order."""
    return sorted(set.intersection(*(set(one) for one in rates)))


def _mean(rates: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, float]:
    total = sum(weights)
    return {
        name: sum(one[name] * weight for one, weight in zip(rates, weights, strict=True)) / total
        for name in common(rates)
    }


def _different(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]

"""Veto intervals: selection by type, merging of overlaps, share of the time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

COLUMNS = ("time", "endtime", "veto_type")
Times = NDArray[np.int64]

_PRIOR_GAPS = 5  # weight, in gaps, of a Poisson process against the observed gaps


@dataclass(frozen=True)
class Intervals:
    """Disjoint intervals in a window, in ns since 1970.

    Attributes
    ----------
    starts, ends
        Rising, shape (intervals,); each end lies after its start.
    low, high
        The window.
    """

    starts: Times
    ends: Times
    low: int
    high: int

    @property
    def lengths(self) -> Times:
        """Length of each interval (ns)."""
        return self.ends - self.starts

    @property
    def gaps(self) -> Times:
        """Time between each interval and the next (ns), shape (intervals - 1,)."""
        return self.starts[1:] - self.ends[:-1]

    @property
    def total(self) -> int:
        """Time inside the intervals (ns)."""
        return int(self.lengths.sum())

    @property
    def fraction(self) -> float:
        """Share of the window inside the intervals."""
        return self.total / (self.high - self.low)

    def before(self, times: ArrayLike) -> Times:
        """Return the time inside the intervals before each of ``times`` (ns)."""
        points = np.asarray(times, dtype=np.int64)
        done = np.concatenate([[0], np.cumsum(self.lengths)])
        i = np.searchsorted(self.starts, points, side="right")
        last = np.where(i > 0, self.ends[i - 1], points) if len(self.ends) else points
        return np.asarray(done[i] - np.maximum(last - points, 0))

    def avoided(self, starts: ArrayLike, ends: ArrayLike) -> NDArray[np.bool_]:
        """Return which windows from ``starts`` to ``ends`` (ns) touch none of the intervals."""
        first, last = np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64)
        if not len(self.starts):
            return np.ones(len(first), dtype=bool)
        before = np.searchsorted(self.starts, last, side="right") - 1  # the last interval that begins by the end
        return np.asarray((before < 0) | (self.ends[before] < first))


def merge(starts: ArrayLike, ends: ArrayLike, low: int, high: int) -> Intervals:
    """Cut intervals to a window and join those that overlap or touch; leave out those without length in it.

    Parameters
    ----------
    starts, ends
        In ns since 1970, in any order, shape (intervals,).
    low, high
        The window.

    Raises
    ------
    ValueError
        If an interval ends before it starts.
    """
    first, last = np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64)
    if np.any(last < first):
        wrong = int(np.flatnonzero(last < first)[0])
        raise ValueError(f"an interval ends at {last[wrong]} ns, before its start at {first[wrong]} ns")
    first, last = np.clip(first, low, high), np.clip(last, low, high)
    inside = last > first
    order = np.argsort(first[inside], kind="stable")
    first, last = first[inside][order], np.maximum.accumulate(last[inside][order])
    new = np.ones(len(first), dtype=bool)
    new[1:] = first[1:] > last[:-1]
    closing = np.append(new[1:], True)[: len(last)]
    return Intervals(first[new], last[closing], low, high)


def is_named(names: NDArray[np.str_], patterns: Iterable[str]) -> NDArray[np.bool_]:
    """Return which of ``names`` match one of ``patterns``, in which ``*`` stands for any text."""
    wanted = tuple(patterns)
    seen, which = np.unique(names, return_inverse=True)
    match = np.array([any(fnmatchcase(str(name), pattern) for pattern in wanted) for name in seen], dtype=bool)
    return match[which] if len(seen) else np.zeros(0, dtype=bool)


def rows_by_type(names: NDArray[Any]) -> Iterator[tuple[NDArray[np.str_], NDArray[np.int64]]]:
    """Return each name, as an array of one, with the rows that have it.

    There are few types, so comparing all names with each is many times faster than sorting them.
    """
    left, rows = np.asarray(names, dtype=np.str_), np.arange(len(names))
    while len(rows):
        same = left == left[0]
        yield left[:1], rows[same]
        left, rows = left[~same], rows[~same]


@dataclass(frozen=True)
class Veto:
    """The rows of ``veto_intervals`` of one run.

    Attributes
    ----------
    rows
        Structured array with the columns `COLUMNS`.
    low, high
        Start of the first and end of the last chunk (ns since 1970).
    """

    rows: NDArray[Any]
    low: int
    high: int

    def of(self, patterns: Sequence[str]) -> Intervals:
        """Return the merged intervals whose type matches one of ``patterns``."""
        rows = self.rows[is_named(self.rows["veto_type"], patterns)]
        return merge(rows["time"], rows["endtime"], self.low, self.high)

    def types(self) -> dict[str, int]:
        """Return the number of rows of each type."""
        names, counts = np.unique(self.rows["veto_type"], return_counts=True)
        return {str(name): int(n) for name, n in zip(names, counts, strict=True)}


def collect(data: Iterable[Any]) -> Veto:
    """Gather all rows of ``veto_intervals`` of a run, from its chunks (``start``, ``end``, ``data``)."""
    low, high = 0, 0
    parts = [np.zeros(0, [("time", "i8"), ("endtime", "i8"), ("veto_type", "U30")])]
    for i, chunk in enumerate(data):
        low, high = int(chunk.start) if i == 0 else low, int(chunk.end)
        parts.append(chunk.data[list(COLUMNS)].astype(parts[0].dtype))
    return Veto(np.concatenate(parts), low, high)


@dataclass(frozen=True)
class Occupancy:
    """Share of the time inside intervals, and their number.

    Attributes
    ----------
    fraction, fraction_error
        Share of the window inside the intervals; its standard deviation from the share in an infinite run.
    number, number_error
        Number of intervals; its standard deviation from the mean of many runs of this length.
    gap_dispersion
        Variance of the gaps over the square of their mean: 1 if the starts come at random, 0 if they are periodic,
        above 1 if they come in bursts. With few gaps it is shrunk towards 1.
    """

    fraction: float
    fraction_error: float
    number: int
    number_error: float
    gap_dispersion: float


def occupancy(found: Intervals, typical: float) -> Occupancy:
    """Return the occupancy with errors of an alternating renewal process.

    Lengths X and gaps Y are independent draws of two distributions, and c^2 = var Y / mean(Y)^2. Over a long time T
    with N cycles the variance of the fraction f is N (1 - f)^2 (var X + c^2 mean(X)^2) / T^2, and that of the number is
    N (var X + c^2 mean(Y)^2) / (mean(X) + mean(Y))^2 (D. R. Cox, Renewal Theory, 1962, chapters 3 and 7). The
    formulas use one interval of typical length more than observed, like sqrt(n + 1) for counts: so the error is above
    zero also without any interval, and that of a downward fluctuation is not too small.

    Parameters
    ----------
    found
        The intervals.
    typical
        Length of an ordinary interval (ns).

    Raises
    ------
    ValueError
        If the window has no length.
    """
    span = found.high - found.low
    if span <= 0:
        raise ValueError("the data span no time")
    lengths, n = found.lengths / span, len(found.starts)
    sample = np.append(lengths, typical / span)
    mean, variance, free = float(sample.mean()), float(sample.var()), 1 - found.fraction
    dispersion = _dispersion(found.gaps)
    fraction_variance = (n + 1) * free**2 * (variance + dispersion * mean**2)
    number_variance = (n + 1) * (variance * n**2 + dispersion * free**2)
    return Occupancy(found.fraction, float(np.sqrt(fraction_variance)), n, float(np.sqrt(number_variance)), dispersion)


def _dispersion(gaps: Times) -> float:
    if len(gaps) < 2:
        return 1.0
    seen = float(np.var(gaps, ddof=1)) / float(np.mean(gaps)) ** 2
    return (len(gaps) * seen + _PRIOR_GAPS) / (len(gaps) + _PRIOR_GAPS)

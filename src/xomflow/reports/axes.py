"""Scales and ticks of a plot: pure functions of the numbers that are to be seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Of the values, so much at each end may lie outside the plot: a lone outlier must not flatten the others.
_TAIL = 0.01
_MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to pixels."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """Return the place of a value, rounded to a tenth of a pixel; one outside is at the edge."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.first + part * (self.last - self.first), 1)

    def has(self, value: float) -> bool:
        """Return whether a value lies inside."""
        return self.low <= value <= self.high


def value_range(values: Iterable[float], bands: Iterable[float]) -> tuple[float, float]:
    """Return the lowest and the highest value that are to be seen.

    Parameters
    ----------
    values
        Of the results.
    bands
        The edges of the bands; they count as far as the values do not lie far inside.
    """
    found, edges = sorted(values), sorted(bands)
    if not found:
        return 0.0, 1.0
    cut = int(_TAIL * len(found))
    low, high = found[cut], found[len(found) - 1 - cut]
    if edges:  # the middle one of the lower and of the upper edges
        low, high = min(low, edges[len(edges) // 4]), max(high, edges[(3 * len(edges)) // 4])
    room = _MARGIN * (high - low) or abs(high) * 0.05 or 1.0
    return low - room, high + room


def value_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round values between two, at most so many."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [round(place * step, 12) for place in range(first, math.floor(high / step) + 1)]


def day_ticks(begin: datetime, end: datetime, most: int = 8) -> Sequence[datetime]:
    """Return midnights (UTC) between two moments, the same number of days apart."""
    days = max(1, math.ceil((end - begin).total_seconds() / 86400 / most))
    first = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    ticks = (first + timedelta(days=place) for place in range(0, (end - first).days + 1, days))
    return [one for one in ticks if begin <= one <= end]

"""How far the level of a variable jumps where there was no run for days, as between two campaigns of calibration."""

from __future__ import annotations

from math import log, sqrt

from xomflow.expected.method.kept import Kept
from xomflow.expected.method.level import mean_about
from xomflow.expected.method.statistics import median

_DAY = 86400.0
# A gap: its least length, and that in units of the usual time from one run to the next.
_LEAST = 3 * _DAY
_TIMES = 4.0
_SPACING_GAIN = 0.02
# The variance of a jump grows with the length of its gap, in weeks, between these limits.
_UNIT, _SHORTEST, _LONGEST = 7 * _DAY, 0.5, 4.0
# Prior: mean square of a jump in units of the variance of one result, and its weight in gaps.
_FIRST, _WEIGHT = 1.0, 3.0
_KEEP = 0.98
# Results after a gap from which its jump is estimated: their number, and the smallest.
_RESULTS, _AT_LEAST = 8, 2
_LARGEST = 16.0


class Gaps(Kept):
    """Finds the gaps in the times of runs.

    Attributes
    ----------
    last
        Start of the last run; seconds since 1970, 0 before the first one.
    spacing
        Mean of the logarithm of the time between runs.
    runs
        Runs so far.
    """

    __slots__ = ("last", "runs", "spacing")

    def __init__(self) -> None:
        self.last = self.spacing = 0.0
        self.runs = 0

    def before(self, start: float) -> float:
        """Return how much the level may have moved before a run: 0 where there is no gap, 1 after one week.

        Parameters
        ----------
        start
            Start of the run; seconds since 1970.
        """
        waited = max(start - self.last, 1.0)
        self.last = max(start, self.last)
        self.runs += 1
        if self.runs == 1:
            return 0.0
        is_gap = waited >= _LEAST and log(waited / _TIMES) >= self.spacing
        self.spacing += max(_SPACING_GAIN, 1 / self.runs) * (log(waited) - self.spacing)
        return min(max(waited / _UNIT, _SHORTEST), _LONGEST) if is_gap else 0.0


class Jumps(Kept):
    """Learns how far one variable jumps at gaps.

    Attributes
    ----------
    mean2, gaps
        Mean square of a jump in a week, in units of the variance of one result, and the number of gaps behind it.
    growth
        How much the level may have moved at the last gap, see `Gaps.before`; 0: that jump has been learned.
    level, variance, width
        Level before that gap, its variance, and the standard deviation of one result.
    results
        Results since that gap.
    """

    __slots__ = ("gaps", "growth", "level", "mean2", "results", "variance", "width")

    def __init__(self) -> None:
        self.mean2, self.gaps = _FIRST, _WEIGHT
        self.growth = self.level = self.variance = self.width = 0.0
        self.results: list[float] = []

    def begin(self, growth: float, level: float, variance: float, width2: float) -> float:
        """Note a gap; return the variance of the jump that is expected there.

        Parameters
        ----------
        growth
            How much the level may have moved, see `Gaps.before`.
        level, variance
            Level before the gap and its variance.
        width2
            Variance of one result.
        """
        self._settle()
        self.growth, self.level, self.variance, self.width, self.results = growth, level, variance, sqrt(width2), []
        return self.mean2 * growth * width2

    def learn(self, value: float) -> None:
        """Learn from one result; only those after a gap count."""
        if self.growth:
            self.results.append(value)
            if len(self.results) == _RESULTS:
                self._settle()

    def _settle(self) -> None:
        """Learn from the results after the last gap."""
        n = len(self.results)
        if self.growth and self.width and n >= _AT_LEAST:
            mean = mean_about(self.results, median(self.results), self.width)
            known = self.variance / self.width**2 + 1.2 / n
            jump2 = min(((mean - self.level) / self.width) ** 2, _LARGEST) - known
            kept = self.gaps * _KEEP
            self.mean2 = max((self.mean2 * kept + jump2 / self.growth) / (kept + 1), 0.0)
            self.gaps = kept + 1
        self.growth = 0.0

"""Several results together against what was expected before them: steps of the level, and changes of the scatter."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from xomflow.expected.method.kept import Kept
from xomflow.expected.method.settings import LONG_MEMORY, SCATTER, STEP
from xomflow.expected.method.statistics import (
    CLIP,
    CLIP2,
    CLIPPED_VARIANCE,
    VARIANCE_OF_SQUARE,
    poisson_to_normal,
    spread_to_normal,
    t_to_normal,
)

# Length of each window, and new results between two looks at it: a long one hardly changes with one result.
WINDOWS = ((4, 1), (8, 1), (16, 1), (32, 2), (64, 8))
RETURN = 8
_DEPTH = 65
_SHORTEST_OF_SCATTER = 16
# Share of the results of a step that must lie on one side.
_AGREE = 0.7
_KEEP = 1 - 1 / LONG_MEMORY
# Prior for the errors of predicted means: its weight in results, and their variance. The weight is also that of a prior
# by which squares of deviations are as in a normal distribution.
_RESULTS, _VARIANCE = 500.0, 1.2
_LEAST_MEAN = 1e-3


class Base(NamedTuple):
    """What was expected before a result.

    Parameters
    ----------
    level, variance
        The level and its variance.
    walk2
        Variance by which the level may move in a run.
    scatter2
        Variance from run to run beyond the errors.
    freedom
        Degrees of freedom of the learned width.
    """

    level: float
    variance: float
    walk2: float
    scatter2: float
    freedom: float


class Found(NamedTuple):
    """A step or a change of scatter that a window of results shows.

    Parameters
    ----------
    kind
        ``step`` or ``scatter``.
    n
        Results that were taken together.
    sigma
        Significance.
    agree
        Of a step: how many of these lie on its side.
    first
        How many results ago the change began most probably; 1: with the last one.
    ratio
        Of the scatter: how many times as large it is.
    """

    kind: str
    n: int
    sigma: float
    agree: int
    first: int
    ratio: float = 1.0


# Value, square of its error, value of one count (0: it is none), number of its run, and what was expected before.
_Row = list[float]
_BASE = 4


class Windows(Kept):
    """The last results of one variable, each with what was expected before it.

    Attributes
    ----------
    rows
        The results.
    since
        Results since the level was set, or since a gap: windows reach no further.
    number
        Results so far.
    misses, weights
        For each window: how much its mean missed, squared and summed, and the number of these.
    unequal, squares
        How much squares of deviations differ from their mean, squared and summed, and the number of these.
    """

    __slots__ = ("misses", "number", "rows", "since", "squares", "unequal", "weights")

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.since = self.number = 0
        self.misses = [_RESULTS * _VARIANCE] * len(WINDOWS)
        self.weights = [_RESULTS] * len(WINDOWS)
        self.unequal, self.squares = _RESULTS * VARIANCE_OF_SQUARE, _RESULTS

    def add(self, value: float, error2: float, count: float, run: int, base: Base) -> None:
        """Add a result of a run with what was expected before it."""
        self.rows.append([value, error2, count, run, *base])
        if len(self.rows) > _DEPTH:
            del self.rows[0]
        self.since += 1
        self.number += 1

    def base(self, n: int) -> Base:
        """Return what was expected before the last ``n`` results."""
        return Base(*self.rows[-n][_BASE:])

    def look(self) -> tuple[Found | None, list[tuple[int, float]]]:
        """Return the most significant step, else a change of scatter, and how much the mean of each window missed."""
        step, scatter, missed = None, None, []
        for i, (n, every) in enumerate(WINDOWS):
            if n > self.since:
                break
            if self.number % every:
                continue
            base = self.base(n)
            raw, offs = _miss(self.rows[-n:], base)
            missed.append((i, raw))
            sigma = self._usual(i, raw)
            if abs(sigma) > STEP and (step is None or abs(sigma) > abs(step.sigma)):
                agree = sum((off > 0) == (sigma > 0) for off in offs)
                if agree >= _AGREE * n:
                    step = Found("step", n, sigma, agree, n)
            if n >= _SHORTEST_OF_SCATTER and step is None and scatter is None:
                scatter = self._scatter(offs, base)
        if step is not None:
            return step._replace(first=self._first(step)), missed
        return scatter, missed

    def learn(self, missed: Sequence[tuple[int, float]]) -> None:
        """Learn how much the means of windows usually miss, and how unequal the squares of deviations are.

        The latter from the oldest result: newer ones may belong to a change that is not yet found.
        """
        if len(self.rows) == _DEPTH:
            value, error2, _, _, level, variance, _, scatter2, _ = self.rows[0]
            off = min((value - level) ** 2 / (error2 + scatter2 + variance), CLIP2) / CLIPPED_VARIANCE - 1
            self.unequal = self.unequal * _KEEP + off * off
            self.squares = self.squares * _KEEP + 1
        for i, raw in missed:
            every = WINDOWS[i][1]
            keep = _KEEP**every if every > 1 else _KEEP
            self.misses[i] = self.misses[i] * keep + every * min(raw * raw, CLIP * CLIP)
            self.weights[i] = self.weights[i] * keep + every

    def off(self, base: Base) -> float:
        """Return how significantly the last eight results differ from what was expected once."""
        raw, _ = _miss(self.rows[-RETURN:], base)
        return self._usual(1, raw)

    def _usual(self, i: int, raw: float) -> float:
        """Return a significance in units of how much the means of a window usually miss, never more than it was."""
        variance = max(self.misses[i] / self.weights[i], 1.0)
        return t_to_normal(raw / sqrt(variance), self.weights[i] / WINDOWS[i][0] + 5)

    def _scatter(self, offs: Sequence[float], base: Base) -> Found | None:
        """Return the change of scatter that results about their own mean show; None if there is none.

        It is the less significant the more unequal squares of deviations are: with heavy tails a few of them make it.
        """
        n, total, one = len(offs), sum(offs), self.rows[-1][2]
        ratio = (sum(off * off for off in offs) - total * total / n) / CLIPPED_VARIANCE / (n - 1)
        if one:  # the distribution of few counts is no normal one
            ratio /= 1 + 0.5 / sqrt(max(base.level / one, 0.1))
        if ratio <= 1:
            return None
        usual = max(self.unequal / self.squares / VARIANCE_OF_SQUARE, 1.0)
        sigma = spread_to_normal(ratio, n, base.freedom) / sqrt(usual)
        return Found("scatter", n, sigma, n, n, sqrt(ratio)) if sigma > SCATTER else None

    def _first(self, step: Found) -> int:
        """Return how many results ago a step began: where the sum of the results since then is most significant."""
        most = min(self.since, len(self.rows), 2 * step.n)
        _, offs = _miss(self.rows[-most:], self.base(step.n))
        side = 1 if step.sigma > 0 else -1
        total, best, first = 0.0, 0.0, step.n
        for n, off in enumerate(reversed(offs), 1):
            total += side * off
            if n > 1 and total / sqrt(n) > best:
                best, first = total / sqrt(n), n
        return first


def _miss(rows: Sequence[_Row], base: Base) -> tuple[float, list[float]]:
    """Return how significantly results miss what was expected before them, and each of them alone, clipped."""
    level, variance, walk2, scatter2, freedom = base
    n, weight, offs = len(rows), 0.0, []
    if rows[-1][2]:
        return _miss_of_counts(rows, base)
    for row in rows:
        inverse = 1 / sqrt(row[1] + scatter2)
        weight += inverse
        off = (row[0] - level) * inverse
        offs.append(-CLIP if off < -CLIP else CLIP if off > CLIP else off)
    known = variance + walk2 * n / 3
    return t_to_normal(sum(offs) / sqrt(n * CLIPPED_VARIANCE + weight * weight * known), freedom), offs


def _miss_of_counts(rows: Sequence[_Row], base: Base) -> tuple[float, list[float]]:
    """Return the same as `_miss` for counts, whose sum is Poisson-distributed about the sum of what was expected."""
    counts = expected = inverses = scatter2 = 0.0
    offs = []
    for value, _, one, *_ in rows:
        mean = max(base.level / one, _LEAST_MEAN)
        width = sqrt(mean + base.scatter2 / (one * one))
        count = value / one
        counts += min(max(count, mean - CLIP * width), mean + CLIP * width + 1)
        expected += mean
        inverses += 1 / one
        scatter2 += base.scatter2 / (one * one)
        off = (count - mean) / width
        offs.append(-CLIP if off < -CLIP else CLIP if off > CLIP else off)
    known = base.variance + base.walk2 * len(rows) / 3
    part = sqrt(expected / (expected + scatter2 + inverses * inverses * known))
    return t_to_normal(poisson_to_normal(counts, expected) * part, base.freedom), offs

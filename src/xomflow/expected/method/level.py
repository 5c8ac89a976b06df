"""The level of one variable: three followers, of which one counts, and the scatter from run to run.

The level moves as a random walk. How fast is not known, so followers with three gains go side by side; the slow one
counts unless a faster one predicts clearly better. No result moves anything by more than three standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, log, sqrt

from xomflow.expected.method.kept import Kept
from xomflow.expected.method.settings import MEMORY
from xomflow.expected.method.statistics import CLIP, CLIP2, CLIPPED_VARIANCE

# Variance of the level's movement in one run, in units of the variance of one result.
_GAINS2 = (0.005**2, 0.02**2, 0.08**2)
# By how much a faster follower has to predict better, in units of log likelihood.
_MARGINS = (0.0, 3.0, 5.0)
_KEEP = 1 - 1 / MEMORY
# The smallest scatter, as a part of the first variance: also for a variable that no longer changes.
_LEAST = 1e-6
# Results over which scatter is learned after it has changed.
_SHORT = 32.0


class Level(Kept):
    """The level of one variable, and its scatter.

    Attributes
    ----------
    levels, variances
        Level of each follower and its variance.
    scores
        How well each predicts; log likelihood.
    best
        Number of the one that counts.
    scatter2, error2, least2
        Variance from run to run beyond the errors, mean square of the errors, and the least of the former.
    seen
        Results that were learned.
    """

    __slots__ = ("best", "error2", "least2", "levels", "scatter2", "scores", "seen", "variances")

    def __init__(self, level: float, width2: float, error2: float, seen: int) -> None:
        """Begin with a level and the variance of single results about it."""
        self.levels = [level] * 3
        self.variances = [max(width2, error2) / seen] * 3
        self.scores = [0.0] * 3
        self.best = 0
        self.least2 = _LEAST * max(width2, error2)
        self.scatter2 = max(width2 - error2, self.least2)
        self.error2 = error2
        self.seen = seen

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the learned width."""
        return min(0.8 * self.seen, 1.6 * MEMORY)

    @property
    def walk2(self) -> float:
        """Variance by which the level may move in a run."""
        return _GAINS2[self.best] * (self.scatter2 + self.error2)

    def learn(self, value: float, error2: float, is_changing: bool) -> None:
        """Learn from one result.

        Parameters
        ----------
        value, error2
            Value and square of its error.
        is_changing
            Whether the scatter has just changed, and is learned fast.
        """
        levels, variances, scores, scatter2 = self.levels, self.variances, self.scores, self.scatter2
        total, noise2 = scatter2 + self.error2, error2 + scatter2
        off, width2 = value - levels[self.best], noise2 + variances[self.best]
        for a, gain2 in enumerate(_GAINS2):
            variance = variances[a] + gain2 * total
            all2 = variance + noise2
            share, miss = variance / all2, value - levels[a]
            miss2 = miss * miss / all2
            if miss2 > CLIP2:
                miss, miss2 = copysign(CLIP * sqrt(all2), miss), CLIP2
            levels[a] += share * miss
            variances[a] = variance * (1 - share)
            scores[a] = scores[a] * _KEEP - 0.5 * (log(all2) + miss2)
        slow, medium, fast = scores[0], scores[1] - _MARGINS[1], scores[2] - _MARGINS[2]
        self.best = 0 if slow >= medium and slow >= fast else 1 if medium >= fast else 2
        gain = 1 / _SHORT if is_changing else max(1 / MEMORY, 1 / (self.seen + 1))
        part = min(1.0, total / width2) ** 2
        self.scatter2 += gain * part * (min(off * off, CLIP2 * width2) / CLIPPED_VARIANCE - width2)
        self.scatter2 = max(self.scatter2, self.least2)
        self.error2 += gain * (error2 - self.error2)
        self.seen += 1

    def widen(self, variance: float) -> None:
        """Add to the variance of the level, which may have moved meanwhile."""
        self.variances = [one + variance for one in self.variances]

    def put(self, level: float, variance: float) -> None:
        """Put all followers at a level."""
        self.levels, self.variances = [level] * 3, [variance] * 3


def mean_about(values: Sequence[float], middle: float, width: float) -> float:
    """Return the mean of values, each moved to within 2.5 widths of their middle."""
    low, high = middle - 2.5 * width, middle + 2.5 * width
    return sum(low if one < low else high if one > high else one for one in values) / len(values)

"""How often and how far results of a variable are far away: its tail, which sets the limit for one result alone.

Beyond three standard deviations the tail is a power of the distance, whose exponent is estimated as B. M. Hill does
(Annals of Statistics 3 (1975) 1163). What a variable does not show itself yet is taken from the other variables of its
analysis.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import NamedTuple

from xomflow.expected.method.kept import Kept
from xomflow.expected.method.settings import ALWAYS_OUTLIER, LONG_MEMORY, OUTLIER

_FROM = 3.0
_KEEP = 1 - 1 / LONG_MEMORY
# Probability that a normal result is marked.
_CHANCE = 3.5e-6
# Beyond three standard deviations of a normal distribution: how often, and mean of log(distance / 3).
_NORMAL_RATE, _NORMAL_SLOPE = 0.0027, 0.0872
_NORMAL_POWER = log(OUTLIER / _FROM) / log(_NORMAL_RATE / _CHANCE)
# Weight of the tail of all variables, in far results and in results; and of a normal tail in that of all variables.
_FAR, _RESULTS = 10.0, 2000.0
_NORMAL_FAR = 30.0


class Usual(NamedTuple):
    """The tail of all variables of an analysis together.

    Parameters
    ----------
    rate
        Part of the results beyond three standard deviations.
    slope
        Mean of log(distance / 3) of these.
    """

    rate: float = _NORMAL_RATE
    slope: float = _NORMAL_SLOPE


class Tail(Kept):
    """The tail of one variable."""

    __slots__ = ("far", "results", "slopes")

    def __init__(self) -> None:
        self.far = self.slopes = self.results = 0.0

    def learn(self, deviation: float) -> None:
        """Learn from one result."""
        distance = abs(deviation)
        self.far *= _KEEP
        self.slopes *= _KEEP
        self.results = self.results * _KEEP + 1
        if distance > _FROM:
            self.far += 1
            self.slopes += log(distance / _FROM)

    def limit(self, usual: Usual) -> float:
        """Return the distance beyond which a result is marked; in standard deviations.

        Parameters
        ----------
        usual
            The tail of all variables.
        """
        rate = (_RESULTS * usual.rate + self.far) / (_RESULTS + self.results)
        slope = (_FAR * usual.slope + self.slopes) / (_FAR + self.far)
        limit: float = _FROM * (rate / _CHANCE) ** (max(slope - _NORMAL_SLOPE, 0.0) + _NORMAL_POWER)
        return min(max(OUTLIER, limit), ALWAYS_OUTLIER)


def usual_tail(tails: Iterable[Tail]) -> Usual:
    """Return the tail of several variables together."""
    results = _NORMAL_FAR / _NORMAL_RATE
    far, slopes = _NORMAL_FAR, _NORMAL_FAR * _NORMAL_SLOPE
    for one in tails:
        far, slopes, results = far + one.far, slopes + one.slopes, results + one.results
    return Usual(far / results, slopes / far)

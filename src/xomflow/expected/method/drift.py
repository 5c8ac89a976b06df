"""A slow drift: the level against that of 30 days before, beyond what a site tolerates."""

from __future__ import annotations

from math import sqrt

from xomflow.expected.method.kept import Kept

_DAY = 86400.0
_OVER = 30 * _DAY
_OFTEN = _DAY
_LIMIT = 4.0


class Drift(Kept):
    """The levels of the last month of one variable.

    Attributes
    ----------
    times, levels, variances
        Of one level a day: seconds since 1970, the level and its variance.
    is_open
        Whether an alarm is open.
    before
        The level with which its alarm compares.
    """

    __slots__ = ("before", "is_open", "levels", "times", "variances")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.levels: list[float] = []
        self.variances: list[float] = []
        self.is_open = False
        self.before = 0.0

    def learn(self, start: float, level: float, variance: float, tolerance: float) -> tuple[float, float] | None:
        """Note a level, once a day; return level before and significance if an alarm begins.

        Parameters
        ----------
        start
            Start of the run; seconds since 1970.
        level, variance
            The level and its variance.
        tolerance
            How far it may move in 30 days.
        """
        if self.times and start - self.times[-1] < _OFTEN:
            return None
        while len(self.times) > 1 and self.times[1] <= start - _OVER:
            del self.times[0], self.levels[0], self.variances[0]
        self.times.append(start)
        self.levels.append(level)
        self.variances.append(variance)
        if self.times[0] > start - _OVER or self.is_open:
            return None
        moved = abs(level - self.levels[0]) - tolerance
        sigma = moved / sqrt(variance + self.variances[0] or 1e-300)
        if sigma <= _LIMIT:
            return None
        self.is_open, self.before = True, self.levels[0]
        return self.before, sigma if level > self.before else -sigma

    def ended(self, tolerance: float) -> bool | None:
        """Return how an open alarm ends: True if the level is back, False if it stays where it is; None: it goes on."""
        if not self.is_open:
            return None
        if abs(self.levels[-1] - self.before) < tolerance:
            return True
        return False if abs(self.levels[-1] - self.levels[0]) < tolerance else None

    def forget(self) -> None:
        """Begin anew, as after a step."""
        self.times, self.levels, self.variances, self.is_open = [], [], [], False

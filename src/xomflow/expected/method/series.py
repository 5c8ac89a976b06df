"""One variable, judged result by result: `look` at a result, then `take` it."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from xomflow.core.verdicts import HowEnded, Kind
from xomflow.expected.method.drift import Drift
from xomflow.expected.method.jumps import Jumps
from xomflow.expected.method.level import Level, mean_about
from xomflow.expected.method.settings import Settings, Size
from xomflow.expected.method.statistics import median, poisson_to_normal, robust_fit, t_to_normal
from xomflow.expected.method.steps import Change, Look, Now, Taken
from xomflow.expected.method.tail import Tail
from xomflow.expected.method.windows import RETURN, Base, Found, Windows

# An open step has ended when the last eight results are so near to what was expected before it, in standard deviations
# of their mean and as a part of the step.
_BACK, _PART = 2.5, 0.35
_ACCEPTED_FROM = 32
# Results after an alarm of scatter in which scatter is learned anew, by the number of those until a level is accepted.
_SETTLING = 2
# Counts are recognized up to this mean: beyond it their distribution is as good as normal.
_MOST_COUNTS = 1000.0
_LEAST_MEAN = 1e-3
# A series of which more than half of the first values are equal has this as its smallest error.
_OF_EQUAL = Size(0.005, True)
_UNKNOWN = 1e8
_NOTHING = Taken()
_FAR = Taken(is_outlier=True)


class Series:
    """The results of one variable so far: what is expected of the next one, and which changes are open.

    Parameters
    ----------
    settings
        Of its analysis.
    variable
        Its name.

    Attributes
    ----------
    level
        What is expected; None: not enough history.
    frozen, after
        While a step is open: what was expected before it, and the level when it was found.
    """

    def __init__(self, settings: Settings, variable: str) -> None:
        self._minimum, self._accept = settings.minimum, settings.accept
        self._matters = settings.matters.get(variable)
        self._tolerance = settings.tolerance.get(variable)
        self.first: list[list[float]] = []
        self.level: Level | None = None
        self.windows, self.tail, self.jumps, self.drift = Windows(), Tail(), Jumps(), Drift()
        self.frozen: Base | None = None
        self.count = self.floor = self.after = 0.0
        self.age = self.settling = 0

    def to_json(self) -> list[Any]:
        """Return the state; `from_json` goes on from it exactly."""
        parts = (self.windows, self.tail, self.jumps, self.drift)
        level = self.level and self.level.to_json()
        mine = [self.first, self.frozen, self.count, self.floor, self.after, self.age, self.settling]
        return [mine, level, *(part.to_json() for part in parts)]

    def read(self, content: Sequence[Any]) -> Series:
        """Take over the state that `to_json` returned, and return the series."""
        mine, level, windows, tail, jumps, drift = content
        self.first, frozen, self.count, self.floor, self.after, self.age, self.settling = mine
        self.frozen = frozen and Base(*frozen)
        self.level = level and Level.from_json(level)
        self.windows, self.tail = Windows.from_json(windows), Tail.from_json(tail)
        self.jumps, self.drift = Jumps.from_json(jumps), Drift.from_json(drift)
        return self

    @property
    def is_open(self) -> bool:
        """Whether a step is open."""
        return self.frozen is not None

    def wait(self, growth: float) -> None:
        """Note that there was no run for days: the level may have jumped.

        Parameters
        ----------
        growth
            How much it may have moved, see `Gaps.before`.
        """
        if (level := self.level) is None:
            return
        width2 = level.scatter2 + level.error2
        best = level.best
        jump = self.jumps.begin(growth, level.levels[best], level.variances[best], width2)
        level.widen(jump)
        if self.frozen is not None:
            self.frozen = self.frozen._replace(variance=self.frozen.variance + jump)
        self.windows.since = 0

    def renew(self) -> None:
        """Begin with a new level, which a person expects."""
        self.first, self.frozen, self.settling = [], None, 0
        self.windows.since = 0
        self.drift.forget()
        if (level := self.level) is not None:
            level.widen(_UNKNOWN * (level.scatter2 + level.error2))

    def look(self, value: float, error: float) -> Look | None:
        """Return what is expected, seen from a result; None: not enough history.

        Parameters
        ----------
        value, error
            Value and its standard deviation; 0: none is given, so the usual one counts.
        """
        if (level := self.level) is None:
            return None
        if self.frozen is not None:
            middle, variance, _, scatter2, freedom = self.frozen
        else:
            middle, variance = level.levels[level.best], level.variances[level.best]
            scatter2, freedom = level.scatter2, level.freedom
        if self.count:
            if value > 0 < error:
                self.count = error * error / value
            mean = max(middle, _LEAST_MEAN * self.count)
            error2 = self.count * mean
            width = sqrt(error2 + scatter2 + variance)
            deviation = poisson_to_normal(value / self.count, middle / self.count) * sqrt(error2) / width
        else:
            error2 = max(error * error or level.error2, self._floor(middle) ** 2)
            width = sqrt(error2 + scatter2 + variance)
            deviation = (value - middle) / width
        return Look(middle, width, t_to_normal(deviation, freedom), error2)

    def take(self, value: float, error: float, look: Look | None, run: Now, learns: bool) -> Taken:
        """Take a result into account; return what follows.

        Parameters
        ----------
        value, error
            As for `look`.
        look
            What `look` returned for it.
        run
            Its run.
        learns
            Whether the level may follow it: not in a run in which many variables are far away.
        """
        if look is None or (level := self.level) is None:
            self._begin(value, error, run)
            return _NOTHING
        windows, deviation, error2 = self.windows, look.deviation, look.error2
        windows.add(value, error2, self.count, run.number, self._base(level))
        self.jumps.learn(value)
        is_far = abs(deviation) > 4 and abs(deviation) > self.tail.limit(run.usual)
        if self.frozen is not None:
            how = self._look_back(level, self.frozen)
            return Taken(is_far, None, [(Kind.STEP, how)]) if how else _FAR if is_far else _NOTHING
        found, missed = windows.look()
        if found is not None and found.kind == "step":
            return Taken(is_far, self._freeze(level, found))
        if learns:
            level.learn(value, error2, self.settling > 0)
            self.tail.learn(deviation)
            windows.learn(missed)
        ends = self._settle()
        if found is not None and not self.settling:
            return Taken(is_far, self._scatter(level, found), ends)
        drifts = self._drift(run, level, ends) if self._tolerance and learns else None
        if drifts or ends:
            return Taken(is_far, drifts, ends)
        return _FAR if is_far else _NOTHING

    def _base(self, level: Level) -> Base:
        best = level.best
        return Base(level.levels[best], level.variances[best], level.walk2, level.scatter2, level.freedom)

    def _run(self, first: int) -> int:
        """Return the number of the run that had the result so many results ago; 1: the last one."""
        return int(self.windows.rows[-first][3])

    def _floor(self, middle: float) -> float:
        return max(self.floor, self._matters.at(middle) if self._matters else 0.0)

    def _begin(self, value: float, error: float, run: Now) -> None:
        """Take one of the first results; begin to judge when there are enough of them."""
        self.first.append([value, error, run.number])
        if len(self.first) < self._minimum:
            return
        values = [one for one, *_ in self.first]
        self.count = _count_of(self.first)
        middle, width = robust_fit(values)
        if self.count:
            error2 = self.count * max(middle, _LEAST_MEAN * self.count)
        else:
            is_rough = not self._matters and sum(one == median(values) for one in values) > len(values) / 2
            self.floor = _OF_EQUAL.at(middle) or width if is_rough else 0.0
            floor2 = self._floor(middle) ** 2
            squares = [max(one * one, floor2) for _, one, _ in self.first if one] or [floor2]
            error2 = sum(squares) / len(squares)
        self.level = Level(middle, max(width * width, 1e-300), error2, len(values))
        for one, error, number in self.first:
            square = error2 if self.count or not error else max(error * error, self._floor(middle) ** 2)
            self.windows.add(one, square, self.count, int(number), self._base(self.level))
        self.windows.since = 0
        self.first = []

    def _freeze(self, level: Level, found: Found) -> Change:
        """Keep what was expected before a step, until it ends."""
        n = max(found.n, found.first)
        self.frozen, self.age = self.windows.base(n), found.n
        level.scatter2 = self.frozen.scatter2
        after = [row[0] for row in self.windows.rows[-found.first :]]
        self.after = mean_about(after, median(after), sqrt(level.scatter2 + level.error2))
        return Change(Kind.STEP, found, self._run(found.first), self.frozen.level, self.after)

    def _look_back(self, level: Level, frozen: Base) -> HowEnded | None:
        """Return how an open step ends, if it does."""
        self.age += 1
        if self.age >= RETURN and self._is_back(level, frozen):
            level.put(frozen.level, frozen.variance)
            how = HowEnded.RETURNED
        elif self.age >= self._accept:
            values = [row[0] for row in self.windows.rows[-_ACCEPTED_FROM:]]
            width2 = level.scatter2 + level.error2
            level.put(mean_about(values, median(values), sqrt(width2)), width2 / _ACCEPTED_FROM * 1.5)
            how = HowEnded.UNEXPLAINED
        else:
            return None
        self.frozen, self.windows.since = None, 0
        self.drift.forget()
        return how

    def _is_back(self, level: Level, frozen: Base) -> bool:
        """Return whether the last results are what was expected before an open step."""
        if abs(self.windows.off(frozen)) >= _BACK:
            return False
        values = [row[0] for row in self.windows.rows[-RETURN:]]
        mean = mean_about(values, frozen.level, sqrt(level.scatter2 + level.error2))
        return abs(mean - frozen.level) < _PART * abs(self.after - frozen.level)

    def _scatter(self, level: Level, found: Found) -> Change:
        """Take the scatter that was found as the new one, and learn it anew."""
        before = sqrt(level.scatter2 + level.error2)
        level.scatter2 = max((before * found.ratio) ** 2 - level.error2, level.scatter2)
        self.settling = _SETTLING * self._accept
        return Change(Kind.SCATTER, found, self._run(found.first), before, before * found.ratio)

    def _settle(self) -> list[tuple[Kind, HowEnded]]:
        """Count the results after a change of scatter; the last one ends its alarm."""
        if not self.settling:
            return []
        self.settling -= 1
        return [] if self.settling else [(Kind.SCATTER, HowEnded.UNEXPLAINED)]

    def _drift(self, run: Now, level: Level, ends: list[tuple[Kind, HowEnded]]) -> Change | None:
        """Return the drift beyond the tolerance that begins, if there is one; one that is over goes to ``ends``."""
        assert self._tolerance is not None  # see `take`
        middle, variance = level.levels[level.best], level.variances[level.best]
        tolerance = self._tolerance.at(middle)
        began = self.drift.learn(run.start, middle, variance, tolerance)
        if began:
            before, sigma = began
            return Change(Kind.DRIFT, Found("drift", 1, sigma, 1, 1), run.number, before, middle)
        if (is_back := self.drift.ended(tolerance)) is not None:
            self.drift.is_open = False
            ends.append((Kind.DRIFT, HowEnded.RETURNED if is_back else HowEnded.UNEXPLAINED))
        return None


def _count_of(first: Sequence[Sequence[float]]) -> float:
    """Return the value of one count if all results are counts with the errors of counts; else 0.

    The square of value over error is the number of counts then, a whole number, as for a rate or a part too.
    """
    if all(value == 0 for value, *_ in first):
        return 1.0
    numbers = [(value / error) ** 2 if value > 0 < error else 0.0 if value == 0 else -1.0 for value, error, *_ in first]
    if min(numbers) < 0 or any(abs(one - round(one)) > 1e-6 * max(one, 1.0) for one in numbers):
        return 0.0
    if median(numbers) > _MOST_COUNTS:
        return 0.0
    return next(error * error / value for value, error, *_ in reversed(first) if value > 0)

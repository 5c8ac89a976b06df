"""A missing variable: more runs in a row without it than its history makes likely.

Only runs with an outcome of the analysis count. Runs without a variable come alone or in bursts, so the chance of a
missing value after another one is estimated separately.
"""

from __future__ import annotations

from math import ceil, log

from xomflow.expected.method.kept import Kept
from xomflow.expected.method.settings import LONG_MEMORY, MEMORY

# Probability of a false alarm in one run, for a variable that misses runs as often as before.
_CHANCE = 2.5e-6
_KEEP = 1 - 1 / MEMORY
_KEEP_BURSTS = 1 - 1 / LONG_MEMORY
# Prior: one run in twenty is missed.
_MISSED, _RUNS = 1.0, 20.0
# Weight of the prior that a run after a missed one is missed as often as any other run, in such runs.
_AFTER = 20.0
# Weight of the estimate from all variables against that of one: two absences in a row are often an accident.
_AFTER_ALL = 60.0
# Most runs of a burst that was an alarm which are learned.
_LONGEST = 10
_FEWEST, _LARGEST_CHANCE = 3, 0.95


class Bursts(Kept):
    """How all variables of an analysis miss runs after a missed one.

    Attributes
    ----------
    after, again
        Runs after one without a variable, and those of them without it.
    """

    __slots__ = ("after", "again")

    def __init__(self) -> None:
        self.after = self.again = 0.0


class Absence(Kept):
    """The record of one variable.

    Attributes
    ----------
    runs, missed
        Runs after one that had the variable, and those of them without it.
    after, again
        Runs after one without it, and those of them without it.
    row, since
        Runs without it since the last one that had it, and the number of the first of these.
    is_open
        Whether an alarm is open.
    """

    __slots__ = ("after", "again", "is_open", "missed", "row", "runs", "since")

    def __init__(self) -> None:
        self.runs, self.missed = _RUNS, _MISSED
        self.after = self.again = 0.0
        self.row = self.since = 0
        self.is_open = False

    def came(self, bursts: Bursts) -> bool:
        """Note a run that has the variable; return whether it ends an alarm."""
        ended = self.is_open
        for _ in range(min(self.row, _LONGEST) if ended else 0):
            self._learn(1, bursts)
        self._learn(0, bursts)
        self.row, self.is_open = 0, False
        return ended

    def missing(self, run: int, bursts: Bursts) -> int:
        """Note a run without the variable; return for how many it has been missing if that is an alarm, else 0.

        Parameters
        ----------
        run
            Number of the run.
        bursts
            Of all variables.
        """
        if not self.row:
            self.since = run
        if not self.is_open:
            self._learn(1, bursts)
        self.row += 1
        if self.is_open or self.row < self._limit(bursts):
            return 0
        self.is_open = True
        return self.row

    @property
    def usual(self) -> float:
        """The part of the runs that lack the variable."""
        return (self.missed + self.again) / (self.runs + self.after)

    def _learn(self, missed: int, bursts: Bursts) -> None:
        if not self.row:
            self.runs = self.runs * _KEEP + 1
            self.missed = self.missed * _KEEP + missed
            return
        for one in (self, bursts):
            one.after = one.after * _KEEP_BURSTS + 1
            one.again = one.again * _KEEP_BURSTS + missed

    def _limit(self, bursts: Bursts) -> int:
        """Return how many runs in a row are almost impossible; what the present row taught is taken back."""
        taught = self.row - 1
        first = min((self.missed + 1) / (self.runs + 1), _LARGEST_CHANCE)
        usual = (_AFTER * first + max(bursts.again - taught, 0.0)) / (_AFTER + max(bursts.after - taught, 0.0))
        again, after = max(self.again - taught, 0.0), max(self.after - taught, 0.0)
        chance = min((_AFTER_ALL * usual + again) / (_AFTER_ALL + after), _LARGEST_CHANCE)
        return max(_FEWEST, 1 + ceil(log(_CHANCE / first) / log(chance)))

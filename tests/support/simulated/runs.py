"""What happens at the detector: runs, calibrations, data and rates that come late, and an analysis that breaks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from support.simulated.clock import DAY, HOUR, MINUTE

FIRST_OLD, FIRST_NEW = 10_000, 100_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What an analysis is like.

    Parameters
    ----------
    seconds
        How long it takes, in the middle.
    calibrations
        Whether it takes calibrations only.
    needs_rate
        Whether it waits for the rate, which people or programs enter later.
    raises
        How often it fails at random.
    broken
        From when to when it fails always.
    """

    seconds: float
    calibrations: bool = False
    needs_rate: bool = False
    raises: float = 0.002
    broken: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the detector.

    Parameters
    ----------
    number
        Its number.
    ended
        When it ended.
    data, rate
        When its data and its rate can be read; infinity: never.
    calibration
        Whether it is one.
    """

    number: int
    ended: float
    data: float
    rate: float
    calibration: bool

    def ready(self, kind: Kind) -> float:
        """Return when an analysis has all that it needs."""
        return max(self.data, self.rate) if kind.needs_rate else self.data


def kinds(number: int, days: float) -> dict[str, Kind]:
    """Return analyses: light ones and heavy ones, one for calibrations, one that needs the rate, one that breaks."""
    made = {f"analysis_{n}": Kind(seconds=(0.5, 3.0, 8.0, 20.0)[n % 4]) for n in range(number - 3)}
    made["calibration"] = Kind(60.0, calibrations=True)
    made["rates"] = Kind(0.5, needs_rate=True)
    made["broken"] = Kind(8.0, broken=(0.15 * DAY * days, 0.2 * DAY * days))
    return made


def new_runs(chance: random.Random, days: float, per_day: int) -> Iterator[Run]:
    """Return the runs of a time of data taking; a day of calibrations every two weeks."""
    length = DAY / per_day
    for place in range(int(days * per_day)):
        ended = (place + 1) * length
        late = chance.random()
        data = ended + chance.uniform(10, 60) * MINUTE
        if late < 0.02:
            data += chance.uniform(1, 5) * DAY
        elif late < 0.022:
            data = float("inf")
        rate = ended + chance.choice([1, 1, 1, 30]) * chance.uniform(1, 4) * HOUR
        yield Run(FIRST_NEW + place, ended, data, rate, int(ended / DAY) % 14 == 13)


def old_runs(number: int) -> Iterator[Run]:
    """Return runs of the years before, whose data can all be read."""
    for place in range(number):
        ended = (place - number) * HOUR
        yield Run(FIRST_OLD + place, ended, ended, ended, place // 24 % 14 == 13)


def length_of(chance: random.Random, kind: Kind) -> float:
    """Return how long an attempt takes; a few take far longer than others."""
    return kind.seconds * chance.lognormvariate(0, 0.5) * (1 if chance.random() > 0.001 else 200)


Selects = Callable[[Kind, Run], bool]


def is_selected(kind: Kind, run: Run) -> bool:
    """Return whether an analysis takes a run."""
    return run.calibration or not kind.calibrations


Kinds = Mapping[str, Kind]

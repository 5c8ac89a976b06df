"""Fast simulation of veto intervals: alternating renewal processes with known mean length and rate."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

ROWS = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "U30")])


@dataclass(frozen=True)
class Renewal:
    """One kind of veto.

    Attributes
    ----------
    rate
        Intervals per second; ``rate * length`` is the true fraction.
    length
        Mean length (s).
    spread
        Lengths are exponential instead of constant.
    gaps
        "random" (exponential), "bursts" (mostly short, some long) or "regular" (nearly periodic).
    """

    rate: float
    length: float
    spread: bool = False
    gaps: str = "random"

    @property
    def fraction(self) -> float:
        """True share of the time."""
        return self.rate * self.length


def rows(rng: Generator, process: Renewal, seconds: float, name: str, lead: float = 200.0) -> np.ndarray:
    """Return rows of ``veto_intervals`` in a window of a process that began ``lead`` mean cycles before it."""
    mean_gap = 1 / process.rate - process.length
    begin = -lead / process.rate
    n = int((seconds - begin) * process.rate * 1.3 + 100)
    gap = _gaps(rng, process.gaps, n) * mean_gap
    length = rng.exponential(process.length, n) if process.spread else np.full(n, process.length)
    end = begin + np.cumsum(gap + length)
    start = end - length
    seen = (end > 0) & (start < seconds)
    found = np.zeros(int(seen.sum()), ROWS)
    found["time"] = np.maximum(start[seen], 0) * 1e9
    found["endtime"] = np.minimum(end[seen], seconds) * 1e9
    found["veto_type"] = name
    return found


def _gaps(rng: Generator, kind: str, n: int) -> np.ndarray:
    """Return gaps of mean one."""
    if kind == "bursts":
        return rng.exponential(1, n) * np.where(rng.random(n) < 0.8, 0.25, 4.0)
    return rng.gamma(9, 1 / 9, n) if kind == "regular" else rng.exponential(1, n)


def in_order(*parts: np.ndarray) -> np.ndarray:
    """Return rows of several kinds as straxen keeps them, sorted by time."""
    every = np.concatenate(parts)
    return every[np.argsort(every["time"], kind="stable")]

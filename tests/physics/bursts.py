"""Times of events of which a part comes in bursts."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class Bursts:
    """A share of the events comes in bursts of ``size`` on average, spread over ``long`` seconds (exponential)."""

    share: float
    size: float
    long: float


def times(rng: Generator, rate: float, seconds: float, bursts: Bursts) -> np.ndarray:
    """Return the times (ns) of the events of a run with the mean ``rate`` (Hz), in order."""
    alone = rng.uniform(0, seconds, rng.poisson(rate * (1 - bursts.share) * seconds))
    begin = rng.uniform(0, seconds, rng.poisson(rate * bursts.share / bursts.size * seconds))
    late = np.repeat(begin, 1 + rng.poisson(bursts.size - 1, len(begin)))
    late = (late + rng.exponential(bursts.long, len(late))) % seconds
    return np.sort(np.append(alone, late) * 1e9).astype(np.int64)

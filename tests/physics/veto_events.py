"""Fast simulation of veto events: hits, areas, spreads and hits by channel with known distributions."""

from dataclasses import dataclass

import bursts
import numpy as np
from numpy.random import Generator
from scipy.optimize import brentq
from scipy.stats import gamma, poisson

LEAST_HITS, FURTHER_HITS, PE_PER_HIT = 6, 8.0, 1.2
SPREAD_SHAPE, SPREAD_SCALE = 9.0, 150.0  # mm, a gamma distribution
COLUMNS = ("pos_x_spread", "pos_y_spread", "pos_z_spread", "angle")
EVENT = np.dtype(
    [("time", "i8"), ("area", "f4"), ("n_hits", "i4"), ("n_contributing_pmt", "u1")]
    + [(name, "f4") for name in COLUMNS]
)
MEAN_HITS = LEAST_HITS + FURTHER_HITS


@dataclass(frozen=True)
class Channels:
    """Hits of the channels: ``hits`` each on average, some of them ``dead``, some ``loud`` by the factor given."""

    hits: float
    dead: tuple[int, ...] = ()
    loud: tuple[int, ...] = ()
    factor: float = 20.0
    scatter: float = 0.0  # relative deviation of ordinary channels' rates


def events(rng: Generator, rate: float, seconds: float, how: bursts.Bursts | None = None) -> np.ndarray:
    """Return the events of one run, of which a part may come in bursts."""
    if how:
        times = bursts.times(rng, rate, seconds, how)
    else:
        times = np.sort(rng.integers(0, int(seconds * 1e9), rng.poisson(rate * seconds)))
    n = len(times)
    found = np.zeros(n, EVENT)
    found["time"] = times
    found["n_hits"] = LEAST_HITS + rng.poisson(FURTHER_HITS, n)
    found["n_contributing_pmt"] = rng.binomial(found["n_hits"], 0.9)
    found["area"] = rng.gamma(found["n_hits"], PE_PER_HIT)
    spread = rng.gamma(SPREAD_SHAPE, SPREAD_SCALE, n)
    direction = rng.normal(size=(3, n))
    for name, part in zip(COLUMNS, direction / np.linalg.norm(direction, axis=0) * spread, strict=False):
        found[name] = np.abs(part)
    return found


def area_quantile(probability: float) -> float:
    """Return a quantile of the area (PE): a mixture of gamma distributions."""
    n = np.arange(80)

    def excess(area: float) -> float:
        shares = poisson.pmf(n, FURTHER_HITS) * gamma.cdf(area, LEAST_HITS + n, scale=PE_PER_HIT)
        return float(shares.sum()) - probability

    return float(brentq(excess, 0.1, 200))


def by_channel(rng: Generator, n: int, channels: Channels) -> np.ndarray:
    """Return hits of ``n`` channels."""
    mean = channels.hits * rng.uniform(1 - channels.scatter, 1 + channels.scatter, n)
    mean[list(channels.dead)] = 0
    mean[list(channels.loud)] *= channels.factor
    return rng.poisson(mean)

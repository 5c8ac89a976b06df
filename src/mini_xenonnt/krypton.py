"""Kr83m decays: 32.2 keV, then 9.4 keV with a half-life of 156.94 ns, and one S2 of both."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector, signals

SPLIT_DELAY = 250.0
"""S1s closer than this (ns) are seen as one; a peak finder's threshold is softer."""
S1_RESOLUTION = 0.07
S2_RESOLUTION = 0.05


def decays(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate the Kr83m decays of a time window.

    Parameters
    ----------
    truth : Mapping
        Uses kr_rate (Hz), light_yield_32_2, light_yield_9_4, charge_yield (PE/keV) and electron_lifetime (ms).
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`, in no particular order.
    """
    time = signals.times(rng, truth["kr_rate"], start, end)
    x, y, z = signals.positions(rng, len(time))
    drift = signals.drift_time(z)
    light = _light(rng, truth, time, z)
    charge = truth["charge_yield"] * detector.KR_ENERGY * np.exp(-drift / (1e6 * truth["electron_lifetime"]))
    area = signals.smeared(rng, charge, charge * detector.G2 + (S2_RESOLUTION * charge) ** 2)
    return np.concatenate([light, signals.s2(rng, time + drift.astype(np.int64), area, drift, np.array([x, y]))])


def _light(rng: Generator, truth: Mapping[str, float], time: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the S1s: two where the delay is above `SPLIT_DELAY`, else one at their common centre."""
    delay = rng.exponential(detector.KR_HALF_LIFE / np.log(2), len(time))
    first = _s1_area(rng, truth["light_yield_32_2"] * detector.KR_ENERGY_FIRST, len(time))
    second = _s1_area(rng, truth["light_yield_9_4"] * detector.KR_ENERGY_SECOND, len(time))
    two = delay > SPLIT_DELAY
    common = time + (delay * second / (first + second)).astype(np.int64)
    later = time + delay.astype(np.int64)
    return np.concatenate(
        [
            signals.s1(time[two], first[two], z[two]),
            signals.s1(later[two], second[two], z[two]),
            signals.s1(common[~two], (first + second)[~two], z[~two]),
        ]
    )


def _s1_area(rng: Generator, mean: float, n: int) -> np.ndarray:
    """Draw S1 areas: Poisson variance and a constant relative resolution, symmetric about the mean."""
    return signals.smeared(rng, np.full(n, mean), np.full(n, mean + (S1_RESOLUTION * mean) ** 2))

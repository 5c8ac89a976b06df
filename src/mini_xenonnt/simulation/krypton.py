"""Kr83m decays: 32.2 keV, then 9.4 keV with a half-life of 156.94 ns, and one S2 of both."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import departures, signals

SPLIT_DELAY = 250.0
"""S1s closer than this (ns) are seen as one; a peak finder's threshold is softer."""
S1_RESOLUTION = 0.07
S2_RESOLUTION = 0.05


def decays(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate the Kr83m decays of a time window.

    Parameters
    ----------
    truth : Mapping
        Uses kr_rate (Hz), light_yield_32_2, light_yield_9_4, charge_yield (PE/keV), electron_lifetime (ms),
        drift_velocity (mm/us), merged_recombination, response_skewness and what `departures` uses.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`, in no particular order.
    """
    time = signals.times(rng, truth["kr_rate"], start, end)
    x, y, z = signals.positions(rng, len(time))
    drift = signals.drift_time(z, truth["drift_velocity"])
    delay = rng.exponential(detector.KR_HALF_LIFE / np.log(2), len(time))
    electrons = truth["charge_yield"] * detector.KR_ENERGY / detector.G2  # that leave the interaction
    recombined = np.where(delay > SPLIT_DELAY, 0.0, truth["merged_recombination"] * electrons)
    place = departures.extracted(truth, x, y, z)
    seen = departures.light(truth, x, y, z)
    light = _light(rng, truth, time, delay, z, seen, recombined * detector.G1)
    charge = (electrons - recombined) * detector.G2 * np.exp(-drift / (1e6 * truth["electron_lifetime"]))
    charge = charge * departures.charge(truth, place, z)
    variance = charge * detector.G2 + (S2_RESOLUTION * charge) ** 2
    area = signals.smeared(rng, charge, variance, truth["response_skewness"])
    return np.concatenate([light, signals.s2(rng, time + drift.astype(np.int64), area, drift, place)])


def _light(
    rng: Generator,
    truth: Mapping[str, float],
    time: np.ndarray,
    delay: np.ndarray,
    z: np.ndarray,
    seen: np.ndarray,
    more: np.ndarray,
) -> np.ndarray:
    """Return the S1s: two where the delay is above `SPLIT_DELAY`, else one at their common centre, `more` PE larger."""
    skewness = truth["response_skewness"]
    first = _s1_area(rng, truth["light_yield_32_2"] * detector.KR_ENERGY_FIRST * seen, skewness)
    second = _s1_area(rng, (truth["light_yield_9_4"] * detector.KR_ENERGY_SECOND + more) * seen, skewness)
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


def _s1_area(rng: Generator, mean: np.ndarray, skewness: float) -> np.ndarray:
    """Draw S1 areas: Poisson variance and a constant relative resolution."""
    return signals.smeared(rng, mean, mean + (S1_RESOLUTION * mean) ** 2, skewness)

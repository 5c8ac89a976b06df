"""Alphas of the radon chain: Rn-222 and Po-218, with much light and little charge."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import departures, signals

S1_RESOLUTION = 0.02
S2_RESOLUTION = 0.05


def decays(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate the alphas of a time window.

    Parameters
    ----------
    truth : Mapping
        Uses rn222_rate, po218_rate (Hz), alpha_light_yield, alpha_charge_yield (PE/keV), electron_lifetime (ms),
        drift_velocity (mm/us), response_skewness and what `departures` uses.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`, in no particular order: one S1 and one S2 per event.
    """
    lines = (("rn222_rate", detector.RN222_ENERGY), ("po218_rate", detector.PO218_ENERGY))
    times = [signals.times(rng, truth[rate], start, end) for rate, _ in lines]
    time = np.concatenate(times)
    energy = np.repeat([energy for _, energy in lines], [len(part) for part in times])
    x, y, z = signals.positions(rng, len(time))
    drift = signals.drift_time(z, truth["drift_velocity"])
    place = departures.extracted(truth, x, y, z)
    light = truth["alpha_light_yield"] * energy * departures.light(truth, x, y, z)
    charge = truth["alpha_charge_yield"] * energy * np.exp(-drift / (1e6 * truth["electron_lifetime"]))
    charge = charge * departures.charge(truth, place, z)
    s1_area = signals.smeared(rng, light, light + (S1_RESOLUTION * light) ** 2, truth["response_skewness"])
    variance = charge * detector.G2 + (S2_RESOLUTION * charge) ** 2
    s2_area = signals.smeared(rng, charge, variance, truth["response_skewness"])
    later = time + drift.astype(np.int64)
    return np.concatenate(
        [signals.s1(time, s1_area, z), signals.s2(rng, later, s2_area, drift, place)],
    )

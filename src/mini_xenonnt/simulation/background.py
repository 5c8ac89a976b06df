"""Background: single-site electronic recoils, flat in energy; straxen's energy estimate reproduces the energy."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import departures, signals

S2_RESOLUTION = 0.05


def charge_share(energy: np.ndarray) -> np.ndarray:
    """Return the share of quanta that leave as electrons; it falls with energy, as at low drift fields.

    Parameters
    ----------
    energy : numpy.ndarray
        Energies in keV.

    Notes
    -----
    A smooth stand-in for a recombination model: 0.38 at 2 keV, 0.13 (what the default Kr83m charge yield means) above
    40 keV. Recombination does not fluctuate.
    """
    return 0.13 + 0.30 * np.exp(-np.asarray(energy) / 10.0)


def single_sites(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate the background events of a time window.

    Parameters
    ----------
    truth : Mapping
        Uses event_rate (Hz), electron_lifetime (ms), drift_velocity (mm/us), response_skewness, and what
        `departures` uses.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`, in no particular order: one S1 and one S2 per event.
    """
    time = signals.times(rng, truth["event_rate"], start, end)
    energy = rng.uniform(detector.BACKGROUND_ENERGY_MIN, detector.BACKGROUND_ENERGY_MAX, len(time))
    x, y, z = signals.positions(rng, len(time))
    drift = signals.drift_time(z, truth["drift_velocity"])
    place = departures.extracted(truth, x, y, z)
    quanta = energy / detector.WORK_FUNCTION
    share = charge_share(energy)
    light = (1 - share) * quanta * detector.G1 * departures.light(truth, x, y, z)
    charge = share * quanta * detector.G2 * np.exp(-drift / (1e6 * truth["electron_lifetime"]))
    charge = charge * departures.charge(truth, place, z)
    s1_area = signals.smeared(rng, light, light, truth["response_skewness"])
    variance = charge * detector.G2 + (S2_RESOLUTION * charge) ** 2
    s2_area = signals.smeared(rng, charge, variance, truth["response_skewness"])
    later = time + drift.astype(np.int64)
    return np.concatenate(
        [signals.s1(time, s1_area, z), signals.s2(rng, later, s2_area, drift, place)],
    )

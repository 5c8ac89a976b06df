"""Small signals that make no event: delayed electrons after an S2 (photo-ionization), lone electrons, lone S1s."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector, signals

ELECTRON_WIDTH = 300.0
ELECTRON_LENGTH = 1000
ELECTRON_RESOLUTION = 5.5
LONE_S1_MIN, LONE_S1_SCALE, LONE_S1_MAX = 2.0, 2.0, 10.0


def single_electrons(rng: Generator, center: np.ndarray) -> np.ndarray:
    """Return S2 signals of one electron each, anywhere in the plane.

    Parameters
    ----------
    center : numpy.ndarray
        Centre times in ns since the epoch.
    """
    n = len(center)
    x, y, _ = signals.positions(rng, n)
    out = signals.s2(rng, center, np.zeros(n), np.zeros(n), np.array([x, y]))
    gain = np.full(n, detector.SINGLE_ELECTRON_GAIN)
    out["area"] = signals.smeared(rng, gain, np.full(n, ELECTRON_RESOLUTION**2))
    out["width"] = ELECTRON_WIDTH
    out["start"], out["end"] = out["center"] - ELECTRON_LENGTH // 2, out["center"] + ELECTRON_LENGTH // 2
    return out


def delayed(rng: Generator, truth: Mapping[str, float], primaries: np.ndarray) -> np.ndarray:
    """Simulate the electrons freed by the light of S2s: uniform from the end of the S2 to one maximum drift time later.

    Parameters
    ----------
    truth : Mapping
        Uses photo_ionization_yield, the mean number of delayed electrons per S2, whatever its size.
    primaries : numpy.ndarray
        Signals; only the S2s among them count.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`.
    """
    s2 = primaries[primaries["kind"] == 2]
    parent = np.repeat(s2, rng.poisson(truth["photo_ionization_yield"], len(s2)))
    first = parent["end"] + ELECTRON_LENGTH
    last = parent["center"] + int(detector.MAX_DRIFT_TIME)
    return single_electrons(rng, rng.integers(first, last))


def lone(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate signals that belong to nothing.

    Parameters
    ----------
    truth : Mapping
        Uses lone_electron_rate and lone_s1_rate (Hz).
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`.
    """
    electrons = single_electrons(rng, signals.times(rng, truth["lone_electron_rate"], start, end))
    time = signals.times(rng, truth["lone_s1_rate"], start, end)
    area = np.minimum(LONE_S1_MIN + rng.exponential(LONE_S1_SCALE, len(time)), LONE_S1_MAX)
    depth = -rng.uniform(0, detector.HEIGHT, len(time))
    return np.concatenate([electrons, signals.s1(time, area, depth)])

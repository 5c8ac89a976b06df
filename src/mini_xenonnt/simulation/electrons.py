"""Small signals that trigger no event: delayed electrons after an S2 (photo-ionization), lone electrons, S1s, noise."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import departures, signals

ELECTRON_WIDTH = 300.0
ELECTRON_LENGTH = 1000
LONE_S1_MIN, LONE_S1_SCALE, LONE_S1_MAX = 2.0, 2.0, 10.0
NOISE_MIN, NOISE_SCALE, NOISE_MAX = 1.0, 5.0, 60.0
NOISE_LENGTH, NOISE_WIDTH = 400, 120.0
TRAIN_SCALE = 5e6
"""Mean time of an electron of a train after its begin (ns)."""
AFTERPULSE_MIN, AFTERPULSE_SCALE = 1.0, 3.0
AFTERPULSE_DELAYS = (400, 3000)
NOISE_LIKE_S2 = 0.1
"""Share of the noise peaks that are taken for S2s; the others are of unknown type."""


def single_electrons(rng: Generator, truth: Mapping[str, float], center: np.ndarray) -> np.ndarray:
    """Return S2 signals of one electron each, anywhere in the plane.

    Parameters
    ----------
    truth : Mapping
        Uses single_electron_gain (PE), single_electron_spread (relative) and what `departures.charge` uses.
    center : numpy.ndarray
        Centre times in ns since the epoch.
    """
    n = len(center)
    x, y, _ = signals.positions(rng, n)
    out = signals.s2(rng, center, np.zeros(n), np.zeros(n), np.array([x, y]))
    gain = truth["single_electron_gain"] * departures.charge(truth, np.array([x, y]))
    out["area"] = signals.smeared(rng, gain, (truth["single_electron_spread"] * gain) ** 2)
    out["width"] = ELECTRON_WIDTH
    out["start"], out["end"] = out["center"] - ELECTRON_LENGTH // 2, out["center"] + ELECTRON_LENGTH // 2
    return out


def delayed(rng: Generator, truth: Mapping[str, float], primaries: np.ndarray) -> np.ndarray:
    """Simulate the electrons freed by the light of S2s: uniform from the end of the S2 to one maximum drift time later.

    Parameters
    ----------
    truth : Mapping
        Uses photo_ionization_ratio, the mean area of delayed electrons over the area of their S2, and
        single_electron_gain.
    primaries : numpy.ndarray
        Signals; only the S2s among them count.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`.
    """
    s2 = primaries[primaries["kind"] == 2]
    mean = truth["photo_ionization_ratio"] * s2["area"] / truth["single_electron_gain"]
    parent = np.repeat(s2, rng.poisson(mean))
    first = parent["end"] + ELECTRON_LENGTH
    last = parent["center"] + int(detector.MAX_DRIFT_TIME)
    return single_electrons(rng, truth, rng.integers(first, last))


def lone(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> np.ndarray:
    """Simulate signals without a parent.

    Parameters
    ----------
    truth : Mapping
        Uses lone_electron_rate, lone_s1_rate and noise_rate (Hz), and what `single_electrons` uses.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Signals of dtype `signals.SIGNAL`.
    """
    electrons = single_electrons(rng, truth, signals.times(rng, truth["lone_electron_rate"], start, end))
    time = signals.times(rng, truth["lone_s1_rate"], start, end)
    area = np.minimum(LONE_S1_MIN + rng.exponential(LONE_S1_SCALE, len(time)), LONE_S1_MAX)
    depth = -rng.uniform(0, detector.HEIGHT, len(time))
    noise = _noise(rng, signals.times(rng, truth["noise_rate"], start, end))
    return np.concatenate([electrons, signals.s1(time, area, depth), noise, *_trains(rng, truth, start, end)])


def _trains(rng: Generator, truth: Mapping[str, float], start: int, end: int) -> list[np.ndarray]:
    """Return trains of single electrons; without them no number is drawn, so that other runs stay what they were."""
    if not truth.get("train_rate"):
        return []
    begin = signals.times(rng, truth["train_rate"], start, end)
    center = np.repeat(begin, rng.poisson(truth["train_electrons"], len(begin)))
    center = center + rng.exponential(TRAIN_SCALE, len(center)).astype(np.int64)
    return [single_electrons(rng, truth, center[center < end - ELECTRON_LENGTH])]


def afterpulses(rng: Generator, truth: Mapping[str, float], events: np.ndarray) -> np.ndarray:
    """Simulate ions that hit a photocathode some time after the light of an S1: small S1s.

    Parameters
    ----------
    truth : Mapping
        Uses afterpulse_share.
    events : numpy.ndarray
        Signals; only the S1s among them count.
    """
    s1 = events[events["kind"] == 1]
    share = truth.get("afterpulse_share", 0.0)
    parent = s1[rng.random(len(s1)) < share] if share else s1[:0]
    area = AFTERPULSE_MIN + rng.exponential(AFTERPULSE_SCALE, len(parent))
    depth = -rng.uniform(0, detector.HEIGHT, len(parent))
    return signals.s1(parent["center"] + rng.integers(*AFTERPULSE_DELAYS, len(parent)), area, depth)


def _noise(rng: Generator, center: np.ndarray) -> np.ndarray:
    """Return peaks of electronic noise: short, small, anywhere, some of them taken for S2s."""
    n = len(center)
    x, y, _ = signals.positions(rng, n)
    out = signals.s2(rng, center, np.zeros(n), np.zeros(n), np.array([x, y]))
    out["area"] = np.minimum(NOISE_MIN + rng.exponential(NOISE_SCALE, n), NOISE_MAX)
    out["kind"] = np.where(rng.random(n) < NOISE_LIKE_S2, 2, 0)
    out["width"], out["top"] = NOISE_WIDTH, 0.5
    out["start"], out["end"] = out["center"] - NOISE_LENGTH // 2, out["center"] + NOISE_LENGTH // 2
    return out

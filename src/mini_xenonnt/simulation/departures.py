"""Effects that no correction removes: truths by which straxen's maps are wrong by a known amount.

All are zero by default, draw no random number, and leave signals then as they are.
"""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import maps, signals

ACCIDENTAL_MIN, ACCIDENTAL_SCALE = 20.0, 40.0
ACCIDENTAL_DELAYS = (300, 3000)

Truth = Mapping[str, float]


def extracted(truth: Truth, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return where the electrons of interactions reach the surface.

    Parameters
    ----------
    truth : Mapping
        May have field_distortion: how much nearer the axis those from the cathode arrive, relative to their radius;
        those from other depths in proportion.
    x, y, z : numpy.ndarray
        Where the interactions are, in cm, shape (n,).

    Returns
    -------
    numpy.ndarray
        x, y in cm, shape (2, n). `maps.undistorted` is the correction.
    """
    return np.array([x, y]) * (1 + truth.get("field_distortion", 0.0) * z / detector.HEIGHT)


def light(truth: Truth, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the S1 areas of interactions relative to their mean over the volume, as the detector has them.

    Parameters
    ----------
    truth : Mapping
        May have wrong_light_map: amplitude of the cosine over the depth (mean zero) that `maps.light` lacks.
    x, y, z : numpy.ndarray
        In cm, shape (n,).
    """
    lacks = 1 + truth.get("wrong_light_map", 0.0) * np.cos(np.pi * z / detector.HEIGHT)
    return maps.light(np.array([x, y, z]).T) * lacks


def charge(truth: Truth, place: np.ndarray, z: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the S2 areas of electrons relative to their mean over the plane, as the detector has them.

    Parameters
    ----------
    truth : Mapping
        May have wrong_charge_map: the tilt along y that `maps.charge` lacks, from the middle to the wall; and
        charge_yield_change: relative change of the charge yield from gate to cathode, as a bent field makes it.
    place : numpy.ndarray
        x, y in cm where the electrons reach the surface, shape (2, n).
    z : numpy.ndarray
        Where the interactions are, in cm; 0 where there are none.
    """
    lacks = 1 + truth.get("wrong_charge_map", 0.0) * place[1] / detector.RADIUS
    return maps.charge(place.T) * lacks * (1 - truth.get("charge_yield_change", 0.0) * np.asarray(z) / detector.HEIGHT)


def gain(truth: Truth, time: np.ndarray) -> np.ndarray:
    """Return the gains of all PMTs relative to their mean over the run.

    Parameters
    ----------
    truth : Mapping
        Has start_ns and end_ns; may have gain_drift: relative change from start to end.
    time : numpy.ndarray
        In ns since the epoch.
    """
    start, end = truth["start_ns"], truth["end_ns"]
    share = (time - start) / max(end - start, 1)
    return np.asarray(1 + truth.get("gain_drift", 0.0) * (share - 0.5))


def accidentals(rng: Generator, truth: Truth, events: np.ndarray) -> np.ndarray:
    """Simulate S1s that follow others by chance: 20 PE and more, falling by e in 40 PE.

    Parameters
    ----------
    truth : Mapping
        May have accidental_share: share of the S1s behind which there is one, 0.3 to 3 us later.
    events : numpy.ndarray
        Signals; only the S1s among them count.
    """
    share = truth.get("accidental_share", 0.0)
    s1 = events[events["kind"] == 1]
    parent = s1[rng.random(len(s1)) < share] if share else s1[:0]
    area = ACCIDENTAL_MIN + rng.exponential(ACCIDENTAL_SCALE, len(parent))
    depth = -rng.uniform(0, detector.HEIGHT, len(parent))
    return signals.s1(parent["center"] + rng.integers(*ACCIDENTAL_DELAYS, len(parent)), area, depth)

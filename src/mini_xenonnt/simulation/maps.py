"""Position dependence of light and charge: formulas that the simulation and straxen's corrections share."""

from collections.abc import Callable

import numpy as np

from mini_xenonnt import detector


def light(points: np.ndarray) -> np.ndarray:
    """Return the S1 area relative to its mean over the sensitive volume.

    15 % less at the top and more at the bottom, 10 % less at the wall than in the middle.

    Parameters
    ----------
    points : numpy.ndarray
        x, y, z in cm, shape (n, 3); NaN where one is missing.
    """
    x, y, z = np.asarray(points, dtype=float).T
    depth = -z / detector.HEIGHT
    return (0.85 + 0.30 * depth) * (1 - 0.10 * (x**2 + y**2) / detector.RADIUS**2) / 0.95


def charge(points: np.ndarray) -> np.ndarray:
    """Return the S2 area relative to its mean over the plane: 12 % less at the wall, and a tilt of 5 % along x.

    Parameters
    ----------
    points : numpy.ndarray
        x, y in cm, shape (n, 2); NaN where one is missing.
    """
    x, y = np.asarray(points, dtype=float).T
    return (1 - 0.12 * (x**2 + y**2) / detector.RADIUS**2) / 0.94 + 0.05 * x / detector.RADIUS


def undistorted(points: np.ndarray, distortion: float) -> np.ndarray:
    """Return what must be added to the radius where electrons from the cathode arrive nearer the axis.

    Parameters
    ----------
    points : numpy.ndarray
        x, y, z in cm as they were observed, shape (n, 3); NaN where one is missing.
    distortion : float
        Of the electrons from the cathode, relative to their radius: the truth field_distortion.
    """
    x, y, z = np.asarray(points, dtype=float).T
    return np.hypot(x, y) * (1 / (1 + distortion * z / detector.HEIGHT) - 1)


MAPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"light": light, "charge": charge}
"""Maps by their name in an option. The lineage contains the name, so a changed formula needs a new name."""

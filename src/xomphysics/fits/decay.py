"""Half-life from decay times within a window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.minimum import UnbinnedNLL, finish, minimise


@dataclass(frozen=True)
class DecayFit:
    """Half-life and its standard deviation, in the unit of the times, from ``n`` of them."""

    half_life: float
    error: float
    n: int


def fit_half_life(times: ArrayLike, low: float, high: float) -> DecayFit:
    """Fit an exponential to the times between ``low`` and ``high``: maximum likelihood of one cut off there.

    Raises
    ------
    FitFailed
        If there are fewer than two times in the window, or they do not fall off within it.
    """
    sample = np.asarray(times, dtype=float)
    sample = sample[(sample >= low) & (sample < high)] - low
    window, n = high - low, len(sample)
    if n < 2:
        raise FitFailed(f"{n} times between {low:g} and {high:g}")
    mean = float(sample.mean())
    if not 0.02 * window < mean < 0.49 * window:
        raise FitFailed(f"the times between {low:g} and {high:g} do not fall off like a decay (mean {low + mean:g})")

    def log_density(x: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
        return np.asarray(-x / tau - np.log(-tau * np.expm1(-window / tau)))

    likelihood = UnbinnedNLL(sample, log_density, log=True)
    fit = finish(minimise(likelihood, [{"tau": mean}], {"tau": (window / 100, 50 * window)}), ["tau"])
    return DecayFit(float(fit.values["tau"] * np.log(2)), float(fit.errors["tau"] * np.log(2)), n)

"""Half-life from decay times within a window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from xomphysics.fits.errors import FitFailed


@dataclass(frozen=True)
class DecayFit:
    """Half-life and its standard deviation, in the unit of the times, from ``n`` of them."""

    half_life: float
    error: float
    n: int


def fit_half_life(times: ArrayLike, low: float, high: float) -> DecayFit:
    """Fit an exponential to the times between ``low`` and ``high``.

    Maximum likelihood: tau solves mean(t - low) = tau - W / (exp(W / tau) - 1) with W = high - low, and
    var(tau) = tau^4 / (n V), where V is the variance of the truncated exponential.

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

    def excess(tau: float) -> float:
        return tau - window / np.expm1(window / tau) - mean

    tau = float(brentq(excess, window / 100, 50 * window))
    x = window / tau
    variance = tau**2 - window**2 * np.exp(-x) / np.expm1(-x) ** 2
    return DecayFit(tau * float(np.log(2)), float(tau**2 / np.sqrt(n * variance) * np.log(2)), n)

"""Quantiles of a sample with their errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc


@dataclass(frozen=True)
class Quantile:
    """A quantile and its standard deviation, in the unit of the values."""

    value: float
    error: float


def quantile(values: ArrayLike, probability: float) -> Quantile:
    """Estimate a quantile as the mean of what resampling would give, and its error as the deviation of that.

    The order statistics are weighted with the beta distribution of the one of rank (n + 1) p, without resampling
    (Harrell and Davis, Biometrika 69 (1982) 635; the error: Maritz and Jarrett, JASA 73 (1978) 194).

    Parameters
    ----------
    values
        The sample, shape (n,), without NaN, in any order.
    probability
        Between 0 and 1, both outside.

    Raises
    ------
    ValueError
        If the sample is empty.
    """
    sample = np.sort(np.asarray(values, dtype=float))
    n = len(sample)
    if not n:
        raise ValueError("a quantile of no values")
    a, b = (n + 1) * probability, (n + 1) * (1 - probability)
    cumulative = betainc(a, b, np.arange(n + 1) / n)
    weights = np.diff(cumulative)
    centre = float(weights @ sample)
    return Quantile(centre, float(np.sqrt(max(weights @ (sample - centre) ** 2, 0.0))))

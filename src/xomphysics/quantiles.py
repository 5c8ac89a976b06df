"""Quantiles of a sample with their errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

_REACH = 30.0  # standard deviations of the rank


@dataclass(frozen=True)
class Quantile:
    """A quantile and its standard deviation, in the unit of the values."""

    value: float
    error: float


def quantile(values: ArrayLike, probability: float) -> Quantile:
    """Estimate a quantile as the mean over all resamplings, and its error as their standard deviation.

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
    sample = np.sort(np.asarray(values))
    n = len(sample)
    if not n:
        raise ValueError("a quantile of no values")
    a, b = (n + 1) * probability, (n + 1) * (1 - probability)
    # In a large sample only these have a weight; the others would cost ten times the memory of the sample.
    reach = _REACH * (1 + np.sqrt(n * probability * (1 - probability)))
    first, last = max(int(n * probability - reach), 0), min(int(n * probability + reach) + 1, n)
    weights = np.diff(betainc(a, b, np.arange(first, last + 1) / n))
    near = sample[first:last].astype(float)
    centre = float(weights @ near)
    return Quantile(centre, float(np.sqrt(max(weights @ (near - centre) ** 2, 0.0))))

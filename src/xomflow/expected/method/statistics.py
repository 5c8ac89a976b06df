"""The few formulas that standard deviations of short and of counted samples need."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, log, log1p, sqrt

# No result counts for more than this, in standard deviations, in all that is learned or summed.
CLIP = 3.0
CLIP2 = CLIP * CLIP
# Variance of a standard normal distribution that is clipped there.
CLIPPED_VARIANCE = 0.99501
# Variance of its square, in units of that variance squared.
VARIANCE_OF_SQUARE = 1.9206
_LEAST_FREEDOM = 5.0
_LEAST_MEAN = 1e-6


def clipped(value: float, most: float) -> float:
    """Return a value, moved to the nearest of ``-most`` and ``most`` if it lies outside."""
    return -most if value < -most else most if value > most else value


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def t_to_normal(z: float, freedom: float) -> float:
    """Return the normal deviation that is as probable as one of Student's t.

    Parameters
    ----------
    z
        The deviation, in units of a width that was measured.
    freedom
        Degrees of freedom of that width; less than 5 count as 5.

    Notes
    -----
    D. L. Wallace, Annals of Mathematical Statistics 30 (1959) 1124, equation 3.
    """
    freedom = max(freedom, _LEAST_FREEDOM)
    return copysign(sqrt(freedom * log1p(z * z / freedom)) * (8 * freedom + 1) / (8 * freedom + 3), z)


def poisson_to_normal(count: float, mean: float) -> float:
    """Return how far a count is from its mean: the signed root of the deviance, half a count towards the mean.

    Parameters
    ----------
    count, mean
        Numbers of events; the mean may be 0.

    Returns
    -------
    float
        Standard deviations of a normal distribution; never more than the exact probability gives.
    """
    mean = max(mean, _LEAST_MEAN)
    count = max(count - 0.5, mean) if count > mean else min(count + 0.5, mean)
    deviance = 2 * (count * log(max(count, 1e-12) / mean) - (count - mean))
    return copysign(sqrt(max(deviance, 0.0)), count - mean)


def spread_to_normal(ratio: float, n: int, freedom: float) -> float:
    """Return the normal deviation of the ratio of two variances, which has an F distribution.

    Parameters
    ----------
    ratio
        Variance of ``n`` values over the known one.
    n
        Number of values.
    freedom
        Degrees of freedom of the known variance.

    Notes
    -----
    Cube roots: E. Paulson, Annals of Mathematical Statistics 13 (1942) 233.
    """
    root = ratio ** (1 / 3)
    here, there = 2 / (9 * (n - 1)), 2 / (9 * max(freedom, _LEAST_FREEDOM))
    return ((1 - there) * root - (1 - here)) / sqrt(here + there * root * root)


def robust_fit(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of values of which some may be far away; the latter is 0 for equal values.

    Values are clipped 2.5 standard deviations from the mean, ten times; 1.03 corrects the variance for that.
    """
    n = len(values)
    mean, middle = sum(values) / n, median(values)
    width = 1.4826 * median([abs(one - middle) for one in values])
    width = width or sqrt(sum((one - mean) ** 2 for one in values) / n)
    for _ in range(10 if width else 0):
        off = [clipped(one - middle, 2.5 * width) for one in values]
        mean = sum(off) / n
        middle += mean
        width = sqrt(sum((one - mean) ** 2 for one in off) / (n - 1) * 1.03 / CLIPPED_VARIANCE)
    return middle, width

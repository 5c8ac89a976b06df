"""Goodness of fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc


@dataclass(frozen=True)
class Goodness:
    """Pearson's chi-square of a fit.

    Attributes
    ----------
    chi2
        Sum of (observed - expected)^2 / expected.
    ndf
        Degrees of freedom, at least 1.
    p_value
        Probability of a chi-square at least this large if the model is true.
    """

    chi2: float
    ndf: int
    p_value: float


def pearson(observed: ArrayLike, expected: ArrayLike, parameters: int) -> Goodness:
    """Compare counts with what a fit expects.

    Parameters
    ----------
    observed, expected
        Counts per bin, shape (bins,); every expected count is positive.
    parameters
        Number of parameters that were fitted, the normalisation included.

    Raises
    ------
    ValueError
        If there are not more bins than parameters.
    """
    counts, means = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    ndf = len(counts) - parameters
    if ndf < 1:
        raise ValueError(f"{len(counts)} bins are too few to test a fit with {parameters} parameters")
    chi2 = float(((counts - means) ** 2 / means).sum())
    return Goodness(chi2, ndf, float(chdtrc(ndf, chi2)))


def pearson_of_points(values: ArrayLike, expected: ArrayLike, errors: ArrayLike, parameters: int) -> Goodness:
    """Compare measured points with what a fit expects, by chi-square = sum ((value - expected) / error)^2.

    Parameters
    ----------
    values, expected, errors
        Points, the fit there, and the points' standard deviations, shape (points,).
    parameters
        Number of parameters that were fitted to the points.

    Raises
    ------
    ValueError
        If there are not more points than parameters.
    """
    pulls = (np.asarray(values, dtype=float) - np.asarray(expected, dtype=float)) / np.asarray(errors, dtype=float)
    ndf = len(pulls) - parameters
    if ndf < 1:
        raise ValueError(f"{len(pulls)} points are too few to test a fit with {parameters} parameters")
    chi2 = float((pulls**2).sum())
    return Goodness(chi2, ndf, float(chdtrc(ndf, chi2)))


def steadiness(values: ArrayLike, parts: int = 10) -> Goodness | None:
    """Test whether the mean of values is constant in time.

    Parameters
    ----------
    values
        In the order of time, shape (events,).
    parts
        Maximum number of parts of equal size that are compared; each has at least 20 events.

    Returns
    -------
    Goodness or None
        None if there are fewer than two parts, or no spread.
    """
    sample = np.asarray(values, dtype=float)
    number = min(parts, len(sample) // 20)
    if number < 2:
        return None
    groups = np.array_split(sample, number)
    means = np.array([group.mean() for group in groups])
    # One spread for all parts: at 20 events the spread of one part fluctuates too much.
    spread = float(np.sqrt(np.mean([group.var(ddof=1) for group in groups])))
    if not spread > 0:
        return None
    errors = spread / np.sqrt([len(group) for group in groups])
    return pearson_of_points(means, np.full(number, np.average(means, weights=errors**-2)), errors, 1)


def uniform_goodness(quantiles: ArrayLike, parameters: int) -> Goodness:
    """Test that the model's cumulative distribution at the data is uniform.

    The bins hold equal probability under the model, about 8 events each and at most 50 bins, so that no bin is empty
    by construction. The parameters come from an unbinned fit, so the true distribution of chi2 lies between those of
    ndf and of ndf + parameters degrees of freedom (Chernoff and Lehmann 1954): the p-value is a little too small.

    Parameters
    ----------
    quantiles
        Model's cumulative distribution at each event, between 0 and 1, shape (events,).
    parameters
        Number of fitted shape parameters.
    """
    values = np.asarray(quantiles, dtype=float)
    bins = int(np.clip(len(values) // 8, parameters + 3, 50))
    observed, _ = np.histogram(values, bins=bins, range=(0.0, 1.0))
    return pearson(observed, np.full(bins, len(values) / bins), parameters + 1)

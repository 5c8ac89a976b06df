"""Goodness of fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

CHANCE = 1e-3
"""Probability of a chi-square that counts as chance: only what is beyond is an effect."""


@dataclass(frozen=True)
class Goodness:
    """Pearson's chi-square of a fit.

    The p-value is about how sure a deviation is, not how large: at high statistics it is small for deviations that do
    not matter. `misfit` and `variation` are the sizes, as lower limits: zero where chance explains everything.

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

    @property
    def excess(self) -> float:
        """Chi-square beyond what chance gives with a probability of `CHANCE`."""
        return max(self.chi2 - float(chdtri(self.ndf, CHANCE)), 0.0)

    def misfit(self, n: int) -> float:
        """Return the relative deviation of the data's distribution from the fit, for a test of ``n`` events in bins.

        Root mean square over the fit (J. Cohen's w, Statistical Power Analysis, 1988): about skewness / 2.4 if the
        fit is a Gaussian.
        """
        return float(np.sqrt(self.excess / n))

    def variation(self, error: float) -> float:
        """Return the root mean square deviation of points from the fit; ``error`` is that of one point."""
        return float(np.sqrt(self.excess / self.ndf)) * error


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


@dataclass(frozen=True)
class Steadiness:
    """Test for a constant mean.

    Attributes
    ----------
    goodness
        Of the constant.
    drift
        Root mean square change of the mean over the mean, beyond chance.
    """

    goodness: Goodness
    drift: float


def steadiness(values: ArrayLike, parts: int = 10) -> Steadiness | None:
    """Test whether the mean of values is constant in time.

    Parameters
    ----------
    values
        In the order of time, shape (events,).
    parts
        Maximum number of parts of equal size that are compared; each has at least 20 events.

    Returns
    -------
    Steadiness or None
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
    centre = float(np.average(means, weights=errors**-2))
    found = pearson_of_points(means, np.full(number, centre), errors, 1)
    return Steadiness(found, found.variation(float(errors.mean())) / abs(centre))


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

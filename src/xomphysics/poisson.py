"""Counts and rates with Poisson errors."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, lambertw

from xomphysics.fits.goodness import Steadiness, pearson

ONE_SIGMA = 0.682689492  # probability content of one standard deviation of a Gaussian


def poisson_error(n: int) -> float:
    """Return sqrt(n + 1), the standard deviation of the Poisson mean after ``n`` events.

    Variance of the mean's posterior under a uniform prior. It is sqrt(n) for large n and 1 at n = 0. Its pull is
    less biased than that of sqrt(n), which is too small for downward fluctuations.
    """
    return float(np.sqrt(n + 1.0))


def poisson_interval(n: int, level: float = ONE_SIGMA) -> tuple[float, float]:
    """Return the central confidence interval of a Poisson mean (Garwood 1936; covers at least ``level``)."""
    tail = (1 - level) / 2
    low = float(gammaincinv(n, tail)) if n > 0 else 0.0
    return low, float(gammaincinv(n + 1, 1 - tail))


def poisson_upper_limit(n: int, level: float = 0.9) -> float:
    """Return the one-sided upper limit of a Poisson mean; 2.30 at n = 0 and 90 %."""
    return float(gammaincinv(n + 1, level))


def dispersion(counts: ArrayLike, times: ArrayLike | None = None) -> float:
    """Return the variance of counts in time bins over their mean: 1 for a Poisson process, more for clusters.

    From the differences of the rates of neighbours, each over the variance that Poisson counts in their live times
    would give it, to which a slow drift of the rate adds little. In bins of equal live time it is
    sum (c[i+1] - c[i])^2 / (2 (bins - 1)) / mean (J. von Neumann, Ann. Math. Stat. 12 (1941) 367). The bins have to be
    longer than a cluster. It is 1 with fewer than ten bins or without counts.

    Parameters
    ----------
    counts
        Events per bin, shape (bins,).
    times
        Live time of each bin, in any unit; bins without live time are left out. None: all bins have the same.
    """
    observed = np.asarray(counts, dtype=float)
    live = np.ones(len(observed)) if times is None else np.asarray(times, dtype=float)
    observed, live = observed[live > 0], live[live > 0]
    if len(observed) < 10 or not observed.any():
        return 1.0
    rate = observed.sum() / live.sum()
    weight = live[1:] * live[:-1] / (live[1:] + live[:-1])
    return float(np.mean(weight * np.diff(observed / live) ** 2) / rate)


def without_merging(rate: float, window: float) -> float:
    """Return the rate of a Poisson process whose events are one if the next comes within ``window``.

    Of r events a second exp(-r window) are followed by none, so r exp(-r window) groups are seen; r is Lambert's W.

    Parameters
    ----------
    rate, window
        Rate of the groups and the window, in one unit of time.

    Raises
    ------
    ValueError
        If there are more groups than any such process has, 1 / (e window).
    """
    if rate * window * np.e > 1:
        raise ValueError(f"{rate:g} groups a second are more than events that merge within {window:g} s can make")
    return float(-lambertw(-rate * window).real / window) if window > 0 else rate


def constant_rate(counts: ArrayLike, times: ArrayLike | None = None) -> Steadiness | None:
    """Test counts in time bins for a constant rate.

    Parameters
    ----------
    counts
        Events per bin, shape (bins,).
    times
        Live time of each bin, shape (bins,), in any unit; bins without live time are left
        out. None: all bins have the same.

    Returns
    -------
    Steadiness or None
        None if there are fewer than two bins, or fewer than 5 events per bin on average.
    """
    observed = np.asarray(counts, dtype=float)
    live = np.ones(len(observed)) if times is None else np.asarray(times, dtype=float)
    observed, live = observed[live > 0], live[live > 0]
    if len(observed) < 2 or observed.mean() < 5:
        return None
    found = pearson(observed, observed.sum() * live / live.sum(), 1)
    return Steadiness(found, found.variation(float(observed.mean() ** -0.5)))

"""Counts and rates with Poisson errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv

from xomphysics.fits.goodness import Steadiness, pearson

Floats = NDArray[np.float64]
ONE_SIGMA = 0.682689492  # probability content of one standard deviation of a Gaussian
_EXACT = 1e-9  # relative; the last step of Newton's method


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


@dataclass(frozen=True)
class Unmerged:
    """A Poisson process whose events are seen in groups.

    Attributes
    ----------
    rate
        Of all events.
    weights
        Events a second that each group stands for, shape (groups,); their sum is the rate.
    lag
        Time in which a neighbour could have been seen and would have merged, shape (groups,).
    merged
        Share of the events that is missing.
    """

    rate: float
    weights: Floats
    lag: Floats
    merged: float

    def error(self, some: NDArray[np.bool_], least: float) -> float:
        """Return the error of the rate of some of the groups, shape (groups,).

        The correction for merging follows the rate of all, and so do errors. ``least`` is the weight of the one group
        more than seen of `poisson_error`.
        """
        squares = self.weights**2
        seen = float(squares[some].sum()) + least**2
        shares = self.weights * self.lag
        follows = float(shares[some].sum()) / (1 - float(shares.sum()))
        return float(np.sqrt((1 + follows) ** 2 * seen + follows**2 * float(squares[~some].sum())))


def without_merging(weights: ArrayLike, window: float, hidden: ArrayLike = 0.0) -> Unmerged:
    """Return the rate of a Poisson process whose events are one group if the next comes within ``window``.

    Of events with the rate r, exp(-r window) are followed by none. Where a neighbour would have been hidden for a time
    h, a group is seen more often by exp(r h). So each group stands for exp(r (window - h)) events, and r is the lower
    root of sum(weights exp(r (window - h))) = r, by Newton's method from below.

    Parameters
    ----------
    weights
        Of each group, shape (groups,): the sum is the rate of groups.
    window
        In the unit of time of the rate.
    hidden
        For each group, the time in which a neighbour that would have merged could not be seen, at most ``window``.

    Raises
    ------
    ValueError
        If there are more groups than any such process has: 1 / (e window) without hidden times.
    """
    of_each = np.asarray(weights, dtype=float)
    lag = window - np.broadcast_to(np.asarray(hidden, dtype=float), of_each.shape)
    rate, step = 0.0, np.inf
    while step > _EXACT * rate:
        with np.errstate(over="ignore"):
            every = of_each * np.exp(rate * lag)
        slope = 1 - float(every @ lag)
        if not slope > 0:
            seen = float(of_each.sum())
            raise ValueError(f"{seen:g} groups a second are more than events that merge within {window:g} s can make")
        step = (float(every.sum()) - rate) / slope
        rate += step
    return Unmerged(rate, every, lag, 1 - float(of_each.sum()) / rate if rate > 0 else 0.0)


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

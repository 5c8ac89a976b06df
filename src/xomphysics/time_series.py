"""Mean, spread and slope of a series of readings, with errors that hold for correlated readings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, gammaln

from xomphysics.fits.goodness import pearson_of_points

Floats = NDArray[np.float64]
_LEAST = 5  # readings; for fewer the correlation cannot be corrected for its bias
_STRONGEST = 0.9999
_PARTS = 10
_ROUNDING = 1e-9  # of the range of the readings: what floating point makes of equal ones
_CHANCE = 0.05  # of a scatter of the parts beyond which there is more than an autoregression


class Constant(Exception):
    """All readings are equal, so their spread gives no error."""


@dataclass(frozen=True)
class Line:
    """A straight line through readings, and how they scatter around it.

    Attributes
    ----------
    middle, middle_error
        Height of the line in the middle of the interval: the mean over it.
    slope, slope_error
        Per second.
    spread, spread_error
        Standard deviation of the readings around the line.
    correlation
        Of neighbouring readings around the line, 0 to 1.
    independent
        Number of independent readings with the same information on the mean.
    slow_scatter
        How many times more than in such an autoregression the means of ten parts of the readings scatter, beyond
        chance: 1 where that explains it, more where a slow change lies under noise. The errors of height and slope are
        larger by it.
    """

    middle: float
    middle_error: float
    slope: float
    slope_error: float
    spread: float
    spread_error: float
    correlation: float
    independent: float
    slow_scatter: float


def fit_line(times: ArrayLike, values: ArrayLike, start: float, end: float) -> Line:
    """Fit a straight line; a gap does not bias its height in the middle, unlike the mean of the readings.

    Correlated readings carry less information. The correlation r of neighbouring residuals is corrected for its
    bias (F. H. C. Marriott and J. A. Pope, Biometrika 41 (1954) 390) and not below zero. Then, as for a
    first-order autoregression, the variances of height and slope are larger by g = (1 + r) / (1 - r), n - 2 g degrees
    of freedom are left, and the spread is as uncertain as that of n (1 - r^2) / (1 + r^2) independent
    readings (M. S. Bartlett, JRSS 98 (1935) 536). The spread is corrected for its bias in small normal samples.

    Parameters
    ----------
    times, values
        Readings, shape (n,), by rising time.
    start, end
        The interval, in the unit of the times.

    Raises
    ------
    Constant
        If all values are equal.
    ValueError
        If there are fewer than five readings, all at one time, or all on a straight line.
    """
    t, v = np.asarray(times, dtype=float) - (start + end) / 2, np.asarray(values, dtype=float)
    if len(v) < _LEAST or not np.ptp(t) > 0:
        raise ValueError(f"{len(v)} readings within {np.ptp(t) if len(t) else 0:g} s are too few for a line")
    if not np.ptp(v) > 0:
        raise Constant
    centre, lever = t.mean(), float(((t - t.mean()) ** 2).sum())
    slope = float(((t - centre) * (v - v.mean())).sum() / lever)
    rest = v - v.mean() - slope * (t - centre)
    if not np.abs(rest).max() > _ROUNDING * np.ptp(v):
        raise ValueError(f"all {len(v)} readings lie on a straight line, so there is no scatter to take an error from")
    n, r = len(v), _correlation(rest)
    grown = (1 + r) / (1 - r)
    scatter = float(np.sqrt((rest**2).sum() / max(n - 2 * grown, 2)))
    slow = _slow_scatter(rest, r, scatter)
    spread = scatter * _unbiased(_known(n, max(r - float(np.sqrt((1 - r**2) / n)), 0)))  # r less its own error
    return Line(
        middle=float(v.mean() - slope * centre),
        middle_error=slow * scatter * float(np.sqrt(grown * (1 / n + centre**2 / lever))),
        slope=slope,
        slope_error=slow * scatter * float(np.sqrt(grown / lever)),
        spread=spread,
        spread_error=spread / float(np.sqrt(2 * _known(n, r))),
        correlation=r,
        independent=n / grown,
        slow_scatter=slow,
    )


def _known(n: int, r: float) -> float:
    """Return the number of independent readings with the same information on the spread, less two for the line."""
    return max(n * (1 - r**2) / (1 + r**2) - 2, 1)


def _slow_scatter(rest: Floats, r: float, scatter: float) -> float:
    parts = min(_PARTS, len(rest) // _LEAST)
    if parts < 4:
        return 1.0
    groups = np.array_split(rest, parts)
    lengths = np.array([len(group) for group in groups])
    # The variance of the mean of a part of a first-order autoregression, over that of the readings.
    shares = ((1 + r) / (1 - r) - 2 * r * (1 - r**lengths) / (lengths * (1 - r) ** 2)) / lengths
    means = np.array([group.mean() for group in groups])
    found = pearson_of_points(means, np.zeros(parts), scatter * np.sqrt(shares), 2)
    return float(np.sqrt(max(found.chi2 / chdtri(found.ndf, _CHANCE), 1.0)))


def _correlation(rest: Floats) -> float:
    squares, n = float((rest**2).sum()), len(rest)
    seen = float((rest[1:] * rest[:-1]).sum()) / squares if squares > 0 else 0.0
    return float(np.clip((seen + 2 / n) / (1 - 4 / n), 0.0, _STRONGEST))


def _unbiased(free: float) -> float:
    """Return the factor that removes the bias of the standard deviation of a normal sample (1 / c4)."""
    return float(np.sqrt(free / 2) * np.exp(gammaln(free / 2) - gammaln((free + 1) / 2)))


def step(values: ArrayLike) -> float:
    """Return the smallest distance of different readings: the step of a sensor that rounds; 0 if all are equal."""
    distances = np.diff(np.unique(np.asarray(values, dtype=float)))
    apart = distances[distances > _ROUNDING * distances.sum()]
    return float(apart.min()) if len(apart) else 0.0


@dataclass(frozen=True)
class Coverage:
    """How readings cover an interval.

    Attributes
    ----------
    covered
        Share of the interval that is not in a gap.
    longest_gap
        Longest time without a reading, edges of the interval included, in the unit of the times.
    """

    covered: float
    longest_gap: float


def coverage(times: ArrayLike, start: float, end: float, gap: float = 5.0) -> Coverage:
    """Return the gaps: times without a reading that are longer than ``gap`` times the median distance of readings."""
    t = np.asarray(times, dtype=float)
    if not len(t) or not end > start:
        return Coverage(0.0, max(end - start, 0.0))
    distances = np.diff(np.concatenate([[start], t, [end]]))
    usual = float(np.median(np.diff(t))) if len(t) > 1 else end - start
    missing = distances[distances > gap * usual].sum()
    return Coverage(float(1 - missing / (end - start)), float(distances.max()))

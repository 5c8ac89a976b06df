"""Loss of signal with drift time: unbinned maximum likelihood, and medians in bins as cross-check."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, stdtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, pearson_of_points, uniform_goodness

Floats = NDArray[np.float64]

_SMALLEST_FIT = 20  # events; five parameters are fitted
_GAUSSIAN = 0.005  # 1 / degrees of freedom; here Student's t is a Gaussian
_HEAVIEST = 0.5
_FAR = 6.0  # widths; limits farther away change nothing
_TINY = 1e-300
_TAILS = 4  # place of 1 / degrees of freedom among the parameters
_BIN_SIZE, _MOST_BINS = 20, 20


@dataclass(frozen=True)
class Attenuation:
    """Result of `fit_attenuation`; times are in the unit of the drift times, areas in that of the areas.

    Attributes
    ----------
    start, start_error
        Area at drift time zero.
    rate, rate_error
        1 / tau, may be negative within errors.
    width
        Relative scale of the residuals at the mean drift time (the standard deviation where ``tails`` is small).
    tails
        1 / degrees of freedom of Student's t: 0.005 is a Gaussian.
    n
        Number of events.
    goodness
        Pearson's chi-square of the residuals in bins of equal probability.
    nearest_cut
        Smallest distance of a limit from the fit at any event's drift time, in widths; infinite without limits.
    """

    start: float
    start_error: float
    rate: float
    rate_error: float
    width: float
    tails: float
    n: int
    goodness: Goodness
    nearest_cut: float

    def area(self, time: ArrayLike) -> Floats:
        """Return the fitted area at a drift time."""
        return np.asarray(self.start * np.exp(-self.rate * np.asarray(time, dtype=float)))


@dataclass(frozen=True)
class Medians:
    """Result of `fit_medians`: bins (``centres``, ``medians``, ``errors``) and the exponential through them.

    ``misfit`` is the root mean square deviation of the medians from the exponential, relative and beyond chance.
    """

    start: float
    start_error: float
    rate: float
    rate_error: float
    goodness: Goodness
    misfit: float
    centres: Floats
    medians: Floats
    errors: Floats


def fit_attenuation(
    times: ArrayLike,
    areas: ArrayLike,
    max_relative_width: float = 0.3,
    limits: tuple[Floats, Floats] | None = None,
) -> Attenuation:
    """Fit S(t) = S(0) exp(-t / tau) to single areas.

    Unbinned maximum likelihood. The relative residual S / S(t) - 1 follows Student's t, whose width, the width's change
    with drift time (fewer electrons scatter more) and degrees of freedom are fitted too: events
    beside the line have little pull. The residual is not that of ln S, whose centre lies below ln of the mean by half
    the squared width. Errors are from the Hessian of the likelihood, taken numerically (an optimiser's own inverse
    Hessian can be wrong by a factor), times sqrt(n / (n - parameters)) for the width's bias at few events.

    Parameters
    ----------
    times, areas
        Drift time and area of each event, shape (events,).
    max_relative_width
        The fit fails if the residuals are wider than this.
    limits
        Lowest and highest area with which each event would have been selected, shape (events,) each. If one lies within
        6 widths of the fit, each event's likelihood is divided by the probability of the areas between its limits.

    Raises
    ------
    FitFailed
        If there are too few events, no spread of times or areas, an area that is not positive, no convergence, no
        curvature at the best point, or no line.
    """
    t, s = np.asarray(times, dtype=float), np.asarray(areas, dtype=float)
    _check(t, s)
    middle, scale = float(t.mean()), float(t.std())
    likelihood = _Likelihood((t - middle) / scale, s)
    best = _maximise(likelihood)
    nearest = np.inf
    if limits is not None:
        cut = _Likelihood((t - middle) / scale, s, limits)
        if cut.nearest(best) < _FAR:
            likelihood, best = cut, _maximise(cut)
        nearest = cut.nearest(best)
    covariance = _covariance(likelihood, best)
    shift = -middle / scale
    width, tails = float(np.exp(best[2])), float(best[_TAILS])
    if width > max_relative_width:
        raise FitFailed(f"no line: the areas scatter by {width:.0%} about the fit, at most {max_relative_width:.0%} do")
    start = float(np.exp(best[0] - best[1] * shift))
    gradient = np.array([1.0, -shift])
    start_error = start * float(np.sqrt(gradient @ covariance[:2, :2] @ gradient))
    goodness = uniform_goodness(likelihood.quantiles(best), 3 if tails > _GAUSSIAN else 2)
    rate, rate_error = float(best[1]) / scale, float(np.sqrt(covariance[1, 1])) / scale
    return Attenuation(start, start_error, rate, rate_error, width, tails, len(s), goodness, nearest)


def fit_medians(times: ArrayLike, areas: ArrayLike) -> Medians:
    """Fit an exponential through the medians in bins of equal number of events; a cross-check of `fit_attenuation`.

    The error of a median is 1.2533 s / sqrt(n), with s = 1.4826 median absolute deviations (Gaussian values) of all
    events about their bin's median. The chi-square tests whether the loss is exponential.

    Raises
    ------
    FitFailed
        If there are too few events, or no spread of times or areas.
    """
    t, s = np.asarray(times, dtype=float), np.asarray(areas, dtype=float)
    _check(t, s)
    bins = int(np.clip(len(t) // _BIN_SIZE, 4, _MOST_BINS))
    parts = np.array_split(np.argsort(t, kind="stable"), bins)
    centres = np.array([t[part].mean() for part in parts])
    medians = np.array([np.median(s[part]) for part in parts])
    # One spread for all bins: a bin's own would fluctuate with its median's pull at few events.
    ratios = np.concatenate([s[part] / median for part, median in zip(parts, medians, strict=True)])
    spread = 1.4826 * float(np.median(np.abs(ratios - 1)))
    errors = 1.2533 * spread * medians / np.sqrt([len(part) for part in parts])
    if not (np.all(errors > 0) and np.ptp(centres) > 0):
        raise FitFailed("at least half of the areas are equal at every drift time")
    coefficients, covariance = np.polyfit(centres, np.log(medians), 1, w=medians / errors, cov="unscaled")
    expected = np.exp(np.polyval(coefficients, centres))
    start = float(np.exp(coefficients[1]))
    goodness = pearson_of_points(medians, expected, errors, 2)
    misfit = goodness.variation(float(np.mean(errors / expected)))
    start_error, rate_error = start * float(np.sqrt(covariance[1, 1])), float(np.sqrt(covariance[0, 0]))
    return Medians(start, start_error, -float(coefficients[0]), rate_error, goodness, misfit, centres, medians, errors)


def _check(times: Floats, areas: Floats) -> None:
    if len(areas) < _SMALLEST_FIT:
        raise FitFailed(f"{len(areas)} events, at least {_SMALLEST_FIT} are needed")
    if not (np.all(np.isfinite(areas)) and np.all(np.isfinite(times)) and areas.min() > 0):
        raise FitFailed("an area is not a positive number, or a drift time not a number")
    if not times.std() > 1e-6 * abs(times).max():
        raise FitFailed(f"all {len(times)} drift times are equal ({times[0]:g})")
    middle = np.median(areas)
    if not np.median(np.abs(areas - middle)) > 0:
        raise FitFailed(f"at least half of the {len(areas)} areas are equal ({middle:g})")


class _Likelihood:
    """Mean negative log-likelihood and its gradient.

    Parameters are ln of the area at the mean time, the rate, ln of the width there, its slope, 1 / degrees of freedom.
    """

    def __init__(self, times: Floats, areas: Floats, limits: tuple[Floats, Floats] | None = None) -> None:
        self.times, self.areas, self.limits = times, areas, limits
        middle = float(np.median(np.log(areas)))
        spread = 1.4826 * float(np.median(np.abs(areas / np.exp(middle) - 1)))
        self.start = np.array([middle, 0.0, np.log(min(max(spread, 1e-6), 1.0)), 0.0, 0.05])

    def residuals(self, parameters: Floats) -> Floats:
        """Return (S / S(t) - 1) / width(t) of each event."""
        return self._residuals(self.areas, parameters)

    def _residuals(self, areas: Floats, parameters: Floats) -> Floats:
        expected = np.exp(parameters[0] - parameters[1] * self.times)
        return np.asarray((areas / expected - 1) / np.exp(parameters[2] + parameters[3] * self.times))

    def nearest(self, parameters: Floats) -> float:
        """Return the smallest distance of a limit from the fit at any event, in widths; negative if it is beyond."""
        assert self.limits is not None
        low, high = (self._residuals(limit, parameters) for limit in self.limits)
        return float(min(-low.max(), high.min()))

    def quantiles(self, parameters: Floats) -> Floats:
        """Return the cumulative distribution at each event, between its limits."""
        freedom, x = 1 / parameters[_TAILS], self.residuals(parameters)
        if self.limits is None:
            return np.asarray(stdtr(freedom, x))
        low, high = (self._residuals(limit, parameters) for limit in self.limits)
        return _probability(freedom, low, x) / _probability(freedom, low, high)

    def _between(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return ln of each event's probability between its limits, and what it adds to the gradient's three rows."""
        assert self.limits is not None
        freedom, width = 1 / parameters[_TAILS], np.exp(parameters[2] + parameters[3] * self.times)
        low, high = (self._residuals(limit, parameters) for limit in self.limits)

        norm = np.exp(_log_norm(freedom))
        at_low, at_high = (norm * (1 + x**2 / freedom) ** (-(freedom + 1) / 2) for x in (low, high))
        share, step = _probability(freedom, low, high), 1e-4 * freedom
        by_exponent = (at_low * (low + 1 / width) - at_high * (high + 1 / width)) / share
        by_width = (at_low * low - at_high * high) / share
        more, less = (_probability(nu, low, high) for nu in (freedom + step, freedom - step))
        by_freedom = np.log(more / less) / (2 * step)
        return np.log(share), by_exponent, by_width, by_freedom

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        middle, rate, log_width, slope, tails = parameters
        freedom = 1 / tails
        exponent, log_scale = middle - rate * self.times, log_width + slope * self.times
        ratio, width = self.areas * np.exp(-exponent), np.exp(log_scale)
        r = (ratio - 1) / width
        bend = np.log1p(r**2 * tails)
        norm = _log_norm(freedom)
        value = exponent + log_scale - norm + (freedom + 1) / 2 * bend
        pull = (freedom + 1) * r / (freedom + r**2)
        by_exponent, by_width = 1 - pull * ratio / width, 1 - pull * r
        by_norm = 0.5 * (digamma((freedom + 1) / 2) - digamma(freedom / 2) - tails)
        by_freedom = 0.5 * bend - 0.5 * (freedom + 1) * r**2 / (freedom**2 + freedom * r**2) - by_norm
        if self.limits is not None:
            share, *more = self._between(parameters)
            value = value + share
            by_exponent, by_width, by_freedom = by_exponent + more[0], by_width + more[1], by_freedom + more[2]
        rows = (by_exponent, -by_exponent * self.times, by_width, by_width * self.times, -by_freedom * freedom**2)
        return float(value.mean()), np.array([row.mean() for row in rows])


def _probability(freedom: float, low: Floats, high: Floats) -> Floats:
    """Return the probability of Student's t from ``low`` to ``high``."""
    side = np.where(low > 0, -1.0, 1.0)  # above the fit, from the upper tails: the difference of two ones is lost
    return np.asarray(np.maximum(side * (stdtr(freedom, side * high) - stdtr(freedom, side * low)), _TINY))


def _log_norm(freedom: float) -> float:
    return float(gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi))


def _maximise(likelihood: _Likelihood) -> Floats:
    start = likelihood.start
    low, high = start + np.array([-1.0, -1.5, -3.0, -1.0, 0.0]), start + np.array([1.0, 1.5, 2.0, 1.0, 0.0])
    low[_TAILS], high[_TAILS] = _GAUSSIAN, _HEAVIEST
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500}
    bounds = list(zip(low, high, strict=True))
    found = minimize(likelihood, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    best = np.asarray(found.x, dtype=float)
    if any(np.isclose(best[i], bounds[i]).any() for i in range(_TAILS)):
        raise FitFailed("no convergence (the area, the rate or the width ran off)")
    # The search may stop on a failed line search at the optimum itself, so its slope decides, not its flag.
    slopes = likelihood(best)[1][: _free(best)] * np.exp(best[2])
    if not np.all(np.abs(slopes) < 1e-4):
        raise FitFailed(f"no convergence ({found.message})")
    return best


def _free(best: Floats) -> int:
    """Return how many parameters are free at the best point: the degrees of freedom are not where they hit a bound."""
    return 5 if _GAUSSIAN * 1.01 < best[_TAILS] < _HEAVIEST * 0.99 else 4


def _covariance(likelihood: _Likelihood, best: Floats) -> Floats:
    """Inverse of the Hessian, by central differences of the gradient."""
    width, n, free = np.exp(best[2]), len(likelihood.areas), _free(best)
    steps = np.array([1e-3 * width, 1e-3 * width, 1e-4, 1e-4, 1e-3 * best[_TAILS]])
    hessian = np.empty((free, free))
    for i in range(free):
        step = np.zeros(len(best))
        step[i] = steps[i]
        hessian[i] = (likelihood(best + step)[1] - likelihood(best - step)[1])[:free] / (2 * steps[i])
    hessian = (hessian + hessian.T) / 2 * n
    if not (np.all(np.isfinite(hessian)) and np.all(np.linalg.eigvalsh(hessian) > 0)):
        raise FitFailed("the likelihood has no curvature at its maximum")
    return np.asarray(np.linalg.inv(hessian) * n / (n - free))

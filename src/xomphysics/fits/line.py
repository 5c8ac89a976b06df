"""Position of a spectral line: a Gaussian on a flat background, and the plain mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, uniform_goodness

Floats = NDArray[np.float64]

_SMALLEST_FIT = 10  # events; fewer do not determine width and background
_NEAREST_EDGE = 2.0  # sigma; with less of the line in the range, the likelihood is too far from a parabola
_TINY = 1e-300
_NO_BACKGROUND = 1e-6
_PIECE = 65536  # values of a large sample that are processed at a time


@dataclass(frozen=True)
class LineFit:
    """Result of `fit_line`; lengths are in the unit of the values.

    Attributes
    ----------
    mean, mean_error
        Centre of the Gaussian and its standard deviation from the likelihood's curvature.
    sigma
        Width of the Gaussian.
    background
        Fraction of the events that the flat component takes, 0 to 1.
    n
        Number of events in the range.
    low, high
        The range.
    goodness
        Pearson's chi-square in bins of equal probability.
    """

    mean: float
    mean_error: float
    sigma: float
    background: float
    n: int
    low: float
    high: float
    goodness: Goodness

    def density(self, x: ArrayLike) -> Floats:
        """Return the fitted probability density at ``x`` (inside the range)."""
        points = (np.asarray(x, dtype=float) - self.mean) / self.sigma
        inside = ndtr((self.high - self.mean) / self.sigma) - ndtr((self.low - self.mean) / self.sigma)
        line = _normal(points) / self.sigma / inside
        return np.asarray((1 - self.background) * line + self.background / (self.high - self.low))

    @property
    def mean_shift(self) -> float:
        """By how much the mean of the fitted density in the range differs from the centre of its Gaussian.

        Flat background pulls it to the middle of the range, a cut-off tail away from the cut.
        """
        a, b = (self.low - self.mean) / self.sigma, (self.high - self.mean) / self.sigma
        cut_off = float((_normal(a) - _normal(b)) / (ndtr(b) - ndtr(a))) * self.sigma
        return (1 - self.background) * cut_off + self.background * ((self.low + self.high) / 2 - self.mean)


@dataclass(frozen=True)
class Mean:
    """Mean of a sample, its standard error and the sample's standard deviation."""

    mean: float
    error: float
    deviation: float
    n: int


def sample_mean(values: ArrayLike, times: ArrayLike | None = None) -> Mean:
    """Return mean, standard error s/sqrt(n) and s, with s^2 = sum (x - mean)^2 / (n - 1).

    Parameters
    ----------
    values
        The sample, shape (values,); it may be large and is not copied as a whole.
    times
        Multiplicity of each value, shape (values,); by default 1.

    Raises
    ------
    FitFailed
        If there are fewer than two values, or all are equal, so that their spread gives no error.
    """
    sample = np.asarray(values)
    counts = np.broadcast_to(1, len(sample)) if times is None else np.asarray(times)
    n = int(counts.sum())
    if n < 2:
        raise FitFailed(f"{n} events have no spread to take an error from")
    there = sample if times is None else sample[counts > 0]
    places = [slice(start, start + _PIECE) for start in range(0, len(sample), _PIECE)]
    mean = sum(float(counts[place] @ sample[place].astype(float)) for place in places) / n
    squares = sum(float(counts[place] @ (sample[place].astype(float) - mean) ** 2) for place in places)
    deviation = float(np.sqrt(squares / (n - 1)))
    # Rounding may give equal values a deviation above zero; values that are not finite have none.
    if there.min() == there.max() or not deviation > 0:
        raise FitFailed(f"all {n} values are equal ({there[0]:g})")
    return Mean(mean, deviation / float(np.sqrt(n)), deviation, n)


def mixture_cumulative(x: ArrayLike, mean: float, sigma: float, background: float, low: float, high: float) -> Floats:
    """Return the cumulative distribution of the model of `fit_line` at ``x`` (inside the range)."""
    points = np.asarray(x, dtype=float)
    start = ndtr((low - mean) / sigma)
    line = (ndtr((points - mean) / sigma) - start) / (ndtr((high - mean) / sigma) - start)
    return np.asarray((1 - background) * line + background * (points - low) / (high - low))


def fit_line(values: ArrayLike, low: float, high: float, max_relative_width: float = 0.3) -> LineFit:
    """Fit a Gaussian on a flat background to the values between ``low`` and ``high``.

    Unbinned maximum likelihood of (1 - b) N(x; mean, sigma) / I + b / (high - low), where I is the part of the Gaussian
    inside the range: a range that cuts the line does not bias it. The range should be wide (5 sigma or more on both
    sides): then the fit of a skewed line agrees with its mean, whereas a fit to the core (2 sigma) would not.

    Parameters
    ----------
    values
        The sample, shape (events,); values outside the range are left out.
    low, high
        Range of the fit, in the unit of the values.
    max_relative_width
        A fit with sigma / mean above this did not find a line.

    Raises
    ------
    FitFailed
        If there are too few events, no spread, no convergence, no curvature at the best point, more background than
        line, a centre outside the range or less than 2 sigma inside it, or a line wider than allowed.
    """
    sample = np.asarray(values, dtype=float)
    sample = sample[(sample >= low) & (sample < high)]
    if len(sample) < _SMALLEST_FIT:
        raise FitFailed(f"{len(sample)} events between {low:g} and {high:g}, at least {_SMALLEST_FIT} are needed")
    start, scale = _robust_start(sample)
    likelihood = _Likelihood((sample - start) / scale, (low - start) / scale, (high - start) / scale)
    best = _maximise(likelihood)
    error = _error_of_mean(likelihood, best)
    mean, sigma, background = float(start + best[0] * scale), float(np.exp(best[1])) * scale, float(best[2])
    _check_line(mean, sigma, background, low, high, max_relative_width)
    quantiles = mixture_cumulative(sample, mean, sigma, background, low, high)
    goodness = uniform_goodness(quantiles, 3 if background > _NO_BACKGROUND else 2)
    return LineFit(mean, error * scale, sigma, background, len(sample), low, high, goodness)


class _Likelihood:
    """Mean negative log-likelihood of (centre, log width, background fraction) and its gradient."""

    def __init__(self, sample: Floats, low: float, high: float) -> None:
        self.sample, self.low, self.high = sample, low, high

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        mean, log_width, background = parameters
        width = np.exp(log_width)
        x, a, b = (self.sample - mean) / width, (self.low - mean) / width, (self.high - mean) / width
        inside = ndtr(b) - ndtr(a)
        line = _normal(x) / width / inside + _TINY
        flat = 1.0 / (self.high - self.low)
        density = (1 - background) * line + background * flat
        weight = (1 - background) * line / density
        by_mean = weight * (x / width + (_normal(b) - _normal(a)) / width / inside)
        by_width = weight * (x**2 - 1 + (b * _normal(b) - a * _normal(a)) / inside)
        by_background = (flat - line) / density
        gradient = -np.array([by_mean.mean(), by_width.mean(), by_background.mean()])
        return -float(np.log(density).mean()), gradient


def _normal(x: ArrayLike) -> Floats:
    return np.asarray(np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi))


def _robust_start(sample: Floats) -> tuple[float, float]:
    """Median and 1.4826 median absolute deviations (the standard deviation of a Gaussian)."""
    median = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - median)))
    if not spread > 0:
        raise FitFailed(f"at least half of the {len(sample)} values are equal ({median:g})")
    return median, spread


def _maximise(likelihood: _Likelihood) -> Floats:
    bounds = [(-3.0, 3.0), (-1.5, 2.0), (0.0, 0.99)]
    options = {"ftol": 1e-15, "gtol": 1e-8, "maxiter": 500}
    found = minimize(likelihood, (0.0, 0.0, 0.02), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    best = np.asarray(found.x, dtype=float)
    if any(np.isclose(best[i], bounds[i]).any() for i in (0, 1)):
        raise FitFailed("no convergence (the centre or the width ran off)")
    # The search may stop on a failed line search at the optimum itself, so its slope decides, not its flag.
    slope = likelihood(best)[1]
    if best[2] <= bounds[2][0]:
        slope[2] = min(slope[2], 0.0)
    if not np.all(np.abs(slope) < 1e-4):
        raise FitFailed(f"no convergence ({found.message})")
    return best


def _error_of_mean(likelihood: _Likelihood, best: Floats) -> float:
    """Standard deviation of the centre from the inverse of the Hessian, by central differences of the gradient."""
    steps = (1e-4, 1e-4, 1e-6)
    free = 3 if best[2] > _NO_BACKGROUND else 2
    hessian = np.empty((free, free))
    for i in range(free):
        step = np.zeros(3)
        step[i] = steps[i]
        hessian[i] = (likelihood(best + step)[1] - likelihood(best - step)[1])[:free] / (2 * steps[i])
    hessian = (hessian + hessian.T) / 2 * len(likelihood.sample)
    if not (np.all(np.isfinite(hessian)) and np.all(np.linalg.eigvalsh(hessian) > 0)):
        raise FitFailed("the likelihood has no curvature at its maximum")
    return float(np.sqrt(np.linalg.inv(hessian)[0, 0]))


def _check_line(mean: float, sigma: float, background: float, low: float, high: float, max_width: float) -> None:
    if not low < mean < high:
        raise FitFailed(f"the centre {mean:g} is outside the range {low:g} to {high:g}")
    if background > 0.5:
        raise FitFailed(f"no line: {background:.0%} of the events are flat background")
    if sigma / abs(mean) > max_width:
        raise FitFailed(f"no line: the width is {sigma / abs(mean):.0%} of the centre, at most {max_width:.0%} is one")
    if (nearest := min(mean - low, high - mean) / sigma) < _NEAREST_EDGE:
        raise FitFailed(f"the range {low:g} to {high:g} cuts the line ({nearest:.1f} sigma from its centre {mean:g})")

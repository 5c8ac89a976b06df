"""Position of a spectral line: a Gaussian on an exponential background, and the mean without the background."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, uniform_goodness
from xomphysics.fits.mean import Mean

Floats = NDArray[np.float64]

_SMALLEST_FIT = 10  # events; fewer do not determine width and background
_NEAREST_EDGE = 2.0  # sigma; with less of the line in the range, the likelihood is too far from a parabola
_TINY = 1e-300
_NO_BACKGROUND = 1e-6
_FALL = 5.0  # width of the constraint on the background's fall
_FLAT = 1e-4  # falls below this are taken as flat
_COARSE = 4000  # events for finding the place from which all are fitted
_STEPS = (1e-4, 1e-4, 1e-6, 1e-3)  # of the parameters, for derivatives


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
        Fraction of the events that the background takes, 0 to 1.
    fall
        By how many factors of e the background falls from ``low`` to ``high``; 0 is flat.
    n
        Number of events in the range.
    low, high
        The range.
    goodness
        Pearson's chi-square in bins of equal probability.
    moment
        Mean of the events without the background, which needs no shape of the line.
    """

    mean: float
    mean_error: float
    sigma: float
    background: float
    fall: float
    n: int
    low: float
    high: float
    goodness: Goodness
    moment: Mean

    def density(self, x: ArrayLike) -> Floats:
        """Return the fitted probability density at ``x`` (inside the range)."""
        points = (np.asarray(x, dtype=float) - self.mean) / self.sigma
        inside = ndtr((self.high - self.mean) / self.sigma) - ndtr((self.low - self.mean) / self.sigma)
        line = _normal(points) / self.sigma / inside
        other = np.exp(_log_background(_place(x, self.low, self.high), self.fall)) / (self.high - self.low)
        return np.asarray((1 - self.background) * line + self.background * other)

    @property
    def nearest_edge(self) -> float:
        """Distance of the centre from the nearer end of the range, in sigma."""
        return min(self.mean - self.low, self.high - self.mean) / self.sigma


def mixture_cumulative(
    x: ArrayLike, mean: float, sigma: float, background: float, low: float, high: float, fall: float = 0.0
) -> Floats:
    """Return the cumulative distribution of the model of `fit_line` at ``x`` (inside the range)."""
    points = np.asarray(x, dtype=float)
    start = ndtr((low - mean) / sigma)
    line = (ndtr((points - mean) / sigma) - start) / (ndtr((high - mean) / sigma) - start)
    place = _place(points, low, high)
    other = np.expm1(-fall * place) / np.expm1(-fall) if abs(fall) > _FLAT else place
    return np.asarray((1 - background) * line + background * other)


def fit_line(values: ArrayLike, low: float, high: float, max_relative_width: float = 0.3) -> LineFit:
    """Fit a Gaussian on an exponential background to the values between ``low`` and ``high``.

    Unbinned maximum likelihood of (1 - b) N(x; mean, sigma) / I + b B(x), where I is the part of the Gaussian inside
    the range, so that a range that cuts the line does not bias it, and B an exponential inside the range. Its fall k,
    in factors of e over the range, is free but for a constraint, exp(-k^2 / 2 / 5^2), without which a background of few
    events could take any shape. The range should be wide (5 sigma or more on both sides): then the fit of a skewed line
    agrees with its mean, whereas a fit to the core (2 sigma) would not.

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
    inverse = _inverse_hessian(likelihood, best)
    mean, sigma = float(start + best[0] * scale), float(np.exp(best[1])) * scale
    background, fall = float(best[2]), float(best[3])
    _check_line(mean, sigma, background, low, high, max_relative_width)
    quantiles = mixture_cumulative(sample, mean, sigma, background, low, high, fall)
    goodness = uniform_goodness(quantiles, len(inverse))
    error = float(np.sqrt(inverse[0, 0] / len(sample))) * scale
    moment = _moment(likelihood, best, inverse)
    mean_of_line = Mean(start + moment.mean * scale, moment.error * scale, moment.deviation * scale, len(sample))
    return LineFit(mean, error, sigma, background, fall, len(sample), low, high, goodness, mean_of_line)


def _place(x: ArrayLike, low: float, high: float) -> Floats:
    return (np.asarray(x, dtype=float) - low) / (high - low)


def _log_background(place: Floats, fall: float) -> Floats:
    """Return ln of the background's density in the place, which goes from 0 to 1."""
    norm = np.log(fall / -np.expm1(-fall)) if abs(fall) > _FLAT else fall / 2
    return np.asarray(norm - fall * place)


def _background_mean(fall: float) -> float:
    """Return the background's mean place, 1/2 if it is flat."""
    return float(1 / fall - 1 / np.expm1(fall)) if abs(fall) > _FLAT else 0.5 - fall / 12


class _Likelihood:
    """Mean negative log-likelihood of (centre, log width, background fraction, its fall) and its gradient."""

    def __init__(self, sample: Floats, low: float, high: float) -> None:
        self.sample, self.low, self.high = sample, low, high
        self.place = _place(sample, low, high)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        density, rows = self._terms(parameters)
        n, fall = len(self.sample), parameters[3]
        gradient = -np.array([row.mean() for row in rows])
        gradient[3] += fall / _FALL**2 / n
        return -float(np.log(density).mean()) + 0.5 * (fall / _FALL) ** 2 / n, gradient

    def thinned(self, most: int) -> "_Likelihood":
        """Return the likelihood of at most ``most`` of the events."""
        step = -(-len(self.sample) // most)
        return self if step == 1 else _Likelihood(self.sample[::step], self.low, self.high)

    def scores(self, parameters: Floats) -> Floats:
        """Return the gradient of each event's log-likelihood, shape (parameters, events)."""
        return np.array(self._terms(parameters)[1])

    def _terms(self, parameters: Floats) -> tuple[Floats, list[Floats]]:
        mean, log_width, background, fall = parameters
        width = np.exp(log_width)
        x, a, b = (self.sample - mean) / width, (self.low - mean) / width, (self.high - mean) / width
        inside = ndtr(b) - ndtr(a)
        line = _normal(x) / width / inside + _TINY
        other = np.exp(_log_background(self.place, fall)) / (self.high - self.low)
        density = (1 - background) * line + background * other
        weight = (1 - background) * line / density
        by_mean = weight * (x / width + (_normal(b) - _normal(a)) / width / inside)
        by_width = weight * (x**2 - 1 + (b * _normal(b) - a * _normal(a)) / inside)
        by_background = (other - line) / density
        by_fall = (1 - weight) * (_background_mean(fall) - self.place)
        return density, [by_mean, by_width, by_background, by_fall]


def _moment(likelihood: _Likelihood, best: Floats, inverse: Floats) -> Mean:
    """Return the mean of the events less that of the background and of what the range cuts off.

    The error is the spread of the events' influence: that on the plain mean, and that on the fitted background.
    """
    sample, free = likelihood.sample, len(inverse)
    plain, n = float(sample.mean()), len(sample)

    def subtracted(parameters: Floats) -> float:
        mean, log_width, background, fall = parameters
        width = np.exp(log_width)
        a, b = (likelihood.low - mean) / width, (likelihood.high - mean) / width
        cut_off = width * float((_normal(a) - _normal(b)) / (ndtr(b) - ndtr(a)))
        other = likelihood.low + (likelihood.high - likelihood.low) * _background_mean(fall)
        return float((plain - background * other) / (1 - background)) - cut_off

    slopes = np.empty(free)
    for i in range(free):
        step = np.zeros(len(best))
        step[i] = _STEPS[i]
        slopes[i] = (subtracted(best + step) - subtracted(best - step)) / (2 * _STEPS[i])
    influence = (sample - plain) / (1 - best[2]) + slopes @ inverse @ likelihood.scores(best)[:free]
    error = float(np.sqrt((influence**2).sum() / (n - 1) / n))
    return Mean(subtracted(best), error, float(sample.std(ddof=1)), n)


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
    bounds = [(-3.0, 3.0), (-1.5, 2.0), (0.0, 0.99), (-30.0, 30.0)]
    options = {"ftol": 1e-15, "gtol": 1e-8, "maxiter": 500}
    starts = (0.0, 0.0, 0.02, 0.0), (0.0, -0.3, 0.2, 5.0)  # little background, and much below the line
    few = likelihood.thinned(_COARSE)
    tries = [minimize(few, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for start in starts]
    found = min(tries, key=lambda one: few(one.x)[0])
    if few is not likelihood:
        found = minimize(likelihood, found.x, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
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


def _inverse_hessian(likelihood: _Likelihood, best: Floats) -> Floats:
    """Return the inverse of the Hessian of the free parameters, by central differences of the gradient.

    Without background its fraction and fall are not free.
    """
    free = 4 if best[2] > _NO_BACKGROUND else 2
    hessian = np.empty((free, free))
    for i in range(free):
        step = np.zeros(len(best))
        step[i] = _STEPS[i]
        hessian[i] = (likelihood(best + step)[1] - likelihood(best - step)[1])[:free] / (2 * _STEPS[i])
    hessian = (hessian + hessian.T) / 2
    if not (np.all(np.isfinite(hessian)) and np.all(np.linalg.eigvalsh(hessian) > 0)):
        raise FitFailed("the likelihood has no curvature at its maximum")
    return np.asarray(np.linalg.inv(hessian))


def _check_line(mean: float, sigma: float, background: float, low: float, high: float, max_width: float) -> None:
    if not low < mean < high:
        raise FitFailed(f"the centre {mean:g} is outside the range {low:g} to {high:g}")
    if background > 0.5:
        raise FitFailed(f"no line: {background:.0%} of the events are background")
    if sigma / abs(mean) > max_width:
        raise FitFailed(f"no line: the width is {sigma / abs(mean):.0%} of the centre, at most {max_width:.0%} is one")
    if (nearest := min(mean - low, high - mean) / sigma) < _NEAREST_EDGE:
        raise FitFailed(f"the range {low:g} to {high:g} cuts the line ({nearest:.1f} sigma from its centre {mean:g})")

"""Position of a spectral line: a Gaussian on an exponential background, and the mean without the background."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, uniform_goodness
from xomphysics.fits.mean import Mean
from xomphysics.fits.minimum import PRECISE, BinnedNLL, Minuit, NormalConstraint, asymmetry, finish, minimise, slopes
from xomphysics.fits.sample import sample_in

Floats = NDArray[np.float64]

_SMALLEST_FIT = 10  # events; fewer do not determine width and background
_NEAREST_EDGE = 2.0  # sigma; with less of the line in the range, the likelihood is too far from a parabola
_TINY = 1e-300
_FALL = 5.0  # width of the constraint on the background's fall
_FLAT = 1e-4  # falls below this are taken as flat
_BINS_PER_SIGMA, _MOST_BINS = 20, 4000
_BIAS = 0.75  # of the standard deviation of n normal values with a fitted mean, times n


@dataclass(frozen=True)
class LineFit:
    """Result of `fit_line`; lengths are in the unit of the values.

    Attributes
    ----------
    mean, mean_error
        Centre of the Gaussian and its standard deviation from the likelihood's curvature (HESSE).
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
    resolution, resolution_error
        Width over centre, corrected for the width's bias in small samples.
    asymmetry
        See `minimum.asymmetry`, of the centre.
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
    resolution: float
    resolution_error: float
    asymmetry: float | None

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

    Maximum likelihood of (1 - b) N(x; mean, sigma) / I + b B(x), where I is the part of the Gaussian inside the range,
    so that a range that cuts the line does not bias it, and B an exponential inside the range. Its fall k, in factors
    of e over the range, is free but for a constraint, exp(-k^2 / 2 / 5^2), without which a background of few events
    could take any shape. The values are counted in bins of a twentieth of the width, over which the model is
    integrated: that costs 0.02 % of the information. The range should be wide (5 sigma or more on both sides): then
    the fit of a skewed line agrees with its mean, whereas a fit to the core (2 sigma) would not.

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
    sample = sample_in(values, low, high, _SMALLEST_FIT)
    place, scale = _robust_start(sample)
    bins = int(min((high - low) / scale * _BINS_PER_SIGMA, _MOST_BINS)) + 1
    counts, edges = np.histogram(sample, bins, (low, high))

    def cumulative(x: Floats, centre: float, width: float, background: float, fall: float) -> Floats:
        return mixture_cumulative(x, centre, width, background, low, high, fall).astype(PRECISE)

    fit = _fitted(BinnedNLL(counts, edges, cumulative), place, scale)
    mean, sigma, background, fall = map(float, fit.values)
    _check_line(mean, sigma, background, low, high, max_relative_width)
    quantiles = mixture_cumulative(sample, mean, sigma, background, low, high, fall)
    goodness = uniform_goodness(quantiles, int(fit.nfit))
    log_shares = slopes(lambda *at: np.log(np.maximum(np.diff(cumulative(edges, *at)).astype(float), _TINY)), fit)
    scores = log_shares[:, np.minimum(np.searchsorted(edges, sample, side="right") - 1, bins - 1)]
    moment = _moment(sample, fit, scores, low, high)
    n, covariance = len(sample), np.array(fit.covariance)[:2, :2]
    resolution = sigma / mean * (1 + _BIAS / n)
    gradient = resolution * np.array([-1 / mean, 1 / sigma])
    return LineFit(
        mean=mean,
        mean_error=float(fit.errors["centre"]),
        sigma=sigma,
        background=background,
        fall=fall,
        n=n,
        low=low,
        high=high,
        goodness=goodness,
        moment=moment,
        resolution=resolution,
        resolution_error=float(np.sqrt(gradient @ covariance @ gradient)),
        asymmetry=asymmetry(fit, "centre", n),
    )


def _fitted(likelihood: BinnedNLL, place: float, scale: float) -> Minuit:
    """Fit from little background and from much below the line; without background its fall means nothing."""
    limits = {
        "centre": (place - 3 * scale, place + 3 * scale),
        "width": (0.2 * scale, 8 * scale),
        "background": (0.0, 0.99),
        "fall": (-30.0, 30.0),
    }
    starts = (
        {"centre": place, "width": scale, "background": 0.02, "fall": 0.0},
        {"centre": place, "width": 0.75 * scale, "background": 0.2, "fall": 5.0},
    )
    fit = minimise(likelihood + NormalConstraint("fall", 0.0, _FALL), starts, limits)
    return finish(fit, ["centre", "width"], ["background", "fall"])


def _place(x: ArrayLike, low: float, high: float) -> Floats:
    return (np.asarray(x, dtype=float) - low) / (high - low)


def _log_background(place: Floats, fall: float) -> Floats:
    """Return ln of the background's density in the place, which goes from 0 to 1."""
    norm = np.log(fall / -np.expm1(-fall)) if abs(fall) > _FLAT else fall / 2
    return np.asarray(norm - fall * place)


def _background_mean(fall: float) -> float:
    """Return the background's mean place, 1/2 if it is flat."""
    return float(1 / fall - 1 / np.expm1(fall)) if abs(fall) > _FLAT else 0.5 - fall / 12


def _moment(sample: Floats, fit: Minuit, scores: Floats, low: float, high: float) -> Mean:
    """Return the mean of the events less that of the background and of what the range cuts off.

    The error is the spread of the events' influence: that on the plain mean, and that on the fitted background.
    ``scores`` are the derivatives of the events' log-likelihood, shape (parameters, events).
    """
    plain, n = float(sample.mean()), len(sample)

    def subtracted(centre: float, width: float, background: float, fall: float) -> float:
        a, b = (low - centre) / width, (high - centre) / width
        cut_off = width * float((_normal(a) - _normal(b)) / (ndtr(b) - ndtr(a)))
        other = low + (high - low) * _background_mean(fall)
        return (plain - background * other) / (1 - background) - cut_off

    best = tuple(fit.values)
    own = (sample - plain) / (1 - best[2]) / n
    influence = own + slopes(subtracted, fit) @ np.array(fit.covariance) @ scores
    error = float(np.sqrt((influence**2).sum() * n / (n - 1)))
    return Mean(subtracted(*best), error, float(sample.std(ddof=1)), n)


def _normal(x: ArrayLike) -> Floats:
    return np.asarray(np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi))


def _robust_start(sample: Floats) -> tuple[float, float]:
    """Median and 1.4826 median absolute deviations (the standard deviation of a Gaussian)."""
    median = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - median)))
    if not spread > 0:
        raise FitFailed(f"at least half of the {len(sample)} values are equal ({median:g})")
    return median, spread


def _check_line(mean: float, sigma: float, background: float, low: float, high: float, max_width: float) -> None:
    if not low < mean < high:
        raise FitFailed(f"the centre {mean:g} is outside the range {low:g} to {high:g}")
    if background > 0.5:
        raise FitFailed(f"no line: {background:.0%} of the events are background")
    if sigma / abs(mean) > max_width:
        raise FitFailed(f"no line: the width is {sigma / abs(mean):.0%} of the centre, at most {max_width:.0%} is one")
    if (nearest := min(mean - low, high - mean) / sigma) < _NEAREST_EDGE:
        raise FitFailed(f"the range {low:g} to {high:g} cuts the line ({nearest:.1f} sigma from its centre {mean:g})")

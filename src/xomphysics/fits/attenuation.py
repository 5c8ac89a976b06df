"""Loss of signal with drift time: unbinned maximum likelihood, and medians in bins as cross-check."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, stdtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, pearson_of_points, uniform_goodness
from xomphysics.fits.minimum import Minuit, UnbinnedNLL, asymmetry, finish, minimise

Floats = NDArray[np.float64]

_SMALLEST_FIT = 20  # events; five parameters are fitted
_GAUSSIAN = 0.005  # 1 / degrees of freedom; here Student's t is a Gaussian
_HEAVIEST = 0.5
_FAR = 6.0  # widths; limits farther away change nothing
_TINY = 1e-300
_TAILS = 4  # place of 1 / degrees of freedom among the parameters
_REACH = (("area", 1.0, 1.0), ("rate", 1.5, 1.5), ("width", 3.0, 2.0), ("slope", 1.0, 1.0))  # below, above the start
_COARSE = 4000  # events for finding the place from which all are fitted
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
    width, width_error
        Relative scale of the residuals at the mean drift time (the standard deviation where ``tails`` is small).
    tails
        1 / degrees of freedom of Student's t: 0.005 is a Gaussian.
    n
        Number of events.
    goodness
        Pearson's chi-square of the residuals in bins of equal probability.
    nearest_cut
        Smallest distance of a limit from the fit at any event's drift time, in widths; infinite without limits.
    asymmetry
        See `minimum.asymmetry`, of the rate.
    """

    start: float
    start_error: float
    rate: float
    rate_error: float
    width: float
    width_error: float
    tails: float
    n: int
    goodness: Goodness
    nearest_cut: float
    asymmetry: float | None

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
    the squared width. Errors are from the Hessian of the likelihood (HESSE), times sqrt(n / (n - parameters)) for the
    width's bias at few events.

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
    sample = _Sample((t - middle) / scale, s, limits)
    fit = _fitted(sample, False)
    best = np.array(fit.values)
    nearest = sample.nearest(best) if limits is not None else np.inf
    if cut := nearest < _FAR:
        fit = _fitted(sample, True)
        best = np.array(fit.values)
        nearest = sample.nearest(best)
    covariance = np.array(fit.covariance)[:2, :2] * len(s) / (len(s) - fit.nfit)
    shift = -middle / scale
    width, tails = float(np.exp(best[2])), float(best[_TAILS])
    if width > max_relative_width:
        raise FitFailed(f"no line: the areas scatter by {width:.0%} about the fit, at most {max_relative_width:.0%} do")
    start = float(np.exp(best[0] - best[1] * shift))
    gradient = np.array([1.0, -shift])
    start_error = start * float(np.sqrt(gradient @ covariance @ gradient))
    goodness = uniform_goodness(sample.quantiles(best, cut), 2 if fit.fixed["tails"] else 3)
    rate, rate_error = float(best[1]) / scale, float(np.sqrt(covariance[1, 1])) / scale
    apart = asymmetry(fit, "rate", len(s))
    width_error = width * float(fit.errors["width"])
    return Attenuation(
        start, start_error, rate, rate_error, width, width_error, tails, len(s), goodness, nearest, apart
    )


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


class _Sample:
    """The areas at times of mean 0 and spread 1, and the limits between which each would have been selected.

    Parameters are ln of the area at the mean time, the rate, ln of the width there, its slope, 1 / degrees of freedom.
    """

    def __init__(self, times: Floats, areas: Floats, limits: tuple[Floats, Floats] | None) -> None:
        self.table = np.array([times, areas, *(limits or ())])
        middle = float(np.median(np.log(areas)))
        spread = 1.4826 * float(np.median(np.abs(areas / np.exp(middle) - 1)))
        width = float(np.log(min(max(spread, 1e-6), 1.0)))
        self.start = {"area": middle, "rate": 0.0, "width": width, "slope": 0.0, "tails": 0.05}
        self.limits = {name: (self.start[name] - low, self.start[name] + high) for name, low, high in _REACH}
        self.limits["tails"] = (_GAUSSIAN, _HEAVIEST)

    def likelihood(self, cut: bool, most: int | None = None) -> UnbinnedNLL:
        """Return the cost function of at most ``most`` of the events; ``cut``: between their limits."""
        step = -(-self.table.shape[1] // most) if most else 1

        def log_density(table: Floats, area: float, rate: float, width: float, slope: float, tails: float) -> Floats:
            times, areas, *limits = table
            exponent, log_width = area - rate * times, width + slope * times
            x = (areas * np.exp(-exponent) - 1) * np.exp(-log_width)
            value = _log_norm(1 / tails) - exponent - log_width - (1 / tails + 1) / 2 * np.log1p(x**2 * tails)
            if cut:
                low, high = ((limit * np.exp(-exponent) - 1) * np.exp(-log_width) for limit in limits)
                value = value - np.log(_probability(1 / tails, low, high))
            return np.asarray(value)

        return UnbinnedNLL(self.table[:, ::step], log_density, log=True)

    def residuals(self, row: int, parameters: Floats) -> Floats:
        """Return (S / S(t) - 1) / width(t) of areas (row 1), lowest (2) and highest ones (3)."""
        times = self.table[0]
        expected = np.exp(parameters[0] - parameters[1] * times)
        return np.asarray((self.table[row] / expected - 1) / np.exp(parameters[2] + parameters[3] * times))

    def nearest(self, parameters: Floats) -> float:
        """Return the smallest distance of a limit from the fit at any event, in widths; negative if it is beyond."""
        return float(min(-self.residuals(2, parameters).max(), self.residuals(3, parameters).min()))

    def quantiles(self, parameters: Floats, cut: bool) -> Floats:
        """Return the cumulative distribution at each event; ``cut``: between its limits."""
        freedom, x = 1 / parameters[_TAILS], self.residuals(1, parameters)
        if not cut:
            return np.asarray(stdtr(freedom, x))
        low, high = (self.residuals(row, parameters) for row in (2, 3))
        return _probability(freedom, low, x) / _probability(freedom, low, high)


def _fitted(sample: _Sample, cut: bool) -> Minuit:
    """Fit some of the events, then from there all; a Gaussian has no degrees of freedom to fit."""
    fit = minimise(sample.likelihood(cut, _COARSE), [sample.start], sample.limits)
    if sample.table.shape[1] > _COARSE:
        fit = minimise(sample.likelihood(cut), [fit.values.to_dict()], sample.limits)
    return finish(fit, ["area", "rate", "width", "slope"], ["tails"])


def _probability(freedom: float, low: Floats, high: Floats) -> Floats:
    """Return the probability of Student's t from ``low`` to ``high``."""
    side = np.where(low > 0, -1.0, 1.0)  # above the fit, from the upper tails: the difference of two ones is lost
    return np.asarray(np.maximum(side * (stdtr(freedom, side * high) - stdtr(freedom, side * low)), _TINY))


def _log_norm(freedom: float) -> float:
    return float(gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi))

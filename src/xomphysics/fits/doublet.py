"""Two neighbouring spectral lines, which may be skewed alike, a third one beside them, on a flat background."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, uniform_goodness
from xomphysics.fits.minimum import PRECISE, BinnedNLL, Minuit, NormalConstraint, asymmetry, finish, minimise, slopes
from xomphysics.fits.sample import sample_in

Floats = NDArray[np.float64]

_SMALLEST_FIT = 40  # events; fewer do not determine five parameters
_BINS = 400
_NEAR = 0.03  # of a line's place: within it most of its events are
_BELOW, _ABOVE = 0.86, 1.12  # ends of the range, over the places of the lines
_WIDEST = 0.04  # relative; lines of 5.5 and 6.0 MeV are 9 % apart
_ENOUGH = 4000  # values for finding the lines
_STEPS = 5
_NONE, _MUCH = 1e-3, 0.1  # share of the third line below which there is none; width of the constraint on it
_SKEWNESS, _MOST_SKEWED = 0.3, 1.0  # standard deviation of the constraint about zero, and limit
_TINY = 1e-12  # of the events in a bin
_STRAIGHT = 1e-3  # skewness below which the first order is exact


@dataclass(frozen=True)
class DoubletFit:
    """Result of `fit_doublet`; pairs are those of the lower and of the upper line.

    Attributes
    ----------
    means, mean_errors
        Centres of the lines, and their standard deviations from the likelihood's curvature (HESSE).
    counts, count_errors
        Events of each line, and their standard deviations with that of a Poisson number of events.
    width
        Relative standard deviation of both lines.
    skewness
        Of both lines.
    background
        Share of the events that the background takes, 0 to 1.
    third
        Share of the other events that the third line takes.
    beside
        Its centre.
    n
        Number of events in the range.
    low, high
        The range.
    goodness
        Pearson's chi-square in bins of equal probability.
    asymmetry
        See `minimum.asymmetry`, of the upper line's share.
    """

    means: tuple[float, float]
    mean_errors: tuple[float, float]
    counts: tuple[float, float]
    count_errors: tuple[float, float]
    width: float
    skewness: float
    background: float
    third: float
    beside: float
    n: int
    low: float
    high: float
    goodness: Goodness
    asymmetry: float | None

    @property
    def separation(self) -> float:
        """Distance of the centres over the mean of the lines' standard deviations."""
        return (self.means[1] - self.means[0]) / (self.width * sum(self.means) / 2)

    def density(self, x: ArrayLike) -> Floats:
        """Return the fitted events per unit at ``x`` (inside the range)."""
        points = np.asarray(x, dtype=float)
        total = np.full(points.shape, self.background * self.n / (self.high - self.low))
        third = self.third / (1 - self.third) * sum(self.counts)
        for mean, count in ((self.means[0], self.counts[0]), (self.means[1], self.counts[1]), (self.beside, third)):
            sigma = self.width * mean
            u, step = (points - mean) / sigma, 1e-3
            total += count * (_line(u + step, self.skewness) - _line(u - step, self.skewness)) / (2 * step * sigma)
        return total


def _line(u: Floats, skewness: float) -> Floats:
    """Return the cumulative distribution of a line of mean zero and width one.

    That of a gamma distribution, shifted, by the transformation of E. B. Wilson and M. M. Hilferty (PNAS 17 (1931) 684)
    of its cube root to a normal one.
    """
    if abs(skewness) < _STRAIGHT:
        return np.asarray(ndtr(u - skewness * (u**2 - 1) / 6))
    root = np.cbrt(np.maximum(1 + skewness * u / 2, 0.0))
    return np.asarray(ndtr((root - 1 + skewness**2 / 36) * 6 / skewness))


def find_doublet(values: ArrayLike, ratio: float, low: float, high: float) -> float:
    """Return the place between ``low`` and ``high`` of the lower of two lines, the upper being ``ratio`` times higher.

    That is where the smaller of the two, the values within 3 % of the place and of its partner, is largest.

    Raises
    ------
    FitFailed
        If there is no value in the range.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    ordered = ordered[:: 1 + len(ordered) // _ENOUGH]
    places = ordered[(ordered >= low) & (ordered < high)]
    if not len(places):
        raise FitFailed(f"no event between {low:g} and {high:g}")
    near = [
        np.searchsorted(ordered, places * factor * (1 + _NEAR))
        - np.searchsorted(ordered, places * factor * (1 - _NEAR))
        for factor in (1.0, ratio)
    ]
    both = np.minimum(*near)
    place = float(np.median(places[both == both.max()]))
    for _ in range(_STEPS):  # to the middle of the lower line: if the upper one is weak, its partner was found instead
        place = float(np.median(ordered[np.abs(ordered / place - 1) < _NEAR]))
    return place


def fit_doublet(values: ArrayLike, place: float, ratio: float, beside: float) -> DoubletFit:
    """Fit two lines of one relative width and one skewness, and a third one beside the lower, on a flat background.

    Maximum likelihood of (1 - b) ((1 - g) ((1 - f) L(x; m1, w m1) + f L(x; m2, w m2)) + g L(x; m3, w m3)) / I
    + b / (high - low) between 0.86 times the lower and 1.12 times the upper line, L a Gaussian that may be skewed and I
    the integral of all lines; in bins over which that is integrated. Skewness and g have constraints about zero,
    since few events do not determine them.

    Parameters
    ----------
    values
        The sample, shape (events,); values outside the range are left out.
    place, ratio
        Where the lower line is, about, and the upper over the lower one.
    beside
        The centre of the third line over that of the lower one.

    Raises
    ------
    FitFailed
        If there are too few events, no convergence, no curvature at the best point, only one line, more background than
        lines, or lines too wide to be two.
    """
    low, high = _BELOW * place, _ABOVE * place * ratio
    sample = sample_in(values, low, high, _SMALLEST_FIT)
    observed, edges = np.histogram(sample, _BINS, (low, high))

    def cumulative(
        x: Floats,
        lower: float,
        upper: float,
        width: float,
        share: float,
        background: float,
        skewness: float,
        third: float,
    ) -> Floats:
        def lines(at: Floats) -> Floats:
            every = [_line((at - mean) / (width * mean), skewness) for mean in (lower, upper, beside * lower)]
            return np.asarray((1 - third) * ((1 - share) * every[0] + share * every[1]) + third * every[2])

        start, end = lines(np.array([low, high]))
        whole = (1 - background) * (lines(x) - start) / (end - start) + background * (x - low) / (high - low)
        return np.asarray(whole).astype(PRECISE)

    constraint = NormalConstraint(("skewness", "third"), (0.0, 0.0), (_SKEWNESS, _MUCH))
    fit = _fitted(BinnedNLL(observed, edges, cumulative) + constraint, place, ratio)
    covariance = _covariance(fit, lambda *at: np.diff(cumulative(edges, *at)).astype(float), len(sample))
    lower, upper, width, _, background, skewness, third = best = tuple(map(float, fit.values))
    if background > 0.5:
        raise FitFailed(f"no lines: {background:.0%} of the events are background")
    n = len(sample)
    counts, errors = _counts(fit, covariance, n)
    return DoubletFit(
        means=(lower, upper),
        mean_errors=(float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1]))),
        counts=counts,
        count_errors=errors,
        width=width,
        skewness=skewness,
        background=background,
        third=third,
        beside=beside * lower,
        n=n,
        low=low,
        high=high,
        goodness=uniform_goodness(cumulative(sample, *best).astype(float), int(fit.nfit)),
        asymmetry=asymmetry(fit, "share", n),
    )


def _fitted(likelihood: Any, place: float, ratio: float) -> Minuit:
    """Fit from equal lines with little beside, and from narrow ones with much."""
    limits = {
        "lower": ((1 - _NEAR) * place, (1 + _NEAR) * place),
        "upper": ((1 - _NEAR) * ratio * place, (1 + _NEAR) * ratio * place),
        "width": (0.002, _WIDEST),
        "share": (0.0, 1.0),
        "background": (0.0, 0.99),
        "skewness": (-_MOST_SKEWED, _MOST_SKEWED),
        "third": (0.0, 0.9),
    }
    start = {"lower": place, "upper": ratio * place, "width": 0.02, "share": 0.5, "background": 0.02, "skewness": 0.0}
    starts = [start | {"third": 0.02}, start | {"width": 0.01, "background": 0.2, "third": 0.2}]
    fit = minimise(likelihood, starts, limits)
    if fit.values["third"] < _NONE:
        fit.values["third"], fit.fixed["third"] = 0.0, True
        fit.migrad()
    return finish(fit, ["lower", "upper", "width", "share"], ["background"])


def _covariance(fit: Minuit, shares: Callable[..., Floats], n: int) -> Floats:
    """Return the covariance of the parameters; without a third line, as if one of a share below zero could be.

    The fit's own errors would be those of a sample that is known to have none. So the inverse of Fisher's information
    in the bins is taken; ``shares`` returns what these have of the events.
    """
    if not fit.fixed["third"]:
        return np.array(fit.covariance)
    best, step = np.array(fit.values), np.zeros(len(fit.values))
    step[-1] = _NONE
    rates = slopes(shares, fit)
    rates[-1] = (shares(*(best + step)) - shares(*best)) / _NONE
    free = np.array([*(not fixed for fixed in list(fit.fixed)[:-1]), True])
    information = n * (rates[free] / np.maximum(shares(*best), _TINY)) @ rates[free].T
    information[-2, -2] += _SKEWNESS**-2
    information[-1, -1] += _MUCH**-2
    covariance = np.zeros((len(best), len(best)))
    covariance[np.ix_(free, free)] = np.linalg.inv(information)
    return covariance


def _counts(fit: Minuit, covariance: Floats, n: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the events of each line, and their standard deviations with that of a Poisson number of events."""
    share, background, third = (float(fit.values[name]) for name in ("share", "background", "third"))
    lines = (1 - background) * (1 - third)
    parts = lines * (1 - share), lines * share
    slopes_of_parts = np.array([[-lines, lines], [parts[0], parts[1]], [parts[0], parts[1]]])
    slopes_of_parts[1] /= background - 1
    slopes_of_parts[2] /= third - 1
    places = [fit.parameters.index(name) for name in ("share", "background", "third")]
    own = covariance[np.ix_(places, places)]
    errors = (
        float(np.sqrt(n**2 * (slope @ own @ slope) + n * part**2 + 1))
        for slope, part in zip(slopes_of_parts.T, parts, strict=True)
    )
    return (n * parts[0], n * parts[1]), (next(errors), next(errors))

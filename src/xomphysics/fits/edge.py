"""Edges of a spectrum: where a plateau ends softly, and where one begins sharply."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, uniform_goodness
from xomphysics.fits.minimum import PRECISE, BinnedNLL, NormalConstraint, asymmetry, finish, minimise
from xomphysics.fits.sample import sample_in

Floats = NDArray[np.float64]

_SMALLEST_FIT = 50  # events; fewer do not determine place, width and background
_BINS = 400
_SHARPEST, _WIDEST = 2.5e-4, 0.4  # of the window
_LOW = 0.4  # of the mean distance of events on the plateau, by which the pulls of the likelihood's place are low
_FACTOR = 0.7  # deviation of ln of the width from the expected one: about a factor of two


@dataclass(frozen=True)
class EdgeFit:
    """Result of `fit_edge`; lengths are in the unit of the values.

    Attributes
    ----------
    place, place_error
        Where the plateau has fallen to a half, and its standard deviation from the likelihood's curvature (HESSE).
    width
        Standard deviation of the edge's places.
    background
        Share of the events in the window that do not end at the edge, 0 to 1; flat.
    n
        Number of events in the window.
    low, high
        The window.
    goodness
        Pearson's chi-square in bins of equal probability.
    asymmetry
        See `minimum.asymmetry`, of the place.
    """

    place: float
    place_error: float
    width: float
    background: float
    n: int
    low: float
    high: float
    goodness: Goodness
    asymmetry: float | None

    @property
    def beyond(self) -> float:
        """Events of the background per unit."""
        return self.background * self.n / (self.high - self.low)

    @property
    def plateau(self) -> float:
        """Events per unit on the plateau, those of the background included."""
        norm = _plateau_integral(np.array([self.low, self.high]), self.place, self.width)
        return (1 - self.background) * self.n / float(norm[1] - norm[0]) + self.beyond

    def density(self, x: ArrayLike) -> Floats:
        """Return the fitted events per unit at ``x`` (inside the window)."""
        points = np.asarray(x, dtype=float)
        return (self.plateau - self.beyond) * ndtr((self.place - points) / self.width) + self.beyond


def steepest(values: ArrayLike, low: float, high: float, window: float) -> float:
    """Return the place between ``low`` and ``high`` where most values are within ``window`` below, less those above.

    Raises
    ------
    FitFailed
        If there is no value in the range.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    places = ordered[(ordered >= low) & (ordered < high)]
    if not len(places):
        raise FitFailed(f"no event between {low:g} and {high:g}")
    below, here, above = (np.searchsorted(ordered, places + step) for step in (-window, 0, window))
    return float(places[np.argmax(2 * here - below - above)])


def fit_edge(values: ArrayLike, low: float, high: float, width: float) -> EdgeFit:
    """Fit the end of a plateau among the values between ``low`` and ``high``.

    Maximum likelihood of (1 - b) Phi((place - x) / width) / I + b / (high - low), where Phi is the cumulative normal
    distribution and I its integral over the window: a flat plateau whose end is not the same for all events, over a
    flat background. The width is free but for a constraint on its logarithm, about the expected one: with few events
    at the edge it would often be fitted far too small, and with it the place's error. As the largest value of a sample
    lies below the end of its distribution, so does the likelihood's place, and it is moved by 0.4 times the mean
    distance of events on the plateau: with that the mean pulls are zero, whatever the width.

    Parameters
    ----------
    values
        The sample, shape (events,); values outside the window are left out.
    low, high
        The window, in the unit of the values.
    width
        The expected width.

    Raises
    ------
    FitFailed
        If there are too few events, no convergence, no curvature at the best point, an edge that is as wide as the
        window allows, or one that is sharper than the data can show.
    """
    sample = sample_in(values, low, high, _SMALLEST_FIT)
    counts, edges = np.histogram(sample, _BINS, (low, high))
    span = high - low

    def cumulative(x: Floats, place: float, log_width: float, background: float) -> Floats:
        width = float(np.exp(log_width))
        start, end = _plateau_integral(np.array([low, high]), place, width)
        edge = (_plateau_integral(x, place, width) - start) / (end - start)
        return np.asarray((1 - background) * edge + background * (x - low) / span).astype(PRECISE)

    expected, reach = float(np.log(width)), np.log(span * np.array([_SHARPEST, _WIDEST]))
    limits = {"place": (low, high), "log_width": (float(reach[0]), float(reach[1])), "background": (0.0, 0.99)}
    middle = low + span / 2
    starts = [{"place": middle, "log_width": expected + shift, "background": 0.02} for shift in (-1.0, 1.0)]
    likelihood = BinnedNLL(counts, edges, cumulative) + NormalConstraint("log_width", expected, _FACTOR)
    fit = finish(minimise(likelihood, starts, limits), ["place", "log_width"], ["background"])
    place, log_width, background = map(float, fit.values)
    goodness = uniform_goodness(cumulative(sample, place, log_width, background).astype(float), int(fit.nfit))
    apart = asymmetry(fit, "place", len(sample))
    error, found = float(fit.errors["place"]), float(np.exp(log_width))
    edge = EdgeFit(place, error, found, background, len(sample), low, high, goodness, apart)
    return replace(edge, place=place + _LOW / edge.plateau)


def _plateau_integral(x: Floats, place: float, width: float) -> Floats:
    """Return the integral of Phi((place - x) / width), up to a constant."""
    u = (place - x) / width
    return np.asarray(-width * (u * ndtr(u) + np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)))


@dataclass(frozen=True)
class Start:
    """Result of `sharp_start`; lengths are in the unit of the values.

    Attributes
    ----------
    place, error
        Where the plateau begins, and its standard deviation.
    spacing
        How far the first values are apart, over what the density behind them lets expect.
    density
        Values per unit behind the first ones.
    """

    place: float
    error: float
    spacing: float
    density: float


def sharp_start(values: ArrayLike, number: int, window: float, background: float = 0.0) -> Start:
    """Return where a flat plateau begins sharply, from zero or from a background that begins at zero.

    Up to the place of value number k there are k events: background * start + density * (place - start) = k, where the
    density is that of the values within ``window`` behind. The place of a single first value would have an exponential
    distribution, far from a Gauss; that of value k has a gamma distribution of the order k (order statistics of a
    Poisson process).

    Parameters
    ----------
    values
        The sample, shape (events,), none below zero.
    number
        k.
    window
        In the unit of the values.
    background
        Events per unit before the start.

    Raises
    ------
    FitFailed
        If there are too few values, or no more than the background.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if len(ordered) <= number:
        raise FitFailed(f"{len(ordered)} events, more than {number} are needed for the start")
    first, last = float(ordered[0]), float(ordered[number - 1])
    behind = int(np.searchsorted(ordered, last + window, side="right")) - number
    density = behind / window
    if not (behind > number and density > 2 * background):
        raise FitFailed(f"no start: {behind} events within {window:g} behind the first {number}")
    place = (density * last - number) / (density - background)
    error = float(np.hypot(np.sqrt(number), number / np.sqrt(behind))) / (density - background)
    return Start(place, error, (last - first) * density / (number - 1), density)

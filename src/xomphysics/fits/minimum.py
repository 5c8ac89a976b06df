"""Maximum-likelihood fits by Minuit (F. James and M. Roos, Comput. Phys. Commun. 10 (1975) 343)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomlib import JobError
from xomphysics.fits.errors import FitFailed

try:
    from iminuit import Minuit
    from iminuit.cost import BinnedNLL, NormalConstraint, UnbinnedNLL
except ImportError:
    raise JobError("the software of this run has no iminuit, which the fits need: install it there") from None

__all__ = [
    "PRECISE",
    "BinnedNLL",
    "Minuit",
    "NormalConstraint",
    "UnbinnedNLL",
    "asymmetry",
    "finish",
    "minimise",
    "slopes",
]

# Type of a binned likelihood's model: for doubles iminuit loads code compiled by numba, 0.3 s in every job.
PRECISE = np.longdouble

Floats = NDArray[np.float64]
Values = Mapping[str, float]
_AT_A_LIMIT, _NEAR_A_LIMIT = 1e-3, 0.02  # of the range between limits
_PLENTY = 2000  # events


def minimise(cost: Callable[..., float], starts: Sequence[Values], limits: Mapping[str, tuple[float, float]]) -> Minuit:
    """Minimise a cost function with MIGRAD from several places; return the best.

    Parameters
    ----------
    cost
        Of `iminuit.cost`: minus twice the logarithm of the likelihood, up to a constant.
    starts
        Values of all parameters by name.
    limits
        Lowest and highest value by name; the others have none.
    """
    tries = []
    for start in starts:
        one = Minuit(cost, **start)
        one.strategy = 0
        for name, pair in limits.items():
            one.limits[name] = pair
        tries.append(one.migrad())
    return min(tries, key=lambda one: float(one.fval))


def finish(fit: Minuit, inside: Sequence[str], idle: Sequence[str] = ()) -> Minuit:
    """Take the errors of a fit from its curvature with HESSE.

    Parameters
    ----------
    fit
        After MIGRAD.
    inside
        Parameters that have to be within their limits.
    idle
        A parameter that may be at its lower limit, and those that mean nothing there. If it is, they are fixed and the
        rest is fitted again: the curvature at a limit does not give the errors of the others.

    Raises
    ------
    FitFailed
        If MIGRAD did not converge, a parameter of ``inside`` ran to its limit, or there is no curvature.
    """
    if idle and _place(fit, idle[0]) < _AT_A_LIMIT:
        _fix(fit, idle)
    for name in inside:
        if min(place := _place(fit, name), 1 - place) < _AT_A_LIMIT:
            raise FitFailed(f"no convergence (the {name} ran off)")
    _settle(fit)
    if not _is_settled(fit) and idle and not fit.fixed[idle[0]] and _place(fit, idle[0]) < _NEAR_A_LIMIT:
        _fix(fit, idle)
        _settle(fit)
    if not fit.valid:
        raise FitFailed(f"no convergence (distance to the minimum {fit.fmin.edm:.2g})")
    if not (fit.accurate and np.all(np.isfinite(fit.errors))):
        raise FitFailed("the likelihood has no curvature at its maximum")
    return fit


def _settle(fit: Minuit) -> None:
    """Do HESSE; from a poor estimate of the curvature MIGRAD may have stopped early, then both once more, carefully."""
    fit.hesse()
    for fit.strategy in (1, 2):
        if not _is_settled(fit):
            fit.migrad()
            fit.hesse()


def _is_settled(fit: Minuit) -> bool:
    return bool(fit.valid and fit.accurate)


def _place(fit: Minuit, name: str) -> float:
    """Return where a parameter is between its limits, 0 to 1."""
    low, high = fit.limits[name]
    return float((fit.values[name] - low) / (high - low))


def _fix(fit: Minuit, names: Sequence[str]) -> None:
    fit.values[names[0]] = fit.limits[names[0]][0]
    for name in names:
        fit.fixed[name] = True
    fit.migrad()


def asymmetry(fit: Minuit, name: str, n: int) -> float | None:
    """Return how far MINOS' two errors of a parameter are apart, over their sum: 0 where the likelihood is a parabola.

    It is 1 where MINOS finds no error on a side, and None with more than 2,000 events, where a parabola is sure and
    MINOS is slow.
    """
    if n > _PLENTY:
        return None
    try:
        found = fit.minos(name).merrors[name]
    except RuntimeError:
        return 1.0
    return abs(found.upper + found.lower) / (found.upper - found.lower) if found.is_valid else 1.0


def slopes(function: Callable[..., Any], fit: Minuit) -> Floats:
    """Return the derivatives of a function of the parameters at the fit, free ones first index, by differences.

    The steps are a hundredth of an error, less beside a limit.
    """
    best = np.array(fit.values)
    rows = []
    for i, name in enumerate(fit.parameters):
        if fit.fixed[name]:
            rows.append(0.0 * np.asarray(function(*best)))
            continue
        step = np.zeros(len(best))
        low, high = fit.limits[name]
        step[i] = min(0.01 * fit.errors[name], (best[i] - low) / 2, (high - best[i]) / 2)
        rows.append((np.asarray(function(*(best + step))) - np.asarray(function(*(best - step)))) / (2 * step[i]))
    return np.array(rows)

"""Estimates from the selected decays: lines of the S1s, loss of S2s with drift time, half-life of the delay."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics.fits.attenuation import Attenuation, Medians, fit_attenuation, fit_medians
from xomphysics.fits.decay import DecayFit, fit_half_life
from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Steadiness, steadiness
from xomphysics.fits.line import LineFit, fit_line
from xomphysics.kr83m.selection import Double, Merged, Range

Floats = NDArray[np.float64]

ENERGY_FIRST, ENERGY_SECOND = 32.1516, 9.4057  # keV
ENERGY = ENERGY_FIRST + ENERGY_SECOND
HALF_LIFE = (154.0, 157.0)  # ns, range of the published values
_WIDEST = {ENERGY_SECOND: 0.3, ENERGY_FIRST: 0.2, ENERGY: 0.2}  # lines, relative; 0.19, 0.12 and 0.10 at 4 PE/keV


@dataclass(frozen=True)
class Line:
    """The estimate of one line, in PE; None and a reason if it cannot be estimated.

    Attributes
    ----------
    energy
        In keV.
    n
        Number of decays.
    steady
        Test whether the mean area is constant within the run; None if there are too few decays.
    """

    energy: float
    n: int
    fit: LineFit | None
    reason: str
    steady: Steadiness | None = None


@dataclass(frozen=True)
class Charge:
    """Loss of S2s with drift time, in ms; None and a reason if it cannot be estimated. Attributes as in `Line`.

    ``change`` is the relative change of the charge yield per ms that cannot be excluded.
    """

    n: int
    fit: Attenuation | None
    medians: Medians | None
    reason: str
    steady: Steadiness | None = None
    change: float = 0.0


@dataclass(frozen=True)
class Estimates:
    """All estimates.

    Attributes
    ----------
    lines
        By the suffix of the variables: 9_4, 32_2, 41_6.
    charge
        By selection: double, merged.
    half_life
        Of the delay, a check of the purity of the sample; None and a reason if it cannot be fitted.
    """

    lines: dict[str, Line]
    charge: dict[str, Charge]
    half_life: DecayFit | None
    no_half_life: str = ""


def estimate(double: Double, merged: Merged, settings: dict[str, Any]) -> Estimates:
    """Estimate everything; ``settings`` are as `selection.DEFAULTS`."""
    lines = {
        "9_4": measure_line(double.s1_b, ENERGY_SECOND, double.ranges[1], settings),
        "32_2": measure_line(double.s1_a, ENERGY_FIRST, double.ranges[0], settings),
        "41_6": measure_line(merged.s1, ENERGY, merged.range, settings),
    }
    on_line = _on_line(merged.s1, lines["41_6"], settings["merged_line_sigma"])
    no_line = [line.reason for line in (lines["9_4"], lines["32_2"]) if line.fit is None]
    charge = {
        "double": measure_charge(double.s2, double.raw_s2, double.drift_time, no_line, settings),
        "merged": measure_charge(
            merged.s2[on_line],
            merged.raw_s2[on_line],
            merged.drift_time[on_line],
            [lines["41_6"].reason] if lines["41_6"].fit is None else [],
            settings,
        ),
    }
    n, needed = len(double.delay), settings["minimum_events"]
    if n < needed:
        return Estimates(lines, charge, None, f"{n} events selected, {needed} needed")
    try:
        return Estimates(lines, charge, fit_half_life(double.delay, *settings["delay_ns"]))
    except FitFailed as failure:
        return Estimates(lines, charge, None, f"fit failed: {failure}")


def _on_line(areas: Floats, line: Line, sigmas: float) -> NDArray[np.bool_]:
    if line.fit is None:
        return np.ones(len(areas), dtype=bool)
    return np.asarray(np.abs(areas - line.fit.mean) < sigmas * line.fit.sigma)


def measure_line(areas: Floats, energy: float, limits: Range, settings: dict[str, Any]) -> Line:
    """Estimate a line's position in both ways.

    Parameters
    ----------
    areas
        S1 areas of the selected decays (PE), in the order of time.
    energy
        Of the line (keV).
    limits
        The area range that was selected (PE); the fit's range.
    settings
        As `selection.DEFAULTS`.
    """
    n, minimum = len(areas), settings["minimum_events"]
    if n < minimum:
        return Line(energy, n, None, f"{n} events selected, {minimum} needed")
    try:
        fit = fit_line(areas, limits[0], limits[1], min(settings["max_relative_width"], _WIDEST[energy]))
        steady = steadiness(areas)
        _demand_steadiness(steady, settings)
    except FitFailed as failure:
        return Line(energy, n, None, f"fit failed: {failure}")
    return Line(energy, n, fit, "", steady)


def measure_charge(
    areas: Floats, raw_areas: Floats, drift_time: Floats, no_line: list[str], settings: dict[str, Any]
) -> Charge:
    """Estimate S2 at drift time zero and the loss with drift time.

    Parameters
    ----------
    areas, raw_areas, drift_time
        S2 areas (PE), the same before corrections, and drift times (ns) of the selected decays, in the order of time.
    no_line
        Reasons why an S1 spectrum of these decays has no line; then the S2s may not be from krypton.
    settings
        As `selection.DEFAULTS`.
    """
    n, minimum = len(areas), settings["minimum_events_s2"]
    if n < minimum:
        return Charge(n, None, None, f"{n} events selected, {minimum} needed")
    if no_line:
        return Charge(n, None, None, f"{no_line[0]} (S1)")
    try:
        areas = areas / relative_yield(drift_time / 1e6, settings["charge_yield_map"])
        low, high = (_or_infinity(limit, sign) for limit, sign in zip(settings["s2_area_pe"], (-1, 1), strict=True))
        limits = low * areas / raw_areas, high * areas / raw_areas
        fit = fit_attenuation(drift_time / 1e6, areas, settings["max_relative_width"], limits)
        medians = fit_medians(drift_time / 1e6, areas)
        steady = steadiness(areas / fit.area(drift_time / 1e6))
        _demand_steadiness(steady, settings)
    except FitFailed as failure:
        return Charge(n, None, None, f"fit failed: {failure}")
    change = 0.0 if settings["charge_yield_map"] else settings["charge_yield_change"] / float(np.ptp(drift_time) / 1e6)
    return Charge(n, fit, medians, "", steady, change)


def relative_yield(times: Floats, pairs: list[list[float]] | None) -> Floats:
    """Return the charge yield at drift times (ms) over that at zero, linear between the pairs of the settings.

    Raises
    ------
    ValueError
        If the pairs do not have rising times and yields above zero.
    """
    if not pairs:
        return np.ones(len(times))
    try:
        place, value = np.array(pairs, dtype=float).T
    except (TypeError, ValueError):
        place, value = np.zeros(2), np.zeros(2)
    if not (np.all(np.diff(place) > 0) and np.all(value > 0)):
        raise ValueError(f"settings.charge_yield_map is {pairs!r}, pairs of rising time (ms) and yield are needed")
    return np.asarray(np.interp(times, place, value) / np.interp(0.0, place, value))


def _or_infinity(limit: float | None, sign: int) -> float:
    return sign * np.inf if limit is None else float(limit)


def _demand_steadiness(steady: Steadiness | None, settings: dict[str, Any]) -> None:
    least, most = settings["unsteady_below"], settings["most_drift"]
    if steady is None or least is None or steady.goodness.p_value >= least or steady.drift <= most:
        return
    raise FitFailed(f"the areas change within the data (by {steady.drift:.1%} or more, at most {most:.1%} may)")

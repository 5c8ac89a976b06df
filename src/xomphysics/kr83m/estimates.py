"""Estimates from the selected decays: lines of the S1s, loss of S2s with drift time, half-life of the delay."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics.fits.attenuation import Attenuation, Medians, fit_attenuation, fit_medians
from xomphysics.fits.decay import DecayFit, fit_half_life
from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Goodness, steadiness
from xomphysics.fits.line import LineFit, Mean, fit_line, sample_mean
from xomphysics.kr83m.selection import Double, Merged

Floats = NDArray[np.float64]

ENERGY_FIRST, ENERGY_SECOND = 32.1516, 9.4057  # keV
ENERGY = ENERGY_FIRST + ENERGY_SECOND
HALF_LIFE = (154.0, 157.0)  # ns, range of the published values


@dataclass(frozen=True)
class Line:
    """Both estimates of one line, in PE; None and a reason if the line cannot be estimated.

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
    mean: Mean | None
    reason: str
    steady: Goodness | None = None


@dataclass(frozen=True)
class Charge:
    """Loss of S2s with drift time, in ms; None and a reason if it cannot be estimated. Attributes as in `Line`."""

    n: int
    fit: Attenuation | None
    medians: Medians | None
    reason: str
    steady: Goodness | None = None


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
        Of the delay, a check of the purity of the sample; None if it cannot be fitted.
    """

    lines: dict[str, Line]
    charge: dict[str, Charge]
    half_life: DecayFit | None


def estimate(double: Double, merged: Merged, settings: dict[str, Any]) -> Estimates:
    """Estimate everything; ``settings`` are as `selection.DEFAULTS`."""
    lines = {
        "9_4": measure_line(double.s1_b, ENERGY_SECOND, settings["s1_b_area_pe"], settings),
        "32_2": measure_line(double.s1_a, ENERGY_FIRST, settings["s1_a_area_pe"], settings),
        "41_6": measure_line(merged.s1, ENERGY, settings["merged_s1_area_pe"], settings),
    }
    on_line = _on_line(merged.s1, lines["41_6"], settings["merged_line_sigma"])
    no_line = [line.reason for line in (lines["9_4"], lines["32_2"]) if line.fit is None]
    charge = {
        "double": measure_charge(double.s2, double.drift_time, no_line, settings),
        "merged": measure_charge(
            merged.s2[on_line],
            merged.drift_time[on_line],
            [lines["41_6"].reason] if lines["41_6"].fit is None else [],
            settings,
        ),
    }
    try:
        enough = len(double.delay) >= settings["minimum_events"]
        half_life = fit_half_life(double.delay, *settings["delay_ns"]) if enough else None
    except FitFailed:
        half_life = None
    return Estimates(lines, charge, half_life)


def _on_line(areas: Floats, line: Line, sigmas: float) -> NDArray[np.bool_]:
    if line.fit is None:
        return np.ones(len(areas), dtype=bool)
    return np.asarray(np.abs(areas - line.fit.mean) < sigmas * line.fit.sigma)


def measure_line(areas: Floats, energy: float, limits: list[float], settings: dict[str, Any]) -> Line:
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
        return Line(energy, n, None, None, f"{n} events selected, {minimum} needed")
    try:
        fit = fit_line(areas, limits[0], limits[1], settings["max_relative_width"])
        mean, steady = sample_mean(areas), steadiness(areas)
        _demand_steadiness(steady, settings["unsteady_below"])
    except FitFailed as failure:
        # Without a line in the spectrum the mean of the areas is not the position of the line.
        return Line(energy, n, None, None, f"fit failed: {failure}")
    return Line(energy, n, fit, mean, "", steady)


def measure_charge(areas: Floats, drift_time: Floats, no_line: list[str], settings: dict[str, Any]) -> Charge:
    """Estimate S2 at drift time zero and the loss with drift time.

    Parameters
    ----------
    areas, drift_time
        S2 areas (PE) and drift times (ns) of the selected decays, in the order of time.
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
        fit = fit_attenuation(drift_time / 1e6, areas, settings["max_relative_width"])
        medians = fit_medians(drift_time / 1e6, areas)
        steady = steadiness(areas / fit.area(drift_time / 1e6))
        _demand_steadiness(steady, settings["unsteady_below"])
    except FitFailed as failure:
        return Charge(n, None, None, f"fit failed: {failure}")
    return Charge(n, fit, medians, "", steady)


def _demand_steadiness(steady: Goodness | None, least: float | None) -> None:
    if steady is not None and least is not None and steady.p_value < least:
        chi2 = f"chi2 {steady.chi2:.0f} of {steady.ndf} degrees of freedom"
        raise FitFailed(f"the areas change within the data ({chi2}, p-value below {least:g})")

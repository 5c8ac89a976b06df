"""The estimates as results: values, errors, further data and quality."""

from typing import Any

from xomphysics import quality
from xomphysics.fits.attenuation import Attenuation
from xomphysics.fits.decay import DecayFit
from xomphysics.fits.goodness import Goodness, Steadiness
from xomphysics.fits.line import LineFit
from xomphysics.kr83m.columns import chosen
from xomphysics.kr83m.estimates import ENERGY, HALF_LIFE, Charge, Estimates, Line
from xomphysics.poisson import poisson_error
from xomphysics.reading.selection import CutFlow

_NORMAL = 12.0  # standard deviations of 1/tau from zero; nearer, errors of tau are too far from those of a Gauss
_FAR = 3.0  # errors of a half-life that is not that of krypton
_MEAN_TIME = 1.0  # ms: over this time a change of the charge yield is taken for a change of it at zero
_NEAR_A_CUT = 3.0  # sigma
_LEVEL_90 = 1.2816  # standard deviations of a one-sided limit of 90 %


def results(found: Estimates, double: CutFlow, merged: CutFlow, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`.

    Parameters
    ----------
    found
        See `estimates.estimate`.
    double, merged
        Both selections with their counts.
    settings
        As `selection.DEFAULTS`.
    """
    out = [_selected("selected_events", double, found.half_life), _selected("selected_events_merged", merged, None)]
    half_life = {"variable_name": "delay_half_life", "unit": "ns", "n": double.selected}
    out.append(half_life | _half_life(found))
    used = chosen(settings)
    s1 = {"9_4": used.s1[1], "32_2": used.s1[0], "41_6": used.s1[0]}
    for suffix, line in found.lines.items():
        out.append({"variable_name": f"resolution_{suffix}", "unit": "", "n": line.n} | _resolution(line))
        depth = _depth(found.charge["merged" if suffix == "41_6" else "double"])
        for kind, numbers in (("mean", _mean(line)), ("gauss", _gauss(line))):
            warnings = [*numbers.get("warnings", ()), *depth]
            light_yield = {"variable_name": f"light_yield_{suffix}_{kind}", "unit": "PE/keV", "n": line.n}
            out.append(light_yield | numbers | {"warnings": warnings})
    for name, charge in found.charge.items():
        for variable, unit, numbers in charge_rows(charge, ENERGY, settings["minimum_events_lifetime"]):
            suffix = "_41_6" if variable == "charge_yield" else ""
            out.append({"variable_name": f"{variable}{suffix}_{name}", "unit": unit, "n": charge.n} | numbers)
    return quality.judged([_with_column(result, s1, used.s2) for result in out], settings["quality"])


def charge_rows(charge: Charge, energy: float, minimum: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return variable, unit and numbers (keywords of `xomlib.Xomresult`) of all that S2s against drift time give.

    Parameters
    ----------
    charge
        See `estimates.measure_charge`.
    energy
        By which the areas are divided for the charge yield (keV).
    minimum
        Events below which there is no lifetime.
    """
    return [
        ("charge_yield", "PE/keV", _charge_yield(charge, energy)),
        ("electron_lifetime", "ms", _lifetime(charge, minimum)),
        ("inverse_lifetime", "1/ms", _inverse_lifetime(charge)),
        ("resolution_s2", "", _resolution_s2(charge)),
    ]


def _with_column(result: dict[str, Any], s1: dict[str, str], s2: str) -> dict[str, Any]:
    """Add the column of straxen that a number comes from to its data."""
    name = result["variable_name"]
    if "variable_value" not in result or name.startswith(("selected", "delay")):
        return result
    column = next((column for suffix, column in s1.items() if f"_{suffix}" in name and "charge" not in name), s2)
    return result | {"data": {**result.get("data", {}), "column": column}}


def _selected(name: str, flow: CutFlow, half_life: DecayFit | None) -> dict[str, Any]:
    n = flow.selected
    data: dict[str, Any] = {f"passed_{cut}": count for cut, count in flow.counts().items()}
    if half_life is not None:
        data |= {"half_life_ns": half_life.half_life, "half_life_error_ns": half_life.error}
    return {"variable_name": name, "variable_value": n, "error": poisson_error(n), "unit": "events", "n": n} | {
        "data": data
    }


def _half_life(found: Estimates) -> dict[str, Any]:
    fit = found.half_life
    if fit is None:
        return {"insufficient": found.no_half_life}
    off = max(HALF_LIFE[0] - fit.half_life, fit.half_life - HALF_LIFE[1], 0.0) / fit.error
    published = f"{HALF_LIFE[0]:g} to {HALF_LIFE[1]:g} ns"
    other = f"the half-life is {off:.1f} errors from the published ones ({published})"
    return {
        "variable_value": fit.half_life,
        "error": fit.error,
        "data": {"published_low": HALF_LIFE[0], "published_high": HALF_LIFE[1]},
        "warnings": [f"{other}: there are others among the decays"] if off > _FAR else [],
    }


def _mean(line: Line) -> dict[str, Any]:
    if line.fit is None:
        return {"insufficient": line.reason}
    moment = line.fit.moment
    data = _of_line(line, line.fit) | {"relative_width": moment.deviation / moment.mean}
    value, error = moment.mean / line.energy, moment.error / line.energy
    return {"variable_value": value, "error": error, "data": data, "warnings": _edge(line.fit)}


def _gauss(line: Line) -> dict[str, Any]:
    if line.fit is None:
        return {"insufficient": line.reason}
    data = _of_line(line, line.fit) | {"relative_width": line.fit.sigma / line.fit.mean}
    value, error = line.fit.mean / line.energy, line.fit.mean_error / line.energy
    return {"variable_value": value, "error": error, "data": data, "warnings": _edge(line.fit)}


def _resolution(line: Line) -> dict[str, Any]:
    if line.fit is None:
        return {"insufficient": line.reason}
    data = _of_line(line, line.fit)
    value, error = line.fit.resolution, line.fit.resolution_error
    return {"variable_value": value, "error": error, "data": data, "warnings": _edge(line.fit)}


def _of_line(line: Line, fit: LineFit) -> dict[str, Any]:
    data = {"energy_kev": line.energy, "background_fraction": fit.background, "background_fall": fit.fall}
    data |= {"edge_sigma": fit.nearest_edge, **_apart(fit.asymmetry)}
    return data | _goodness(fit.goodness, fit.n) | _steady(line.steady)


def _edge(fit: LineFit) -> list[str]:
    if fit.nearest_edge >= _NEAR_A_CUT:
        return []
    place = f"{fit.nearest_edge:.1f} sigma from its centre {fit.mean:.4g}"
    return [f"the range {fit.low:g} to {fit.high:g} PE cuts the line {place}"]


def _charge_yield(charge: Charge, energy: float) -> dict[str, Any]:
    if charge.fit is None or charge.medians is None:
        return {"insufficient": charge.reason}
    data = _of_fit(charge) | {
        "energy_kev": energy,
        "medians_value": charge.medians.start / energy,
        "medians_error": charge.medians.start_error / energy,
        **_systematic(charge, charge.fit.start / energy * _MEAN_TIME),
    }
    value, error = charge.fit.start / energy, charge.fit.start_error / energy
    return {"variable_value": value, "error": error, "data": data, "warnings": _cut(charge.fit)}


def _inverse_lifetime(charge: Charge) -> dict[str, Any]:
    if charge.fit is None or charge.medians is None:
        return {"insufficient": charge.reason}
    data = _of_fit(charge) | {"medians_value": charge.medians.rate, "medians_error": charge.medians.rate_error}
    data |= _systematic(charge, 1.0)
    rate = charge.fit.rate, charge.fit.rate_error
    return {"variable_value": rate[0], "error": rate[1], "data": data, "warnings": _cut(charge.fit)}


def _lifetime(charge: Charge, minimum: int) -> dict[str, Any]:
    fit = charge.fit
    if fit is None:
        return {"insufficient": charge.reason}
    if charge.n < minimum:
        return {"insufficient": f"{charge.n} events selected, {minimum} needed for a lifetime"}
    highest, seen = fit.rate + _LEVEL_90 * fit.rate_error, f"1/tau = {fit.rate:.4f} ± {fit.rate_error:.4f} per ms"
    limit = {"lower_limit_90": 1 / highest} if highest > 0 else {}
    if not fit.rate > fit.rate_error:
        above = f": the lifetime is above {1 / highest:.3g} ms (90 %)" if limit else ""
        return {"insufficient": f"{seen} is compatible with no loss{above}", "data": limit}
    sigmas = fit.rate / fit.rate_error
    interval = {"low_68": 1 / (fit.rate + fit.rate_error), "high_68": 1 / (fit.rate - fit.rate_error)}
    near = f"{seen} is only {sigmas:.1f} standard deviations above zero: use it, or low_68 and high_68"
    return {
        "variable_value": 1 / fit.rate,
        "error": fit.rate_error / fit.rate**2,
        "data": _of_fit(charge) | interval | limit | {"significance": sigmas} | _systematic(charge, fit.rate**-2),
        "warnings": [*_cut(fit), *([] if sigmas >= _NORMAL else [near])],
    }


def _resolution_s2(charge: Charge) -> dict[str, Any]:
    fit = charge.fit
    if fit is None:
        return {"insufficient": charge.reason}
    return {
        "variable_value": fit.width,
        "error": fit.width_error,
        "data": _of_fit(charge),
        "warnings": _cut(fit),
    }


def _of_fit(charge: Charge) -> dict[str, Any]:
    fit, medians = charge.fit, charge.medians
    if fit is None or medians is None:
        return {}
    data = {"relative_width": fit.width, "tails": fit.tails, "medians_p_value": medians.goodness.p_value}
    data |= {"medians_misfit": medians.misfit, "cut_sigma": fit.nearest_cut, **_apart(fit.asymmetry)}
    return data | _goodness(fit.goodness, fit.n) | _steady(charge.steady)


def _apart(asymmetry: float | None) -> dict[str, float]:
    return {} if asymmetry is None else {"minos_asymmetry": asymmetry}


def _systematic(charge: Charge, factor: float) -> dict[str, float]:
    return {"systematic_error": charge.change * factor} if charge.change else {}


def _cut(fit: Attenuation) -> list[str]:
    if fit.nearest_cut >= _NEAR_A_CUT:
        return []
    return [f"settings.s2_area_pe cuts the S2s of some drift time {fit.nearest_cut:.1f} sigma from their centre"]


def _depth(charge: Charge) -> list[str]:
    """Return the warning of a light yield whose decays are not from the whole depth: a wrong map would shift it."""
    if charge.fit is None or charge.fit.nearest_cut >= _NEAR_A_CUT:
        return []
    return ["settings.s2_area_pe removes decays of some drift times: the light yield is that of the others"]


def _goodness(goodness: Goodness, n: int) -> dict[str, Any]:
    return {"chi2": goodness.chi2, "ndf": goodness.ndf, "p_value": goodness.p_value, "misfit": goodness.misfit(n)}


def _steady(steady: Steadiness | None) -> dict[str, Any]:
    return {} if steady is None else {"steady_p_value": steady.goodness.p_value, "drift": steady.drift}

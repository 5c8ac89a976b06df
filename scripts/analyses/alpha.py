"""Rates of the alphas of Rn-222 and Po-218, and yields and electron lifetime from their lines.

One pass over ``veto_intervals`` and one over ``event_info``, a chunk at a time; a few numbers of each selected event
are kept. See docs/analyses/alpha.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.doublet import DoubletFit, find_doublet, fit_doublet
from xomphysics.fits.errors import FitFailed
from xomphysics.kr83m.columns import chosen
from xomphysics.kr83m.estimates import Charge, measure_charge
from xomphysics.kr83m.results import charge_rows
from xomphysics.kr83m.selection import event_info_name
from xomphysics.poisson import poisson_error
from xomphysics.rate_per_second import CountsPerSecond, clustering, silent_share
from xomphysics.reading import live_time
from xomphysics.reading.chunks import chunks
from xomphysics.reading.live_time import LiveTime, Vetoes
from xomphysics.reading.selection import Cut, CutFlow, within
from xomphysics.settings import merge

Floats = NDArray[np.float64]

ENERGIES = {"rn222": 5489.48, "po218": 6002.35}  # keV
POLONIUM = 5304.33  # keV: alphas of Po-210, of surfaces that reach into the volume, or in the xenon
DEFAULTS: dict[str, Any] = {
    # Corrected for the position, not for what drifts with time. null: those of the installed straxen, as in kr83m.
    "s1_columns": None,
    "s2_column": None,
    "radius_cm": [0, 60.73],
    "z_cm": [-134.24, -13.61],
    "search_pe": [15_000, 120_000],  # where the line of Rn-222 is looked for
    "s2_over_s1": [0.05, 5],  # electrons and gammas have much more
    "line_sigma": 3.0,  # S2s are taken this far about the S1 lines
    **live_time.DEFAULTS,
    "minimum_events": 100,
    "charge_yield_change": 0.05,  # from the first to the last drift time, that cannot be excluded
    "quality": {
        **live_time.QUALITY,
        "misfit": [None, 0.1],
        "skewness": [-0.4, 0.4],
        "background_fraction": [None, 0.2],
        "separation": [3.5, None],
        "polonium_fraction": [None, 0.2],
        "light_ratio": [0.99, 1.01],
        "silent_share": [None, 0.002],
        "relative_width": [None, 0.2],
        "medians_misfit": [None, 0.03],
        "drift": [None, 0.03],
        "minos_asymmetry": [None, 0.25],
    },
}
OF_CHARGE = {
    "minimum_events_s2": 100,
    "charge_yield_map": None,
    "s2_area_pe": [None, None],
    "max_relative_width": 0.3,
    "unsteady_below": None,
    "most_drift": 0.05,
}
MINIMUM_LIFETIME = 100


@dataclass(frozen=True)
class Alphas:
    """Selected events that touch no veto, in the order of time: one column each, shape (events,).

    Areas are in PE, drift times in ns. ``typical`` is their median duration (ns), ``silent_share`` the part of the live
    time in gaps without any event, selected or not, that are too long to be chance.
    """

    s1: Floats
    s2: Floats
    drift_time: Floats
    typical: int
    live: LiveTime
    silent_share: float


@dataclass(frozen=True)
class Found:
    """The lines of the S1s and the loss of the S2s, over keV; None and a reason without."""

    lines: DoubletFit | None
    charge: Charge
    reason: str = ""


def check(settings: Mapping[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If a pair is not two rising numbers.
    """
    quality.check(settings["quality"])
    pair = settings["search_pe"]
    if len(pair) != 2 or not 0 < pair[0] < pair[1]:
        raise ValueError(f"settings.search_pe is {pair}, a lower and an upper limit are needed")


def areas_of(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Return the columns of ``event_info`` with the areas of S1 and S2."""
    used = chosen(settings)
    return event_info_name(used.s1[0]), event_info_name(used.s2)


def columns(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of ``event_info`` that are read."""
    return ("time", "endtime", "drift_time", "r", "z", *areas_of(settings))


def cuts(settings: Mapping[str, Any]) -> list[Cut]:
    """Return the selection, in its order."""
    s1, s2 = areas_of(settings)
    low, high = settings["search_pe"]
    least, most = settings["s2_over_s1"]
    last = ENERGIES["po218"] / ENERGIES["rn222"]
    return [
        within("s1_pe", s1, [0.8 * low, 1.2 * last * high], "S1 [PE]"),
        within("radius_cm", "r", settings["radius_cm"], "r [cm]"),
        within("z_cm", "z", settings["z_cm"], "z [cm]"),
        Cut(
            "s2_over_s1",
            f"S2 over S1 {least:g} to {most:g}",
            lambda events: (events[s2] >= least * events[s1]) & (events[s2] < most * events[s1]),
        ),
    ]


def collect(data: Iterable[Any], flow: CutFlow, vetoes: Vetoes, settings: Mapping[str, Any]) -> Alphas:
    """Select the events of a run.

    Raises
    ------
    xomlib.DataBroken
        If the vetoes cover only a part of the run.
    """
    s1, s2 = areas_of(settings)
    kept: list[list[Any]] = [[], [], [], []]
    seconds = CountsPerSecond()
    for chunk in data:
        seconds.add(chunk.data["time"], int(chunk.start), int(chunk.end))
        events = chunk.data[flow.select(chunk.data)]
        events = events[vetoes.avoided(events["time"], events["endtime"])]
        for column, values in zip(
            kept, (events[s1], events[s2], events["drift_time"], events["endtime"] - events["time"]), strict=True
        ):
            column.append(values.astype(np.float64))
    areas, charges, times, durations = (np.concatenate([np.zeros(0), *column]) for column in kept)
    flow.then(Cut("no_veto", "touches no veto", np.isfinite), len(areas))
    typical = int(np.median(durations)) if len(durations) else 0
    live = vetoes.live_time(seconds.start, seconds.end)
    return Alphas(areas, charges, times, typical, live, _silent(seconds, live))


def _silent(seconds: CountsPerSecond, live: LiveTime) -> float:
    counts = seconds.counts[: int(seconds.span)]
    times = live.parts(np.arange(len(counts) + 1))
    return silent_share(counts, times, clustering(counts, times))


def measure(alphas: Alphas, settings: Mapping[str, Any]) -> Found:
    """Find the lines and the loss of charge."""
    own = {**OF_CHARGE, "charge_yield_change": settings["charge_yield_change"]}
    n, needed, ratio = len(alphas.s1), settings["minimum_events"], ENERGIES["po218"] / ENERGIES["rn222"]
    if n < needed:
        reason = f"{n} events selected, {needed} needed"
        return Found(None, Charge(n, None, None, reason), reason)
    try:
        place = find_doublet(alphas.s1, ratio, *map(float, settings["search_pe"]))
        lines = fit_doublet(alphas.s1, place, ratio, POLONIUM / ENERGIES["rn222"])
    except FitFailed as failure:
        reason = f"fit failed: {failure}"
        return Found(None, Charge(n, None, None, f"{reason} (S1)"), reason)
    upper = np.abs(alphas.s1 / lines.means[1] - 1) < np.abs(alphas.s1 / lines.means[0] - 1)
    centre = np.where(upper, lines.means[1], lines.means[0])
    near = np.abs(alphas.s1 / centre - 1) < settings["line_sigma"] * lines.width
    energy = np.where(upper, ENERGIES["po218"], ENERGIES["rn222"])[near]
    s2 = alphas.s2[near]
    return Found(lines, measure_charge(s2 / energy, s2, alphas.drift_time[near], [], own))


def results(found: Found, alphas: Alphas, flow: CutFlow, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    n = len(alphas.s1)
    passed = {f"passed_{cut}": count for cut, count in flow.counts().items()}
    number = {"variable_name": "selected_events", "variable_value": n, "error": poisson_error(n), "unit": "events"}
    out: list[dict[str, Any]] = [number | {"n": n, "data": passed}]
    s1, s2 = areas_of(settings)
    for i, name in enumerate(ENERGIES):
        out.append({"variable_name": f"rate_{name}", "unit": "Hz", "n": n} | _rate(found, alphas, i))
        light = {"variable_name": f"light_yield_{name}", "unit": "PE/keV", "n": n}
        out.append(light | _with_column(_light_yield(found, i, ENERGIES[name]), s1))
    shape = _others(found.lines) if found.lines else {}  # another line has other S2s, too
    out += [
        {"variable_name": variable, "unit": unit, "n": found.charge.n} | _with_column(numbers, s2, shape)
        for variable, unit, numbers in charge_rows(found.charge, 1.0, MINIMUM_LIFETIME)
    ]
    return quality.judged(out, settings["quality"], alphas.live.warning)


def _with_column(numbers: dict[str, Any], column: str, more: Mapping[str, float] | None = None) -> dict[str, Any]:
    data = {"data": {**numbers["data"], **(more or {}), "column": column}} if "variable_value" in numbers else {}
    return numbers | data


def _of_lines(lines: DoubletFit) -> dict[str, Any]:
    data = {"background_fraction": lines.background, "relative_width": lines.width, "separation": lines.separation}
    data |= _others(lines)
    data |= {"misfit": lines.goodness.misfit(lines.n), "chi2": lines.goodness.chi2, "ndf": lines.goodness.ndf}
    data |= {"p_value": lines.goodness.p_value}
    return data if lines.asymmetry is None else data | {"minos_asymmetry": lines.asymmetry}


def _others(lines: DoubletFit) -> dict[str, float]:
    """Return what shows other lines: alphas of both energies give nearly as much light per energy."""
    ratio = lines.means[1] / lines.means[0] * ENERGIES["rn222"] / ENERGIES["po218"]
    return {"skewness": lines.skewness, "polonium_fraction": lines.third, "light_ratio": ratio}


def _rate(found: Found, alphas: Alphas, line: int) -> dict[str, Any]:
    """Return the rate of a line, in the time in which an event of typical duration touches no veto."""
    if found.lines is None:
        return {"insufficient": found.reason}
    exposure = float(alphas.live.exposure([alphas.typical])[0])
    if not exposure > 0:
        return {"insufficient": f"no time between two vetoes is as long as an event ({alphas.typical / 1e6:.3g} ms)"}
    value = found.lines.counts[line] / exposure
    error = float(np.hypot(found.lines.count_errors[line] / exposure, value * alphas.live.error / exposure))
    data = _of_lines(found.lines) | alphas.live.data() | {"exposure_s": exposure}
    data["silent_share"] = alphas.silent_share
    return {"variable_value": value, "error": error, "data": data}


def _light_yield(found: Found, line: int, energy: float) -> dict[str, Any]:
    if found.lines is None:
        return {"insufficient": found.reason}
    value, error = found.lines.means[line] / energy, found.lines.mean_errors[line] / energy
    return {"variable_value": value, "error": error, "data": _of_lines(found.lines) | {"energy_kev": energy}}


def draw(found: Found, alphas: Alphas, flow: CutFlow, title: str) -> Figure:
    """Draw the S1s with both lines, the S2s against drift time, and the cut flow."""
    figure = figures.new_figure(title, 13.0, 4.6)
    spectrum, charge, passed = figure.subplots(1, 3)
    figure.subplots_adjust(left=0.06, right=0.985, top=0.84, bottom=0.13, wspace=0.24)
    figures.style(spectrum, "S1 area [PE]", "events per bin", f"{len(alphas.s1):,} events")
    figures.style(charge, "drift time [ms]", "S2 area [PE]", "S2")
    figures.cut_flow(passed, ["all events", *(cut.text for cut in flow.cuts)], list(flow.counts().values()))
    charge.plot(alphas.drift_time / 1e6, alphas.s2, ".", ms=2, color=figures.GREY)
    lines, loss = found.lines, found.charge.fit
    if lines is None:
        if len(alphas.s1):
            spectrum.hist(alphas.s1, bins=60, color=figures.PALE)
        for axes in (spectrum, charge):
            figures.say_empty(axes, found.reason, 0.9)
        return figure
    edges = np.linspace(lines.low, lines.high, 61)
    figures.counts_with_errors(spectrum, edges, np.histogram(alphas.s1, edges)[0])
    x = np.linspace(lines.low, lines.high, 300)
    spectrum.plot(x, lines.density(x) * (edges[1] - edges[0]), color=figures.ORANGE, lw=1.6)
    spectrum.set_ylim(0, spectrum.get_ylim()[1] * 1.5)
    figures.note(
        spectrum,
        [
            f"{name}: {n:.0f} ± {error:.0f} events at {mean:,.0f} ± {uncertain:,.0f} PE"
            for name, n, error, mean, uncertain in zip(
                ENERGIES, lines.counts, lines.count_errors, lines.means, lines.mean_errors, strict=True
            )
        ],
    )
    if loss is None:
        figures.say_empty(charge, found.charge.reason, 0.9)
        return figure
    times = np.linspace(0, float(alphas.drift_time.max()) / 1e6, 100)
    for energy, colour in zip(ENERGIES.values(), (figures.BLUE, figures.ORANGE), strict=True):
        charge.plot(times, loss.area(times) * energy, color=colour, lw=1.4)
    figures.note(charge, [f"1/τ {loss.rate:.4f} ± {loss.rate_error:.4f} per ms"])
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    flow = CutFlow(cuts(settings))
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    alphas = collect(chunks(st, run_id, "event_info", columns(settings)), flow, vetoes, settings)
    print(flow.table())
    found = measure(alphas, settings)
    for result in results(found, alphas, flow, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(found, alphas, flow, f"Run {run_id}: alphas"))
    xomlib.xom_message(success=True, text=f"{len(alphas.s1)} of {flow.total} events selected")


if __name__ == "__main__":
    xomlib.cli(main)

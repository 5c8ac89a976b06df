"""Drift velocity of the electrons, from the two ends of the spectrum of drift times: gate and cathode.

One pass over ``event_info``, a chunk at a time; the drift times of selected events are kept.
See docs/analyses/drift.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.edge import EdgeFit, Start, fit_edge, sharp_start, steepest
from xomphysics.fits.errors import FitFailed
from xomphysics.poisson import poisson_error
from xomphysics.reading.chunks import chunks
from xomphysics.reading.selection import Cut, CutFlow, within
from xomphysics.settings import merge

Floats = NDArray[np.float64]

DEFAULTS: dict[str, Any] = {
    "gate_to_cathode_cm": 148.6515,  # straxen.common.tpc_z
    "radius_cm": [0, 60.73],  # as in kr83m: at the wall the field is bent
    "s1_area_pe": [50, None],
    "s2_area_pe": [500, None],
    "cathode_us": [1000, 3000],  # where the cathode's edge is looked for
    "window_us": 100,  # to both sides of it
    "edge_width_us": 5,  # expected of the cathode's edge, to a factor of two
    "cathode_share": 0.002,  # of the events, at the cathode itself, that cannot be excluded
    "gate_events": 25,  # the gate is found from the so many shortest drift times
    "minimum_events": 5000,
    "quality": {
        "misfit": [None, 0.3],
        "edge_events": [15, None],
        "edge_width_ratio": [0.35, 1.6],
        "background_fraction": [None, 0.3],
        "gate_spacing": [0.5, 1.75],
        "minos_asymmetry": [None, 0.25],
    },
}
COLUMNS = ("drift_time", "r", "s1_area", "s2_area")


@dataclass(frozen=True)
class Edges:
    """Drift times (us) of the selected events and the edges in them; None and a reason without."""

    times: Floats
    cathode: EdgeFit | None = None
    gate: Start | None = None
    reason: str = ""


def check(settings: dict[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If a number is not above zero, or a pair is not two rising numbers.
    """
    quality.check(settings["quality"])
    for name, least in (("gate_to_cathode_cm", 0), ("window_us", 0), ("edge_width_us", 0), ("gate_events", 1)):
        if not settings[name] > least:
            raise ValueError(f"settings.{name} is {settings[name]!r}, a number above {least} is needed")
    if not 0 <= settings["cathode_share"] < 1:
        raise ValueError(
            f"settings.cathode_share is {settings['cathode_share']!r}, a number from 0 to below 1 is needed"
        )
    pair = settings["cathode_us"]
    if len(pair) != 2 or not 0 < pair[0] < pair[1]:
        raise ValueError(f"settings.cathode_us is {pair}, a lower and an upper limit are needed")


def cuts(settings: dict[str, Any]) -> list[Cut]:
    """Return the selection, in its order."""
    return [
        Cut("drift_time", "an S1 and a later S2", lambda events: events["drift_time"] > 0),
        within("radius_cm", "r", settings["radius_cm"], "r [cm]"),
        within("s1_area_pe", "s1_area", settings["s1_area_pe"], "S1 [PE]"),
        within("s2_area_pe", "s2_area", settings["s2_area_pe"], "S2 [PE]"),
    ]


def collect(data: Iterable[Any], flow: CutFlow) -> Floats:
    """Return the drift times (us) of the selected events."""
    kept = [chunk.data["drift_time"][flow.select(chunk.data)] for chunk in data]
    return np.concatenate([np.zeros(0), *kept]) / 1e3


def measure(times: Floats, settings: dict[str, Any]) -> Edges:
    """Find both edges among the drift times (us)."""
    if len(times) < settings["minimum_events"]:
        return Edges(times, reason=f"{len(times)} events selected, {settings['minimum_events']} needed")
    window, (low, high) = float(settings["window_us"]), settings["cathode_us"]
    try:
        place = steepest(times, float(low), float(high), window)
        cathode = fit_edge(times, place - window, place + window, settings["edge_width_us"])
        if abs(cathode.place - place) > window / 2:
            raise FitFailed(
                f"no edge near {place:.0f} us, where most events end: the fit has it at {cathode.place:.0f} us"
            )
        gate = sharp_start(times, int(settings["gate_events"]), window, cathode.beyond)
    except FitFailed as failure:
        return Edges(times, reason=f"fit failed: {failure}")
    return Edges(times, cathode, gate)


def results(found: Edges, flow: CutFlow, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    n = len(found.times)
    passed = {f"passed_{cut}": count for cut, count in flow.counts().items()}
    number = {"variable_name": "selected_events", "variable_value": n, "error": poisson_error(n), "unit": "events"}
    out: list[dict[str, Any]] = [number | {"n": n, "data": passed}]
    rows = (("drift_velocity", "mm/us"), ("cathode_drift_time", "us"), ("gate_drift_time", "us"))
    out += [{"variable_name": name, "unit": unit, "n": n} | _numbers(name, found, settings) for name, unit in rows]
    return quality.judged(out, settings["quality"])


def _numbers(name: str, found: Edges, settings: dict[str, Any]) -> dict[str, Any]:
    cathode, gate = found.cathode, found.gate
    if cathode is None or gate is None:
        return {"insufficient": found.reason}
    of_gate = {"gate_spacing": gate.spacing, "events_per_us": gate.density}
    if name == "gate_drift_time":
        return {"variable_value": gate.place, "error": gate.error, "data": of_gate}
    expected = settings["edge_width_us"]  # a fitted width would flag those results that came out sharp by chance
    data = {"background_fraction": cathode.background, "edge_events": (cathode.plateau - cathode.beyond) * expected}
    data |= {"edge_width_us": cathode.width, "edge_width_ratio": cathode.width / expected}
    data |= {"misfit": cathode.goodness.misfit(cathode.n), "chi2": cathode.goodness.chi2}
    data |= {"ndf": cathode.goodness.ndf, "p_value": cathode.goodness.p_value}
    data |= {} if cathode.asymmetry is None else {"minos_asymmetry": cathode.asymmetry}
    # A share s of all events in a peak at the edge looks like a plateau that is longer by the share s, at most.
    time = cathode.place - gate.place
    share = settings["cathode_share"]
    if name == "cathode_drift_time":
        systematic = {"systematic_error": share * time} if share else {}
        return {"variable_value": cathode.place, "error": cathode.place_error, "data": data | systematic}
    length = settings["gate_to_cathode_cm"]
    velocity = 10 * length / time
    error = velocity * float(np.hypot(cathode.place_error, gate.error)) / time
    data |= of_gate | {"length_cm": length} | ({"systematic_error": share * velocity} if share else {})
    return {"variable_value": velocity, "error": error, "data": data}


def draw(found: Edges, flow: CutFlow, settings: dict[str, Any], title: str) -> Figure:
    """Draw the spectrum, its two ends with what was found, and the cut flow."""
    figure = figures.new_figure(title, 13.0, 4.6)
    whole, start, end, cuts_passed = figure.subplots(1, 4, width_ratios=(1.15, 1, 1, 1))
    figure.subplots_adjust(left=0.05, right=0.985, top=0.84, bottom=0.13, wspace=0.27)
    titles = (f"{len(found.times):,} events", "Gate", "Cathode")
    for axes, words in zip((whole, start, end), titles, strict=True):
        figures.style(axes, "drift time [µs]", "events per bin", words)
    if len(found.times):
        whole.hist(found.times, bins=120, histtype="step", color=figures.INK, lw=1)
    figures.cut_flow(cuts_passed, ["all events", *(cut.text for cut in flow.cuts)], list(flow.counts().values()))
    cathode, gate = found.cathode, found.gate
    if cathode is None or gate is None:
        for axes in (start, end):
            figures.say_empty(axes, found.reason)
        return figure
    for axes, low, high in ((start, 0.0, 2 * 10 / gate.density + gate.place), (end, cathode.low, cathode.high)):
        edges = np.linspace(low, high, 41)
        figures.counts_with_errors(axes, edges, np.histogram(found.times, edges)[0])
        axes.set_ylim(0, axes.get_ylim()[1] * 1.45)
    x = np.linspace(cathode.low, cathode.high, 300)
    end.plot(x, cathode.density(x) * (cathode.high - cathode.low) / 40, color=figures.ORANGE, lw=1.6)
    for axes, place, error in ((start, gate.place, gate.error), (end, cathode.place, cathode.place_error)):
        axes.axvspan(place - error, place + error, color=figures.BLUE, alpha=0.3, lw=0)
        figures.note(axes, [f"{place:.2f} ± {error:.2f} µs"])
    velocity = _numbers("drift_velocity", found, settings)
    figures.note(whole, [f"{velocity['variable_value']:.5f} ± {velocity['error']:.5f} mm/µs"], x=0.85, y=0.12)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    flow = CutFlow(cuts(settings))
    times = collect(chunks(xomlib.context(), run_id, "event_info", COLUMNS), flow)
    print(flow.table())
    found = measure(times, settings)
    for result in results(found, flow, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(found, flow, settings, f"Run {run_id}: drift velocity"))
    xomlib.xom_message(success=True, text=f"{len(times)} of {flow.total} events selected")


if __name__ == "__main__":
    xomlib.cli(main)

"""Light yield at 9.4 and 32.2 keV from the two S1s of Kr-83m decays.

One pass over ``event_info_double`` (or the two data types it is made of), a chunk at a time; what is kept are six
numbers per selected decay. See docs/analyses/kr83m.md for the formulas and the source of every number below.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures
from xomphysics.counting import poisson_error
from xomphysics.decay import DecayFit, fit_half_life
from xomphysics.errors import FitFailed
from xomphysics.line import LineFit, Mean, fit_line, sample_mean
from xomphysics.selection import Cut, CutFlow, within
from xomphysics.settings import merge
from xomphysics.stream import chunks, side_by_side

DEFAULTS: dict[str, Any] = {
    "s1_columns": [
        "cs1_a_wo_timecorr",
        "cs1_b_wo_timecorr",
    ],  # position-corrected; not divided by the light yield's drift
    "drift_time_ns": [0, 2.4e6],
    "radius_cm": [0, 60.73],
    "z_cm": [-134.24, -13.61],
    "delay_ns": [750, 2000],
    "distinct_channels": [3, None],
    "top_fraction_below": [0.70, -2.3e-7],  # value at drift time 0, slope per ns; null: not cut
    "top_fraction_above": None,
    "s1_a_area_pe": [100, 700],
    "s1_b_area_pe": [30, 250],
    "s2_area_pe": [1000, 20000],
    "minimum_events": 50,
    "max_relative_width": 0.3,
}
LINES = {"32_2": ("s1_a", 32.1516), "9_4": ("s1_b", 9.4057)}  # variable's suffix -> S1, energy (keV)
HALF_LIFE = (154.0, 157.0)  # ns, range of the published values
NEEDED = (
    "s1_a_area",
    "s1_b_area",
    "s2_a_area",
    "ds_s1_dt",
    "s1_b_distinct_channels",
    "s1_a_area_fraction_top",
    "drift_time",
    "r",
    "z",
)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decays:
    """The selected decays: one column each, shape (decays,); areas in PE, times in ns, lengths in cm."""

    s1_a: Floats
    s1_b: Floats
    delay: Floats
    drift_time: Floats
    r: Floats
    z: Floats


@dataclass(frozen=True)
class Line:
    """Both estimates of one line, in PE; None and a reason where there is none."""

    energy: float
    fit: LineFit | None
    mean: Mean | None
    reason: str


def read(st: Any, run_id: str, columns: Iterable[str]) -> Iterator[Any]:
    """Read a run chunk by chunk, with the column names of ``event_info_double``.

    Where that is not stored, ``event_info`` and ``distinct_channels`` say the same: straxen's EventInfoDouble only
    renames their columns.
    """
    if st.is_stored(run_id, "event_info_double"):
        yield from chunks(st, run_id, "event_info_double", tuple(columns))
        return
    original = {event_info_name(column): column for column in columns}
    distinct = "alt_s1_distinct_channels"
    needed = {"event_info": [name for name in original if name != distinct], "distinct_channels": [distinct]}
    yield from side_by_side(st, run_id, needed, original)


def event_info_name(column: str) -> str:
    """Return the name that a column of ``event_info_double`` has in ``event_info``."""
    if column == "ds_s1_dt":
        return "alt_s1_delay"
    return re.sub(r"^(c?s[12])_b(?=_|$)", r"alt_\1", re.sub(r"^(c?s[12])_a(?=_|$)", r"\1", column))


def cuts(settings: dict[str, Any]) -> list[Cut]:
    """Return the selection, in its order.

    Raises
    ------
    ValueError
        If a range of the settings is none.
    """
    first, second = settings["s1_columns"]
    columns = (*NEEDED, first, second)

    def finite(events: Any) -> Any:
        return np.all([np.isfinite(events[column]) for column in columns], axis=0)

    return [
        Cut(
            "two_s1", "two S1s and an S2", lambda e: (e["s1_a_area"] > 0) & (e["s1_b_area"] > 0) & (e["s2_a_area"] > 0)
        ),
        Cut("finite", "no NaN in a needed column", finite),
        within("drift_time_ns", "drift_time", settings["drift_time_ns"], "drift time [ns]"),
        within("radius_cm", "r", settings["radius_cm"], "r [cm]"),
        within("z_cm", "z", settings["z_cm"], "z [cm]"),
        within("delay_ns", "ds_s1_dt", settings["delay_ns"], "S1 delay [ns]"),
        Cut("larger_first", "first S1 larger", lambda events: events["s1_a_area"] > events["s1_b_area"]),
        within("distinct_channels", "s1_b_distinct_channels", settings["distinct_channels"], "distinct PMTs"),
        *_top_fraction(settings),
        within("s2_area_pe", "s2_a_area", settings["s2_area_pe"], "S2 [PE]"),
        within("s1_a_area_pe", first, settings["s1_a_area_pe"], "first S1 [PE]"),
        within("s1_b_area_pe", second, settings["s1_b_area_pe"], "second S1 [PE]"),
    ]


def _top_fraction(settings: dict[str, Any]) -> list[Cut]:
    made = []
    for side, sign, symbol in (("below", 1, "<"), ("above", -1, ">")):
        if (band := settings[f"top_fraction_{side}"]) is None:
            continue

        def passes(events: Any, sign: int = sign, band: Any = tuple(band)) -> Any:
            limit = band[0] + band[1] * events["drift_time"]
            return sign * events["s1_a_area_fraction_top"] < sign * limit

        text = f"S1 top fraction {symbol} {band[0]:g} − {-band[1] * 1e6:g}/ms · drift time"
        made.append(Cut(f"top_fraction_{side}", text, passes))
    return made


def collect(data: Iterable[Any], flow: CutFlow, s1_columns: list[str]) -> Decays:
    """Select the decays, chunk by chunk.

    Parameters
    ----------
    data
        Chunks with ``data``: structured array with the columns of ``event_info_double``.
    flow
        The selection; it counts on the way.
    s1_columns
        Columns of the first and the second S1's area.
    """
    names = (*s1_columns, "ds_s1_dt", "drift_time", "r", "z")
    kept: list[list[Any]] = [[] for _ in names]
    for chunk in data:
        keep = flow.select(chunk.data)
        for column, name in zip(kept, names, strict=True):
            column.append(chunk.data[name][keep].astype(np.float64))
    return Decays(*(np.concatenate(column) if column else np.zeros(0) for column in kept))


def measure(areas: Floats, energy: float, limits: list[float], minimum: int, max_relative_width: float) -> Line:
    """Estimate a line's position in both ways.

    Parameters
    ----------
    areas
        S1 areas of the selected decays (PE).
    energy
        Of the line (keV).
    limits
        The area range that was selected (PE); the fit's range.
    minimum
        Events below which there is no number.
    max_relative_width
        See `fit_line`.
    """
    if len(areas) < minimum:
        return Line(energy, None, None, f"{len(areas)} events selected, {minimum} needed")
    try:
        fit = fit_line(areas, limits[0], limits[1], max_relative_width)
        return Line(energy, fit, sample_mean(areas), "")
    except FitFailed as failure:
        # Without a line in the spectrum the mean is a number, but not the line's.
        return Line(energy, None, None, f"fit failed: {failure}")


def analyse(decays: Decays, settings: dict[str, Any]) -> tuple[dict[str, Line], DecayFit | None]:
    """Estimate every line, and the half-life as a check of the sample's purity (None where it cannot be fitted)."""
    areas = {"s1_a": decays.s1_a, "s1_b": decays.s1_b}
    rest = (settings["minimum_events"], settings["max_relative_width"])
    lines = {
        suffix: measure(areas[s1], energy, settings[f"{s1}_area_pe"], *rest) for suffix, (s1, energy) in LINES.items()
    }
    try:
        decay = fit_half_life(decays.delay, *settings["delay_ns"]) if len(decays.delay) >= rest[0] else None
    except FitFailed:
        decay = None
    return lines, decay


def results(decays: Decays, flow: CutFlow, lines: dict[str, Line], decay: DecayFit | None) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    n = len(decays.s1_a)
    data: dict[str, Any] = {f"passed_{name}": count for name, count in flow.counts().items()}
    if decay is not None:
        data |= {"half_life_ns": decay.half_life, "half_life_error_ns": decay.error}
    said = [
        {"variable_name": "selected_events", "variable_value": n, "error": poisson_error(n), "unit": "events"}
        | {"n": n, "data": data}
    ]
    for suffix, line in lines.items():
        for kind, numbers in (("mean", _mean_numbers(line)), ("gauss", _gauss_numbers(line))):
            said.append({"variable_name": f"light_yield_{suffix}_{kind}", "unit": "PE/keV", "n": n} | numbers)
    return said


def _mean_numbers(line: Line) -> dict[str, Any]:
    if line.fit is None or line.mean is None:
        return {"insufficient": line.reason}
    shift = line.fit.mean_shift
    data = {
        "energy_kev": line.energy,
        "statistical_error": line.mean.error / line.energy,
        "model_shift": shift / line.energy,
        "relative_width": line.mean.deviation / line.mean.mean,
    }
    error = float(np.hypot(line.mean.error, shift)) / line.energy
    return {"variable_value": line.mean.mean / line.energy, "error": error, "data": data}


def _gauss_numbers(line: Line) -> dict[str, Any]:
    if line.fit is None:
        return {"insufficient": line.reason}
    data = {
        "energy_kev": line.energy,
        "background_fraction": line.fit.background,
        "relative_width": line.fit.sigma / line.fit.mean,
        "chi2": line.fit.goodness.chi2,
        "ndf": line.fit.goodness.ndf,
        "p_value": line.fit.goodness.p_value,
    }
    return {"variable_value": line.fit.mean / line.energy, "error": line.fit.mean_error / line.energy, "data": data}


def draw(decays: Decays, flow: CutFlow, lines: dict[str, Line], decay: DecayFit | None, delay: Any, run: str) -> Figure:
    """Draw both spectra with their fits, the delay, the positions and the cut flow.

    Parameters
    ----------
    decays, flow, lines, decay
        See `results`.
    delay
        The delay window (ns).
    run
        Run id.
    """
    figure = figures.new_figure(f"Run {run}: Kr-83m, double S1", 12.5, 7.0)
    grid = figure.add_gridspec(
        2, 3, left=0.055, right=0.985, top=0.885, bottom=0.08, hspace=0.36, wspace=0.24, width_ratios=(1, 1, 1.02)
    )
    areas = {"s1_a": decays.s1_a, "s1_b": decays.s1_b}
    for column, (suffix, name) in enumerate((("9_4", "second"), ("32_2", "first"))):
        axes = figure.add_subplot(grid[0, column])
        _draw_line(axes, areas[LINES[suffix][0]], lines[suffix], f"{suffix.replace('_', '.')} keV, {name} S1")
    _draw_delay(figure.add_subplot(grid[1, 0]), decays.delay, decay, delay)
    _draw_positions(figure.add_subplot(grid[1, 1]), decays)
    labels = ["all events", *(cut.text for cut in flow.cuts)]
    figures.cut_flow(figure.add_subplot(grid[:, 2]), labels, list(flow.counts().values()))
    return figure


def _draw_line(axes: Any, areas: Floats, line: Line, title: str) -> None:
    figures.style(axes, "S1 area [PE]", "decays per bin", title)
    if line.fit is None or line.mean is None:
        if len(areas):
            axes.hist(areas, bins=30, color=figures.PALE)
            axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
        figures.say_empty(axes, line.reason, 0.9)
        return
    fit, mean, energy = line.fit, line.mean, line.energy
    low, high = max(fit.low, fit.mean - 6 * fit.sigma), min(fit.high, fit.mean + 6 * fit.sigma)
    edges = np.linspace(low, high, int(np.clip(2 * len(areas) ** 0.5, 16, 80)))
    counts, _ = np.histogram(areas, edges)
    figures.counts_with_errors(axes, edges, counts)
    x = np.linspace(low, high, 300)
    axes.plot(x, fit.density(x) * fit.n * (edges[1] - edges[0]), color=figures.ORANGE, lw=1.6)
    axes.vlines(mean.mean, 0, counts.max() * 1.12, color=figures.BLUE, lw=1, ls="--")
    axes.set_xlim(low, high)
    axes.set_ylim(0, counts.max() * 1.75)
    beyond = len(areas) - counts.sum()
    axes.text(0.03, 0.97, f"{len(areas):,} decays" + (f"\n{beyond} outside" if beyond else ""),
              transform=axes.transAxes, va="top", fontsize=8, color=figures.INK)  # fmt: skip
    error = np.hypot(mean.error, fit.mean_shift) / energy
    figures.note(axes, [f"mean {mean.mean / energy:.3f} ± {error:.3f} PE/keV"], y=0.97)
    axes.texts[-1].set_color(figures.BLUE)
    test = f"χ²/ndf {fit.goodness.chi2:.1f}/{fit.goodness.ndf}, p = {fit.goodness.p_value:.2g}"
    figures.note(axes, [f"Gauss {fit.mean / energy:.3f} ± {fit.mean_error / energy:.3f} PE/keV", test], y=0.9)
    axes.texts[-1].set_color(figures.ORANGE)


def _draw_delay(axes: Any, delays: Floats, decay: DecayFit | None, window: Any) -> None:
    figures.style(axes, "delay of the second S1 [ns]", "decays per bin", "Delay")
    if not len(delays):
        figures.say_empty(axes, "no decay selected")
        return
    edges = np.linspace(window[0], window[1], 26)
    counts, _ = np.histogram(delays, edges)
    figures.counts_with_errors(axes, edges, counts)
    axes.set_yscale("log")
    axes.set_ylim(0.5, max(counts.max(), 1) * 4)
    lines = [f"published: {HALF_LIFE[0]:g} to {HALF_LIFE[1]:g} ns"]
    if decay is not None:
        rate = np.log(2) / decay.half_life
        x = np.linspace(window[0], window[1], 200)
        inside = -np.expm1(-rate * (window[1] - window[0]))
        scale = decay.n * rate / inside * (edges[1] - edges[0])
        axes.plot(x, scale * np.exp(-rate * (x - window[0])), color=figures.ORANGE, lw=1.6)
        lines.insert(0, f"half-life {decay.half_life:.0f} ± {decay.error:.0f} ns")
    figures.note(axes, lines)


def _draw_positions(axes: Any, decays: Decays, most: int = 4000) -> None:
    figures.style(axes, "r² [cm²]", "drift time [ms]", "Position")
    step = max(len(decays.r) // most, 1)
    r, drift = decays.r[::step], decays.drift_time[::step] / 1e6
    axes.plot(
        r**2, drift, ".", ms=float(np.clip(150 / np.sqrt(len(r) + 1), 1.8, 7)), color=figures.BLUE, alpha=0.55, mew=0
    )
    if len(r):
        axes.set_xlim(0, (r.max() * 1.03) ** 2)
        axes.set_ylim(drift.max() * 1.04, 0)
    else:
        figures.say_empty(axes, "no decay selected")
    if step > 1:
        axes.set_title(f"every {step}th decay", loc="right", fontsize=8, color=figures.GREY)


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    flow = CutFlow(cuts(settings))
    columns = dict.fromkeys((*NEEDED, *settings["s1_columns"]))
    data = read(xomlib.context(), run_id, columns)
    decays = collect(data, flow, settings["s1_columns"])
    print(flow.table())
    lines, decay = analyse(decays, settings)
    for result in results(decays, flow, lines, decay):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(decays, flow, lines, decay, settings["delay_ns"], run_id))
    xomlib.xom_message(success=True, text=f"{flow.selected} of {flow.total} events selected")


if __name__ == "__main__":
    xomlib.cli(main)

"""The figure of a run: three S1 lines, the S2s against drift time, the delay, both cut flows."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xomphysics import figures
from xomphysics.fits.decay import DecayFit
from xomphysics.kr83m.estimates import ENERGY, HALF_LIFE, Charge, Estimates, Line
from xomphysics.kr83m.selection import Double, Merged
from xomphysics.reading.selection import CutFlow

Floats = NDArray[np.float64]
_MOST_POINTS = 4000


def draw(
    title: str, double: Double, merged: Merged, flows: tuple[CutFlow, CutFlow], found: Estimates, delay: Any
) -> Figure:
    """Draw everything.

    Parameters
    ----------
    title
        Of the figure.
    double, merged
        The selected decays.
    flows
        Both selections with their counts.
    found
        See `estimates.estimate`.
    delay
        The delay window (ns).
    """
    figure = figures.new_figure(title, 16.0, 7.4)
    grid = figure.add_gridspec(
        2, 4, left=0.045, right=0.99, top=0.885, bottom=0.075, hspace=0.34, wspace=0.25, width_ratios=(1, 1, 1, 1.12)
    )
    areas = {"9_4": double.s1_b, "32_2": double.s1_a, "41_6": merged.s1}
    titles = {"9_4": "9.4 keV, second S1", "32_2": "32.2 keV, first S1", "41_6": "41.6 keV, merged S1"}
    for column, suffix in enumerate(areas):
        axes = figure.add_subplot(grid[0, column])
        _draw_line(axes, areas[suffix], found.lines[suffix], titles[suffix])
    charges = (("double", double.s2, double.drift_time), ("merged", merged.s2, merged.drift_time))
    for column, (name, s2, drift_time) in enumerate(charges):
        _draw_charge(figure.add_subplot(grid[1, column]), s2, drift_time / 1e6, found.charge[name], f"S2, {name} S1")
    _draw_delay(figure.add_subplot(grid[1, 2]), double.delay, found.half_life, delay)
    for row, (flow, name) in enumerate(zip(flows, ("double S1", "merged S1"), strict=True)):
        axes = figure.add_subplot(grid[row, 3])
        figures.cut_flow(axes, ["all events", *(cut.text for cut in flow.cuts)], list(flow.counts().values()))
        axes.set_title(f"Cut flow, {name}", loc="left", fontsize=10, color=figures.INK)
    return figure


def _draw_line(axes: Any, areas: Floats, line: Line, title: str) -> None:
    figures.style(axes, "S1 area [PE]", "decays per bin", title)
    if line.fit is None:
        if len(areas):
            axes.hist(areas, bins=30, color=figures.PALE)
            axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
        figures.say_empty(axes, line.reason, 0.9)
        return
    fit, mean, energy = line.fit, line.fit.moment, line.energy
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
    figures.note(axes, [f"mean {mean.mean / energy:.3f} ± {mean.error / energy:.3f} PE/keV"], y=0.97)
    axes.texts[-1].set_color(figures.BLUE)
    test = f"χ²/ndf {fit.goodness.chi2:.1f}/{fit.goodness.ndf}, p = {fit.goodness.p_value:.2g}"
    figures.note(axes, [f"Gauss {fit.mean / energy:.3f} ± {fit.mean_error / energy:.3f} PE/keV", test], y=0.9)
    axes.texts[-1].set_color(figures.ORANGE)


def _draw_charge(axes: Any, areas: Floats, times: Floats, charge: Charge, title: str) -> None:
    figures.style(axes, "drift time [ms]", "S2 area [PE]", title)
    step = max(len(areas) // _MOST_POINTS, 1)
    size = float(np.clip(150 / np.sqrt(len(areas) + 1), 1.5, 6))
    axes.plot(times[::step], areas[::step], ".", ms=size, color=figures.BLUE, alpha=0.3, mew=0)
    if step > 1:
        axes.set_title(f"every {step}th decay", loc="right", fontsize=8, color=figures.GREY)
    if charge.fit is None or charge.medians is None:
        figures.say_empty(axes, charge.reason, 0.9)
        return
    fit, medians = charge.fit, charge.medians
    axes.errorbar(medians.centres, medians.medians, medians.errors, fmt="o", ms=3, lw=1, color=figures.INK)
    x = np.linspace(0, times.max() * 1.02, 100)
    axes.plot(x, fit.area(x), color=figures.ORANGE, lw=1.6)
    axes.set_xlim(0, x[-1])
    axes.set_ylim(fit.area(x[-1]) * (1 - 4 * fit.width), fit.start * (1 + 7 * fit.width))
    out = [f"S2(0)/E {fit.start / ENERGY:.2f} ± {fit.start_error / ENERGY:.2f} PE/keV"]
    out += [f"1/τ {fit.rate:.4f} ± {fit.rate_error:.4f} /ms"]
    if fit.rate > 0:
        out += [f"τ {1 / fit.rate:.2f} ± {fit.rate_error / fit.rate**2:.2f} ms"]
    figures.note(axes, out)
    axes.texts[-1].set_color(figures.ORANGE)
    test = f"medians: χ²/ndf {medians.goodness.chi2:.1f}/{medians.goodness.ndf}"
    axes.text(0.03, 0.04, test, transform=axes.transAxes, fontsize=8, color=figures.INK)


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

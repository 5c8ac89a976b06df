"""The figure of muon_veto and neutron_veto."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from xomphysics import figures, pmt_channels
from xomphysics.poisson import poisson_error
from xomphysics.quantiles import quantile
from xomphysics.vetoes.tally import Detector, Tally


def draw(tally: Tally, detector: Detector, settings: Mapping[str, Any], run_id: str) -> Figure:
    """Draw rate, hits, area, channels and, for a detector with positions, their spread."""
    figure = figures.new_figure(f"Run {run_id}: {detector.name}", 11.0, 6.6)
    panels = figure.subplots(2, 3)
    figure.subplots_adjust(left=0.065, right=0.985, top=0.88, bottom=0.09, hspace=0.42, wspace=0.28)
    _draw_rate(panels[0, 0], tally)
    _draw_counts(panels[0, 1], tally)
    _draw_areas(panels[0, 2], tally, settings)
    _draw_channels(figure, panels[1], tally, detector, settings)
    _draw_spread(panels[1, 2], tally, detector)
    return figure


def _draw_rate(axes: Any, tally: Tally) -> None:
    span = tally.seconds.span
    figures.style(axes, "time since the start of the run [s]", "rate [Hz]", f"{tally.events:,} events in {span:,.0f} s")
    edges, counts = tally.seconds.parts(per_part=5)
    axes.set_xlim(0, max(span, 1))
    if not tally.events or len(edges) < 2:
        figures.say_empty(axes, "no events")
        return
    width = edges[1] - edges[0]
    height, bar = counts / width, np.sqrt(counts + 1) / width
    axes.errorbar(edges[:-1] + width / 2, height, bar, fmt="o", ms=3, lw=1, color=figures.INK)
    mean, error = tally.events / span, poisson_error(tally.events) / span
    axes.axhspan(mean - error, mean + error, color=figures.BLUE, alpha=0.3, lw=0)
    axes.set_ylim(0, (height + 2 * bar).max() * 1.25)
    figures.note(axes, [f"{mean:.4g} ± {error:.2g} Hz"])


def _draw_counts(axes: Any, tally: Tally) -> None:
    figures.style(axes, "per event", "events", "Hits and contributing PMTs")
    for counts, colour, label in ((tally.hits, figures.BLUE, "hits"), (tally.pmts, figures.ORANGE, "PMTs")):
        axes.stairs(counts, np.arange(len(counts) + 1) - 0.5, color=colour, lw=1.2, label=label)
    if not tally.events:
        figures.say_empty(axes, "no events")
        return
    most = int(np.searchsorted(np.cumsum(tally.hits), 0.999 * tally.events))
    axes.set_xlim(-0.5, max(most, 3) * 1.15)
    axes.legend(fontsize=8, frameon=False)


def _draw_areas(axes: Any, tally: Tally, settings: Mapping[str, Any]) -> None:
    figures.style(axes, "area [PE]", "events per bin", "Area")
    positive = tally.areas[tally.areas > 0]
    if not len(positive):
        figures.say_empty(axes, "no event with an area")
        return
    bins = np.geomspace(positive.min() * 0.9, positive.max() * 1.1, int(np.clip(len(positive) // 5, 8, 80)))
    axes.stairs(np.histogram(positive, bins)[0], bins, color=figures.INK, lw=1)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    for probability in settings["area_quantiles"]:
        place = quantile(tally.areas, probability).value
        axes.axvline(place, color=figures.BLUE, lw=1, ls="--")
        axes.text(place, 0.99, f" {probability:.0%}", transform=axes.get_xaxis_transform(), fontsize=7, va="top")


def _draw_channels(figure: Figure, panels: Any, tally: Tally, detector: Detector, settings: Mapping[str, Any]) -> None:
    panels[0].remove()
    axes = figure.add_subplot(2, 3, (4, 5))
    figures.style(axes, "channel", "hits", f"Hits by channel, {tally.channels.sum():,}")
    panels[1].remove()
    pmt_channels.draw(axes, tally.channels, detector.first_channel, settings)


def _draw_spread(axes: Any, tally: Tally, detector: Detector) -> None:
    if not detector.positions:
        axes.remove()
        return
    figures.style(axes, "spread of the hits [mm]", "events per bin", "Position spread")
    if not len(tally.spreads):
        figures.say_empty(axes, "no event with a position")
        return
    axes.hist(tally.spreads, bins=60, histtype="step", color=figures.INK, lw=1)

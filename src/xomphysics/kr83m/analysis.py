"""The whole analysis of one or of several runs: read, select, estimate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from xomphysics import quality
from xomphysics.kr83m.estimates import estimate
from xomphysics.kr83m.figure import draw
from xomphysics.kr83m.results import results
from xomphysics.kr83m.selection import DEFAULTS, collect, columns, double_cuts, merged_cuts, read
from xomphysics.reading.selection import CutFlow
from xomphysics.settings import merge


@dataclass(frozen=True)
class Analysed:
    """Results of the analysis.

    Attributes
    ----------
    results
        Keywords of `xomlib.Xomresult`, one mapping for each variable.
    figure
        With the lines, the S2s against drift time, the delay and both cut flows.
    words
        The number of selected events, as a sentence.
    """

    results: list[dict[str, Any]]
    figure: Figure
    words: str


def analyse(st: Any, runs: Sequence[str], own_settings: dict[str, Any], title: str) -> Analysed:
    """Analyse runs together, in one pass over their events, a chunk at a time.

    Parameters
    ----------
    st
        strax context.
    runs
        Run ids, in the order of time.
    own_settings
        Settings that differ from `selection.DEFAULTS`.
    title
        Of the figure.
    """
    settings = merge(DEFAULTS, own_settings)
    chunks = itertools.chain.from_iterable(read(st, run, columns(settings)) for run in runs)
    return analyse_chunks(chunks, settings, title)


def analyse_chunks(chunks: Iterable[Any], settings: dict[str, Any], title: str) -> Analysed:
    """Analyse the chunks of one or several runs, in the order of time; ``settings`` are as `selection.DEFAULTS`."""
    quality.check(settings["quality"])
    flows = CutFlow(double_cuts(settings)), CutFlow(merged_cuts(settings))
    double, merged = collect(chunks, *flows, settings)
    print(*(flow.table() for flow in flows), sep="\n\n")
    found = estimate(double, merged, settings)
    figure = draw(title, double, merged, flows, found, settings["delay_ns"])
    words = f"{flows[0].selected} double and {flows[1].selected} merged of {flows[0].total} events selected"
    return Analysed(results(found, *flows, settings), figure, words)

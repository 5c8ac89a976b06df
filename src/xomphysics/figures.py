"""The common look of the figures of the analyses."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

INK = "#1f2933"
BLUE = "#1f6fb2"
ORANGE = "#d9822b"
GREEN = "#2a8c6a"
GREY = "#8b95a1"
PALE = "#d5e5f3"
BANDS = (BLUE, ORANGE, GREEN, "#8e5aa8", "#b8433f", "#6b7a3a")


def new_figure(title: str, width: float = 10.0, height: float = 7.0) -> Figure:
    """Return an empty figure with a title at its top left; 130 dots per inch."""
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white")
    figure.text(0.012, 1 - 0.12 / height, title, ha="left", va="top", fontsize=12, fontweight="bold", color=INK)
    return figure


def style(axes: Axes, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Give axes the common look."""
    axes.set_xlabel(xlabel, color=INK, fontsize=9)
    axes.set_ylabel(ylabel, color=INK, fontsize=9)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.tick_params(labelsize=8, colors=INK, which="both")
    axes.spines[["top", "right"]].set_visible(False)


def counts_with_errors(axes: Axes, edges: ArrayLike, counts: ArrayLike, label: str = "") -> None:
    """Draw a histogram's counts as points with sqrt(n) bars; empty bins are left out."""
    borders, heights = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    seen = heights > 0
    centres = (borders[1:] + borders[:-1]) / 2
    axes.errorbar(
        centres[seen], heights[seen], np.sqrt(heights[seen]), fmt="o", ms=3, lw=1, color=INK, label=label or None
    )


def note(axes: Axes, lines: Sequence[str], x: float = 0.97, y: float = 0.95) -> None:
    """Write lines into the upper right corner of the axes."""
    axes.text(
        x, y, "\n".join(lines), transform=axes.transAxes, ha="right", va="top", fontsize=8, color=INK, linespacing=1.45
    )


def say_empty(axes: Axes, text: str, y: float = 0.5) -> None:
    """Write the reason why axes are empty into them, at height ``y``."""
    axes.text(0.5, y, text, transform=axes.transAxes, ha="center", va="center", fontsize=9, color=GREY, wrap=True)


def cut_flow(axes: Axes, labels: Sequence[str], counts: Sequence[int]) -> None:
    """Draw a cut flow: one bar per cut, with its text and the number that passed, longest on top."""
    rows = np.arange(len(labels))
    axes.barh(rows, np.maximum(counts, 0.5), color=PALE, height=0.8)
    axes.set_xscale("log")
    axes.set_xlim(0.5, max(10, *counts) * 40)
    axes.invert_yaxis()
    axes.set_yticks([])
    to_row = axes.get_yaxis_transform()
    for row, text, count in zip(rows, labels, counts, strict=True):
        axes.text(0.6, row, text, va="center", ha="left", fontsize=8, color=INK)
        axes.text(0.99, row, f"{count:,}", va="center", ha="right", fontsize=8, color=INK, transform=to_row)
    style(axes, "events", "", "Cut flow")
    axes.spines["left"].set_visible(False)

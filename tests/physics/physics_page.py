"""Writes docs/physics.md and its plots from the rows of the study; `grid_table` has its heading table."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from grid_table import CELL, JUDGED, POOLED, cells, grid_table, read_table, renewed
from matplotlib.figure import Figure

from xomlib.saving.pictures import give_palette
from xomphysics import figures

if TYPE_CHECKING:
    from study import Row, Scenario

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALSO_CELLS = ("alpha", "drift", "single_electron")  # whose runs are cells of the heading table, too
HEAD = """# Do the truths come back?

`make physics` wrote this page and its plots (random seed {seed}; each row has the number of runs that stands in it).
Each row is one variable in runs that were simulated with a known truth: pull = (result − truth) / error. If errors are
right, pulls have mean 0, width 1. Rows are held to |mean| < {mean} and {low} < width < {high}; with fewer than {plenty}
runs three standard errors more are allowed. A known bias has a mean and a width of its own, to which the same limits
apply. The standard error of a mean is 1/√number (0.022 at 2000), of a width 0.7 times that. "Without" counts runs that
ended with "insufficient statistics".

Most runs are simulated fast, at the level of events and peaks (`tests/physics/truths/`); those of `full_chain` are runs
of the [mini-XENONnT](mini_xenonnt.md) that straxen's own plugins processed. `make test` has a shorter form of this.
What was wrong in version 1, what it is now, and the tests of it: [corrected.md](corrected.md).

A part is renewed where its code changed; "code" is the digest of what made it (`code_of` in
`tests/physics/kept_runs.py`: truths, analysis and all that both import), or the commit of parts that are older.
"""
GRID = """Does anything wrong look right?

Cells all over the range that a detector may have, one axis at a time from the usual run, and mixtures of all. In most
the truth is not what the analyses take for granted. "Numbers" are all that were given, of every variable; "flagged" are
those of poor quality; **off** are those that are further than 3 sigma from the truth and *not* flagged (where a result
states a systematic error, it is added in quadrature). A Gauss has 0.27 % there. The upper limit (95 %) of each cell
is held to {cell:.0%}, of all together to {pooled:.1%}; cells of fewer than {judged:,} numbers count together only.
"Worst" are the mean and the width, furthest from 0 and 1, of the unflagged pulls of one variable: with few runs the
worst of twenty is two standard errors (1/√runs) away by chance. Where the charge yield changes over the depth, pulls
of 1/tau and of the charge yield are far off: they are of the statistical error, and `systematic_error` covers that.

{grid}
"""

Rows = Sequence[tuple["Row", np.ndarray]]
Scenarios = Mapping[str, Mapping[str, "Scenario"]]


def write(rows: Rows, scenarios: Scenarios, limits: Any, codes: Mapping[str, str]) -> None:
    """Renew the parts of the page that rows are of, and their plots; other parts stay as they are.

    An analysis some of whose scenarios have no rows keeps its part. Cells of the heading table are renewed one by one.

    Parameters
    ----------
    rows
        Rows with their pulls.
    scenarios
        By analysis and name.
    limits
        Keywords of `HEAD`.
    codes
        Digest of the code by analysis.
    """
    page = DOCS / "physics.md"
    _, grid, *others = [*page.read_text(encoding="utf-8").split("\n## "), "", ""] if page.exists() else ["", ""]
    parts = {match[1]: part.rstrip("\n") + "\n" for part in others if (match := re.match(r"\[?(\w+)", part))}
    table = read_table(grid)
    folder = DOCS / "physics"
    folder.mkdir(exist_ok=True)
    for analysis, own in scenarios.items():
        mine = [(row, pulls) for row, pulls in rows if row.analysis == analysis]
        if analysis == "grid" or analysis in ALSO_CELLS:
            prefix = "" if analysis == "grid" else f"{analysis}, "
            table = renewed(table, cells([row for row, _ in mine], own, prefix), codes[analysis])
        whole = {row.scenario for row, _ in mine} == {name for name, scenario in own.items() if scenario.runs}
        if mine and whole and analysis != "grid":
            picture = folder / f"{analysis}.png"
            plot(analysis, mine, limits).savefig(picture, metadata={"Software": None})
            give_palette(picture)
            parts[analysis] = section(analysis, [row for row, _ in mine], own, codes[analysis])
    heading = GRID.format(grid=grid_table(table), cell=CELL, pooled=POOLED, judged=JUDGED)
    text = "\n## ".join([HEAD.format(**limits), heading, *(parts[name] for name in sorted(parts))])
    page.write_text(text, encoding="utf-8")


def verdict(rows: Sequence["Row"]) -> str:
    """Return in a sentence how many rows are as they should be."""
    wrong = [row for row in rows if not row.ok]
    known = sum(bool(row.known) for row in rows)
    said = f"{len(rows)} rows, {known} with a known bias; {len(rows) - len(wrong)} are as they should be."
    names = ", ".join(f"{row.variable} ({row.scenario})" for row in wrong)
    return said + (f" **Not as they should be:** {names}." if wrong else "")


def section(analysis: str, rows: Sequence["Row"], scenarios: Mapping[str, "Scenario"], code: str) -> str:
    """Return the part of one analysis."""
    page = DOCS / "analyses" / f"{analysis}.md"
    title = f"[{analysis}](analyses/{analysis}.md)" if page.exists() else analysis
    lines = [
        title,
        "",
        f"{verdict(rows)} Code {code}.",
        "",
        f"![Means and widths of the pulls]({DOCS.joinpath('physics').name}/{analysis}.png)",
        "",
    ]
    lines += [f"- **{scenario.name}**: {scenario.what}" for scenario in scenarios.values()] + [""]
    lines += [
        "| runs | variable | truth | mean pull | width | number | without | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    notes: list[str] = []
    for row in rows:
        mark = "" if row.ok else "**not as it should be**"
        if row.known:
            if row.known not in notes:
                notes.append(row.known)
            bias = f", {row.relative_bias:+.2%}" if abs(row.relative_bias) >= 5e-5 else ""
            expected = f", {row.expected_mean:+.2f} and {row.expected_width:.2f} expected"
            mark = f"{mark + ': ' if mark else ''}known ({notes.index(row.known) + 1}){bias}{expected}"
        mean, width = (
            "–" if x is None else f"{x:+.3f}" if i == 0 else f"{x:.3f}" for i, x in enumerate((row.mean, row.width))
        )
        cells = (row.scenario, f"`{row.variable}`", f"{row.truth:.5g}", mean, width, row.numbers, row.without, mark)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [""] + [f"({i}) {note[0].upper()}{note[1:]}." for i, note in enumerate(notes, 1)]
    return "\n".join([*lines, ""]) if notes else "\n".join(lines)


def plot(analysis: str, rows: Sequence[tuple["Row", np.ndarray]], limits: Any) -> Figure:
    """Draw mean and width of every row with standard errors and limits, and all pulls of rows without a known bias."""
    height = 1.6 + 0.17 * len(rows)
    figure = figures.new_figure(f"{analysis}: pulls", 12.0, max(height, 3.4))
    names, means, widths = (
        figure.add_axes((left, 0.62 / max(height, 3.4), width, 1 - 1.25 / max(height, 3.4)))
        for left, width in ((0.005, 0.26), (0.27, 0.22), (0.52, 0.22))
    )
    names.axis("off")
    places = -np.arange(len(rows), dtype=float)
    for axes, title, band in (
        (means, "mean", (-limits["mean"], limits["mean"])),
        (widths, "width", (limits["low"], limits["high"])),
    ):
        axes.axvspan(*band, color=figures.PALE, lw=0, zorder=0)
        axes.set_yticks([])
        figures.style(axes, title)
        axes.spines["left"].set_visible(False)
    for place, (row, _) in zip(places, rows, strict=True):
        if row.mean is None or row.width is None:
            continue
        colour = figures.ORANGE if not row.ok else figures.GREY if row.known else figures.INK
        error = row.numbers**-0.5
        means.errorbar(row.mean, place, xerr=error, fmt="o", ms=3, lw=1, color=colour)
        widths.errorbar(row.width, place, xerr=error / 2**0.5, fmt="o", ms=3, lw=1, color=colour)
        names.text(1, place, f"{row.scenario}: {row.variable}", ha="right", va="center", fontsize=7, color=colour)
    for axes in (names, means, widths):
        axes.set_ylim(places[-1] - 0.8, 0.8)
    names.set_xlim(0, 1)
    _histogram(figure.add_axes((0.79, 0.62 / max(height, 3.4), 0.2, min(0.7, 2.6 / max(height, 3.4)))), rows)
    return figure


def _histogram(axes: Any, rows: Sequence[tuple["Row", np.ndarray]]) -> None:
    figures.style(axes, "pull", "", "without a known bias")
    pulls = np.concatenate([pulls for row, pulls in rows if not row.known] or [np.zeros(0)])
    edges = np.linspace(-4, 4, 41)
    figures.counts_with_errors(axes, edges, np.histogram(pulls, edges)[0])
    x = np.linspace(-4, 4, 200)
    axes.plot(x, len(pulls) * 0.2 * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), color=figures.BLUE, lw=1)
    axes.set_yticks([])

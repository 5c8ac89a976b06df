"""The report of a week (or of any days) as one HTML file that stands alone: a pure function of its facts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from xomflow.core import times
from xomflow.core.state import FAILURES, State
from xomflow.core.verdicts import Alarm, Mark
from xomflow.reports.facts import Facts, OfAnalysis, Period, Point, Remarkable, Series
from xomflow.reports.plot import Span, apart, plot
from xomflow.reports.table import Cell, table
from xomflow.reports.words import cost, deviation, how_it_stands, number, ticks_line, when

_STYLE = Path(__file__).with_name("week.css")
# A deviation that deserves a look, in standard deviations.
_FAR = 3.0


def week_page(facts: Facts, begin: datetime) -> str:
    """Return the HTML.

    Parameters
    ----------
    facts
        Of the period, with the results since ``begin``.
    begin
        Where the time axes of plots begin: what was before the period shows whether it is normal.
    """
    period = facts.period
    title = f"XOM, {period.begin:%Y-%m-%d} to {period.end:%Y-%m-%d %H:%M} UTC"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="about">{escape(facts.site)}</p>',
        _tiles(facts),
        "<h2>What alarmed</h2>",
        _alarms(facts),
        "<h2>What changed</h2>",
        table(
            ("when", "what", "details"), ([when(times.text(one.when)), one.what, one.details] for one in facts.changes)
        ),
        "<h2>What is missing now</h2>",
        _missing(facts),
        "<h2>Numbers</h2>",
        _work(facts),
        _values(facts),
        "<h2>Results</h2>",
        '<p class="about">Grey band: what is expected of each value. Shaded: before the period. Red: an alarm. '
        "Red circle: an outlier, or a result of a bad run. Arrow at the edge: outside the plot.</p>",
        *(_plots(one, facts, begin) for one in facts.analyses),
        "<h2>Outliers and bad runs</h2>",
        _marks(facts.marks),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title><style>{_STYLE.read_text(encoding='utf-8')}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _tiles(facts: Facts) -> str:
    began = sum(facts.period.has(times.moment(one.began)) for one in facts.alarms)
    goes_on = sum(one.ended is None for one in facts.alarms)
    failed = sum(one.runs for one in facts.missing if one.state in FAILURES)
    waiting = sum(one.runs for one in facts.missing if one.state not in FAILURES)
    tiles = [
        (began, "alarms began", began > 0),
        (goes_on, "alarms go on", goes_on > 0),
        (sum(one.verdict.mark is Mark.OUTLIER for one in facts.marks), "outliers", False),
        (sum(one.done for one in facts.analyses), "analyses of runs done", False),
        (failed, "failed now", failed > 0),
        (waiting, "wait for data now", False),
        (len(facts.changes), "changes", False),
    ]
    made = (f"<div class='{'bad' if bad else 'good'}'><b>{n:,}</b>{words}</div>" for n, words, bad in tiles)
    return f'<div class="tiles">{"".join(made)}</div>'


def _alarms(facts: Facts) -> str:
    rows: list[list[str | Cell]] = [
        [when(one.began), one.sentence, Cell(how_it_stands(one), "" if one.ended else "open"), one.contact]
        for one in sorted(facts.alarms, key=lambda one: (one.ended is not None, one.began))
    ]
    return table(("began", "alarm", "how it stands", "contact"), rows)


def _missing(facts: Facts) -> str:
    rows = [[str(one.state), f"{one.runs:,}", one.analyses, one.example, one.reason] for one in facts.missing]
    sentences = "".join(f"<p>{escape(one)}</p>" for one in facts.sentences)
    return sentences + table(("state", "#runs", "analyses", "such as", "reason"), rows)


def _work(facts: Facts) -> str:
    rows = [
        [one.title, one.version, f"{one.done:,}", f"{one.failed:,}", cost(one.cpu_s), _states(one.states), one.contact]
        for one in facts.analyses
    ]
    headings = ("analysis", "version", "#runs done", "#tries failed", "#cost", "runs now", "contact")
    total = cost(sum(one.cpu_s for one in facts.analyses))
    return f'{table(headings, rows)}<p class="about">{total} in all; {escape(ticks_line(facts))}.</p>'


def _values(facts: Facts) -> str:
    rows = [
        [one.title, name, *_of_series(points, series.unit)]
        for one in facts.analyses
        for series in one.series
        for name, points in _by_mode(series, facts.period)
    ]
    headings = ("analysis", "variable", "#results", "#median", "#spread", "#newest", "#expected", "#deviation")
    return table(headings, rows)


def _by_mode(series: Series, period: Period) -> list[tuple[str, list[Point]]]:
    """Return the results of a period by run mode, as they are named in a table."""
    points = [one for one in series.points if period.has(one.start)]
    modes = list(dict.fromkeys(one.mode for one in series.points))
    if len(modes) < 2:
        return [(series.title, points)]
    return [(f"{series.title}, {mode}", [one for one in points if one.mode == mode]) for mode in modes]


def _of_series(points: Sequence[Point], unit: str) -> list[str | Cell]:
    """Return number, median, spread and newest value of results, and what is expected of that."""
    if not points:
        return ["0", "-", "-", "-", "-", "-"]
    values = [one.value for one in points]
    newest = points[-1]
    error = f" ± {number(newest.error)}" if newest.error else ""
    expected = newest.verdict.expected if newest.verdict else None
    return [
        f"{len(values):,}",
        number(statistics.median(values)),
        number(statistics.stdev(values)) if len(values) > 1 else "-",
        f"{number(newest.value)}{error} {unit}".strip(),
        number(expected),
        _deviation(newest.verdict.deviation if newest.verdict else None),
    ]


def _deviation(value: float | None) -> str | Cell:
    is_far = value is not None and abs(value) >= _FAR
    return Cell(deviation(value), "far") if is_far else deviation(value)


def _plots(one: OfAnalysis, facts: Facts, begin: datetime) -> str:
    modes = sorted({point.mode for of in facts.analyses for series in of.series for point in series.points})
    drawn = [
        plot(part, begin, facts.period, _spans(facts.alarms, one.name, series.variable), modes)
        for series in one.series
        for part in apart(series)
        if part.points
    ]
    if not drawn:
        return ""
    figures = "\n".join(f"<div>{svg}</div>" for svg in drawn)
    return f'<h3>{escape(one.title)} {escape(one.version)}</h3>\n<div class="plots">{figures}</div>'


def _spans(alarms: Iterable[Alarm], analysis: str, variable: str) -> list[Span]:
    return [
        Span(times.moment(one.began), times.moment_or_none(one.ended))
        for one in alarms
        if any((of.analysis, of.variable) == (analysis, variable) for of in one.series)
    ]


def _marks(marks: Sequence[Remarkable]) -> str:
    rows = [
        [
            *(when(one.verdict.start), one.verdict.run, one.analysis, one.variable, number(one.verdict.value)),
            *(number(one.verdict.expected), deviation(one.verdict.deviation), str(one.verdict.mark).replace("_", " ")),
        ]
        for one in marks
    ]
    return table(("start", "run", "analysis", "variable", "#value", "#expected", "#deviation", "mark"), rows)


def _states(states: dict[State, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in states.items() if count)

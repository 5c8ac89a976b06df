"""Draw the results of a variable with its band as SVG: text made by plain functions, for a file that stands alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from xomflow.core.verdicts import Mark, Verdict
from xomflow.reports.axes import Scale, day_ticks, value_range, value_ticks
from xomflow.reports.facts import Period, Point, Series

WIDTH, HEIGHT = 760, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 10, 22, 26
# Told apart by people with any colour vision (M. Okabe, K. Ito, 2008), with a shape for each.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#7a6000")
# Bands are not drawn over a longer time without a result, in parts of the plot's width.
_LONGEST_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Span:
    """When an alarm of the variable was; end None: it goes on."""

    begin: datetime
    end: datetime | None


def plot(
    series: Series, begin: datetime, period: Period, alarms: Iterable[Span] = (), modes: Sequence[str] = ()
) -> str:
    """Return the SVG of one variable.

    Parameters
    ----------
    series
        Its results.
    begin
        Where the time axis begins; it ends with the period.
    period
        The period of the report, which is bright; what was before is shaded.
    alarms
        Of this variable.
    modes
        Run modes whose order gives their colours, so that a mode has the same one in all plots; others follow.
    """
    edges = [edge for one in series.points for edge in _edges(one)]
    low, high = value_range((one.value for one in series.points), edges)
    x = Scale(begin.timestamp(), period.end.timestamp(), _LEFT, WIDTH - _RIGHT)
    y = Scale(low, high, HEIGHT - _BOTTOM, _TOP)
    order = list(dict.fromkeys([*modes, *(one.mode for one in series.points)]))
    shown = [(place, mode) for place, mode in enumerate(order) if _of(series.points, mode)]
    unit = f" [{series.unit}]" if series.unit else ""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(series.title)}">',
        _box(x(begin.timestamp()), x(period.begin.timestamp()), "before"),
        *_alarm_spans(alarms, x, period),
        *_axes(x, y, begin, period),
        *_bands(series.points, x, y),
        *(line for place, mode in shown for line in _results(_of(series.points, mode), x, y, place)),
        *_marks(series.points, x, y),
        f'<text class="title" x="{_LEFT}" y="13">{escape(series.title)}{escape(unit)}</text>',
        *_legend(shown),
        "</svg>",
    ]
    return "\n".join(parts)


def apart(series: Series) -> list[Series]:
    """Return a variable as one plot, or as several where its modes are so far apart that one scale flattens them."""
    modes = list(dict.fromkeys(one.mode for one in series.points))
    ranges = {mode: value_range((one.value for one in _of(series.points, mode)), []) for mode in modes}
    widest = max((high - low for low, high in ranges.values()), default=0.0)
    together: list[list[str]] = []
    top = -math.inf
    for mode in sorted(modes, key=lambda one: ranges[one]):
        low, high = ranges[mode]
        if low - top <= widest:
            together[-1].append(mode)
        else:
            together.append([mode])
        top = max(top, high)
    if len(together) < 2:
        return [series]
    return [
        replace(
            series,
            title=f"{series.title}, {', '.join(some)}",
            points=[one for one in series.points if one.mode in some],
        )
        for some in together
    ]


def _of(points: Sequence[Point], mode: str) -> list[Point]:
    return [one for one in points if one.mode == mode]


def _edges(one: Point) -> Iterator[float]:
    if one.verdict:
        yield from (edge for edge in (one.verdict.low, one.verdict.high) if edge is not None)


def _box(left: float, right: float, kind: str) -> str:
    size = f'width="{max(0.0, right - left):.1f}" height="{HEIGHT - _TOP - _BOTTOM}"'
    return f'<rect class="{kind}" x="{left}" y="{_TOP}" {size}/>'


def _alarm_spans(alarms: Iterable[Span], x: Scale, period: Period) -> Iterator[str]:
    for one in alarms:
        left, right = x(one.begin.timestamp()), x((one.end or period.end).timestamp())
        yield _box(left, max(right, left + 2), "alarm")


def _axes(x: Scale, y: Scale, begin: datetime, period: Period) -> Iterator[str]:
    for value in value_ticks(y.low, y.high):
        place = y(value)
        yield f'<path class="grid" d="M{_LEFT} {place}H{WIDTH - _RIGHT}"/>'
        yield f'<text class="value" x="{_LEFT - 6}" y="{place + 3.5}">{value:g}</text>'
    for day in day_ticks(begin, period.end):
        place = x(day.timestamp())
        yield f'<path class="grid" d="M{place} {_TOP}V{HEIGHT - _BOTTOM}"/>'
        yield f'<text class="day" x="{min(place, WIDTH - 18)}" y="{HEIGHT - 10}">{day:%d %b}</text>'


def _bands(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[str]:
    """Yield the band of each group of modes, and the expected value in it."""
    for group in dict.fromkeys(one.group for one in points):
        judged = [(x(one.start.timestamp()), one.verdict) for one in points if one.group == group and one.verdict]
        for part in _without_gaps((at, one) for at, one in judged if one.expected is not None):
            upper = [f"{at} {y(one.high or 0.0)}" for at, one in part]
            lower = [f"{at} {y(one.low or 0.0)}" for at, one in part]
            middle = [f"{at} {y(one.expected or 0.0)}" for at, one in part]
            yield f'<path class="band" d="M{"L".join([*upper, *reversed(lower)])}Z"/>'
            yield f'<path class="expected" d="M{"L".join(middle)}"/>'


def _without_gaps(judged: Iterable[tuple[float, Verdict]]) -> list[list[tuple[float, Verdict]]]:
    """Return verdicts with their places in parts between which there is a long time without a result."""
    parts: list[list[tuple[float, Verdict]]] = []
    before = -math.inf
    for place, verdict in judged:
        if place - before > _LONGEST_GAP * (WIDTH - _LEFT - _RIGHT):
            parts.append([])
        parts[-1].append((place, verdict))
        before = place
    return parts


def _results(points: Sequence[Point], x: Scale, y: Scale, place: int) -> Iterator[str]:
    """Yield the errors and the values of the results of one mode."""
    colour = _COLOURS[place % len(_COLOURS)]
    bars, dots = list[str](), list[str]()
    for one in points:
        at = x(one.start.timestamp())
        if y.has(one.value):
            dots.append(_shape(at, y(one.value), place))
            if one.error:
                bars.append(f"M{at} {y(one.value - one.error)}V{y(one.value + one.error)}")
        else:  # a small arrow at the edge
            edge, to = (_TOP, 6) if one.value > y.high else (HEIGHT - _BOTTOM, -6)
            dots.append(f"M{at} {edge}l-3 {to}h6z")
    if bars:
        yield f'<path class="error" stroke="{colour}" d="{"".join(bars)}"/>'
    yield f'<path fill="{colour}" d="{"".join(dots)}"/>'


def _shape(at: float, height: float, place: int) -> str:
    """Return a small circle, square or diamond around a place."""
    return (
        f"M{at - 2.2:.1f} {height}a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0 -4.4 0z",
        f"M{at - 2:.1f} {height - 2:.1f}h4v4h-4z",
        f"M{at} {height - 3:.1f}l3 3l-3 3l-3 -3z",
    )[place % 3]


def _marks(points: Sequence[Point], x: Scale, y: Scale) -> Iterator[str]:
    for one in points:
        if one.verdict and one.verdict.mark in (Mark.OUTLIER, Mark.BAD_RUN):
            at, height = x(one.start.timestamp()), y(one.value)
            words = f"run {one.run}: {one.value:.4g}"
            yield f'<circle class="mark" cx="{at}" cy="{height}" r="5"><title>{words}</title></circle>'


def _legend(shown: Sequence[tuple[int, str]]) -> Iterator[str]:
    right = WIDTH - _RIGHT
    for place, mode in reversed(shown) if len(shown) > 1 else ():
        right -= 7 * len(mode) + 18
        yield f'<path fill="{_COLOURS[place % len(_COLOURS)]}" d="{_shape(right, 9, place)}"/>'
        yield f'<text class="legend" x="{right + 7}" y="13">{escape(mode)}</text>'

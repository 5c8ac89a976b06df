"""Numbers and alarms as both reports write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xomflow.core import times
from xomflow.core.verdicts import Alarm, HowEnded
from xomflow.reports.facts import Facts, Remarkable

_ENDINGS = {
    HowEnded.GOES_ON: "it is over",
    HowEnded.RETURNED: "values are as before again",
    HowEnded.EXPECTED: "the change was intended",
    HowEnded.UNEXPLAINED: "the new level counts as normal, nobody gave a reason",
    HowEnded.ONE_RUN: "one bad run",
}


def how_it_stands(alarm: Alarm) -> str:
    """Return in words whether an alarm goes on, or how it ended, with the reason that a person gave."""
    words = f"{alarm.state}" if alarm.ended is None else f"ended {when(alarm.ended)}: {_ENDINGS[alarm.how_ended]}"
    return f"{words} ({alarm.reason})" if alarm.reason else words


def when(moment: str) -> str:
    """Return a moment as XOM writes it, to the minute, as people write it."""
    return moment[:16].replace("T", " ")


def number(value: float | None) -> str:
    """Return a number to four digits; a dash for none."""
    return "-" if value is None else f"{value:.4g}"


def deviation(value: float | None) -> str:
    """Return a deviation with its sign, in standard deviations; a dash where the history is too short."""
    return "-" if value is None else f"{value:+.1f} sigma"


def mark_line(one: Remarkable) -> str:
    """Return a line about a marked result."""
    verdict = one.verdict
    unit = f" {one.unit}" if one.unit else ""
    expected = "" if verdict.expected is None else f", expected {number(verdict.expected)}"
    return (
        f"{one.analysis} {one.variable}, run {verdict.run}: {number(verdict.value)}{unit}{expected}"
        f" ({deviation(verdict.deviation)}, {str(verdict.mark).replace('_', ' ')})"
    )


def ticks_line(facts: Facts) -> str:
    """Return a line about the ticks of a period."""
    gap = f"; the longest time without one was {times.span(facts.gap_s)}" if facts.gap_s else ""
    return f"{facts.ticks} ticks ended{gap}"


def cost(cpu_s: float) -> str:
    """Return processor time in words."""
    return f"{cpu_s / 3600:.1f} CPU hours" if cpu_s >= 360 else f"{cpu_s:.0f} CPU seconds"


def some(lines: Iterable[str], most: int) -> Sequence[str]:
    """Return lines; of many only the first, and how many more there are."""
    found = list(lines)
    return found if len(found) <= most else [*found[:most], f"... and {len(found) - most} more"]

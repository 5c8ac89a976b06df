"""The digest of a day: marks, outliers, what waits, what failed, what it cost. Plain text, made by a pure function."""

from __future__ import annotations

from collections.abc import Iterable

from xomflow.core.state import FAILURES
from xomflow.core.verdicts import Mark
from xomflow.reports.facts import Facts, Missing
from xomflow.reports.words import cost, how_it_stands, mark_line, some, ticks_line

_MOST = 15


def digest_title(facts: Facts) -> str:
    """Return its title: the few numbers that show whether the rest must be read."""
    going = sum(one.ended is None for one in facts.alarms)
    marks = sum(one.verdict.mark is Mark.OUTLIER for one in facts.marks)
    done = sum(one.done for one in facts.analyses)
    failed = sum(one.runs for one in facts.missing if one.state in FAILURES)
    parts = [f"{done} results of runs", f"{going} alarms", f"{marks} outliers", f"{failed} failed runs"]
    return f"XOM: the day until {facts.period.end:%Y-%m-%d %H:%M} UTC: {', '.join(parts)}"


def digest_text(facts: Facts) -> str:
    """Return its text."""
    made = [
        f"{one.title}: {one.done} runs done" + (f", {one.failed} attempts failed" if one.failed else "")
        for one in facts.analyses
        if one.done or one.failed
    ]
    total = sum(one.cpu_s for one in facts.analyses)
    costs = [f"{one.title}: {cost(one.cpu_s)}" for one in facts.analyses if one.cpu_s]
    parts = (
        ("Alarms", (f"{one.sentence} [{how_it_stands(one)}]" for one in facts.alarms)),
        ("Waits for a person, and what is wrong", facts.sentences),
        ("Outliers and bad runs", map(mark_line, facts.marks)),
        ("Failed", map(_missing_line, (one for one in facts.missing if one.state in FAILURES))),
        ("Waiting", map(_missing_line, (one for one in facts.missing if one.state not in FAILURES))),
        ("What changed", (f"{one.what}: {one.details}" if one.details else one.what for one in facts.changes)),
        ("Done", made or ["no run"]),
        (f"Cost: {cost(total)}", costs if len(costs) > 1 else ()),
        (ticks_line(facts), ()),
    )
    head = f"The day until {facts.period.end:%Y-%m-%d %H:%M} UTC"
    return "\n".join([head, "", *(line for title, lines in parts for line in _part(title, lines))]).rstrip()


def _part(title: str, lines: Iterable[str]) -> list[str]:
    found = some(lines, _MOST)
    is_fact = title.startswith("Cost") or "ticks ended" in title
    return [title, *(f"- {' '.join(line.split())}" for line in found), ""] if found or is_fact else []


def _missing_line(one: Missing) -> str:
    runs = f"run {one.example}" if one.runs == 1 else f"{one.runs} runs, such as {one.example}"
    return f"{one.analyses} {one.state}: {runs}: {one.reason}"

"""How attempts outside a tick are shown: results beside the published ones, time and memory, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xomflow.config.model import Analysis
from xomflow.outcomes.model import Result
from xomflow.workflow.requests.analysing.try_runs import Tried

HEADINGS = ("run", "variable", "value", "error", "unit", "n", "published", "change")


def rows_of(tried: Iterable[Tried]) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each variable of each attempt."""
    for one in tried:
        document = one.attempt.document
        before = {result.variable: result for result in (one.published.results if one.published else ())}
        for result in document["results"] if document else ():
            old = before.get(result["variable"])
            value = f"none: {result['insufficient']}" if result["value"] is None else _number(result["value"])
            numbers = (value, _number(result["error"]), result["unit"], result["n"])
            yield (one.key.run, result["variable"], *numbers, _published(old), _change(result, old))


def lines_about(one: Tried, block: Analysis) -> list[str]:
    """Return the lines about an attempt beside its results."""
    made = one.attempt
    used = [f"{made.wall_s:.1f} s of {block.time_limit:g} s"]
    used += [f"{made.cpu_s:.1f} s of CPU"] if made.cpu_s is not None else []
    used += [f"{made.peak_memory_mb:.0f} MB of {block.memory_mb} MB"] if made.peak_memory_mb is not None else []
    lines = [f"{one.key}: {', '.join(used)}"]
    if made.failure:
        lines.append(f"{one.key}: a tick would count this as failed: {made.failure[0]}: {made.failure[1]}")
    if made.document and made.place:
        figures = [str(Path(made.place, "figures", name)) for name in made.document["figures"]]
        lines.append(f"{one.key}: results and figures are in {made.place}{': ' if figures else ''}{', '.join(figures)}")
    return lines


def _published(old: Result | None) -> str:
    if old is None:
        return ""
    if old.value is None:
        return f"none: {old.insufficient}"
    return _number(old.value) if old.error is None else f"{_number(old.value)} ± {_number(old.error)}"


def _change(result: dict[str, Any], old: Result | None) -> str:
    if old is None:
        return ""
    if (result["value"], result["error"]) == (old.value, old.error):
        return "none"
    return "" if result["value"] is None or old.value is None else f"{result['value'] - old.value:+.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"

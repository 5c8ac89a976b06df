"""The newest result of each variable, with which the page begins before it loads any chunk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.outcomes.model import Outcome, Result
from xomflow.page.chunk import rounded, seconds_of

_Newest = dict[str, dict[str, Any]]


def newest_results(outcomes: Iterable[Outcome]) -> _Newest:
    """Return the newest result of each variable in some outcomes; entries that are empty are left out."""
    found: _Newest = {}
    for outcome in sorted(outcomes, key=lambda one: (one.run.start, one.key.run)):
        for result in outcome.results:
            found[result.variable] = _entry(outcome, result)
    return found


def newest_verdicts(bands: Mapping[SeriesId, Sequence[Verdict]]) -> _Newest:
    """Return the newest verdict on each variable, of whatever group of run modes."""
    found: _Newest = {}
    for series, verdicts in bands.items():
        last = verdicts[-1]
        if last.start >= found.get(series.variable, {}).get("start", ""):
            found[series.variable] = {"run": last.run, "start": last.start, **verdict_entry(last)}
    return found


def merged(parts: Iterable[tuple[_Newest, _Newest]]) -> _Newest:
    """Return the newest of the newest results of several shelves, each with the verdict on it, if there is one."""
    found: _Newest = {}
    for results, verdicts in parts:
        for variable, entry in results.items():
            if variable in found and entry["start"] < found[variable]["start"]:
                continue
            verdict = verdicts.get(variable, {})
            judged = verdict if verdict.get("run") == entry["run"] else {}
            found[variable] = {**entry, **{name: one for name, one in judged.items() if name not in ("run", "start")}}
    return found


def verdict_entry(verdict: Verdict) -> dict[str, Any]:
    """Return what the page shows of a verdict; entries that are empty are left out."""
    made = {
        "expected": _short(verdict.expected),
        "low": _short(verdict.low),
        "high": _short(verdict.high),
        "deviation": verdict.deviation,
        "mark": str(verdict.mark),
    }
    return {name: one for name, one in made.items() if one not in (None, "")}


def _entry(outcome: Outcome, result: Result) -> dict[str, Any]:
    made = {
        "run": outcome.key.run,
        "start": seconds_of(outcome.run.start),
        "mode": outcome.run.mode,
        "value": rounded(result.value),
        "error": rounded(result.error),
        "unit": result.unit,
        "limit": result.limit,
        "insufficient": result.insufficient,
        "quality": result.data.get("quality"),
    }
    return {name: one for name, one in made.items() if one is not None}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")

"""Results as points of a time series; ``docs/points.md`` describes their form for the authors of panels.

The measurement is the analysis with the configured prefix. The tags, version and variable, never change: a changed tag
would make a second point beside the first. Everything else is a field, whose type follows from its name: a server
refuses a field that changes its type. What belongs to the whole run is long and the same for all variables, so only the
point of its first variable has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.model import Outcome, Result, RunFacts
from xomflow.publishing.point import Point, add_fingerprint, storable, time_of

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")
# The entries of a result's data that are fields of their own; other analyses have no such entry.
_QUALITY, _QUALITY_REASON = "quality", "quality_reason"
_UNCHECKED, _INSUFFICIENT = "unchecked", "insufficient"


def points_of(
    outcome: Outcome, prefix: str, metadata: Mapping[str, Any] | None = None, page_url: str = ""
) -> list[Point]:
    """Return the points of an outcome, one for each variable.

    Parameters
    ----------
    outcome
        A finished outcome.
    prefix
        Put before the analysis' name.
    metadata
        Entries of the run document that may have changed after the analysis; None: those in the outcome are used.
    page_url
        Address of the page, from which that of a figure follows; empty if there is none.

    Returns
    -------
    list of Point
        Numbers are floats, except the run number and counts.
    """
    key, run = outcome.key, replace(outcome.run, **(metadata or {}))
    time = time_of(run.start, key.run)
    of_each = {"run": run.number, "run_id": key.run, "run_mode": run.mode}
    once = _run_fields(run) | _production_fields(outcome, page_url)
    made = []
    for result in outcome.results:
        fields = storable(of_each | once | _result_fields(result))
        made.append(Point(prefix + key.analysis, {"version": key.version, "variable": result.variable}, fields, time))
        once = {}
    return add_fingerprint(made)


def _result_fields(result: Result) -> dict[str, Any]:
    data = dict(result.data)
    quality = _UNCHECKED if result.insufficient is None else _INSUFFICIENT
    given = {
        "unit": result.unit,
        "value": result.value,
        "error": result.error,
        "error_low": result.error_low,
        "error_high": result.error_high,
        "limit": result.limit,
        "insufficient": result.insufficient,
        "n": result.n,
        "quality": data.pop(_QUALITY) if isinstance(data.get(_QUALITY), str) else quality,
        "quality_reason": data.pop(_QUALITY_REASON) if isinstance(data.get(_QUALITY_REASON), str) else None,
    }
    return _known(given) | dict(_typed(name, value) for name, value in data.items())


def _typed(name: str, value: float | str | bool) -> tuple[str, float | str | bool]:
    """Return the field of an entry of data; its name has the type, which may change from one version to the next."""
    if isinstance(value, bool):
        return f"flag_{name}", value
    if isinstance(value, str):
        return f"text_{name}", value
    return f"data_{name}", float(value)


def _run_fields(run: RunFacts) -> dict[str, Any]:
    """Return the fields of the run, or of all runs of a campaign."""
    given = {
        "source": run.source,
        "run_tags": ",".join(run.tags),
        "comments": " | ".join(run.comments),
        "detectors": ",".join(run.detectors),
        "end": run.end,
        "duration_s": _seconds(run.start, run.end),
        "runs": ",".join(run.runs) or None,
        "runs_missing": ",".join(run.runs_missing) or None,
    }
    rates = {f"rate_{name}": float(mean) for name, mean in run.rate.items() if _PLAIN_NAME.fullmatch(name)}
    return _known(given) | rates


def _production_fields(outcome: Outcome, page_url: str) -> dict[str, Any]:
    """Return the fields about the attempt that made the outcome: software, cost, delay, figures."""
    made_with, used = outcome.provenance, outcome.resources
    figures = [Paths(Path()).figure(outcome.key, name).as_posix() for name in outcome.figures]
    given = {
        "attempt": outcome.attempt,
        "software": made_with.software,
        "git": made_with.git,
        "host": made_with.host,
        "wall_s": _number(used.wall_s),
        "cpu_s": _number(used.cpu_s),
        "peak_memory_mb": _number(used.peak_memory_mb),
        "ended": outcome.ended,
        "lag_s": _seconds(outcome.run.end, outcome.ended),
        "message": outcome.message or None,
        "figure": figures[0] if figures else None,
        "figures": ",".join(outcome.figures) or None,
        "figure_url": urljoin(page_url, f"../{figures[0]}") if figures and page_url else None,
    }
    versions = {f"version_{name}": text for name, text in made_with.versions.items()}
    lineage = {f"lineage_{name}": text for name, text in made_with.lineage.items()}
    return _known(given) | versions | lineage


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _seconds(start: str | None, end: str | None) -> float | None:
    """Return the time between two moments; None if one of them is unknown or not in XOM's form."""
    try:
        return (times.moment(end or "") - times.moment(start or "")).total_seconds()
    except ValueError:
        return None

"""Results as points of a time series.

The measurement is the analysis with the configured prefix. The tags, version and variable, never change: a changed tag
would make a second point beside the first. Everything else is a field. The time is the start of the run, to the second,
plus the run number in nanoseconds: two runs never share it, and writing a result again replaces the same point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xomflow.core import times
from xomflow.outcomes.model import Outcome, Result, RunFacts
from xomflow.publishing.point import Point, add_fingerprint

# Raised when points are made in another way, so that all are published again.
POINTS_VERSION = 2

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def time_of(run: RunFacts) -> int:
    """Return the time of a run's points, in nanoseconds since 1970."""
    if run.start is None:
        raise ValueError(f"run {run.number} has no start")
    return int(times.moment(run.start).timestamp()) * 1_000_000_000 + run.number


def points_of(outcome: Outcome, prefix: str, metadata: Mapping[str, Any] | None = None) -> list[Point]:
    """Return the points of an outcome, one for each variable.

    Parameters
    ----------
    outcome
        A finished outcome.
    prefix
        Put before the analysis' name.
    metadata
        Entries of the run document that may have changed after the analysis; None: those in the outcome are used.

    Returns
    -------
    list of Point
        Numbers are floats, except the run number and counts: no field changes its type from one result to the next.
    """
    key, run = outcome.key, replace(outcome.run, **(metadata or {}))
    common = {
        "run": run.number,
        "run_id": key.run,
        "run_mode": run.mode,
        "source": run.source,
        "run_tags": ",".join(run.tags),
        "comments": "\n".join(run.comments),
        "software": outcome.provenance.software,
        "attempt": outcome.attempt,
    }
    rates = {f"rate_{name}": float(mean) for name, mean in run.rate.items() if _PLAIN_NAME.fullmatch(name)}
    versions = {f"version_{name}": text for name, text in outcome.provenance.versions.items()}
    lineage = {f"lineage_{name}": text for name, text in outcome.provenance.lineage.items()}
    of_run, time = _whole_characters({**common, **rates, **versions, **lineage}), time_of(run)
    return add_fingerprint(
        [
            Point(
                measurement=prefix + key.analysis,
                tags={"version": key.version, "variable": result.variable},
                fields=of_run | _whole_characters(_fields(result)),
                time=time,
            )
            for result in outcome.results
        ]
    )


def _fields(result: Result) -> dict[str, Any]:
    given = {
        "unit": result.unit,
        "value": result.value,
        "error": result.error,
        "limit": result.limit,
        "insufficient": result.insufficient,
        "n": result.n,
    }
    data = {f"data_{name}": one if isinstance(one, bool | str) else float(one) for name, one in result.data.items()}
    return {name: value for name, value in given.items() if value is not None} | data


def _whole_characters(fields: dict[str, Any]) -> dict[str, Any]:
    """Replace each half of a character, which some run documents have and no store accepts, by a question mark."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in fields.items()
    }

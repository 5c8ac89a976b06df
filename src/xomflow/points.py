"""Results as points of a time series.

The measurement is the analysis with the configured prefix. Tags are few and never change: the version and the variable.
Everything else is a field, because a changed tag would make a second point beside the first. The time is the start of
the run, to the millisecond, plus the run number in nanoseconds: two runs never share it, and writing again hits the
same point.
"""

from __future__ import annotations

from typing import Any

from xomflow import clock


def time_of(run: dict[str, Any]) -> int:
    """Return the time stamp of a run's points, in nanoseconds since 1970."""
    return int(clock.moment(run["start"]).timestamp()) * 1_000_000_000 + int(run["number"])


def points_of(outcome: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the points of an outcome, one for each variable.

    Parameters
    ----------
    outcome
        A finished outcome.
    prefix
        Put before the analysis' name.

    Returns
    -------
    list of dict
        ``measurement``, ``tags``, ``fields``, ``time`` as `influxdb_client.Point.from_dict` takes them. Numbers are
        floats, but for the run number and counts, so that no field changes its type from one result to the next.
    """
    key, run = outcome["key"], outcome["run"]
    common = {
        "run": int(run["number"]),
        "run_id": key["run"],
        "run_mode": run["mode"],
        "source": run["source"],
        "run_tags": ",".join(run["tags"]),
        "comments": "\n".join(run["comments"]),
        "software": outcome["provenance"]["software"],
        "attempt": int(outcome["attempt"]),
    }
    versions = {f"version_{name}": text for name, text in outcome["provenance"]["versions"].items()}
    lineage = {f"lineage_{name}": text for name, text in outcome["provenance"]["lineage"].items()}
    return [
        {
            "measurement": prefix + key["analysis"],
            "tags": {"version": key["version"], "variable": result["variable"]},
            "fields": _whole_characters({**common, **versions, **lineage, **_fields(result)}),
            "time": time_of(run),
        }
        for result in outcome["results"]
    ]


def _fields(result: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"unit": result["unit"]}
    fields |= {name: float(result[name]) for name in ("value", "error") if result[name] is not None}
    fields |= {name: result[name] for name in ("limit", "insufficient") if result[name] is not None}
    if result["n"] is not None:
        fields["n"] = int(result["n"])
    for name, value in result["data"].items():
        plain = isinstance(value, bool | str)
        fields[f"data_{name}"] = value if plain else float(value)
    return fields


def _whole_characters(fields: dict[str, Any]) -> dict[str, Any]:
    """Put a question mark for each half of a character, which some run documents hold and no store takes."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in fields.items()
    }

"""The compact form of what was expected of the results of one shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xomflow.core.key import first_run
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.page.newest import verdict_entry


def bands_of(analysis: str, version: str, shelf: str, bands: Mapping[SeriesId, Sequence[Verdict]]) -> dict[str, Any]:
    """Turn the verdicts on the results of a shelf into columns, for each variable and group of run modes.

    Parameters
    ----------
    analysis, version, shelf
        What the verdicts belong to.
    bands
        The verdicts of each series, in the order of runs.

    Returns
    -------
    dict
        ``variables``: for each variable a list of groups, each with its name and columns by run.
    """
    variables: dict[str, list[dict[str, Any]]] = {}
    for series, verdicts in bands.items():
        variables.setdefault(series.variable, []).append({"group": series.group, **_columns(verdicts)})
    return {"analysis": analysis, "version": version, "shelf": shelf, "variables": variables}


def _columns(verdicts: Sequence[Verdict]) -> dict[str, list[Any]]:
    entries = [verdict_entry(one) for one in verdicts]
    return {
        "run": [first_run(one.run) for one in verdicts],
        **{name: [entry.get(name) for entry in entries] for name in ("expected", "low", "high", "deviation", "mark")},
    }

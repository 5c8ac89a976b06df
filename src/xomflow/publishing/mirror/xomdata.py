"""Points as the first XOM wrote them, but for tags that grow without bound.

Its public repository (github.com/XENONnT/xom, 2024) had one measurement for all analyses, a field *named like the
variable*, the run as the field ``runid``, and the entries of ``data`` and of ``lineage`` as fields. Its tags also had
the run and the comments of the DAQ, so each result was a series of its own, and at 100,000 of them a panel took ten
times as long. Here these are fields, or left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from xomflow.core.paths import Paths
from xomflow.outcomes.history import former_version, is_history
from xomflow.outcomes.model import Outcome, Result, RunFacts
from xomflow.publishing.point import FINGERPRINT, Point, add_fingerprint, storable, time_of

MEASUREMENT = "xomdata"
# The tag `tag` of results of this XOM, and of those that it took over from the first one.
OWN, HISTORY = "xom2", "history"

_OWN_FIELDS = frozenset({"runid", FINGERPRINT})
_RELEASE = re.compile(r"\d{4}\.\d{2}\.\d+")
_NO_SCIENCE_RUN = "no_sr_tag"


def mirrored(
    outcome: Outcome, prefix: str, metadata: Mapping[str, Any] | None = None, page_url: str = ""
) -> list[Point]:
    """Return the points of an outcome, one for each variable with a number; arguments as of `points_of`."""
    key, run = outcome.key, replace(outcome.run, **(metadata or {}))
    common = {
        "analysis_name": key.analysis,
        "analysis_version": former_version(key.version),
        "tag": HISTORY if is_history(key.version) else OWN,
        "container": _container(outcome.provenance.software),
        "xom_version": outcome.provenance.versions.get("xomlib", ""),
        "run_mode": run.mode,
        "sr_tag": _science_run_tag(run.tags),
    }
    tags = {name: _tag(value) for name, value in common.items() if value}
    of_run, time = _run_fields(outcome, run, page_url), time_of(run.start, key.run)
    made = []
    for result in outcome.results:
        if result.value is not None:
            fields = storable({**of_run, **_result_fields(result)})
            made.append(Point(prefix + MEASUREMENT, {**tags, "variable_name": result.variable}, fields, time))
    return add_fingerprint(made)


def _run_fields(outcome: Outcome, run: RunFacts, page_url: str) -> dict[str, Any]:
    figure = {}
    if outcome.figures:
        path = Paths(Path()).figure(outcome.key, outcome.figures[0]).as_posix()
        figure["figure_path"] = urljoin(page_url, f"../{path}") if page_url else path
    return {**outcome.provenance.lineage, **figure, "daq_comment": "_".join(run.comments), "runid": run.number}


def _result_fields(result: Result) -> dict[str, Any]:
    """Return the value and the entries of data; a text has another name, since all analyses share the fields."""
    assert result.value is not None
    fields: dict[str, Any] = {result.variable: float(result.value)}
    if result.error is not None:
        fields["variable_error"] = float(result.error)
    for name, value in result.data.items():
        if isinstance(value, str):
            fields[name if name == "figure_path" else f"text_{name}"] = value
        elif not isinstance(value, bool) and name not in _OWN_FIELDS:
            fields[name] = float(value)
    return fields


def _container(software: str) -> str:
    """Return the container as the first XOM named it, from the name of a software; else that of its file."""
    place = software.partition(" ")[0]
    release = _RELEASE.search(place)
    return f"xenonnt-{release[0]}.simg" if release else Path(place).name


def _science_run_tag(tags: list[str]) -> str:
    """Return the last tag of a science run, with the underscore that protects it in the run database."""
    found = [tag for tag in tags if re.match(r"sr\d", tag) or "_sr" in tag]
    return f"_{found[-1].lstrip('_')}" if found else _NO_SCIENCE_RUN


def _tag(value: str) -> str:
    """Return a value that stays as it is in a tag."""
    return re.sub(r"[^ -~]|\\", "_", value)

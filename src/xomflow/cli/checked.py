"""How the check of a site is shown: what would be published, under which software, and what fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from xomflow.workflow.requests.analysing.check_site import Checked

HEADINGS = ("analysis", "variable", "value", "error", "unit", "n", "quality", "column")
_SHOWN = ("straxen", "strax", "cutax", "python")


def rows_of(checked: Iterable[Checked]) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each variable of each analysis."""
    for one in checked:
        document = one.tried.attempt.document if one.tried else None
        for result in document["results"] if document else ():
            data = result.get("data") or {}
            value = f"none: {result['insufficient']}" if result["value"] is None else f"{result['value']:.6g}"
            error = "" if result["error"] is None else f"{result['error']:.6g}"
            quality = ": ".join(filter(None, (data.get("quality"), data.get("quality_reason"))))
            numbers = (result["variable"], value, error, result["unit"], result["n"])
            yield (one.analysis, *numbers, quality, data.get("column", ""))


def lines_about(checked: Iterable[Checked]) -> Iterator[str]:
    """Yield the software and the data that were used, then one line for each analysis that needs a look."""
    every = list(checked)
    attempts = [one.tried.attempt for one in every if one.tried]
    software = {
        ", ".join(f"{name} {one.versions[name]}" for name in _SHOWN if name in one.versions) for one in attempts
    }
    yield from (f"software: {words}" for words in sorted(software) if words)
    read = dict(sorted(kind for one in attempts for kind in one.lineage.items()))
    if read:
        yield f"data: {', '.join(f'{name} {hashes}' for name, hashes in read.items())}"
    for one in every:
        if one.not_taken:
            yield f"{one.analysis}: a tick would not take this run: {one.not_taken}"
        if one.passed_over:
            yield f"{one.analysis}: not tried: {one.passed_over}"
        if one.failure:
            yield f"{one.analysis}: failed: {one.failure[0]}: {one.failure[1]}"

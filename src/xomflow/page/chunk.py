"""The compact form of a chunk of points: columns instead of outcomes.

A column is a list with one entry per row, or a single value where all rows have the same. Texts, and lists or mappings
of texts, stand once in a table; columns hold their places in it. Numbers are kept to nine significant digits, more than
any error bar needs.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from xomflow.core.key import first_run
from xomflow.outcomes.model import Outcome, Result

NO_MARKS: Mapping[str, str] = MappingProxyType({})
_DIGITS = 9


class _Table:
    """Values that columns refer to by their place; each stands there once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int | None:
        """Return where ``value`` (a text, a list or mapping of texts, or None) stands, adding it if it is new."""
        if value in (None, [], {}):
            return None
        key = repr(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def chunk_of(
    analysis: str, version: str, shelf: str, outcomes: Iterable[Outcome], marks: Mapping[str, str] = NO_MARKS
) -> dict[str, Any]:
    """Turn outcomes into the columns of one chunk.

    Parameters
    ----------
    analysis, version, shelf
        What the outcomes must belong to.
    outcomes
        Outcomes with status "done", in any order.
    marks
        Why some of them are not made of what their groups of runs are now, by id.

    Returns
    -------
    dict
        Columns of the runs (by rising number) and of each variable, and the table of texts; the same outcomes give the
        same chunk.

    Raises
    ------
    ValueError
        If an outcome is not done, belongs elsewhere, comes twice, or holds NaN or infinity.
    """
    rows = sorted(outcomes, key=lambda outcome: outcome.key.run)
    _check_keys(analysis, version, shelf, rows)
    table = _Table()
    variables: dict[str, dict[str, Any]] = {}
    for name, found in _by_variable(rows).items():
        place = f"{analysis} {version} {name}"
        variables[name] = _variable_columns(place, found, rows, table)
    return {
        "analysis": analysis,
        "version": version,
        "shelf": shelf,
        "runs": _run_columns(rows, table, marks),
        "variables": variables,
        "table": table.values,
    }


def modes_of(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the run modes of some outcomes, by name."""
    return sorted({outcome.run.mode for outcome in outcomes if outcome.run.mode})


def non_finite(value: Any, place: str = "") -> str | None:
    """Return the place of the first NaN or infinity in nested lists and mappings as "place is nan"; None if none is."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{place or 'the value'} is {value}"
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    return next(
        (found for key, item in inner if (found := non_finite(item, f"{place}.{key}" if place else str(key)))), None
    )


def _check_keys(analysis: str, version: str, shelf: str, rows: list[Outcome]) -> None:
    seen: set[str] = set()
    for outcome in rows:
        key = outcome.key
        name = f"outcome {key.analysis} {key.version} {key.run}"
        if outcome.status != "done":
            raise ValueError(f"{name} is {outcome.status!r}: only done ones are points of the page")
        if (key.analysis, key.version) != (analysis, version) or not key.run.startswith(shelf):
            raise ValueError(f"{name} does not belong to the chunk {analysis} {version} {shelf}")
        if key.run in seen:
            raise ValueError(f"{name} was given twice")
        seen.add(key.run)


def _by_variable(rows: list[Outcome]) -> dict[str, list[tuple[int, Result]]]:
    found: dict[str, list[tuple[int, Result]]] = {}
    for row, outcome in enumerate(rows):
        for result in outcome.results:
            found.setdefault(result.variable, []).append((row, result))
    return found


def _variable_columns(
    place: str, found: list[tuple[int, Result]], rows: list[Outcome], table: _Table
) -> dict[str, Any]:
    def numbers(field: str, values: Iterable[Any]) -> Any:
        column = list(values)
        for number, value in enumerate(column):
            if isinstance(value, float) and not math.isfinite(value):
                run = rows[found[number][0]].key.run
                raise ValueError(f"{place} run {run}: {field} is {value}, which the page cannot show")
        return _column([rounded(value) for value in column])

    def texts(values: Iterable[str | None]) -> Any:
        return _column([table.place(value) for value in values])

    results = [result for _, result in found]
    sides = ("error_low", "error_high") if any(result.error_low is not None for result in results) else ()
    extras = dict.fromkeys(key for result in results for key in result.data)
    return {
        "run": [row for row, _ in found],
        "value": numbers("value", (result.value for result in results)),
        "error": numbers("error", (result.error for result in results)),
        **{side: numbers(side, (getattr(result, side) for result in results)) for side in sides},
        "n": numbers("n", (result.n for result in results)),
        "unit": texts(result.unit for result in results),
        "limit": texts(result.limit for result in results),
        "insufficient": texts(result.insufficient for result in results),
        "data": {key: numbers(f"data.{key}", (result.data.get(key) for result in results)) for key in extras},
    }


def _run_columns(rows: list[Outcome], table: _Table, marks: Mapping[str, str]) -> dict[str, Any]:
    def texts(value_of: Callable[[Outcome], Any]) -> Any:
        return _column([table.place(value_of(outcome)) for outcome in rows])

    # "number" and "start" stay lists: the page sorts and searches by them.
    return {
        "number": [first_run(outcome.key.run) for outcome in rows],
        "id": texts(_campaign),
        "start": [seconds_of(outcome.run.start) for outcome in rows],
        "end": _column([seconds_of(outcome.run.end) for outcome in rows]),
        "mode": texts(lambda outcome: outcome.run.mode),
        "source": texts(lambda outcome: outcome.run.source),
        "detectors": texts(lambda outcome: outcome.run.detectors),
        "tags": texts(lambda outcome: outcome.run.tags),
        "comments": texts(lambda outcome: outcome.run.comments),
        "figures": texts(lambda outcome: outcome.figures),
        "message": texts(lambda outcome: outcome.message),
        "mark": texts(lambda outcome: marks.get(outcome.key.run)),
        "software": texts(lambda outcome: outcome.provenance.software),
        "versions": texts(lambda outcome: outcome.provenance.versions),
        "lineage": texts(lambda outcome: outcome.provenance.lineage),
        "git": texts(lambda outcome: outcome.provenance.git),
        "host": texts(lambda outcome: outcome.provenance.host),
        "batch_job": texts(_batch_job),
        "attempt": _column([outcome.attempt for outcome in rows]),
        "ended": _column([seconds_of(outcome.ended) for outcome in rows]),
        "wall_s": _column([rounded(outcome.resources.wall_s) for outcome in rows]),
    }


def _campaign(outcome: Outcome) -> str | None:
    """Return the id of a campaign; None for a run, whose id follows from its number."""
    return outcome.key.run if "-" in outcome.key.run else None


def _batch_job(outcome: Outcome) -> str | None:
    job = outcome.provenance.batch_job
    return f"{job.system} {job.job}" if job else None


def _column(values: list[Any]) -> Any:
    """Return the list, or its one value if all are the same (never for numbers that are equal but of another type)."""
    first = values[0] if values else None
    same = all(type(value) is type(first) and value == first for value in values)
    return first if same else values


def rounded(value: Any) -> Any:
    """Return a number to nine digits; any other value unchanged."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def seconds_of(time: str | None) -> int | None:
    """Return an ISO time in whole seconds since 1970, rounded down."""
    if time is None:
        return None
    parsed = datetime.fromisoformat(time)
    return math.floor((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())

"""Pieces of Flux, the language of questions to InfluxDB 2; pure text.

Grafana replaces ``v.defaultBucket``, ``v.timeRangeStart``, ``v.timeRangeStop`` and ``v.windowPeriod`` (the time that a
pixel stands for) before it sends a query: no board contains the name of a bucket, so boards can be moved.
"""

from __future__ import annotations

from collections.abc import Iterable

BUCKET = "v.defaultBucket"
SHOWN = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"
# The version that the reader of a board chooses: Grafana puts it here, and no version needs an escape.
CHOSEN_VERSION = "${version}"
EVER = "range(start: 0)"
PIVOT = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
NEWEST_FIRST = '|> group()\n    |> sort(columns: ["_time"], desc: true)'


def quoted(value: str) -> str:
    """Return a text as a literal; without the escapes a text with ``${`` would be a formula.

    Raises
    ------
    ValueError
        If the text is empty. In a column, Flux 0.196 loses an empty text after texts that are all alike, and moves the
        later ones up: a row gets the text of another, or the last row is lost.
    """
    if not value:
        raise ValueError("a query cannot have an empty text: InfluxDB would lose it and move the texts of later rows")
    if value == CHOSEN_VERSION:
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'


def listed(values: Iterable[str]) -> str:
    """Return texts as the literal of an array."""
    return f"[{', '.join(map(quoted, values))}]"


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has one of these values."""
    return " or ".join(f"r.{column} == {quoted(value)}" for value in values)


def points(measurement: str, fields: Iterable[str], span: str = SHOWN, **tags: str) -> str:
    """Return the rows of some fields of a measurement.

    Parameters
    ----------
    measurement
        Its name.
    fields
        Names of the fields.
    span
        The call of ``range``.
    tags
        Tags that the points must have.
    """
    wanted = "".join(f" and {one_of(name, [value])}" for name, value in tags.items())
    return filtered(f"{one_of('_measurement', [measurement])}{wanted}", fields, span)


def filtered(condition: str, fields: Iterable[str], span: str = SHOWN) -> str:
    """Return the rows of some fields of all points that fulfil a condition."""
    return (
        f"from(bucket: {BUCKET})\n    |> {span}\n    |> filter(fn: (r) => {condition})\n"
        f"    |> filter(fn: (r) => {one_of('_field', fields)})"
    )


def piped(*steps: str) -> str:
    """Return a query of several steps, each on a line of its own."""
    return "\n    ".join(step if at == 0 or step.startswith("|>") else f"|> {step}" for at, step in enumerate(steps))


def otherwise(column: str, empty: str) -> str:
    """Return the value of a column, or another one where it is missing: a missing one in a formula is no error."""
    return f"(if exists r.{column} then r.{column} else {empty})"

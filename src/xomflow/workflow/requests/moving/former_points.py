"""The results that the first XOM published, as they stand in its measurement.

Its public repository (github.com/XENONnT/xom) gives the form: tags ``analysis_name``, ``analysis_version``,
``variable_name``, ``container``, ``xom_version``, ``run_id`` and others; the value in a field with the name of the
variable (2024) or in ``variable_value`` (2023), the run in the field ``runid``, and entries of ``data`` and ``lineage``
as fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from xomflow.publishing.mirror.xomdata import HISTORY, OWN
from xomflow.publishing.places import nanoseconds, text_of

_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
# A query for all would take more than the patience of a client: each result is a series of its own, and each field of
# it a table. For the same reason nothing is computed there, and types follow from how values look.
_PART = timedelta(days=10)
_NAMES = ("analysis_name", "analysis_version", "variable_name")
_SECOND = 1_000_000_000
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_QUERY = """
from(bucket: bucket)
    |> range(start: time(v: start), stop: time(v: stop))
    |> filter(fn: (r) => r._measurement == measurement)
"""


class Server(Protocol):
    """A server that answers Flux queries; see `xomflow.publishing.stores.influx_client.InfluxClient`."""

    def rows(self, query: str, **values: Any) -> Iterator[dict[str, str]]:
        """Return the rows of a query."""
        ...


@dataclass(slots=True)
class FormerPoint:
    """One result as the first XOM published it.

    Parameters
    ----------
    analysis, version, variable
        Names as they were.
    time
        Nanoseconds since 1970, as the script gave it.
    tags
        All tags.
    fields
        Numbers, texts and truth values.
    """

    analysis: str
    version: str
    variable: str
    time: int
    tags: Mapping[str, str]
    fields: dict[str, float | str | bool] = field(default_factory=dict)

    @property
    def run(self) -> int | None:
        """Number of its run; None if it has none."""
        given = self.fields.get("runid", self.tags.get("run_id", ""))
        try:
            number = int(float(given))
        except (ValueError, OverflowError):
            return None
        return number if 0 <= number <= 999_999 else None

    @property
    def value(self) -> float | None:
        """Its number; None if it has none."""
        found = self.fields.get(self.variable, self.fields.get("variable_value"))
        return found if isinstance(found, float) else None


def former_points(server: Server, measurement: str, now: datetime) -> Iterator[FormerPoint]:
    """Yield the results in a measurement, without those that this XOM published there.

    Parameters
    ----------
    server
        The server.
    measurement
        Name of the measurement, such as ``prod_xomdata``.
    now
        The present; later points are not looked for.
    """
    start = _FIRST
    while start < now:
        stop = min(start + _PART, now + timedelta(days=1))
        times = {"start": int(start.timestamp()) * _SECOND, "stop": int(stop.timestamp()) * _SECOND}
        yield from _joined(server.rows(_QUERY, measurement=measurement, **times))
        start = stop


def _joined(rows: Iterable[Mapping[str, str]]) -> Iterator[FormerPoint]:
    """Yield the points of rows, each of which has a field of one."""
    found: dict[tuple[Any, ...], FormerPoint] = {}
    for row in rows:
        own = ("", "result", "table")
        tags = {name: text for name, text in row.items() if text and name[:1] != "_" and name not in own}
        if tags.get("tag") in (OWN, HISTORY):
            continue
        time = nanoseconds(row["_time"])
        place = (*sorted(tags.items()), time)
        if place not in found:
            analysis, version, variable = (tags.get(name, "") for name in _NAMES)
            found[place] = FormerPoint(analysis, version, variable, time, tags)
        found[place].fields[row["_field"]] = _typed(row["_value"])
    yield from found.values()


def _typed(text: str) -> float | str | bool:
    """Return a value of an answer; a text that looks like a number is one."""
    if text in ("true", "false"):
        return text == "true"
    return float(text) if _NUMBER.fullmatch(text) else text


def when(point: FormerPoint) -> str:
    """Return the time of a point in XOM's form, to the second."""
    return text_of(point.time // _SECOND * _SECOND)

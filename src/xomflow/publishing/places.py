"""Where points are on a server, and which ranges of time can be deleted there at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from xomflow.publishing.point import Point

# All tags that points have.
TAGS = ("analysis", "kind", "version", "variable")

_SECOND = 1_000_000_000


class Place(NamedTuple):
    """What identifies a point: its measurement, its tags (empty if it has none of this name), its time."""

    measurement: str
    analysis: str
    kind: str
    version: str
    variable: str
    time: int

    @classmethod
    def of(cls, point: Point) -> Place:
        """Return the place of a point."""
        analysis, kind, version, variable = (point.tags.get(name, "") for name in TAGS)
        return cls(point.measurement, analysis, kind, version, variable, point.time)

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> Place:
        """Return the place in a row of a server's answer."""
        analysis, kind, version, variable = (row.get(name, "") for name in TAGS)
        return cls(row["_measurement"], analysis, kind, version, variable, nanoseconds(row["_time"]))

    @property
    def group(self) -> Place:
        """The place without its variable: all variables of a run are deleted together."""
        return self._replace(variable="")

    @property
    def predicate(self) -> str:
        """What the server deletes for the group, in a range of time."""
        tags = {"analysis": self.analysis, "kind": self.kind, "version": self.version}
        given = [f'{name}="{value}"' for name, value in tags.items() if value]
        return " AND ".join([f'_measurement="{self.measurement}"', *given])


class Range(NamedTuple):
    """The points that a predicate matches, from one time to another."""

    predicate: str
    first: int
    last: int


def ranges(there: Iterable[Place], to_delete: set[Place]) -> list[Range]:
    """Return ranges that contain all groups to delete and no other place, as few as possible: each takes 20 ms.

    Parameters
    ----------
    there
        All places of the predicates in question, at least from the first time to delete to the last.
    to_delete
        Groups.
    """
    found: list[Range] = []
    by_predicate = sorted({(place.predicate, place.time, place.group) for place in there})
    neighbours = itertools.groupby(by_predicate, key=lambda one: (one[0], one[2] in to_delete))
    for (predicate, is_deleted), members in neighbours:
        if is_deleted:
            times = [time for _, time, _ in members]
            found.append(Range(predicate, times[0], times[-1]))
    return found


def text_of(time: int) -> str:
    """Return a time as the server writes it: without zeros at the end."""
    seconds, rest = divmod(time, _SECOND)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def nanoseconds(text: str) -> int:
    """Return the time that the server wrote."""
    moment, _, fraction = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{moment}+00:00").timestamp()) * _SECOND + int(fraction.ljust(9, "0") or 0)

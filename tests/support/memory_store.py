"""A store in memory, beside the two that sites have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.publishing.point import Point
from xomflow.publishing.points import points_of
from xomflow.publishing.stores.store import Points, Store, StoreAwayError, StoreError


class MemoryStore(Store):
    """Keeps each point under its identity, like a server, and fails when told to.

    Parameters
    ----------
    name
        Name of its ledger.
    """

    make_points = staticmethod(points_of)

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.points: dict[tuple[Any, ...], Point] = {}
        self.own: dict[tuple[Any, ...], Point] = {}
        self.tables: dict[str, list[Point]] = {}
        self.renewed: list[tuple[str, set[str]]] = []
        self.writes: list[tuple[str, set[str]]] = []
        self.failing: set[str] = set()
        self.lost: set[str] = set()
        self.away = False

    def stamp(self, shelf: Shelf, table: str = "") -> str | None:
        """Return an empty text for the shelves in ``lost``; see `Store.stamp`."""
        return "" if str(shelf) in self.lost else None

    def digest(self, shelf: Shelf, table: str = "") -> str:
        """Return an empty text; see `Store.digest`."""
        return ""

    def renew(self, analysis: str, shelves: Iterable[tuple[Shelf, Points]]) -> None:
        """Note which ids may be renewed; see `Store.renew`."""
        self.renewed.append((analysis, {one for _, points in shelves for one in points}))

    def write(self, shelf: Shelf, points: Points, changed: set[str], whole: bool = True, table: str = "") -> None:
        """Write what changed, and fail after that for the shelves in ``failing``; see `Store.write`."""
        assert not table
        self.writes.append((str(shelf), changed))
        self._check_away()
        self.points = {place: point for place, point in self.points.items() if point.fields["run_id"] not in changed}
        self.points |= {_place(point): point for one in sorted(changed & points.keys()) for point in points[one]}
        if str(shelf) in self.failing:
            raise StoreError(f"{shelf} did not arrive")

    def add(self, day: str, points: list[Point]) -> None:
        """Write XOM's own points; see `Store.add`."""
        self._check_away()
        self.own |= {_place(point): point for point in points}

    def replace(self, table: str, points: list[Point]) -> None:
        """Keep the points of a table; see `Store.replace`."""
        self._check_away()
        self.tables[table] = points

    def drop(self, analysis: str) -> int:
        """Remove the points of an analysis; see `Store.drop`."""
        self._check_away()
        gone = [place for place, point in self.points.items() if point.measurement.endswith(analysis)]
        for place in gone:
            del self.points[place]
        return len(gone)

    def differences(
        self, wanted: Iterable[tuple[Shelf, Points]], only: Collection[Method] | None = None
    ) -> Iterator[str]:
        """Compare fingerprints; see `Store.differences`."""
        should = {_place(point): point for _, of in wanted for points in of.values() for point in points}
        for place in sorted(should.keys() | self.points.keys()):
            if should.get(place) != self.points.get(place):
                yield f"{place} differs"

    def check(self) -> None:
        """Do nothing; see `Store.check`."""

    def close(self) -> None:
        """Do nothing; see `Store.close`."""

    def values(self) -> dict[int, float]:
        """Return the value of each run."""
        return {point.fields["run"]: point.fields["value"] for point in self.points.values()}

    def _check_away(self) -> None:
        if self.away:
            raise StoreAwayError("no answer")


def _place(point: Point) -> tuple[Any, ...]:
    return point.measurement, *sorted(point.tags.items()), point.time

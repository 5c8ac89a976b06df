"""Where results are published: files of line protocol, or an InfluxDB server, behind one interface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from xomflow.core.errors import XomError
from xomflow.outcomes.cache import Shelf

Point = dict[str, Any]
Points = dict[str, list[Point]]


class StoreError(XomError):
    """The store did not take what it was given; nothing is lost, the next tick tries again."""


class StoreAwayError(StoreError):
    """The store cannot be used at all now, so that there is no point in offering it anything else."""


class Store(Protocol):
    """What publishing asks of a store."""

    name: str

    def write(self, shelf: Shelf, points: Points, changed: set[str]) -> None:
        """Make the store have these results; writing the same again changes nothing.

        Parameters
        ----------
        shelf
            What they belong to.
        points
            The points of every run of the shelf, by run id.
        changed
            Ids of the runs that the store does not have in this form; of one that is not in ``points`` the store
            should have nothing any more.

        Raises
        ------
        StoreError
            If not everything has arrived.
        """
        ...

    def add(self, day: str, points: list[Point]) -> None:
        """Make the store have XOM's own points of a day; `StoreError` if not everything has arrived."""
        ...

    def has(self, shelf: Shelf) -> bool:
        """Return whether the store may have the results of a shelf; False where it is known to have lost them."""
        ...

    def differences(self, wanted: Iterable[tuple[Shelf, Points]]) -> Iterable[str]:
        """Compare what the store has with what it should have, and say every difference in a sentence."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...

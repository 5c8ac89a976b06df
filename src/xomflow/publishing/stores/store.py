"""Where results are published: files of line protocol, or an InfluxDB server, behind one interface."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from xomflow.core.errors import XomError
from xomflow.core.exit_code import ExitCode
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.outcomes.model import Outcome
from xomflow.publishing.point import Point

# The points of runs and campaigns, by id.
Points = dict[str, list[Point]]
# Measurements beside those of the analyses, without their prefix; no analysis can have such a name.
EXPECTED = "expected"
OWN = ("xom", "attention", "events", EXPECTED)
# The measurement of the mirror, see `xomflow.publishing.mirror`.
MIRROR = "xomdata"


class MakePoints(Protocol):
    """Makes the points of an outcome; see `xomflow.publishing.points.points_of`."""

    def __call__(
        self, outcome: Outcome, prefix: str, metadata: Mapping[str, Any] | None = None, page_url: str = ""
    ) -> list[Point]:
        """Return the points."""
        ...


class StoreError(XomError):
    """The store did not accept everything; nothing is lost, the next tick tries again."""

    exit_code = ExitCode.STORE_OR_DISK


class WholeShelfNeededError(StoreError):
    """A store that cannot change some points of a shelf without the others."""


class StoreAwayError(StoreError):
    """The store cannot be used at all now, so nothing else is sent to it."""


class Store(Protocol):
    """A place for results.

    Parameters
    ----------
    name
        Name of its ledger: what one store has is independent of another.
    make_points
        Gives results the form that they have in the store.
    """

    name: str
    make_points: MakePoints

    def renew(self, analysis: str, shelves: Iterable[tuple[Shelf, Points]]) -> None:
        """Prepare for points of the present form where the store may have points of an earlier one.

        Parameters
        ----------
        analysis
            Name of the analysis.
        shelves
            All points that the store should have of it. Points of an earlier form that are not among them stay.
        """
        ...

    def write(self, shelf: Shelf, points: Points, changed: set[str], whole: bool = True, table: str = "") -> None:
        """Write results, or what belongs to them; writing the same again changes nothing.

        Parameters
        ----------
        shelf
            What they belong to.
        points
            All points of the shelf, by the id of the run or campaign.
        changed
            Ids whose points the store does not have, or has with another content. If such an id is not in ``points``,
            the store's points of it are removed.
        whole
            Whether ``points`` are all of the shelf; else they are at least those of ``changed``, and the others stay.
        table
            The one of the measurements `OWN` that they are in, with the analysis as a tag; empty: that of the analysis.

        Raises
        ------
        StoreError
            If not everything has arrived.
        WholeShelfNeededError
            If the others cannot stay; nothing was written.
        """
        ...

    def add(self, day: str, points: list[Point]) -> None:
        """Write XOM's own points of a day; `StoreError` if not everything has arrived."""
        ...

    def replace(self, table: str, points: list[Point]) -> None:
        """Make one of the measurements `OWN` have these points and no others, but for those that `write` put there.

        Where both are in one measurement, these are at the beginning of 1970. `StoreError` if that failed.
        """
        ...

    def drop(self, analysis: str) -> int:
        """Remove all points of an analysis; return how many there were. `StoreError` if some are left."""
        ...

    def stamp(self, shelf: Shelf, table: str = "") -> str | None:
        """Return what differs once something else stands where `write` put a shelf.

        Empty if nothing is there; None if only a comparison of everything shows it.
        """
        ...

    def digest(self, shelf: Shelf, table: str = "") -> str:
        """Return a digest of the file that `write` made for a shelf; empty if it cannot be read."""
        ...

    def differences(
        self, wanted: Iterable[tuple[Shelf, Points]], only: Collection[Method] | None = None
    ) -> Iterable[str]:
        """Compare what the store has with what it should have; return a sentence for every difference.

        Parameters
        ----------
        wanted
            What it should have.
        only
            The versions of analyses that are compared; None: all, and all else that the store has.
        """
        ...

    def check(self) -> None:
        """Ask something small; `StoreAwayError` if the store does not answer or refuses."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...

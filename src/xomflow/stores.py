"""Where results are published: files of line protocol, or an InfluxDB server, behind one interface."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from xomflow import lines
from xomflow.errors import XomError
from xomflow.index import Shelf
from xomflow.paths import Paths
from xomlib.files import write_atomically

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


def open_store(block: dict[str, Any], paths: Paths) -> Store:
    """Return the store that the configuration's block ``store`` names."""
    if block["kind"] == "local":
        return LocalStore(paths, block["prefix"])
    from xomflow.influx import InfluxStore

    return InfluxStore(Path(block["credentials"]), block["prefix"], block["batch"])


class LocalStore:
    """Files of line protocol, one for each shelf, which ``influx write`` takes as they are.

    Parameters
    ----------
    paths
        Where they are.
    prefix
        What measurements begin with; results of another prefix lie in another folder.
    """

    def __init__(self, paths: Paths, prefix: str) -> None:
        self.name = f"local-{prefix}"
        self._folder = paths.store / prefix.rstrip("_")
        self._health = self._folder / "xom"

    def write(self, shelf: Shelf, points: Points, changed: set[str]) -> None:
        """Write the file of a shelf; see `Store.write`."""
        self._put(self._path(shelf), _content(shelf, points))

    def add(self, day: str, points: list[Point]) -> None:
        """Add to the file of a day; see `Store.add`."""
        path = self._health / f"{day}.lp"
        try:
            before = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            before = []
        new = lines.text(points).splitlines(keepends=True)  # no text of XOM's own has a line end
        self._put(path, "".join(dict.fromkeys([*before, *new])).encode())

    def has(self, shelf: Shelf) -> bool:
        """Return whether the file of a shelf is there; see `Store.has`."""
        return self._path(shelf).exists()

    def differences(self, wanted: Iterable[tuple[Shelf, Points]]) -> Iterable[str]:
        """Compare files; see `Store.differences`."""
        there = {path for path in self._folder.rglob("*.lp") if path.parent != self._health}
        for shelf, points in wanted:
            path = self._path(shelf)
            if path not in there:
                yield f"{shelf}: {path} is missing"
            elif path.read_bytes() != _content(shelf, points):
                yield f"{shelf}: {path} does not hold what the outcomes say"
            there.discard(path)
        for path in sorted(there):
            yield f"{path} belongs to no outcomes"

    def close(self) -> None:
        """Do nothing; see `Store.close`."""

    def _path(self, shelf: Shelf) -> Path:
        return self._folder / f"{shelf}.lp"

    def _put(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
            stored = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from None
        if stored != content:
            raise StoreError(f"{path} does not hold what was written to it")


def _content(shelf: Shelf, points: Points) -> bytes:
    try:
        return lines.text(point for run in sorted(points) for point in points[run]).encode()
    except lines.BadPointError as error:
        raise StoreError(f"{shelf}: {error}") from None

"""A store of line-protocol files."""

from __future__ import annotations

import contextlib
import re
import shutil
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from pathlib import Path

from xomflow.core.files.stamps import stamp_of
from xomflow.core.key import RUN_DIGITS, first_run, run_id
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.publishing.point import Point
from xomflow.publishing.points import points_of
from xomflow.publishing.stores import line_protocol
from xomflow.publishing.stores.store import MakePoints, Points, StoreError, WholeShelfNeededError
from xomlib.files import digest, read_bytes, read_text, write_atomically

# A line of line protocol; texts may have line ends.
_LINE = re.compile(rb'(?:[^"\n]++|"(?:[^"\\]++|\\.)*+")++\n', re.DOTALL)
# In a line: the last digits of its time are those of the run, see `time_of`.
_NUMBER = slice(-RUN_DIGITS - 1, -1)


class LocalStore:
    """Files of line protocol, one for each shelf, which ``influx write`` reads as they are.

    Parameters
    ----------
    paths
        Where they are.
    prefix
        What measurements begin with; results of another prefix lie in another folder.
    make_points
        Gives results their form.
    """

    def __init__(self, paths: Paths, prefix: str, make_points: MakePoints = points_of) -> None:
        self.make_points = make_points
        self.name = f"local-{prefix}"
        self._folder = paths.store / prefix.rstrip("_")
        self._own = self._folder / "xom"

    def renew(self, analysis: str, shelves: Iterable[tuple[Shelf, Points]]) -> None:
        """Do nothing: each file is written as a whole; see `Store.renew`."""

    def write(self, shelf: Shelf, points: Points, changed: set[str], whole: bool = True, table: str = "") -> None:
        """Write the file of a shelf; see `Store.write`."""
        path = self._path(shelf, table)
        if not whole:
            self._put(path, self._with_other_lines(shelf, path, points, changed))
        elif points:
            self._put(path, _content(shelf, points))
        else:
            path.unlink(missing_ok=True)

    def add(self, day: str, points: list[Point]) -> None:
        """Add points to the file of a day; see `Store.add`."""
        path = self._own / f"{day}.lp"
        try:
            before = read_text(path).splitlines(keepends=True)
        except FileNotFoundError:
            before = []
        new = line_protocol.text(points).splitlines(keepends=True)  # no text of XOM's own has a line end
        self._put(path, "".join(dict.fromkeys([*before, *new])).encode())

    def replace(self, table: str, points: list[Point]) -> None:
        """Write the file of a table; see `Store.replace`."""
        path, content = self._own / f"{table}.lp", _text(table, points)
        if not path.is_file() or read_bytes(path) != content:
            self._put(path, content)

    def drop(self, analysis: str) -> int:
        """Remove the files of an analysis; see `Store.drop`."""
        folder, lines = self._folder / analysis, 0
        for path in folder.rglob("*.lp"):
            lines += len(_lines_of(read_bytes(path)))
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        return lines

    def stamp(self, shelf: Shelf, table: str = "") -> str | None:
        """Return the stamp of the file of a shelf; see `Store.stamp`."""
        return stamp_of(self._place(shelf, table))

    def digest(self, shelf: Shelf, table: str = "") -> str:
        """Return the digest of the file of a shelf; see `Store.digest`."""
        try:
            return digest(read_bytes(self._path(shelf, table)))
        except OSError:
            return ""

    def differences(
        self, wanted: Iterable[tuple[Shelf, Points]], only: Collection[Method] | None = None
    ) -> Iterable[str]:
        """Compare files; see `Store.differences`."""
        folders = [self._folder] if only is None else [self._folder / analysis / version for analysis, version in only]
        there = {path for folder in folders for path in folder.rglob("*.lp") if self._own not in path.parents}
        for shelf, points in wanted:
            path = self._path(shelf)
            if path not in there:
                yield from [f"{shelf}: {path} is missing"] * bool(points)
            elif read_bytes(path) != _content(shelf, points):
                yield f"{shelf}: {path} differs from the outcomes"
            there.discard(path)
        for path in sorted(there):
            yield f"{path} belongs to no outcomes"

    def check(self) -> None:
        """Do nothing: files below ``work`` are looked at with it; see `Store.check`."""

    def close(self) -> None:
        """Do nothing; see `Store.close`."""

    def _with_other_lines(self, shelf: Shelf, path: Path, points: Points, changed: set[str]) -> bytes:
        """Return what the file of a shelf of single runs has, with other points of the runs that changed."""
        try:
            content = read_bytes(path)
        except OSError:
            raise WholeShelfNeededError(f"{path} cannot be read") from None
        lines = _lines_of(content)
        numbers = [line[_NUMBER] for line in lines]
        if b"".join(lines) != content or numbers != sorted(numbers) or not all(map(bytes.isdigit, numbers)):
            raise WholeShelfNeededError(f"{path} has another form")
        for run in changed:
            number = run_id(first_run(run)).encode()
            of_run = slice(bisect_left(numbers, number), bisect_right(numbers, number))
            lines[of_run], numbers[of_run] = [_text(str(shelf), points[run])], [number]
        return b"".join(lines)

    def _path(self, shelf: Shelf, table: str = "") -> Path:
        return Path(self._place(shelf, table))

    def _place(self, shelf: Shelf, table: str) -> str:
        return f"{self._own}/{table}/{shelf}.lp" if table else f"{self._folder}/{shelf}.lp"

    def _put(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
            stored = read_bytes(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from None
        if stored != content:
            raise StoreError(f"{path} does not hold what was written to it")


def _lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a file with their ends; what comes after the last end is left out."""
    plain = content.split(b"\n")
    if b"\\" in content or any(line.count(b'"') % 2 for line in plain):  # a text may have a line end
        return _LINE.findall(content)
    return [line + b"\n" for line in plain[:-1]]


def _content(shelf: Shelf, points: Points) -> bytes:
    return _text(str(shelf), [point for run in sorted(points) for point in points[run]])


def _text(what: str, points: list[Point]) -> bytes:
    try:
        return line_protocol.text(points).encode()
    except line_protocol.BadPointError as error:
        raise StoreError(f"{what}: {error}") from None

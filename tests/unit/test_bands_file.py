"""The file with the verdicts of a shelf: its lines are in the order of runs, whatever was replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from xomflow.core.verdicts import bands_line, run_in
from xomflow.expected.versions.bands_file import BandsFile


def line(run: int, start: str = "2026-01-01T00:00:00Z") -> str:
    return bands_line("all", f"{run:06d}", start, ())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bands/052.jsonl"


@pytest.fixture
def file(path: Path) -> BandsFile:
    """A file with the runs 2, 4 and 6."""
    one = BandsFile(path)
    one.put([line(2), line(4), line(6)])
    return one


def runs(path: Path) -> list[int]:
    return [int(run_in(one)) for one in path.read_text().splitlines()]


def test_runs_with_their_starts_come_back(file: BandsFile) -> None:
    file.put([line(8, "2026-02-03T04:05:06Z")])
    assert file.starts()[2:] == [("000006", "2026-01-01T00:00:00Z"), ("000008", "2026-02-03T04:05:06Z")]


def test_only_the_lines_between_are_replaced(file: BandsFile, path: Path) -> None:
    file.replace("000002", "000004", [line(3)])
    assert runs(path) == [2, 3, 6]


def test_the_same_lines_are_not_written_again(file: BandsFile, path: Path) -> None:
    before = path.stat()
    file.replace("000002", "000004", [line(4)])
    assert path.stat() == before


def test_what_comes_last_is_appended(file: BandsFile, path: Path) -> None:
    inode = path.stat().st_ino
    file.replace("000006", "~", [line(7)])
    file.put([line(8)])
    assert runs(path) == [2, 4, 6, 7, 8]
    assert path.stat().st_ino == inode


def test_a_line_is_put_in_its_place_and_in_place_of_that_of_the_same_run(file: BandsFile, path: Path) -> None:
    file.put([line(3), line(6, "2026-02-01T00:00:00Z")])
    assert runs(path) == [2, 3, 4, 6]
    assert file.starts()[-1] == ("000006", "2026-02-01T00:00:00Z")
    file.put([line(6, "2026-03-01T00:00:00Z")])
    assert (runs(path), file.starts()[-1][1]) == ([2, 3, 4, 6], "2026-03-01T00:00:00Z")


def test_only_replacing_makes_a_file_without_lines(path: Path) -> None:
    BandsFile(path).put([])
    assert not BandsFile(path).is_there
    BandsFile(path).replace("", "~", [])
    assert BandsFile(path).is_there
    assert BandsFile(path).starts() == []


def test_no_lines_leave_a_file_as_it_is(file: BandsFile, path: Path) -> None:
    before = path.read_bytes()
    file.put([])
    assert path.read_bytes() == before


def test_half_a_line_that_a_killed_tick_left_is_forgotten(file: BandsFile, path: Path) -> None:
    with path.open("a") as text:
        text.write(line(8)[:-9])
    file.put([line(9)])
    assert runs(path) == [2, 4, 6, 9]


def test_whole_lines_are_only_read(file: BandsFile, path: Path) -> None:
    before = (path.stat().st_ino, path.stat().st_mtime_ns)
    assert len(file.starts()) == 3
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("content", [b"\xff\xfe\n", None])
def test_what_cannot_be_read_is_written_anew(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    path.write_bytes(content) if content else path.mkdir()
    file = BandsFile(path)
    assert file.starts() == []
    file.replace("", "~", [line(1)])
    assert runs(path) == [1]


def test_a_file_can_be_removed_twice(file: BandsFile, path: Path) -> None:
    for _ in range(2):
        file.remove()
    assert not path.exists()

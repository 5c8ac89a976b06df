"""How many files and bytes folders have, as `xom du` counts them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from xomflow.workflow.requests.looking import folder_sizes
from xomflow.workflow.requests.looking.folder_sizes import Folder, FolderSizes

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # pytest may have threads
SHELVES = 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(SHELVES):
        shelf = tmp_path / "v1" / f"0{number:02}"
        shelf.mkdir(parents=True)
        for run in range(number + 1):
            (shelf / f"0{number:02}{run:03}.json").write_bytes(b"x" * 5000 * run)
        (shelf / "odd.txt").write_text("x")
        (shelf / f"0{number:02}000.superseded.json").write_text("x")
    return tmp_path


def totals(tree: Path, exact: bool) -> tuple[int, float, int, float]:
    with FolderSizes(exact) as sizes:
        found = list(sizes.below(tree))
    return (
        sum(one.finished.number for one in found),
        sum(one.finished.size for one in found),
        sum(one.others.number for one in found),
        sum(one.others.size for one in found),
    )


def on_disk(files: list[Path]) -> int:
    return sum(path.stat().st_blocks * 512 for path in files)


def test_an_exact_count_by_several_processes_is_that_of_the_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_sizes, "_SAMPLE", 5)
    finished, others = list(tree.rglob("*.json")), list(tree.rglob("*.txt"))
    expected = (len(finished), on_disk(finished), len(others), on_disk(others))
    assert totals(tree, exact=True) == expected
    monkeypatch.setattr(folder_sizes, "_FEW", SHELVES + 1)
    assert totals(tree, exact=True) == expected, "by one process"


class Pool:
    """Stands in for processes; this one does their work."""

    running = 0
    begun = 0

    def __init__(self, processes: int, mp_context: Any) -> None:
        Pool.begun += 1

    def __enter__(self) -> Self:
        Pool.running += 1
        return self

    def __exit__(self, *_: object) -> None:
        Pool.running -= 1

    def map(self, count: Callable[[str], Folder], places: list[str], chunksize: int) -> Iterator[Folder]:
        assert self.running and chunksize > 0
        return map(count, places)


def test_only_an_exact_count_of_many_folders_starts_processes_and_ends_them(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_sizes, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(Pool, "begun", 0)
    monkeypatch.setattr(folder_sizes, "_FEW", SHELVES)
    open_files = len(os.listdir("/proc/self/fd"))
    for exact, place, begun in ((False, tree, 0), (True, tree / "v1/000", 0), (True, tree, 1)):
        totals(place, exact)
        assert (Pool.begun, Pool.running) == (begun, 0)
        assert len(os.listdir("/proc/self/fd")) <= open_files


def test_of_a_large_folder_some_files_stand_for_all(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_sizes, "_SAMPLE", 5)
    finished, size, _, _ = totals(tree, exact=False)
    files = list(tree.rglob("*.json"))
    assert finished == len(files)
    assert size == pytest.approx(on_disk(files), rel=0.3)
    assert size != on_disk(files)


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert totals(tmp_path / "gone", exact=True) == (0, 0, 0, 0)
    (tmp_path / "file").touch()
    with FolderSizes(exact=True) as sizes:
        for place, why in (("gone", ""), ("file", ""), ("x" * 300, "is not counted: File name too long")):
            (found,) = sizes.below(tmp_path / place)
            assert found.missed.removeprefix(f"{tmp_path / place} ") == why


def test_what_a_link_leads_to_is_not_counted(tree: Path) -> None:
    number, size, others, size_of_others = totals(tree, exact=True)
    (tree / "again").symlink_to(tree / "v1")
    (tree / "large").symlink_to(max(tree.rglob("*.json")))
    own_size = sum((tree / name).lstat().st_blocks * 512 for name in ("again", "large"))
    assert totals(tree, exact=True) == (number, size, others + 2, size_of_others + own_size)

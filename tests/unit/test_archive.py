"""An archive is complete at any moment, and what it gets is in it before it is removed elsewhere."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from xomflow.core.files import archive as module
from xomflow.core.files.archive import (
    DamagedArchiveError,
    add_to_archive,
    names_in_archive,
    read_all_from_archive,
    read_from_archive,
)

LATER = float("inf")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return three files by their names in an archive."""
    made = {f"05289{n}.log": tmp_path / f"05289{n}.log" for n in range(3)}
    for name, path in made.items():
        path.write_bytes(name.encode() * 100)
    return made


def content(archive: Path) -> dict[str, bytes | None]:
    return {name: read_from_archive(archive, name) for name in names_in_archive(archive)}


def test_what_is_added_can_be_read_beside_what_was_there(tmp_path: Path, files: dict[str, Path]) -> None:
    archive = tmp_path / "logs/052.zip"
    first, *others = files
    assert read_from_archive(archive, first) is None
    assert add_to_archive(archive, {first: files[first]}, LATER) == {first: files[first]}
    assert read_from_archive(archive, others[0]) is None
    add_to_archive(archive, {name: files[name] for name in others}, LATER)
    assert content(archive) == {name: path.read_bytes() for name, path in files.items()}
    assert read_all_from_archive(archive, lambda name, size: name != first and size == 1000) == {
        name: files[name].read_bytes() for name in others
    }
    assert [path.name for path in archive.parent.iterdir()] == ["052.zip"]


def test_a_file_of_the_same_name_is_replaced_and_stands_there_once(tmp_path: Path, files: dict[str, Path]) -> None:
    archive, name = tmp_path / "052.zip", min(files)
    add_to_archive(archive, files, LATER)
    files[name].write_bytes(b"newer")
    add_to_archive(archive, {name: files[name]}, LATER)
    assert sorted(names_in_archive(archive)) == sorted(files)
    assert content(archive) == {name: path.read_bytes() for name, path in files.items()}


def test_it_ends_in_time_with_at_least_one_file(tmp_path: Path, files: dict[str, Path]) -> None:
    archive = tmp_path / "052.zip"
    added = add_to_archive(archive, files, time.monotonic() - 1)
    assert list(added) == list(files)[:1] == names_in_archive(archive)


def test_a_file_that_is_older_than_an_archive_can_tell_is_added(tmp_path: Path, files: dict[str, Path]) -> None:
    name, file = next(iter(files.items()))
    os.utime(file, (0, 0))
    add_to_archive(tmp_path / "052.zip", {name: file}, LATER)
    assert content(tmp_path / "052.zip") == {name: file.read_bytes()}


def test_a_file_that_is_gone_costs_nothing(tmp_path: Path, files: dict[str, Path]) -> None:
    name = min(files)
    files[name].unlink()
    assert add_to_archive(tmp_path / "052.zip", files, LATER).keys() == files.keys()
    assert set(names_in_archive(tmp_path / "052.zip")) == files.keys() - {name}


@pytest.mark.parametrize("replaces", [False, True])
def test_whatever_interrupts_it_the_archive_is_as_it_was(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, replaces: bool
) -> None:
    archive, (first, *others) = tmp_path / "logs/052.zip", files
    add_to_archive(archive, {first: files[first]}, LATER)
    before = archive.read_bytes()

    def stop(*_: object) -> None:
        raise OSError("no space")

    for place, name in ((module, "_sync"), (zipfile.ZipFile, "write"), (Path, "replace")):
        with monkeypatch.context() as broken:
            broken.setattr(place, name, stop)
            with pytest.raises(OSError, match="no space"):
                add_to_archive(archive, files if replaces else {one: files[one] for one in others}, LATER)
        assert [(path.name, path.read_bytes()) for path in archive.parent.iterdir()] == [("052.zip", before)]


@pytest.mark.parametrize("damage", ["cut", "empty", "inside"])
def test_a_damaged_archive_is_named_and_stays(tmp_path: Path, files: dict[str, Path], damage: str) -> None:
    archive, (name, other, _) = tmp_path / "052.zip", files
    add_to_archive(archive, files, LATER)
    if damage == "inside":
        with archive.open("r+b") as file:
            file.seek(45)
            file.write(bytes(20))
    else:
        os.truncate(archive, 0 if damage == "empty" else archive.stat().st_size // 2)
    before = archive.read_bytes()
    with pytest.raises(DamagedArchiveError, match=r"052\.zip: is damaged: "):
        read_from_archive(archive, name)
    with pytest.raises(DamagedArchiveError, match=r"052\.zip: is damaged: "):
        read_all_from_archive(archive, lambda *_: True)
    with pytest.raises(DamagedArchiveError, match=r"052\.zip: is damaged: "):
        add_to_archive(archive, {other: files[other]}, LATER)
    assert archive.read_bytes() == before

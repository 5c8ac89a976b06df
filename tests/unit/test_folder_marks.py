"""A folder whose disk is away is told from one that was never used, and from one of a version without marks."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xomflow.core.files import folder_marks
from xomflow.core.files.folder_marks import FolderAwayError, check_folders, mark, mark_folders
from xomflow.core.paths import Paths

Change = Callable[[Paths], object]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    return Paths(Path("work"))


@pytest.fixture
def used(paths: Paths) -> Paths:
    """A folder that a tick has used."""
    check_folders(paths)
    mark_folders(paths, local_store=True)
    (paths.outcomes / "kr83m").mkdir()
    return paths


def away(folder: Path) -> Path:
    """Unmount a folder: an empty one is in its place."""
    folder.rename(folder.with_name(f"{folder.name}.away"))
    folder.mkdir()
    return folder


def refused(paths: Paths) -> str:
    before = sorted(Path().rglob("*"))
    with pytest.raises(FolderAwayError) as error:
        check_folders(paths)
    assert sorted(Path().rglob("*")) == before
    return str(error.value)


def test_a_first_start_begins_with_nothing_or_with_empty_folders(paths: Paths) -> None:
    check_folders(paths)
    assert list(Path().iterdir()) == []
    for folder in (paths.outcomes, paths.all_figures, paths.store, paths.decisions):
        folder.mkdir(parents=True)
    check_folders(paths)


def test_a_used_folder_is_fine(used: Paths) -> None:
    before = {path: path.stat().st_mtime_ns for path in used.work.rglob(".xom-*")}
    for _ in range(2):
        check_folders(used)
        mark_folders(used, local_store=True)
    assert {path: path.stat().st_mtime_ns for path in used.work.rglob(".xom-*")} == before, "nothing is written again"


@pytest.mark.parametrize("name", ["outcomes", "figures", "store", "decisions"])
def test_a_folder_whose_disk_is_away_is_named_with_what_to_do(used: Paths, name: str) -> None:
    folder = away(used.work / name)
    said = refused(used)
    assert said.startswith(f"{folder}: .xom-{name} is not in it")
    os.system(said.partition("type: ")[2])
    check_folders(used)


def test_a_work_folder_whose_disk_is_away_is_named_with_what_to_do(used: Paths) -> None:
    away(used.work)
    said = refused(used)
    assert said.startswith("work: .xom-work is not in it")
    os.system(said.partition("type: ")[2])
    check_folders(used)


def test_a_disk_above_the_work_folder_may_be_away_too(used: Paths) -> None:
    used.work.rename("elsewhere")
    assert "mkdir -p work" in refused(used)
    Path("elsewhere").rename("work")
    check_folders(used)


LINKS: dict[str, Change] = {
    "dangling": lambda paths: paths.outcomes.symlink_to("nowhere"),
    "to itself": lambda paths: paths.outcomes.symlink_to("outcomes"),
    "to an empty folder": lambda paths: (Path("empty").mkdir(), paths.outcomes.symlink_to("../empty")),
    "to another folder": lambda paths: paths.outcomes.symlink_to("figures"),
    "to a file": lambda paths: paths.outcomes.symlink_to("format"),
}


def test_a_link_that_leads_elsewhere_is_as_a_disk_that_is_away(used: Paths) -> None:
    used.format.write_text("1\n")
    used.outcomes.rename("outcomes.real")
    for break_it in LINKS.values():
        break_it(used)
        assert refused(used).startswith("work/outcomes: .xom-outcomes is not in it")
        used.outcomes.unlink()
    used.outcomes.symlink_to("../outcomes.real")
    check_folders(used)


def test_results_of_a_version_without_marks_get_them(paths: Paths) -> None:
    (paths.outcomes / "kr83m").mkdir(parents=True)
    (paths.ledger / "local-test_").mkdir(parents=True)
    paths.decisions.mkdir()
    check_folders(paths)
    mark_folders(paths, local_store=False)
    assert mark(paths.outcomes).exists() and not paths.store.exists()
    assert refused(away(paths.outcomes) and paths)


@pytest.mark.parametrize("name", ["outcomes", "figures"])
@pytest.mark.parametrize("place", ["empty folder", "dangling link"])
def test_results_of_a_version_without_marks_may_be_away_at_the_upgrade(paths: Paths, name: str, place: str) -> None:
    """The ledger knows of results, so an empty place is no first start."""
    (paths.ledger / "local-test_").mkdir(parents=True)
    folder = paths.work / name
    folder.mkdir() if place == "empty folder" else folder.symlink_to("nowhere")
    assert refused(paths).startswith(f"work/{name}: .xom-{name} is not in it")


def test_a_file_in_the_place_of_a_folder_is_no_disk_that_is_away(paths: Paths) -> None:
    (paths.outcomes / "kr83m").mkdir(parents=True)
    paths.all_figures.touch()
    check_folders(paths)


@pytest.mark.parametrize("name", ["outcomes", "figures"])
def test_only_a_folder_of_figures_may_take_no_mark(paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Most analyses do not need one, so that their runs go on."""
    write = folder_marks.write_atomically

    def refuse(path: Path, content: str) -> None:
        if path.parent.name == name:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        write(path, content)

    monkeypatch.setattr(folder_marks, "write_atomically", refuse)
    if name == "outcomes":
        with pytest.raises(OSError, match="Read-only"):
            mark_folders(paths, local_store=False)
    else:
        mark_folders(paths, local_store=False)
        assert mark(paths.outcomes).exists() and not mark(paths.all_figures).exists()
        check_folders(paths)


def test_a_deleted_store_comes_again(used: Paths) -> None:
    """It is a copy of the outcomes; a mount point or a link would still be there."""
    shutil.rmtree(used.store)
    check_folders(used)
    mark_folders(used, local_store=True)
    assert mark(used.store).exists()


@pytest.mark.parametrize("name", ["outcomes", "figures", "decisions"])
def test_results_that_are_deleted_do_not_come_again_by_themselves(used: Paths, name: str) -> None:
    shutil.rmtree(used.work / name)
    assert refused(used).startswith(f"work/{name}: ")


def test_a_site_without_snakemakes_notes_knows_the_folders_all_the_same(used: Paths) -> None:
    shutil.rmtree(".snakemake")
    check_folders(used)
    away(used.outcomes)
    refused(used)


def test_another_work_folder_is_a_first_start(used: Paths) -> None:
    other = Paths(Path("other"))
    check_folders(other)
    mark_folders(other, local_store=True)
    check_folders(used)
    used.work.rename("moved")
    check_folders(Paths(Path("moved")))


def test_a_link_to_the_folder_of_another_site_is_refused_with_what_to_do(used: Paths) -> None:
    other = Paths(Path("other"))
    mark_folders(other, local_store=True)
    used.outcomes.rename("outcomes.real")
    used.outcomes.symlink_to("../other/outcomes")
    said = refused(used)
    assert said.startswith("work/outcomes: .xom-outcomes is that of another site")
    os.system(said.partition("type: ")[2])
    check_folders(used)


def test_marks_without_an_id_get_that_of_the_others(used: Paths) -> None:
    before = mark(used.all_figures).read_text()
    mark(used.outcomes).write_text("")
    check_folders(used)
    (used.work / ".xom-work").write_text("outcomes\nfigures\nstore\n")
    check_folders(used)
    mark_folders(used, local_store=False)
    assert {path.read_text() for path in map(mark, (used.outcomes, used.all_figures, used.store))} == {before}
    lines = (used.work / ".xom-work").read_text().splitlines()
    assert sorted(lines) == sorted([before.strip(), "decisions", "figures", "outcomes", "store"])


def test_a_mark_that_cannot_be_read_is_trouble_of_the_disk(used: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(*_: object, **__: object) -> str:
        raise OSError(107, "Transport endpoint is not connected")

    monkeypatch.setattr(folder_marks, "read_text", stale)
    with pytest.raises(FolderAwayError, match=r"work: \.xom-work cannot be read: Transport endpoint is not connected"):
        check_folders(used)


@pytest.mark.parametrize("name", ["work", "outcomes", "decisions"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_in_the_way_of_a_mark_is_named_with_what_to_do(used: Paths, name: str, make: Change) -> None:
    place = used.work / ".xom-work" if name == "work" else mark(used.work / name)
    place.unlink()
    make(place)
    said = refused(used)
    assert said.startswith(f"{place.parent}: {place.name} cannot be read: ")
    os.system(said.partition("type: ")[2])
    check_folders(used)


def test_a_folder_in_the_place_of_the_sites_note_costs_no_tick(used: Paths) -> None:
    note = Path(".snakemake/xom-work")
    before = note.read_text()
    note.unlink()
    note.mkdir()
    check_folders(used)
    mark_folders(used, local_store=True)
    assert note.read_text() == before

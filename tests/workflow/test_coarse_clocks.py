"""Time stamps that do not tell before from after: what was claimed is looked at itself, and clocks are compared."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from support.in_process import FastSite, in_fork
from xomflow.cli import main as xom
from xomflow.config.load import read_yaml
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomflow.storage.folder_listings import FolderListings
from xomflow.workflow.tick import Tick

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


def _discover_only() -> int:
    tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=False)
    with tick.begin():
        return xom(["job", "discover", str(tick.files.folder)])


@pytest.mark.parametrize("kind", ["052002.json", "052002.failed-1-raised-{now}.json"])
def test_a_run_that_ended_in_the_second_of_the_listing_is_not_analysed_again(site: FastSite, kind: str) -> None:
    site.analysis("one", GOOD)
    site.runs([52001, 52002])
    assert site.tick().returncode == 0
    shelf = site.work / "outcomes/one/v1/052"
    content = (shelf / "052002.json").read_bytes()
    (shelf / "052002.json").unlink()
    stamp = (int(time.time() - 5) * 10**9,) * 2
    os.utime(shelf, ns=stamp)
    os.utime(site.folder / "runs.jsonl", ns=stamp)
    assert in_fork(_discover_only, site.folder).returncode == 0
    assert site.claimed() == {("one", "052002")}
    (shelf / kind.format(now=int(time.time()))).write_bytes(content)
    os.utime(shelf, ns=stamp)
    assert site.pending() == set()
    site.tick()
    assert site.claimed() == set()


def test_what_a_tick_made_is_published_whatever_the_time_stamps_are(site: FastSite, tmp_path: Path) -> None:
    seen = SeenFingerprints(tmp_path / "stamps.json")
    shelves = [Shelf("one", "v1", name) for name in ("052", "053")]
    for shelf in shelves:
        seen.note(shelf, 5)
    seen.keep()
    again = SeenFingerprints(tmp_path / "stamps.json", {shelves[0]})
    assert [again.seen(shelf, 5) for shelf in shelves] == [False, True]


def test_the_present_is_that_of_the_clock_that_is_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    real, behind = os.utime, time.time_ns() - 60 * 10**9
    for stamp, expected in ((behind, behind), (time.time_ns() + 60 * 10**9, time.time_ns())):
        monkeypatch.setattr(os, "utime", lambda path, stamp=stamp: real(path, ns=(stamp, stamp)))
        assert abs(times.now_of(file) - expected) < 10**9
    for missing in (None, tmp_path / "missing", tmp_path / "file/x"):
        assert abs(times.now_of(missing) - time.time_ns()) < 10**9


def test_a_folder_that_changed_under_the_same_name_and_inode_is_read_again(tmp_path: Path) -> None:
    root, paths = tmp_path / "data", Paths(tmp_path / "work")
    folder = root / "052894-event_info-bbbbbbbbbb"
    folder.mkdir(parents=True)
    metadata = folder / "event_info-bbbbbbbbbb-metadata.json"

    def complete() -> bool:
        listings = FolderListings(paths, may_write=True)
        found = listings.look(str(root), ["052894"], "event_info", "bbbbbbbbbb").complete
        listings.keep()
        return bool(found)

    metadata.write_text('{"writing_ended": 1}')
    assert complete()
    assert complete()
    metadata.unlink()
    metadata.write_text('{"exception": "x"}')  # as in a folder that has the inode of a deleted one
    assert not complete()

"""The page is written from the outcomes that publishing has read; the rest, and what failed, is read afterwards."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from support.factory import outcome, result
from xomflow import page
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.page.refresh import PageRefresh, refresh_page
from xomflow.publishing.publish import publish
from xomflow.publishing.stores.local_store import LocalStore

SHELF = Shelf("kr83m", "v1", "052")


def write(paths: Paths, number: int, value: float = 1.0) -> None:
    key = Key("kr83m", "v1", f"{number:06d}")
    place = paths.outcome(key)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(outcome(key=key, results=[result(value=value)])))
    os.utime(place.parent, (number, number + int(value)))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "work")
    for number in (52001, 52002, 53001):
        write(made, number)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shelves whose outcomes are read from now on."""
    found: list[str] = []
    whole = OutcomeCache.outcomes
    monkeypatch.setattr(OutcomeCache, "outcomes", lambda self, shelf: (found.append(shelf.name), whole(self, shelf))[1])
    return found


def chunks(paths: Paths) -> dict[str, str]:
    return {file.name: file.read_text() for file in (paths.page / "data").rglob("*.js")}


def test_outcomes_that_are_published_are_read_once_and_the_page_is_the_same(paths: Paths, read: list[str]) -> None:
    renewal = PageRefresh(paths)
    publish(paths, LocalStore(paths, "test_"), "test_", on_read=renewal.look)
    made = renewal.all()
    assert read == ["052", "053"]
    assert made.problems == []
    assert (paths.page / "index.html").exists()
    ahead = chunks(paths)
    shutil.rmtree(paths.page)
    assert refresh_page(paths).makers == made.makers
    assert chunks(paths) == ahead


def test_where_nothing_changed_neither_outcomes_nor_chunks_are_opened(
    paths: Paths, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh_page(paths)
    write(paths, 52003)
    made = refresh_page(paths)
    assert made.makers["kr83m", "v1"]
    read.clear()
    for name in ("has_chunk", "bands_source", "read_head"):
        monkeypatch.delattr(f"xomflow.page.{name}")
    assert refresh_page(paths) == made
    assert read == []


def test_a_shelf_that_may_still_change_is_read_again(paths: Paths, read: list[str]) -> None:
    os.utime(paths.outcomes / str(SHELF))
    refresh_page(paths)
    changed = outcome(key=Key(*SHELF[:2], "052002"), results=[result(value=7.0)])
    paths.outcome(Key(*SHELF[:2], "052002")).write_text(json.dumps(changed))  # in its place
    refresh_page(paths)
    assert read == ["052", "053", "052"]
    assert "[1.0,7.0]" in chunks(paths)["052.js"]


def test_an_outcome_that_changes_after_it_was_published_is_read_again(paths: Paths) -> None:
    renewal = PageRefresh(paths)
    publish(paths, LocalStore(paths, "test_"), "test_", on_read=renewal.look)
    write(paths, 52002, 7.0)
    renewal.all()
    assert "[1.0,7.0]" in chunks(paths)["052.js"]


@pytest.mark.parametrize("error", [OSError("no space"), ValueError("no number")])
def test_a_chunk_that_could_not_be_written_is_written_at_the_end_or_reported(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    whole, fails = page.write_chunk, [True]

    def write_chunk(*arguments: object) -> None:
        if fails[0]:
            raise error
        whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(page, "write_chunk", write_chunk)
    renewal = PageRefresh(paths)
    receipt = publish(paths, LocalStore(paths, "test_"), "test_", on_read=renewal.look)
    assert (receipt.outcomes, receipt.problems) == (3, [])
    assert renewal.all().problems == [f"the page lacks kr83m/v1/{shelf}: {error}" for shelf in ("052", "053")]
    fails[0] = False
    assert renewal.all().problems == []
    assert {"052.js", "053.js"} < chunks(paths).keys()


def test_a_shelf_whose_chunk_was_damaged_and_could_not_be_written_again_is_tried_again(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh_page(paths)
    before = chunks(paths)
    monkeypatch.setattr("xomflow.page.has_chunk", lambda *_: False)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    renewal = PageRefresh(paths)
    with monkeypatch.context() as full:
        full.setattr("xomflow.page.write_chunk", fail)
        renewal.look(SHELF, {})
    written: list[object] = []
    whole = page.write_chunk
    monkeypatch.setattr("xomflow.page.write_chunk", lambda *given: (written.append(given[3]), whole(*given))[1])
    monkeypatch.setattr("xomflow.page.has_chunk", lambda *_: True)
    assert renewal.all().problems == []
    assert written == ["052"]
    assert chunks(paths) == before

"""What publishing and page keep from tick to tick saves reading; store and page are those of a first tick."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.effort import tries
from support.factory import outcome, result
from support.verdicts import bands_text
from xomflow import page
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.page.refresh import refresh_page
from xomflow.publishing.boards import bands
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.publish import publish
from xomflow.publishing.stores.local_store import LocalStore
from xomlib.files import write_atomically

SERIES = SeriesId("kr83m", "v1", "all", "light_yield")
SHELVES = {"052": (52001, 52002), "053": (53001,)}
START = "2026-11-22T10:00:00Z"
_clock = itertools.count(1_700_000_000)


class World:
    """A folder `work` with outcomes and verdicts, and the store and the page that ticks make of them."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder / "work")

    def tick(self) -> None:
        store = LocalStore(self.paths, "test_")
        assert publish(self.paths, store, "test_").problems == []
        publish_bands(self.paths, store, "test_")
        assert refresh_page(self.paths).problems == []

    def shown(self) -> dict[str, str]:
        found = [*self.paths.store.rglob("*.lp"), *(self.paths.page / "data").rglob("*.js")]
        return {str(file.relative_to(self.paths.work)): file.read_text() for file in found}

    def fresh(self, folder: Path) -> dict[str, str]:
        """What a first tick on the same outcomes and verdicts makes."""
        other = World(folder)
        for one in (Paths.outcomes, Paths.all_bands):
            place = one.fget(self.paths)  # type: ignore[attr-defined]
            if place.exists():
                shutil.copytree(place, one.fget(other.paths))  # type: ignore[attr-defined]
        other.tick()
        return other.shown()

    def save(self, number: int, value: float) -> None:
        place = self.paths.outcome(Key("kr83m", "v1", f"{number:06d}"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(outcome(key=Key("kr83m", "v1", place.stem), results=[result(value=value)])))
        os.utime(place.parent, (0, next(_clock)))  # long ago, so that it is relied on

    def lose(self, number: int) -> None:
        place = self.paths.outcome(Key("kr83m", "v1", f"{number:06d}"))
        place.unlink(missing_ok=True)
        if place.parent.exists():
            os.utime(place.parent, (0, next(_clock)))

    def judge(self, shelf: str, value: float) -> None:
        verdicts = [Verdict(f"{one:06d}", START, 1.0, value, 0.0, 2.0, 0.5) for one in SHELVES[shelf]]
        write_atomically(self.paths.bands("kr83m", "v1", shelf), bands_text({SERIES: verdicts}))

    def forget(self, name: str) -> None:
        """Remove a kept file, or all of these."""
        for file in [*self.paths.ledger.rglob(name), *self.paths.cache.glob(name), *self.paths.page.rglob(name)]:
            file.unlink()

    def damage(self, name: str) -> None:
        """Damage the page's files of a name, and kept files, in their places."""
        for file in [*self.paths.page.rglob(name), *(self.paths.ledger / "local-test_/bands").rglob(name)]:
            file.write_text("")


numbers = st.sampled_from([one for of_shelf in SHELVES.values() for one in of_shelf])
names = st.sampled_from(["052.js", "052.bands.js", "052.json", "stamps.json", "looks.json", "index.js"])
values = st.floats(0.5, 1.5)
steps = st.one_of(
    st.builds(lambda number, value: lambda world: world.save(number, value), numbers, values),
    st.builds(lambda number: lambda world: world.lose(number), numbers),
    st.builds(lambda shelf, value: lambda world: world.judge(shelf, value), st.sampled_from([*SHELVES]), values),
    st.builds(
        lambda shelf: lambda world: world.paths.bands("kr83m", "v1", shelf).unlink(True), st.sampled_from(["053"])
    ),
    st.builds(lambda name: lambda world: world.forget(name), names),
    st.builds(lambda name: lambda world: world.damage(name), names),
)


@example([[lambda world: world.lose(52001), lambda world: world.lose(52002)]])  # its bands stay
@given(st.lists(st.lists(steps, max_size=3), min_size=1, max_size=4))
@settings(max_examples=tries(8), deadline=None)
def test_store_and_page_are_those_of_a_first_tick(ticks: list[list[Callable[[World], None]]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(Path(place) / "kept")
        for number in (52001, 52002, 53001):
            world.save(number, 1.0)
        world.judge("052", 1.0)
        world.tick()
        for changes in ticks:
            for change in changes:
                change(world)
            world.tick()
        assert world.shown() == world.fresh(Path(place) / "fresh")


def test_a_tick_in_which_nothing_changed_reads_neither_a_ledger_of_bands_nor_a_file_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.save(52001, 1.0)
    world.judge("052", 1.0)
    world.tick()
    monkeypatch.setattr(bands, "_publish_shelf", lambda *of: pytest.fail("a ledger was read"))
    monkeypatch.setattr(page, "has_chunk", lambda *of: pytest.fail("a chunk was read"))
    monkeypatch.setattr(page, "bands_source", lambda *of: pytest.fail("a chunk of bands was read"))
    world.tick()


@pytest.mark.parametrize("name", ["052.js", "052.bands.js"])
def test_a_file_of_the_page_that_was_damaged_in_its_place_is_written_again(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    world.save(52001, 1.0)
    world.judge("052", 1.0)
    world.tick()
    before = world.shown()
    world.damage(name)
    world.tick()
    assert world.shown() == before


def test_bands_whose_ledger_is_lost_are_published_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.save(52001, 1.0)
    world.judge("052", 1.0)
    world.tick()
    before = world.shown()
    (world.paths.ledger / "local-test_/bands/kr83m/v1/052.json").unlink()
    (world.paths.store / "test/xom/expected/kr83m/v1/052.lp").unlink()
    world.tick()
    assert world.shown() == before


def test_bands_that_go_leave_the_store_though_the_ledger_was_lost_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.save(53001, 1.0)
    world.judge("053", 1.0)
    world.tick()
    (world.paths.ledger / "local-test_/bands/kr83m/v1/053.json").unlink()
    world.tick()
    world.paths.bands("kr83m", "v1", "053").unlink()
    world.tick()
    assert not list((world.paths.store / "test/xom/expected").rglob("*.lp"))


def test_an_older_copy_of_bands_in_the_store_is_replaced(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.save(52001, 1.0)
    world.judge("052", 1.0)
    world.tick()
    file = world.paths.store / "test/xom/expected/kr83m/v1/052.lp"
    shutil.copy2(file, tmp_path / "copy")
    world.judge("052", 1.25)
    world.tick()
    before = world.shown()
    world.forget("stored.json")
    world.tick()
    (tmp_path / "copy").replace(file)
    assert world.shown() != before
    world.tick()
    assert world.shown() == before


def test_bands_are_published_again_if_a_tick_was_killed_before_it_noted_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.save(52001, 1.0)
    world.judge("052", 1.0)
    world.tick()
    world.judge("052", 1.25)
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "write", lambda *of, **how: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.tick()
    world.tick()
    assert world.shown() == world.fresh(tmp_path / "fresh")

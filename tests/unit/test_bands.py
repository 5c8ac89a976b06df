"""Bands as points: each at the time of its result, and only what a store lacks is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.factory import key_of, outcome, typed
from support.line_protocol import Reader
from support.verdicts import bands_text
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, Mark, SeriesId, Verdict
from xomflow.publishing.boards import bands
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.boards.events import Event
from xomflow.publishing.boards.expected import band_points
from xomflow.publishing.points import points_of
from xomflow.publishing.stores.local_store import LocalStore
from xomflow.publishing.stores.store import StoreError
from xomflow.workflow.ending.boards import of_alarm
from xomlib.files import write_atomically

START = "2026-11-22T10:00:00Z"
YIELD, DRIFT = (SeriesId("kr83m", "v1", "all", name) for name in ("light_yield", "drift"))


def verdict(number: int, expected: float | None = 10.0, **changes: Any) -> Verdict:
    band = (expected, 9.5, 10.5, 0.5) if expected is not None else (None,) * 4
    return Verdict(f"{number:06d}", START, 10.1, *band)._replace(**changes)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def store(paths: Paths) -> LocalStore:
    return LocalStore(paths, "test_")


def judge(paths: Paths, bands: dict[SeriesId, list[Verdict]], shelf: str = "052") -> None:
    write_atomically(paths.bands("kr83m", "v1", shelf), bands_text(bands))


def published(paths: Paths, shelf: str = "052") -> dict[tuple[int, str], float]:
    """The expected values in the store, by the number in the time and the variable."""
    text = (paths.store / f"test/xom/expected/kr83m/v1/{shelf}.lp").read_text()
    points = Reader(text).points()
    return {(one.time % 1_000_000, one.tags["variable"]): one.fields["expected"] for one in points}


def test_a_band_is_a_point_at_the_time_of_the_result() -> None:
    marked = verdict(52001, mark=Mark.OUTLIER)
    (point, other) = band_points({YIELD: marked, DRIFT: verdict(52001, deviation=None)}, "test_")
    (of_result,) = points_of(typed(outcome(key_of(52001), run={"start": START})), "test_")
    assert (point.measurement, point.time) == ("test_expected", of_result.time)
    assert point.tags == {**YIELD._asdict(), "kind": "band"}
    form = point.fields.pop("form")
    assert point.fields == {"expected": 10.0, "low": 9.5, "high": 10.5, "deviation": 0.5, "mark": "outlier"}
    assert other.fields == {"expected": 10.0, "low": 9.5, "high": 10.5, "form": form}


def test_only_results_with_enough_history_have_a_band(paths: Paths, store: LocalStore) -> None:
    judge(paths, {YIELD: [verdict(52001, None), verdict(52002)], DRIFT: [verdict(52001, None)]})
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52002, "light_yield"): 10.0}
    judge(paths, {YIELD: [verdict(53001, None)]}, "053")
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52002, "light_yield"): 10.0}


def test_bands_that_come_move_and_go_do_so_in_the_store(paths: Paths, store: LocalStore) -> None:
    judge(paths, {YIELD: [verdict(52001), verdict(52002)]})
    publish_bands(paths, store, "test_")
    judge(paths, {YIELD: [verdict(52001), verdict(52002, 11.0), verdict(52003)], DRIFT: [verdict(52001, 1.0)]})
    publish_bands(paths, store, "test_")
    expected = {(52001, "drift"): 1.0, (52002, "light_yield"): 11.0, (52003, "light_yield"): 10.0}
    assert published(paths) == expected | {(52001, "light_yield"): 10.0}
    judge(paths, {YIELD: [verdict(52003)]})
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52003, "light_yield"): 10.0}
    paths.bands("kr83m", "v1", "052").unlink()
    publish_bands(paths, store, "test_")
    assert list((paths.store / "test/xom/expected").rglob("*.lp")) == []
    assert list((paths.ledger / store.name).rglob("*.json")) == []


def test_only_runs_that_changed_are_written(paths: Paths, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(paths, {YIELD: [verdict(52001), verdict(52002)]})
    judge(paths, {YIELD: [verdict(53001)]}, "053")
    publish_bands(paths, store, "test_")
    writes: list[tuple[str, set[str], set[str]]] = []
    write = LocalStore.write

    def noted(self: LocalStore, shelf: Any, points: Any, changed: set[str], **how: Any) -> None:
        writes.append((shelf.name, set(points), changed))
        write(self, shelf, points, changed, **how)

    monkeypatch.setattr(LocalStore, "write", noted)
    publish_bands(paths, store, "test_")
    assert writes == []
    judge(paths, {YIELD: [verdict(52001), verdict(52002, 11.0)]})
    publish_bands(paths, store, "test_")
    assert writes == [("052", {"052002"}, {"052002"})]


def test_bands_that_did_not_change_are_not_read_whether_they_have_points_or_not(
    paths: Paths, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(paths, {YIELD: [verdict(52001)]})
    judge(paths, {YIELD: [verdict(53001, None)]}, "053")
    publish_bands(paths, store, "test_")
    with monkeypatch.context() as patched:
        patched.setattr(bands, "read_bands", lambda *_: pytest.fail("it was read"))
        publish_bands(paths, store, "test_")
    judge(paths, {YIELD: [verdict(53001, None), verdict(53002)]}, "053")
    publish_bands(paths, store, "test_")
    assert published(paths, "053") == {(53002, "light_yield"): 10.0}


def test_a_write_that_failed_is_made_again(paths: Paths, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(paths, {YIELD: [verdict(52001)]})
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "write", lambda *words, **how: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish_bands(paths, store, "test_")
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52001, "light_yield"): 10.0}


def test_bands_that_are_the_old_ones_again_after_a_failed_write_are_written(
    paths: Paths, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(paths, {YIELD: [verdict(52001)]})
    publish_bands(paths, store, "test_")
    write = LocalStore.write

    def fail(self: LocalStore, *of: Any, **how: Any) -> None:
        write(self, *of, **how)
        raise StoreError("no answer")

    judge(paths, {YIELD: [verdict(52001, 11.0)]})
    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr(LocalStore, "write", fail)
        publish_bands(paths, store, "test_")
    judge(paths, {YIELD: [verdict(52001)]})
    monkeypatch.setattr(LocalStore, "stamp", lambda *_: None)  # as a server, which does not show what it lost
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52001, "light_yield"): 10.0}


def test_a_store_that_was_emptied_is_filled_anew(paths: Paths, store: LocalStore) -> None:
    judge(paths, {YIELD: [verdict(52001)]})
    publish_bands(paths, store, "test_")
    (paths.store / "test/xom/expected/kr83m/v1/052.lp").unlink()
    publish_bands(paths, store, "test_")
    assert published(paths) == {(52001, "light_yield"): 10.0}


def test_an_alarm_is_an_event_with_its_sentence_and_state() -> None:
    alarm = Alarm(
        "a-1", Kind.STEP, (YIELD, DRIFT), "052001", START, "052004", "The light yield fell by 5 %.", contact="Jane"
    )
    expected = Event("alarm", alarm.sentence, "step since run 052001. Contact: Jane", START, None, "kr83m", "open")
    assert of_alarm(alarm) == expected
    over = Alarm(
        "a-1",
        Kind.STEP,
        (YIELD,),
        "052001",
        START,
        "052004",
        "It fell.",
        ended="2026-11-23T10:00:00Z",
        how_ended=HowEnded.RETURNED,
        state=AlarmState.ENDED,
        reason="jane: a valve",
    )
    text = "step since run 052001. returned. jane: a valve"
    assert of_alarm(over) == Event("alarm", "It fell.", text, START, "2026-11-23T10:00:00Z", "kr83m", "ended")

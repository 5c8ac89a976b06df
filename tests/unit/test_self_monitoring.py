"""XOM's own health: every finished tick is published once, whatever happens to the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.factory import NOW, key_of
from support.factory import tick_summary as summary
from support.line_protocol import Point, Reader
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey
from xomflow.publishing import self_monitoring
from xomflow.publishing.point import Point as Written
from xomflow.publishing.stores.local_store import LocalStore
from xomflow.publishing.stores.store import StoreError
from xomlib.files import dump_json

NAMES = ("20261122T120000-node-1", "20261122T120000-node-2", "20261123T120000-node-1")


@pytest.fixture
def paths(tmp_path: Any) -> Paths:
    made = Paths(tmp_path / "work")
    made.ticks.mkdir(parents=True)
    return made


class Memory(LocalStore):
    """A store that can be told to fail."""

    failing = False

    def add(self, day: str, points: list[Written]) -> None:
        if self.failing:
            raise StoreError("away")
        super().add(day, points)


def ended(paths: Paths, store: LocalStore, tick: str, **changes: Any) -> None:
    """What a tick does at its end."""
    own = summary(tick, **changes)
    try:
        self_monitoring.publish(paths, store, "test_", own)
    except StoreError:
        pass
    finally:
        dump_json(TickPaths(paths.tick(tick)).summary, own.to_json())


def stored(paths: Paths) -> list[Point]:
    return [one for path in sorted(paths.store.rglob("*.lp")) for one in Reader(path.read_text()).points()]


def test_a_tick_is_a_point_for_each_analysis_and_one_for_all(paths: Paths) -> None:
    ended(paths, LocalStore(paths, "test_"), NAMES[0])
    points = {point.tags["analysis"]: point for point in stored(paths)}
    assert {point.measurement for point in points.values()} == {"test_xom"}
    fields = {name: point.fields for name, point in points.items()}
    assert {name: (of["done"], of["waiting"], of["failed"], of["gave_up"]) for name, of in fields.items()} == {
        "kr83m": (5, 1, 0, 1),
        "event_rate": (2, 0, 1, 0),
        "all": (7, 1, 1, 1),
    }
    assert {name: (of["taken"], of["failures"]) for name, of in fields.items()} == {
        "kr83m": (2, 1),
        "event_rate": (1, 1),
        "all": (3, 2),
    }
    assert [fields["all"][name] for name in ("tick", "duration_s", "published", "problems")] == [NAMES[0], 30.0, 3, 3]


def test_what_waits_longest_is_told(paths: Paths) -> None:
    points = {point.tags["analysis"]: point.fields for point in self_monitoring.points_of(summary(), "test_")}
    assert (points["kr83m"]["oldest_waiting_run"], points["kr83m"]["oldest_waiting_s"]) == (52003, 2 * 86400.0)
    assert points["event_rate"]["oldest_waiting_s"] == 0.0
    assert "oldest_waiting_run" not in points["event_rate"]


def test_a_run_that_failed_or_whose_end_is_unknown_waits_for_nothing(paths: Paths) -> None:
    ends = {52001: NOW - timedelta(days=9), 52002: None, 52003: NOW - timedelta(days=1)}
    listed = [
        ListedKey(key_of(number), State.FAILED if number == 52001 else State.WAITING, "x", since=end)
        for number, end in ends.items()
    ]
    made = summary(NAMES[0], items=[one.to_json() for one in listed])
    assert made.listed == listed
    *_, of_all = self_monitoring.points_of(made, "test_")
    assert of_all.fields["oldest_waiting_s"] == (made.ended - ends[52003]).total_seconds()  # type: ignore[operator]


def test_ticks_without_a_summary_and_what_is_no_tick_cost_nothing(paths: Paths) -> None:
    paths.tick(NAMES[0]).mkdir()
    (paths.ticks / "notes.txt").touch()
    ended(paths, LocalStore(paths, "test_"), NAMES[1], published=None)
    assert {point.fields["tick"] for point in stored(paths)} == {NAMES[1]}
    assert {point.fields["published"] for point in stored(paths) if point.tags["analysis"] == "all"} == {0}


def test_the_oldest_ready_run_is_told(paths: Paths) -> None:
    ready = summary(
        oldest_ready={"kr83m": ["052007", "2026-11-21T12:00:30Z"], "other": ["052001-3f2a", "2026-11-20T12:00:30Z"]}
    )
    points = {point.tags["analysis"]: point.fields for point in self_monitoring.points_of(ready, "test_")}
    assert (points["kr83m"]["oldest_ready_run"], points["kr83m"]["oldest_ready_s"]) == (52007, 86400.0)
    assert (points["all"]["oldest_ready_run"], points["all"]["oldest_ready_s"]) == (52001, 2 * 86400.0)
    assert points["event_rate"]["oldest_ready_s"] == 0.0
    assert "oldest_ready_run" not in points["event_rate"]


def test_jobs_in_slurm_are_counted(paths: Paths) -> None:
    counted = summary(batch_jobs={"kr83m": {"pending": 3, "running": 1}, "other": {"pending": 0, "running": 2}})
    assert counted == type(counted).from_json(counted.to_json())
    points = {point.tags["analysis"]: point.fields for point in self_monitoring.points_of(counted, "test_")}
    jobs = {name: (of["slurm_pending"], of["slurm_running"]) for name, of in points.items()}
    assert jobs == {"kr83m": (3, 1), "event_rate": (0, 0), "all": (3, 3)}


def test_two_ticks_of_one_second_are_two_points(paths: Paths) -> None:
    times = {self_monitoring.points_of(summary(name), "test_")[0].time for name in NAMES}
    assert len(times) == 3


def test_every_tick_is_published_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(paths, "test_")
    sent = []
    add = LocalStore.add
    monkeypatch.setattr(
        LocalStore, "add", lambda self, day, points: sent.append((day, len(points))) or add(self, day, points)
    )
    for name in NAMES:
        ended(paths, store, name)
    assert sent == [("2026-11-22", 3), ("2026-11-22", 3), ("2026-11-23", 3)]
    assert len(stored(paths)) == 9


def test_ticks_that_a_store_did_not_take_are_published_by_the_next(paths: Paths) -> None:
    store = Memory(paths, "test_")
    store.failing = True
    ended(paths, store, NAMES[0])
    ended(paths, store, NAMES[1])
    store.failing = False
    ended(paths, store, NAMES[2])
    assert {point.fields["tick"] for point in stored(paths)} == set(NAMES)
    assert len(stored(paths)) == 9


def test_publishing_again_without_the_ledger_changes_nothing(paths: Paths) -> None:
    store = LocalStore(paths, "test_")
    ended(paths, store, NAMES[0])
    before = stored(paths)
    (paths.ledger / store.name / "ticks.json").unlink()
    self_monitoring.publish(paths, store, "test_", summary(NAMES[0]))
    assert stored(paths) == before


def test_the_present_tick_is_published_once_though_its_summary_is_there_already(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = summary(NAMES[0])
    dump_json(TickPaths(paths.tick(NAMES[0])).summary, own.to_json())
    sent: list[int] = []
    monkeypatch.setattr(LocalStore, "add", lambda _, day, points: sent.append(len(points)))
    self_monitoring.publish(paths, LocalStore(paths, "test_"), "test_", own)
    assert sent == [3]

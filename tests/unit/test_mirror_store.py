"""The mirror on a server, and which store a configuration means: places, predicates, and what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.factory import keep, key_of, outcome, result, typed
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Receipt
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.mirror.influx_mirror import InfluxMirror, MirrorPlace
from xomflow.publishing.mirror.xomdata import mirrored
from xomflow.publishing.open_store import StoreConfig, local_stores, open_store
from xomflow.publishing.places import Place, Range, ranges
from xomflow.publishing.point import Point, is_fingerprint, is_outdated, names_of, number_in, time_of
from xomflow.publishing.publish import joined, publish
from xomflow.publishing.scope import EVERYTHING, Scope, scopes
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.publishing.stores.local_store import LocalStore

SHELF = Shelf("kr83m", "v1", "052")
TAGS = {
    "analysis_name": "kr83m",
    "analysis_version": "v1",
    "tag": "xom2",
    "variable_name": "light",
    "container": "c",
    "xom_version": "1.0",
    "run_mode": "m",
    "sr_tag": "_sr1",
}
PLACE = MirrorPlace("test_xomdata", "kr83m", "v1", "xom2", "light", ("c", "1.0", "m", "_sr1"), 5 * 10**9)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    made = tmp_path / "account.json"
    made.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "t", "org": "xenonnt", "bucket": "xom"}))
    made.chmod(0o600)
    return made


# --- places -----------------------------------------------------------------------------------------------------------
def test_a_point_of_the_mirror_has_the_place_of_its_row() -> None:
    row = {**TAGS, "_measurement": "test_xomdata", "_time": "1970-01-01T00:00:05Z"}
    assert MirrorPlace.of(Point("test_xomdata", TAGS, {}, 5 * 10**9)) == MirrorPlace.of_row(row) == PLACE
    fewer = {name: value for name, value in TAGS.items() if name not in ("container", "sr_tag")}
    assert MirrorPlace.of(Point("m", fewer, {}, 1)).more == ("", "1.0", "m", "")
    assert (PLACE.version, PLACE._replace(tag="history").version) == ("v1", "history.v1")
    assert PLACE.group == PLACE._replace(variable="", more=())
    assert PLACE.predicate == (
        '_measurement="test_xomdata" AND "analysis_name"="kr83m" AND "analysis_version"="v1" AND "tag"="xom2"'
    )


def test_a_place_is_deleted_by_the_tags_that_it_has() -> None:
    row = {"_measurement": "m", "version": "v1", "variable": "a", "_time": "1970-01-01T00:00:00.00000001Z"}
    assert Place.of_row(row) == Place("m", "", "", "v1", "a", 10)
    assert Place.of(Point("m", {"kind": "k", "analysis": "b"}, {}, 7)) == Place("m", "b", "k", "", "", 7)
    assert (
        Place("m", "b", "k", "v1", "a", 7).predicate
        == '_measurement="m" AND analysis="b" AND kind="k" AND version="v1"'
    )
    there = [Place("m", "", "", "v1", "a", time) for time in (1, 2, 3)]
    assert ranges(there, {there[1].group, there[2].group}) == [Range(there[0].predicate, 2, 3)]
    assert ranges(there, set()) == []


def test_the_parts_of_a_fingerprint_and_of_a_time_are_found_again() -> None:
    present, former = f"4:{'a' * 16}-{'b' * 8}", f"{'a' * 16}-{'b' * 8}"
    assert [is_fingerprint(one) for one in (present, former, "square", f"{present}x", "")] == [True, True, *[False] * 3]
    assert [is_outdated(one) for one in (present, former, f"3:{former}", f"41:{former}")] == [False, True, True, True]
    assert (names_of(present), names_of("x")) == ("b" * 8, "x")
    start = 1_788_264_000 * 10**9
    times = {"052801": 52801, "052801-0000": 10**6 + 52801, "052801-03e7": 10**6 + 52801}
    times |= {"052801-0001": 2 * 10**6 + 52801, "052801-03e6": 999 * 10**6 + 52801}
    assert {one: time_of("2026-09-01T12:00:00Z", one) - start for one in times} == times
    assert {number_in(start + time) for time in times.values()} == {52801}


# --- what differs -----------------------------------------------------------------------------------------------------
def test_the_mirror_is_compared_analysis_by_analysis(account: Path) -> None:
    class Server:
        def rows(self, query: str, **values: Any) -> list[Mapping[str, str]]:
            asked.append(values)
            return rows

    asked: list[dict[str, Any]] = []
    store = InfluxMirror(account, "test_", 10)
    store._server = Server()  # type: ignore[assignment]
    wanted = {key_of(number).run: mirrored(typed(outcome(key_of(number))), "test_") for number in (52001, 52002)}
    rows: list[dict[str, str]] = []
    for points in wanted.values():
        (point,) = points
        time = f"2026-09-25T12:00:00.{point.time % 10**9:09d}Z"
        fingerprint = str(point.fields["form"])
        rows.append({**point.tags, "_measurement": point.measurement, "_time": time, "_value": fingerprint})
    assert list(store.differences([(SHELF, wanted)])) == []
    rows[0]["_value"] = f"4:{'0' * 16}-{'0' * 8}"
    rows.append({**rows[1], "analysis_name": "gone", "analysis_version": "v2"})
    rows.append({**rows[1], "analysis_name": "foreign", "_value": "of another program"})
    expected = [
        "gone v2 run 052002, light_yield: the store has it, and there is no outcome of it",
        "kr83m v1 run 052001, light_yield: the store has another content",
    ]
    assert list(store.differences([(SHELF, wanted)])) == expected
    assert list(store.differences([(SHELF, wanted)], {("kr83m", "v1")})) == expected[1:]
    assert list(store.differences([], {("gone", "v2")})) == expected[:1]
    assert {(one["measurement"], one["analysis"], one["field"]) for one in asked} == {("test_xomdata", "", "form")}
    assert store._span("kr83m") == ("test_xomdata", 0, 9 * 10**18, "kr83m")
    assert store._deletable("any", iter([PLACE])) == [PLACE], "points of the first XOM may be beside them"


# --- stores -----------------------------------------------------------------------------------------------------------
def test_the_configuration_names_the_store_and_its_mirror(account: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    for kind, plain, mirror in (("local", LocalStore, LocalStore), ("influxdb", InfluxStore, InfluxMirror)):
        config = StoreConfig(kind, "test_", account, 10, "xomdata")
        stores = [open_store(one, paths) for one in config.with_mirror()]
        assert [type(one) for one in stores] == [plain, mirror]
        assert [one.make_points is mirrored for one in stores] == [False, True]
        assert len({one.name for one in stores}) == 2
        assert StoreConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    alone = StoreConfig("local", "test_", account, 10)
    assert alone.with_mirror() == [alone]
    assert "mirror" not in alone.to_json()
    for name in ("local-test_", "local-prod_", "influxdb-test_x"):
        (paths.ledger / name).mkdir(parents=True)
    assert [one.name for one in local_stores(paths)] == ["local-prod_", "local-test_"]


def test_trials_are_shown_under_a_prefix_of_their_own(account: Path) -> None:
    new, old, plain = ("kr83m", "v2"), ("kr83m", "v1"), ("other", "v1")
    config = StoreConfig("local", "prod_", account, 10)
    (only,) = scopes(config, frozenset(), frozenset())
    assert only == (config, Scope())
    first, second = scopes(config, frozenset({new}), frozenset({old}))
    assert (first[0].prefix, second[0].prefix) == ("prod_", "test_")
    shelves = [Shelf(*method, "052") for method in (new, old, plain)]
    assert [first[1].shows(one) for one in shelves] == [False, True, True]
    assert [first[1].concerns(one) for one in shelves] == [True, True, True]
    assert [second[1].shows(one) for one in shelves] == [True, False, False]
    assert [second[1].concerns(one) for one in shelves] == [True, True, False]
    trial = StoreConfig("local", "test_", account, 10, "xomdata")
    assert [scope for _, scope in scopes(trial, frozenset({new}), frozenset())] == [EVERYTHING] * 2


def test_an_analysis_is_dropped_from_files_and_its_points_are_counted(tmp_path: Path) -> None:
    paths, store = Paths(tmp_path), LocalStore(Paths(tmp_path), "test_")
    two = [result("a"), result("b", data={"text": "two\nlines"})]
    keep(paths, outcome(key_of(52001), two), outcome(key_of(60001), two), outcome(key_of(52001, "other"), two))
    receipt = publish(paths, store, "test_")
    assert (receipt.outcomes, receipt.points) == (3, 6)
    assert (store.drop("kr83m"), store.drop("kr83m")) == (4, 0)
    assert [path.name for path in (paths.store / "test").glob("*")] == ["other"]


def test_receipts_of_two_stores_are_joined() -> None:
    one, other = Receipt(2, 3, problems=["a", "b"]), Receipt(1, 4, away=True, problems=["b", "c"])
    both = joined(one, other)
    assert (both.outcomes, both.points, both.problems, both.away) == (3, 7, ["a", "b", "c"], True)
    assert (joined(one, one).away, joined(other, one).away) == (False, True)

"""The store of results in InfluxDB, with a server in memory: what is sent, removed and found different."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import key_of, outcome, result, typed
from support.line_protocol import Reader
from xomflow.core.key import Key
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.places import Place, Range, nanoseconds, ranges, text_of
from xomflow.publishing.point import FINGERPRINT, Point, add_fingerprint
from xomflow.publishing.points import points_of
from xomflow.publishing.stores.influx_store import _MEASUREMENTS, _OF_OTHERS, InfluxStore, _batches
from xomflow.publishing.stores.store import Points, StoreError

SHELF = Shelf("kr83m", "v1", "052")


class Server:
    """Keeps points under their identity; what it is told to lose does not arrive."""

    name = "the server"

    def __init__(self) -> None:
        self.points: dict[Place, dict[str, Any]] = {}
        self.writes: list[int] = []
        self.deleted: list[tuple[str, str, str]] = []
        self.asked = 0
        self.loses: set[str] = set()
        self.keeps = False
        self.has_points_of_others = False

    def rows(self, query: str, **values: Any) -> Iterator[dict[str, str]]:
        self.asked += 1
        if query == _MEASUREMENTS:
            yield from ({"_value": name} for name in sorted({place.measurement for place in self.points}))
        elif query == _OF_OTHERS:
            yield from [{"_value": "theirs"}] * self.has_points_of_others
        else:
            for place, fields in self.points.items():
                if place.measurement == values["measurement"] and values["start"] <= place.time < values["stop"]:
                    tags = {name: value for name, value in place._asdict().items() if name != "time"}
                    tags["_measurement"] = tags.pop("measurement")
                    yield {**tags, "_time": text_of(place.time), "_value": fields[values["field"]]}

    def write(self, text: str) -> str:
        points = Reader(text).points()
        self.writes.append(len(points))
        for point in points:
            if point.tags.get("variable") not in self.loses:
                place = Place.of(Point(point.measurement, point.tags, point.fields, point.time))
                self.points[place] = {**self.points.get(place, {}), **point.fields}
        return ": 400 words" if self.loses else ""

    def delete(self, predicate: str, first: str, last: str) -> None:
        self.deleted.append((predicate, first, last))
        if self.keeps:
            return
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', predicate))
        wanted["measurement"] = wanted.pop("_measurement")
        self.points = {
            place: fields
            for place, fields in self.points.items()
            if not (wanted.items() <= place._asdict().items() and nanoseconds(first) <= place.time <= nanoseconds(last))
        }


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def store(server: Server, tmp_path: Path) -> InfluxStore:
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "t", "org": "xenonnt", "bucket": "xom"}))
    account.chmod(0o600)
    made = InfluxStore(account, "test_", 3)
    made._server = server  # type: ignore[assignment]
    return made


def points(*numbers: int, value: float = 1.0, version: str = "v1", **changes: Any) -> Points:
    """Two variables of each run."""
    results = [result("light", value, **changes), result("charge", value)]
    keys = [key_of(number, version=version) for number in numbers]
    return {key.run: points_of(typed(outcome(key, results)), "test_") for key in keys}


def differences(store: InfluxStore, wanted: Points) -> list[str]:
    return list(store.differences([(SHELF, wanted)]))


def test_what_arrived_is_not_sent_again(store: InfluxStore, server: Server) -> None:
    wanted = points(52001, 52002)
    store.write(SHELF, wanted, set(wanted))
    assert (server.writes, server.deleted) == ([2, 2], [])
    store.write(SHELF, wanted, set(wanted))
    assert server.writes == [2, 2]
    assert differences(store, wanted) == []


def test_the_server_is_asked_again_only_about_what_was_sent(store: InfluxStore, server: Server) -> None:
    asked = []
    for _ in range(2):
        store.write(SHELF, points(52001), {"052001"})
        asked.append(server.asked)
        server.asked = 0
    assert asked[1] == asked[0] - 1


def test_only_what_changed_is_sent_and_nothing_is_removed_where_names_are_the_same(
    store: InfluxStore, server: Server
) -> None:
    store.write(SHELF, points(52001, 52002), {"052001", "052002"})
    wanted = points(52001) | points(52002, value=2.0)
    store.write(SHELF, wanted, {"052002"})
    assert (server.writes, server.deleted) == ([2, 2, 2], [])
    assert differences(store, wanted) == []


def test_points_whose_names_changed_are_removed_first(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001, limit="upper"), {"052001"})
    wanted = points(52001)
    store.write(SHELF, wanted, {"052001"})
    assert len(server.deleted) == 1
    assert all("limit" not in fields for fields in server.points.values())
    assert differences(store, wanted) == []


def test_runs_without_an_outcome_are_removed_and_no_others(store: InfluxStore, server: Server) -> None:
    wanted = points(52001, 52002)
    store.write(SHELF, wanted, set(wanted))
    old = points(52001, version="v0")
    store.write(Shelf("kr83m", "v0", "052"), old, set(old))
    store.write(SHELF, points(52002), {"052001"})
    assert {(place.version, place.time) for place in server.points} == {
        ("v0", old["052001"][0].time),
        ("v1", wanted["052002"][0].time),
    }


def test_points_that_a_server_does_not_remove_are_counted(store: InfluxStore, server: Server) -> None:
    wanted = points(52001, 52002)
    store.write(SHELF, wanted, set(wanted))
    server.keeps = True
    with pytest.raises(StoreError, match=r"^the server: 2 of 2 points of kr83m/v1/052 were not removed$"):
        store.write(SHELF, points(52002), {"052001"})


def test_what_did_not_arrive_is_counted_with_the_servers_words(store: InfluxStore, server: Server) -> None:
    server.loses = {"light"}
    with pytest.raises(StoreError) as caught:
        store.write(SHELF, points(52001, 52002), {"052001", "052002"})
    one = "the server: 1 of 2 points of kr83m/v1/052 did not arrive: 400 words"
    assert str(caught.value) == f"{one}; {one}"


def test_a_point_that_cannot_be_written_costs_no_other_batch(store: InfluxStore, server: Server) -> None:
    wanted = points(52001, 52002)
    wanted["052001"][0].fields["value"] = float("nan")
    with pytest.raises(StoreError, match="kr83m/v1/052: "):
        store.write(SHELF, wanted, set(wanted))
    assert server.writes == [2]


def test_what_differs_of_a_run_is_a_sentence(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001, 52002, 52003), {"052001", "052002", "052003"})
    wanted = points(52001) | points(52002, value=2.0) | points(52004)
    found = differences(store, wanted)
    lines = [
        ("052002", "the store has another content"),
        ("052003", "the store has it, and there is no outcome of it"),
        ("052004", "the store does not have it"),
    ]
    assert sorted(found) == sorted(f"kr83m v1 run {run}, charge, light: {words}" for run, words in lines)


def test_measurements_of_this_prefix_without_outcomes_are_named(store: InfluxStore, server: Server) -> None:
    for measurement in ("test_xom", "test_gone", "prod_other"):
        server.points[Place(measurement, "", "", "v1", "y", 1)] = {FINGERPRINT: f"{'0' * 16}-{'0' * 8}"}
    server.points[Place("test_another_program", "", "", "", "", 1)] = {FINGERPRINT: "square"}
    assert differences(store, {}) == ["measurement test_gone: the store has it, and there is no outcome of it"]


def test_an_analysis_is_dropped_and_nothing_else(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001, 52002), {"052001", "052002"})
    store.write(Shelf("kr83m", "v0", "052"), points(52001, version="v0"), {"052001"})
    others = {Place("test_kr83mx", "", "", "v1", "y", 1): {FINGERPRINT: f"{'0' * 16}-{'0' * 8}"}}
    foreign = {Place("test_kr83m", "", "", "", "", 1): {FINGERPRINT: "square"}}
    server.points |= others | foreign
    assert store.drop("kr83m") == 6
    assert server.points == others | foreign
    assert len(server.deleted) == 2  # a range for each version
    assert store.drop("kr83m") == 0


def test_points_that_a_server_does_not_drop_are_counted(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001, 52002), {"052001", "052002"})
    server.delete = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="the server: 4 of 4 points of test_kr83m are left"):
        store.drop("kr83m")


def test_only_the_versions_that_are_asked_for_are_compared(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001), {"052001"})
    store.write(Shelf("kr83m", "v0", "052"), points(52001, version="v0"), {"052001"})
    server.points[Place("test_gone", "", "", "v1", "y", 1)] = {FINGERPRINT: f"{'0' * 16}-{'0' * 8}"}
    assert list(store.differences([(SHELF, points(52001))], {("kr83m", "v1")})) == []
    found = list(store.differences([], {("kr83m", "v0")}))
    assert found == ["kr83m v0 run 052001, charge, light: the store has it, and there is no outcome of it"]


@given(
    sizes=st.lists(st.integers(1, 6), max_size=12),
    most=st.integers(1, 8),
)
def test_batches_keep_runs_whole_and_their_order(sizes: list[int], most: int) -> None:
    runs: list[Any] = [[(number, part) for part in range(size)] for number, size in enumerate(sizes)]
    batches: list[Any] = list(_batches(runs, most))
    assert [point for batch in batches for point in batch] == [point for run in runs for point in run]
    for batch in batches:
        assert batch[0][1] == 0
        assert len(batch) <= most or len({number for number, _ in batch}) == 1
    for batch, following in itertools.pairwise(batches):
        assert len(batch) + sizes[following[0][0]] > most


@given(time=st.integers(0, 4_000_000_000 * 10**9))
def test_a_time_is_written_as_the_server_does_and_comes_back(time: int) -> None:
    assert nanoseconds(text_of(time)) == time
    assert not re.search(r"\.\d*0Z$", text_of(time))


# --- removing ---------------------------------------------------------------------------------------------------------


def place(time: int, version: str = "v1", variable: str = "") -> Place:
    return Place("test_kr83m", "", "", version, variable, time)


@given(times=st.sets(st.integers(0, 30), max_size=12), deleted=st.sets(st.integers(0, 30), max_size=8))
def test_ranges_contain_what_is_to_be_deleted_and_nothing_else(times: set[int], deleted: set[int]) -> None:
    there = [place(time, version, name) for time in times for version in ("v1", "v2") for name in "ab"]
    found = ranges(there, {place(time) for time in deleted})
    hit = {one.time for one in there if any(first <= one.time <= last for _, first, last in found)}
    assert hit == times & deleted
    assert {one.predicate for one in found} <= {'_measurement="test_kr83m" AND version="v1"'}
    kept = sorted(times - deleted)
    assert len(found) <= len(kept) + 1


def test_neighbours_are_deleted_together() -> None:
    there = [place(time, variable="a") for time in range(10)]
    predicate = '_measurement="test_kr83m" AND version="v1"'
    assert ranges(there, {place(time) for time in (1, 2, 3, 7)}) == [Range(predicate, 1, 3), Range(predicate, 7, 7)]


def older(points: Points) -> Points:
    """The same points in the form of version 1: their fingerprint has no number of the form."""
    for of_run in points.values():
        for point in add_fingerprint(of_run):
            point.fields["attempt"] = 1
            point.fields[FINGERPRINT] = point.fingerprint.partition(":")[2]
    return points


def lay(server: Server, points: Points) -> None:
    for point in itertools.chain(*points.values()):
        server.points[Place.of(point)] = dict(point.fields)


def test_points_of_an_earlier_form_are_removed_at_once(store: InfluxStore, server: Server) -> None:
    lay(server, older(points(52001, 52002)) | older(points(52003, version="v0")))
    others = Place("prod_kr83m", "", "", "v1", "light", 1)
    server.points[others] = {FINGERPRINT: ""}
    store.renew("kr83m", [(SHELF, points(52001, 52002)), (Shelf("kr83m", "v0", "052"), points(52003, version="v0"))])
    assert set(server.points) == {others}
    assert [predicate for predicate, _, _ in server.deleted] == ['_measurement="test_kr83m"']


def test_points_of_an_earlier_form_stay_if_there_is_no_outcome_of_them(store: InfluxStore, server: Server) -> None:
    lay(server, older(points(52001, 52002, 52003)))
    store.renew("kr83m", [(SHELF, points(52001, 52003))])
    assert {place.time % 10**6 for place in server.points} == {52002}


def test_points_of_the_present_form_stay(store: InfluxStore, server: Server) -> None:
    """Publishing was killed in the middle, or an older XOM has published in between."""
    lay(server, older(points(52001, 52003)) | points(52002))
    store.renew("kr83m", [(SHELF, points(52001, 52002, 52003))])
    assert {place.time % 10**6 for place in server.points} == {52002}
    server.deleted.clear()
    store.renew("kr83m", [(SHELF, points(52001, 52002, 52003))])
    assert server.deleted == []


def test_where_another_program_has_points_in_a_measurement_each_version_is_removed(
    store: InfluxStore, server: Server
) -> None:
    server.has_points_of_others = True
    lay(server, older(points(52001)))
    store.renew("kr83m", [(SHELF, points(52001))])
    assert [predicate for predicate, _, _ in server.deleted] == ['_measurement="test_kr83m" AND version="v1"']


def test_a_campaign_that_an_older_xom_left_at_the_time_of_its_first_run_is_removed(
    store: InfluxStore, server: Server
) -> None:
    made = points_of(typed(outcome(Key("kr83m", "v1", "052001-0bea"))), "test_")
    old = older({"052001": points_of(typed(outcome(key_of(52001))), "test_")})
    lay(server, old)
    store.write(SHELF, {"052001-0bea": made}, {"052001-0bea"})
    assert set(server.points) == {Place.of(point) for point in made}


def test_a_run_stays_where_a_campaign_that_begins_with_it_goes(store: InfluxStore, server: Server) -> None:
    campaign = {"052001-0bea": points_of(typed(outcome(Key("kr83m", "v1", "052001-0bea"))), "test_")}
    store.write(SHELF, points(52001) | campaign, {"052001", "052001-0bea"})
    assert len(server.points) == 3
    store.write(SHELF, points(52001), {"052001-0bea"})
    assert differences(store, points(52001)) == []


# --- tables -----------------------------------------------------------------------------------------------------------


def row(run: int, reason: str, **fields: Any) -> Point:
    tags = {"analysis": "kr83m", "version": "v1"}
    return add_fingerprint([Point("test_attention", tags, {"reason": reason, **fields}, run)])[0]


def test_a_table_has_exactly_its_points(store: InfluxStore, server: Server) -> None:
    store.replace("attention", [row(1, "a"), row(2, "b", attempt=1), row(3, "c")])
    server.writes.clear()
    wanted = [row(2, "b"), row(3, "c"), row(4, "d")]
    store.replace("attention", wanted)
    assert server.points == {Place.of(point): point.fields for point in wanted}
    assert server.writes == [2]
    server.writes.clear()
    store.replace("attention", wanted)
    assert server.writes == []
    store.replace("attention", [])
    assert server.points == {}


def test_a_store_is_checked_by_a_question_and_closed(store: InfluxStore, server: Server) -> None:
    closed: list[bool] = []
    server.close = lambda: closed.append(True)  # type: ignore[attr-defined]
    store.check()
    assert (server.asked, closed) == (1, [])
    store.close()
    assert closed == [True]

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
from line_protocol import Reader

from support.factory import key_of, outcome, result, typed
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.influx_store import _MEASUREMENTS, InfluxStore, _batches, _run, _time
from xomflow.publishing.point import FINGERPRINT
from xomflow.publishing.points import points_of
from xomflow.publishing.store import Points, StoreError

SHELF = Shelf("kr83m", "v1", "052")


class Server:
    """Keeps points under their identity; what it is told to lose does not arrive."""

    name = "the server"

    def __init__(self) -> None:
        self.points: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self.writes: list[int] = []
        self.deleted: list[tuple[str, str]] = []
        self.loses: set[str] = set()

    def rows(self, query: str, **values: Any) -> Iterator[dict[str, str]]:
        if query == _MEASUREMENTS:
            yield from ({"_value": name} for name in sorted({place[0] for place in self.points}))
            return
        for (measurement, version, time, variable), fields in self.points.items():
            number = fields["time"]
            if measurement == values["measurement"] and values["start"] <= number < values["stop"]:
                yield {"_time": time, "_value": fields[values["field"]], "version": version, "variable": variable}

    def write(self, text: str) -> str:
        points = Reader(text).points()
        self.writes.append(len(points))
        for point in points:
            version, variable = point.tags["version"], point.tags["variable"]
            place = (point.measurement, version, _time(point.time), variable)
            if variable not in self.loses:
                self.points[place] = {**self.points.get(place, {}), **point.fields, "time": point.time}
        return ": 400 words" if self.loses else ""

    def delete(self, predicate: str, time: str) -> None:
        self.deleted.append((predicate, time))
        measurement, version = re.findall(r'"([^"]*)"', predicate)
        self.points = {
            place: fields for place, fields in self.points.items() if place[:3] != (measurement, version, time)
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
    assert {place[1:3] for place in server.points} == {
        ("v0", _time(old["052001"][0].time)),
        ("v1", _time(wanted["052002"][0].time)),
    }


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


def test_every_difference_is_a_sentence(store: InfluxStore, server: Server) -> None:
    store.write(SHELF, points(52001, 52002, 52003), {"052001", "052002", "052003"})
    wanted = points(52001) | points(52002, value=2.0) | points(52004)
    found = differences(store, wanted)
    lines = [
        ("052002", "the store has another content"),
        ("052003", "the store has it, and there is no outcome of it"),
        ("052004", "the store does not have it"),
    ]
    assert sorted(found) == sorted(
        f"kr83m v1 run {run}, {variable}: {words}" for run, words in lines for variable in ("light", "charge")
    )


def test_measurements_of_this_prefix_without_outcomes_are_named(store: InfluxStore, server: Server) -> None:
    for measurement in ("test_xom", "test_gone", "prod_other"):
        server.points[measurement, "v1", "x", "y"] = {FINGERPRINT: "", "time": -1}
    assert differences(store, {}) == ["measurement test_gone: the store has it, and there is no outcome of it"]


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


@given(seconds=st.integers(0, 4_000_000_000), number=st.integers(0, 999_999))
def test_the_run_comes_back_from_the_time_that_the_server_writes(seconds: int, number: int) -> None:
    time = _time(seconds * 10**9 + number)
    assert _run(time) == number
    assert not re.search(r"\.\d*0Z$", time)

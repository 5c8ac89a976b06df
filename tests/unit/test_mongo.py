"""The run database's server, with a client that answers in memory: what is asked, when it is too slow, what is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import bson.errors
import pymongo
import pymongo.errors
import pytest

from support.factory import rundb_credentials
from support.site import document
from xomflow.config.model import RunDB
from xomflow.core.errors import RunDBError
from xomflow.rundb import mongo
from xomflow.rundb.database import MongoRunDB
from xomflow.rundb.mongo import Server, decoded, shelved


class Collection:
    """Answers every query with all of its pieces, and keeps the queries."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.queries: list[Mapping[str, Any]] = []
        self.projections: list[Mapping[str, Any]] = []
        self.options: dict[str, Any] = {}
        self.names: list[str] = []

    def find_raw_batches(self, query: Mapping[str, Any], projection: Any, max_time_ms: int) -> Iterator[bytes]:
        self.queries.append(query)
        self.projections.append(projection)
        self.options["max_time_ms"] = max_time_ms
        yield from self.pieces

    # --- the client around it
    def __call__(self, _url: str, **options: Any) -> Collection:
        self.options |= options
        return self

    def __enter__(self) -> Collection:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getitem__(self, name: str) -> Collection:
        self.names.append(name)
        return self


@pytest.fixture
def collection(monkeypatch: pytest.MonkeyPatch) -> Collection:
    made = Collection()
    monkeypatch.setattr(pymongo, "MongoClient", made)
    return made


def block(folder: Path, **changes: Any) -> RunDB:
    return RunDB(kind="mongodb", credentials=rundb_credentials(folder, "127.0.0.1:27017"), **changes)


def encoded(*numbers: int, **changes: Any) -> bytes:
    times = {"start": datetime(2026, 9, 1, tzinfo=UTC), "end": datetime(2026, 9, 2, tzinfo=UTC)}
    return b"".join(bson.encode({**document(number), **times, **changes}) for number in numbers)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_pieces_are_read_with_the_limits_of_the_configuration(tmp_path: Path, collection: Collection) -> None:
    collection.pieces = [b"one", b"two"]
    assert Server(block(tmp_path, timeout="3 s", read_limit="50 s")).read({"a": 1}, {}) == [b"one", b"two"]
    assert (collection.queries, collection.names) == ([{"a": 1}], ["xenonnt", "runs"])
    limits = ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS", "max_time_ms")
    assert [collection.options[name] for name in limits] == [3000, 3000, 3000, 50_000]


def test_what_takes_longer_than_the_limit_is_given_up_in_the_middle(
    tmp_path: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 49.0, 51.0])
    monkeypatch.setattr(mongo.time, "monotonic", lambda: next(clock))
    collection.pieces = [b"one", b"two", b"three"]
    with pytest.raises(RunDBError, match=r"at 127.0.0.1:27017 is too slow: .* within 50 s \(rundb.read_limit\)"):
        Server(block(tmp_path, read_limit="50 s")).read({}, {})


@pytest.mark.parametrize(
    "said",
    [
        "no server, full error: {'ok': 0}",
        "no server, Timeout: 5s, Topology Description: <...>",
        "no server (configured timeouts: socketTimeoutMS: 20000.0ms)",
    ],
)
def test_of_what_the_client_says_only_the_first_clause_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise pymongo.errors.AutoReconnect(said)

    monkeypatch.setattr(pymongo, "MongoClient", fail)
    with pytest.raises(RunDBError) as caught:
        Server(block(tmp_path)).read({}, {})
    assert str(caught.value) == "the run database at 127.0.0.1:27017 does not answer: no server"


@pytest.mark.parametrize("error", [pymongo.errors.PyMongoError, bson.errors.BSONError, ValueError])
def test_whatever_the_client_raises_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error("odd")

    monkeypatch.setattr(pymongo, "MongoClient", fail)
    with pytest.raises(RunDBError) as caught:
        Server(block(tmp_path)).read({}, {})
    assert str(caught.value) == "the run database at 127.0.0.1:27017 does not answer: odd"


def test_a_time_or_a_text_that_python_cannot_hold_costs_no_other_document() -> None:
    late = bson.encode({"number": 1, "start": bson.DatetimeMS(10**17)})
    odd = bson.encode({"number": 2, "text": "abc"}).replace(b"abc", b"a\xff\xff")
    one, other, good = decoded([late + odd, bson.encode({"number": 3})])
    assert (one["number"], other["number"], good) == (1, 2, {"number": 3})


@pytest.mark.parametrize(
    ("number", "shelf"),
    [
        *[
            (0, "000"),
            (999, "000"),
            (1000, "001"),
            (52001, "052"),
            (999_999, "999"),
            (52001.0, "052"),
            (52999.9, "052"),
        ],
        *[(bson.Int64(52001), "052"), (bson.Int64(2**40), ""), (1_000_000, ""), (-1, ""), (-0.5, ""), (math.nan, "")],
        *[(math.inf, ""), ("52001", ""), (None, ""), ([52001], ""), (True, "")],
    ],
)
def test_a_document_is_on_the_shelf_of_its_number_and_one_without_a_plain_number_on_none(
    number: Any, shelf: str
) -> None:
    # The bytes of the second one end like the type of a number.
    others = [bson.encode({"name": "a", "number": number, "text": "number"}), bson.encode({"other": 0x10000000})]
    batches = [b"".join(others), others[0] * 3]
    assert list(shelved(batches)) == [(shelf, others[0]), ("", others[1]), *[(shelf, others[0])] * 3]


# --- which server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "database", "name", "same"),
    [
        ("127.0.0.1:27017", "xenonnt", "runs", True),
        ("127.0.0.1", "xenonnt", "runs", True),
        ("other:27017,127.0.0.1:27017", "xenonnt", "runs", True),
        ("127.0.0.1:27018", "xenonnt", "runs", False),
        ("other:27017", "xenonnt", "runs", False),
        ("127.0.0.1:27017", "other", "runs", False),
        ("127.0.0.1:27017", "xenonnt", "other", False),
        ("127.0.0.1:port", "xenonnt", "runs", False),
        ("", "xenonnt", "runs", False),
    ],
)
def test_whether_somebody_elses_collection_is_this_one(
    tmp_path: Path, hosts: str, database: str, name: str, same: bool
) -> None:
    assert Server(block(tmp_path)).holds(hosts, database, name) is same


# --- documents --------------------------------------------------------------------------------------------------------


def test_stamp_and_runs_of_a_range_are_one_question(tmp_path: Path, collection: Collection) -> None:
    collection.pieces = [encoded(52001, 52002), encoded(52003)]
    rundb = MongoRunDB(block(tmp_path))
    assert rundb.fingerprint(52002, 60000) == rundb.fingerprint(52002, 60000)
    assert sorted(rundb.runs(52002, 60000).runs) == [52002, 52003]
    assert len(collection.queries) == 1
    assert sorted(rundb.runs(52002, 60000).runs) == [52002, 52003]
    assert len(collection.queries) == 2
    shelves = rundb.shelves(52002, 60000)
    assert list(shelves.digests()) == ["052"]
    assert sorted(shelves.read(["052"])["052"].answer.runs) == [52002, 52003]
    assert len(collection.queries) == 3
    assert {name: wanted for name, wanted in collection.projections[-1].items() if name in ("_id", "tags")} == {
        "_id": 0,
        "tags": 1,
    }


def test_the_stamp_differs_with_documents_range_and_server(tmp_path: Path, collection: Collection) -> None:
    stamps = set()
    for pieces, ends in (([encoded(52001)], (0, None)), ([encoded(52002)], (0, None)), ([encoded(52001)], (1, None))):
        collection.pieces = pieces
        stamps.add(MongoRunDB(block(tmp_path)).fingerprint(*ends))
    other = RunDB(kind="mongodb", credentials=rundb_credentials(tmp_path, "127.0.0.1:27018"))
    stamps.add(MongoRunDB(other).fingerprint(1, None))
    assert len(stamps) == 4


def matches(query: Any, number: Any) -> bool:
    """Whether a query finds a number, as MongoDB compares: ranges hold for numbers only."""
    if "$or" in query:
        return any(matches(one, number) for one in query["$or"])
    wanted = query["number"]
    if wanted is None:
        return number is None
    if isinstance(wanted, float):  # which is NaN, and equal to itself there
        return number is math.nan
    if "$type" in wanted:
        return isinstance(number, str | dict | list) and {2, 3, 4} <= set(wanted["$type"])
    compare = {"$gte": lambda a, b: a >= b, "$lte": lambda a, b: a <= b, "$lt": lambda a, b: a < b}
    return isinstance(number, int) and all(compare[name](number, end) for name, end in wanted.items())


@pytest.mark.parametrize("last", [None, 52100])
def test_only_documents_of_the_range_and_odd_ones_are_asked_for(
    tmp_path: Path, collection: Collection, last: int | None
) -> None:
    MongoRunDB(block(tmp_path)).fingerprint(52000, last)
    (query,) = collection.queries
    odd = [None, "52000", {}, [], math.nan]
    found = [number for number in (-1, 0, 51999, 52000, 52100, 52101, *odd) if matches(query, number)]
    assert found == [-1, 52000, 52100, *([52101] if last is None else []), *odd]


def test_the_data_of_single_runs_are_asked_for_in_every_spelling_of_their_numbers(
    tmp_path: Path, collection: Collection
) -> None:
    entry = [{"type": "event_info"}]
    collection.pieces = [
        encoded(52001, data=entry),
        encoded(52001, data=[]),
        encoded(52002),
        encoded(52003, data=entry),
    ]
    found = MongoRunDB(block(tmp_path)).data_of([52002, 52001])
    assert found == {52001: {"data": entry}, 52002: {}}
    assert collection.queries == [{"number": {"$in": [52001, 52002, "52001", "52002", "052001", "052002"]}}]

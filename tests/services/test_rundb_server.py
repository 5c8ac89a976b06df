"""The run database on a server: the same answer as from a file, and one sentence when there is none."""

from __future__ import annotations

import functools
import math
import re
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import bson
import pymongo
import pytest
from bson import json_util
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pymongo.monitoring import CommandListener

from local_servers.mongo import MongoAccess, MongoServer
from support.effort import tries
from support.factory import PASSWORD, rundb_credentials
from support.factory import settings as factory_settings
from support.proxy import CUT, HALF, HOLD, PASS, proxy
from support.site import Site, document
from xomflow.config import model as config
from xomflow.core.errors import RunDBError
from xomflow.core.exit_code import ExitCode
from xomflow.planning.pending.find import load_pending
from xomflow.rundb import database as rundb_module
from xomflow.rundb.database import FileRunDB, MongoRunDB, open_rundb
from xomflow.rundb.mongo import decoded
from xomflow.rundb.query import RunQuery
from xomflow.workflow.requests.describe_job import describe_job
from xomlib.documents.run_document import FIELDS


@dataclass(frozen=True)
class Server:
    """The server and a database on it that is this test's own."""

    access: MongoAccess
    database: str

    @property
    def address(self) -> str:
        return self.access.address

    def fill(self, documents: list[dict[str, Any]]) -> None:
        """Replace all run documents."""
        with self.access.client() as client:
            collection = client[self.database].runs
            collection.delete_many({})
            if documents:
                collection.insert_many([dict(one) for one in documents])

    def rundb(
        self, folder: Path, address: str = "", timeout: str = "5 s", read_limit: str = "60 s", **changes: Any
    ) -> MongoRunDB:
        """What XOM makes of this server."""
        # As utilix wants it: what stands in an address.
        account = {name: quote_plus(getattr(self.access, name[5:])) for name in ("xent_user", "xent_password")}
        entries = {**account, "xent_database": self.database, **changes}
        path = rundb_credentials(folder, address or self.address, **entries)
        times = {"timeout": timeout, "read_limit": read_limit}
        block = config.RunDB.model_validate({"kind": "mongodb", "credentials": str(path), **times})
        rundb = open_rundb(block)
        assert isinstance(rundb, MongoRunDB)
        return rundb


@pytest.fixture
def server(mongo: MongoAccess, mongo_database: str) -> Server:
    return Server(mongo, mongo_database)


@pytest.fixture
def nowhere() -> Server:
    """A server that is not there; a test names the address of what takes its place."""
    return Server(MongoAccess("", "xenon", PASSWORD), "xenonnt")


def file(folder: Path, documents: list[Any]) -> FileRunDB:
    """The documents as ``mongoexport`` writes them."""
    path = folder / "runs.jsonl"
    lines = [json_util.dumps(one, json_options=json_util.RELAXED_JSON_OPTIONS) for one in documents]
    path.write_text("".join(f"{line}\n" for line in lines))
    return FileRunDB(path)


def both(
    folder: Path, server: Server, documents: list[dict[str, Any]], min_run: int = 0, max_run: int | None = None
) -> tuple[RunQuery, RunQuery]:
    server.fill(documents)
    return file(folder, documents).runs(min_run, max_run), server.rundb(folder).runs(min_run, max_run)


def places(answer: RunQuery) -> list[str]:
    """What the problems are about, without the values, which look different in JSON and in BSON."""
    found = [re.match(r"run document \d+: \w+|a run document has the number", one) for one in answer.problems]
    return [one[0] if one else "no sentence that is known" for one in found]


def as_bson(one: dict[str, Any]) -> dict[str, Any]:
    """A document of the site with times as MongoDB has them."""
    return json_util.loads(json_util.dumps(one), json_options=json_util.JSONOptions(tz_aware=False))


# --- the same answer --------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.text("abcdefgh", min_size=1, max_size=3)
times = st.datetimes(datetime(1960, 1, 1), datetime(2300, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 60_000).map(bson.Int64)
    | st.floats()
    | texts
    | times
    | st.just(DatetimeMS(2**60))
    | st.binary(max_size=3)
    | st.just(bson.ObjectId("6b02df8312a82fe71d7ec2d5"))
)
odd = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
numbers = st.integers(52000, 52010) | st.integers(52000, 52010).map(str) | st.integers(-(2**31), 2**31)
# Infinity is a document in JSON, and servers do not agree on where NaN is among numbers; no run has such a number.
numbers |= plain.filter(lambda value: not isinstance(value, float) or math.isfinite(value))
named = st.lists(st.fixed_dictionaries({}, optional={"name": odd, "comment": odd, "text": odd}), max_size=3) | odd
odd_documents = st.fixed_dictionaries(
    {},
    optional={
        "number": numbers,
        "mode": texts | odd,
        "source": texts | odd,
        "status": texts | odd,
        "detectors": st.lists(texts, max_size=2) | odd,
        "start": times | odd,
        "end": times | odd,
        "tags": named,
        "comments": named,
        "rate": st.dictionaries(keys, st.fixed_dictionaries({}, optional={"avg": odd}), max_size=2) | odd,
        "something_else": odd,
    },
)
ranges = st.sampled_from([(0, None), (52003, None), (0, 52005), (52003, 52005), (10**6, None)])


@given(
    documents=st.lists(odd_documents | st.integers(52000, 52010).map(document).map(as_bson), max_size=5), ends=ranges
)
@effort(max_examples=tries(40), suppress_health_check=[HealthCheck.function_scoped_fixture])  # each fills it anew
def test_both_databases_read_any_documents_alike(
    tmp_path_factory: pytest.TempPathFactory, server: Server, documents: list[dict[str, Any]], ends: tuple
) -> None:
    from_file, from_server = both(tmp_path_factory.mktemp("rundb"), server, documents, *ends)
    assert from_server.runs == from_file.runs
    assert places(from_server) == places(from_file)


def test_a_document_whose_number_is_no_number_is_reported_by_both(tmp_path: Path, server: Server) -> None:
    for number in (math.nan, -math.inf, -1.5, bson.Decimal128("NaN"), "52001?", True, [], {"$numberInt": "x"}, None):
        for answer in both(tmp_path, server, [{**as_bson(document(52001)), "number": number}], 52000, 52005):
            assert (answer.runs, len(answer.problems)) == ({}, 1), number
            assert "at most six digits are needed" in answer.problems[0]


def test_ordinary_runs_come_from_both(tmp_path: Path, server: Server) -> None:
    answers = both(tmp_path, server, [as_bson(document(number)) for number in range(52000, 52300)])
    for answer in answers:
        assert sorted(answer.runs) == list(range(52000, 52300))
        assert answer.problems == []
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("ends", "numbers"),
    [((52003, None), [52003, 52004]), ((0, 52001), [52000, 52001]), ((52002, 52003), [52002, 52003])],
)
def test_both_ends_of_a_range_belong_to_it(tmp_path: Path, server: Server, ends: Any, numbers: list[int]) -> None:
    documents = [as_bson(document(number)) for number in range(52000, 52005)]
    documents[3]["number"] = "52003"
    for answer in both(tmp_path, server, documents, *ends):
        assert sorted(answer.runs) == numbers


def test_a_bad_document_outside_the_range_is_not_reported(tmp_path: Path, server: Server) -> None:
    documents = [{**as_bson(document(5)), "mode": 5}, as_bson(document(52000))]
    for answer in both(tmp_path, server, documents, 52000):
        assert (list(answer.runs), answer.problems) == ([52000], [])


class Watch(CommandListener):
    """What was asked of the server, and what it answered."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []

    def started(self, event: Any) -> None: ...

    def succeeded(self, event: Any) -> None:
        self.batches += [decoded(event.reply["cursor"]["firstBatch"])] if event.command_name == "find" else []

    def failed(self, event: Any) -> None: ...


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watch what the run database's own client does."""
    made = Watch()
    monkeypatch.setattr(pymongo, "MongoClient", functools.partial(pymongo.MongoClient, event_listeners=[made]))
    return made


def test_a_server_does_not_send_documents_that_are_out_of_range(tmp_path: Path, server: Server, watch: Watch) -> None:
    server.fill([as_bson(document(number)) for number in (1, 52000, 60000)])
    server.rundb(tmp_path).runs(52000, 53000)
    assert [one["number"] for one in watch.batches[-1]] == [52000]


def test_a_number_of_two_documents_that_differ_is_left_out_and_reported(tmp_path: Path, server: Server) -> None:
    documents = [as_bson(document(number)) for number in (52000, 52001, 52001, 52000)]
    documents.append(as_bson(document(52000, mode="tpc_kr83m")))
    for answer in both(tmp_path, server, documents):
        assert list(answer.runs) == [52001]
        assert answer.problems == ["run document 52000: there are several with this number, and they differ"]


def test_an_empty_database_has_no_runs(tmp_path: Path, server: Server) -> None:
    for answer in both(tmp_path, server, []):
        assert (answer.runs, answer.problems) == ({}, [])


def test_only_the_fields_that_are_needed_are_fetched(tmp_path: Path, server: Server, watch: Watch) -> None:
    """A run document holds a megabyte about its data."""
    server.fill([{**as_bson(document(52000)), "data": ["x" * 1000]}])
    server.rundb(tmp_path).runs(0, None)
    assert [set(one) - {"_id"} for one in watch.batches[-1]] == [set(FIELDS)]


# --- the server -------------------------------------------------------------------------------------------------------


def refusal(rundb: MongoRunDB, within: float = 8.0) -> str:
    """The sentence, which has to come within so many seconds, without the password and in one line."""
    began = time.monotonic()
    with pytest.raises(RunDBError) as caught:
        rundb.runs(0, None)
    assert time.monotonic() - began < within
    said = str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert PASSWORD not in said
    assert "\n" not in said
    assert len(said) < 400
    return said


def test_a_wrong_password_is_an_error(tmp_path: Path, server: Server) -> None:
    said = refusal(server.rundb(tmp_path, xent_password="wr0ng"))
    assert said == f"the run database at {server.address} refused the account: Authentication failed."
    assert "wr0ng" not in said


@pytest.mark.parametrize("changes", [{"xent_user": "somebody"}, {"xent_database": "$x"}])
def test_an_unknown_account_is_an_error(tmp_path: Path, server: Server, changes: dict[str, str]) -> None:
    assert server.address in refusal(server.rundb(tmp_path, **changes))


def test_a_missing_server_is_an_error(tmp_path: Path, nowhere: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        said = refusal(nowhere.rundb(tmp_path, address, timeout="2 s"))
    assert said.startswith(f"the run database at {address} does not answer: {address}: [Errno 111] Connection refused")


def test_a_server_that_accepts_the_connection_and_sends_nothing_is_given_up(tmp_path: Path, nowhere: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert address in refusal(nowhere.rundb(tmp_path, address, timeout="0.3 s"))


def test_a_server_that_gets_stuck_over_the_query_is_given_up(tmp_path: Path, server: Server) -> None:
    """It still answers everything else, so that only the query itself can tell."""
    with proxy(server.address) as between:
        between.up = lambda piece: HOLD if b"find" in piece else PASS
        assert between.address in refusal(server.rundb(tmp_path, between.address, timeout="0.3 s"))


def test_a_closed_connection_is_an_error(tmp_path: Path, server: Server) -> None:
    with proxy(server.address) as between:
        between.up = lambda piece: CUT
        assert between.address in refusal(server.rundb(tmp_path, between.address, timeout="0.3 s"))


def test_an_answer_that_is_cut_in_the_middle_is_an_error(tmp_path: Path, server: Server) -> None:
    server.fill([as_bson(document(number, mode="here")) for number in range(52000, 52500)])
    with proxy(server.address) as between:
        between.down = lambda piece: HALF if b"here" in piece else PASS
        assert between.address in refusal(server.rundb(tmp_path, between.address, timeout="1 s"))


ADDRESSES = [
    "127.0.0.1:99999",
    "127.0.0.1:port",
    "mongodb://",
    "http://127.0.0.1",
    "[::1",
    f"a:{PASSWORD}@127.0.0.1:1",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_malformed_address_is_an_error(tmp_path: Path, nowhere: Server, address: str) -> None:
    said = refusal(nowhere.rundb(tmp_path, address, timeout="0.1 s"))
    assert said.startswith("the run database at ")


def test_the_address_may_be_a_whole_one(tmp_path: Path, server: Server) -> None:
    server.fill([as_bson(document(52000))])
    answer = server.rundb(tmp_path, f"mongodb://{server.address}/?directConnection=true").runs(0, None)
    assert list(answer.runs) == [52000]


def test_times_and_texts_that_python_cannot_hold_cost_only_their_run(tmp_path: Path, server: Server) -> None:
    documents = [as_bson(document(52000)), {**as_bson(document(52001)), "end": DatetimeMS(2**60)}]
    for answer in both(tmp_path, server, documents):
        assert list(answer.runs) == [52000]
        assert places(answer) == ["run document 52001: end"]


def test_times_before_1970_which_no_run_has_are_refused_by_both(tmp_path: Path, server: Server) -> None:
    """``mongoexport`` writes them in another way than all others."""
    for answer in both(tmp_path, server, [{**as_bson(document(52000)), "start": datetime(1969, 12, 31)}]):
        assert places(answer) == ["run document 52000: start"]


def test_both_databases_give_the_same_times(tmp_path: Path, server: Server) -> None:
    start = datetime(2026, 9, 25, 12, 0, 0, 123000)
    one = {**as_bson(document(52000)), "start": start, "end": start + timedelta(hours=1)}
    for answer in both(tmp_path, server, [one]):
        assert answer.runs[52000].start == start.replace(tzinfo=UTC)


def test_by_hand_the_run_comes_from_the_server_too(tmp_path: Path, server: Server) -> None:
    server.fill([as_bson(document(52001, mode="tpc_kr83m")), as_bson(document(52002))])
    server.rundb(tmp_path)  # writes the file with the account
    block = {"kind": "mongodb", "credentials": str(tmp_path / "xenon_config")}
    description = describe_job(factory_settings(rundb=block), "kr83m", "52001", "here")
    assert description.run is not None
    assert (description.run["number"], description.run["mode"]) == (52001, "tpc_kr83m")


def test_the_fingerprint_changes_with_everything_that_is_read(tmp_path: Path, server: Server) -> None:
    """A change of an entry that is read changes the fingerprint; another change does not."""
    whole = {**as_bson(document(52000)), "data": []}
    server.fill([whole, as_bson(document(52001))])
    first = server.rundb(tmp_path).fingerprint(0, None)
    assert first == server.rundb(tmp_path).fingerprint(0, None)
    server.fill([{**whole, "data": [{"type": "peaks"}]}, as_bson(document(52001))])
    assert server.rundb(tmp_path).fingerprint(0, None) == first
    for field, value in {"status": "transferring", "tags": [{"name": "bad"}], "end": None, "rate": {}}.items():
        server.fill([{**whole, field: value}, as_bson(document(52001))])
        assert server.rundb(tmp_path).fingerprint(0, None) != first, field
    server.fill([whole])
    assert server.rundb(tmp_path).fingerprint(0, None) != first
    assert server.rundb(tmp_path).fingerprint(0, 51999) != server.rundb(tmp_path).fingerprint(0, None)


def test_a_tick_fetches_all_documents_once(tmp_path: Path, server: Server, watch: Watch) -> None:
    server.fill([as_bson(document(52000))])
    rundb = server.rundb(tmp_path)
    stamps = [rundb.fingerprint(0, None)]
    assert list(rundb.runs(0, None).runs) == [52000]
    stamps.append(rundb.fingerprint(0, None))
    assert stamps[0] == stamps[1]
    assert len(watch.batches) == 1


def test_the_data_of_single_runs_come_alike_from_both(tmp_path: Path, server: Server) -> None:
    entry = {"type": "peaks", "host": "eb3.xenon.local", "location": "/x", "meta": {"lineage_hash": "abcdefgh23"}}
    documents = [as_bson(document(number)) | {"data": [entry], "deleted_data": []} for number in range(52000, 52004)]
    documents[1]["number"], documents[2]["number"] = "52001", bson.Int64(52002)
    del documents[3]["data"]
    server.fill([{**one, "data": [{**entry, "meta": {**entry["meta"], "lineage": {"x": 1}}}]} for one in documents[:3]])
    with server.access.client() as client:
        client[server.database].runs.insert_one(dict(documents[3]))
    wanted = [52001, 52002, 52003, 52009]
    expected = {number: {"data": [entry], "deleted_data": []} for number in wanted[:2]} | {52003: {"deleted_data": []}}
    assert file(tmp_path, documents).data_of(wanted) == expected
    assert server.rundb(tmp_path).data_of(wanted) == expected


def test_a_server_that_needs_too_long_is_given_up(tmp_path: Path, server: Server) -> None:
    server.fill([as_bson(document(number)) for number in range(52000, 52300)])
    said = refusal(server.rundb(tmp_path, read_limit="0.001 s"))
    assert said.startswith(f"the run database at {server.address} ")


# --- a tick -----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_away_ends_the_tick_in_seconds_and_the_next_one_goes_on(
    site: Site, own_mongo: MongoServer
) -> None:
    server = Server(own_mongo.access, "xenonnt")
    server.fill([as_bson(document(52001))])
    site.tree["rundb"] = {"kind": "mongodb", "timeout": "1 s"}
    account = rundb_credentials(site.folder, server.address)
    site.analysis("one", "xomlib.Xomresult(variable_name='v', variable_value=1.0).save()")
    began = time.monotonic()
    assert site.tick(XENON_CONFIG=str(account)).returncode == 0
    good = time.monotonic() - began
    own_mongo.stop()
    done = site.tick(XENON_CONFIG=str(account))
    assert time.monotonic() - began < 2 * good + 15
    assert done.returncode == ExitCode.RUN_DATABASE
    lines = [one for one in done.stdout.splitlines() + done.stderr.splitlines() if "the run database at" in one]
    sentence = f"the run database at {server.address} does not answer: {server.address}: [Errno 111] Connection refused"
    assert set(lines) == {sentence}, "said by the step and at the end, and nothing else"
    own_mongo.start()
    server.fill([as_bson(document(number)) for number in (52001, 52002)])
    assert site.tick(XENON_CONFIG=str(account)).returncode == 0
    assert site.done("one") == {52001, 52002}
    assert holders(site.folder, PASSWORD) == [account]
    assert holders(site.folder, quote_plus(PASSWORD)) == []


def holders(folder: Path, text: str) -> list[Path]:
    """Every file in which a text stands."""
    files = [path for path in folder.rglob("*") if path.is_file() and "mongo" not in path.parts]
    return [path for path in files if text.encode() in path.read_bytes()]


def test_an_idle_tick_does_not_open_the_documents(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fill([as_bson(document(52001))])
    settings = factory_settings(tmp_path / "work", analyses={"kr83m": {"version": "v1", "run_modes": ["none"]}})
    opened = []
    monkeypatch.setattr(rundb_module, "decoded", lambda pieces: opened.append(1) or decoded(pieces))
    for _ in range(2):
        load_pending(settings, server.rundb(tmp_path), may_write=True)
    assert len(opened) == 1
    server.fill([as_bson(document(52001)), as_bson(document(52002))])
    load_pending(settings, server.rundb(tmp_path), may_write=True)
    assert len(opened) == 2

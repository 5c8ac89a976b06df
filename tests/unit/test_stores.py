"""Stores: what they say when they cannot do what they should.

The InfluxDB server here is a stand-in on the loopback address (`influx_stand_in`), good for the client's side only:
what is sent, what is said about refusals. Tests against the real server belong to the issue about the real site.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from influx_stand_in import TOKEN, StandIn, stand_in
from unit_factory import key_of, outcome, result

from xomflow import settings as config
from xomflow.errors import XomError
from xomflow.index import Shelf
from xomflow.paths import Paths
from xomflow.points import points_of
from xomflow.stores import InfluxStore, LocalStore, Point, StoreError, open_store, read_credentials

SHELF = Shelf("kr83m", "v1", "052")


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries happen at once."""
    monkeypatch.setattr("influxdb_client.client.write.retry.WritesRetry.sleep", lambda *_: None)


def credentials(folder: Path, mode: int = 0o600, content: str | None = None, **changes: Any) -> Path:
    account = {"url": "http://127.0.0.1:1", "token": TOKEN, "org": "xenonnt", "bucket": "xom", **changes}
    path = folder / "xom_influxdb.json"
    path.write_text(json.dumps({name: value for name, value in account.items() if value is not ...}))
    if content is not None:
        path.write_text(content)
    path.chmod(mode)
    return path


def influx(folder: Path, url: str, batch: int = 5000) -> InfluxStore:
    return InfluxStore(credentials(folder, url=url), "test_", batch)


def points(*numbers: int, variables: tuple[str, ...] = ("a", "b"), value: float = 1.0) -> dict[str, list[Point]]:
    documents = [outcome(key_of(number), [result(name, value) for name in variables]) for number in numbers]
    return {one["key"]["run"]: points_of(one, "test_") for one in documents}


def failure(store: InfluxStore, what: dict[str, list[Point]] | None = None) -> str:
    what = points(52894) if what is None else what
    with pytest.raises(StoreError) as caught:
        store.write(SHELF, what, set(what))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


# --- the server -------------------------------------------------------------------------------------------------------


def test_points_arrive_and_writing_again_changes_nothing(tmp_path: Path, server: StandIn) -> None:
    store = influx(tmp_path, server.url)
    what = points(52894, 52895)
    store.write(SHELF, what, set(what))
    before = dict(server.points)
    assert len(before) == 4
    assert {point.fields["run"] for point in before.values()} == {52894, 52895}
    store.write(SHELF, what, set(what))
    assert server.points == before


def test_only_what_changed_is_sent(tmp_path: Path, server: StandIn) -> None:
    influx(tmp_path, server.url).write(SHELF, points(52894, 52895, 52896), {"052895"})
    assert {point.fields["run"] for point in server.points.values()} == {52895}


def test_nothing_is_sent_when_nothing_changed(tmp_path: Path, server: StandIn) -> None:
    influx(tmp_path, server.url).write(SHELF, points(52894), set())
    assert server.writes == []


def test_many_points_go_in_batches(tmp_path: Path, server: StandIn) -> None:
    what = points(*range(52001, 52006))
    influx(tmp_path, server.url, batch=4).write(SHELF, what, set(what))
    assert server.writes == [4, 4, 2]
    assert len(server.points) == 10


def test_a_wrong_token_is_said(tmp_path: Path, server: StandIn) -> None:
    path = credentials(tmp_path, url=server.url, token="another-t0ken")
    store = InfluxStore(path, "test_", 5000)
    assert failure(store) == f"InfluxDB at {server.url}, bucket xom refused kr83m/v1/052: 401 unauthorized access"


def test_a_busy_server_is_asked_again(tmp_path: Path, server: StandIn) -> None:
    server.answers = [503, 503]
    what = points(52894)
    influx(tmp_path, server.url).write(SHELF, what, set(what))
    assert server.writes == [2, 2, 2]
    assert len(server.points) == 2


def test_a_server_that_stays_busy_is_given_up(tmp_path: Path, server: StandIn) -> None:
    server.answers = [503] * 20
    said = failure(influx(tmp_path, server.url))
    assert said == (f"InfluxDB at {server.url}, bucket xom refused kr83m/v1/052: 503 the server has other things to do")
    assert len(server.writes) == 4


@pytest.mark.parametrize("status", [400, 404, 413, 422, 500])
def test_a_refusal_is_said_with_the_servers_own_words(tmp_path: Path, server: StandIn, status: int) -> None:
    server.answers = [status] * 20
    said = failure(influx(tmp_path, server.url))
    assert said.endswith(f"refused kr83m/v1/052: {status} the server has other things to do")


def test_points_that_did_not_arrive_are_counted(tmp_path: Path, server: StandIn) -> None:
    server.drop = {"b"}
    said = failure(influx(tmp_path, server.url), points(52894, 52895, 52896))
    assert said == f"InfluxDB at {server.url}, bucket xom: 3 of 6 points of kr83m/v1/052 did not arrive"


def test_points_of_another_run_or_version_do_not_count_as_arrived(tmp_path: Path, server: StandIn) -> None:
    store = influx(tmp_path, server.url)
    others = {**points(52893), **points(52895)}
    store.write(SHELF, others, set(others))
    server.drop = {"a", "b"}
    assert "2 of 2 points" in failure(store)


def test_nobody_at_the_address_is_said(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert failure(influx(tmp_path, url)) == f"InfluxDB at {url}, bucket xom does not answer: MaxRetryError"


@pytest.mark.parametrize(
    "url", ["http://not an address", "http://[::1", "http://", "http://127.0.0.1:99999", "http://:0"]
)
def test_an_address_with_nothing_behind_it_is_said(tmp_path: Path, url: str) -> None:
    said = failure(influx(tmp_path, url))
    assert said.startswith(f"InfluxDB at {url}, bucket xom ")
    assert "\n" not in said


def test_the_token_is_in_no_message_and_no_log(
    tmp_path: Path, server: StandIn, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    said = []
    store = influx(tmp_path, server.url)
    with caplog.at_level(logging.DEBUG):
        for answers in ([400], [503] * 20, [401]):
            server.answers = answers
            said.append(failure(store))
        said.append(failure(influx(tmp_path, "http://127.0.0.1:1")))
    out, err = capfd.readouterr()
    assert TOKEN not in "".join([*said, caplog.text, out, err, repr(store)])


# --- credentials ------------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(StoreError) as caught:
        read_credentials(path)
    assert isinstance(caught.value, XomError)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_ones_own_is_read(tmp_path: Path, mode: int) -> None:
    assert read_credentials(credentials(tmp_path, mode, more="ignored")) == {
        "url": "http://127.0.0.1:1",
        "token": TOKEN,
        "org": "xenonnt",
        "bucket": "xom",
    }


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = credentials(tmp_path, mode)
    assert refused(path) == f"store.credentials: {path} can be read by others; run: chmod 600 {path}"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    assert refused(path) == f"store.credentials: {path} cannot be read: No such file or directory"


@pytest.mark.parametrize("content", ["", f"token: {TOKEN}", f'{{"token": "{TOKEN}"', "\udcff", "[" * 100_000])
def test_a_file_that_is_not_json_is_said_without_its_content(tmp_path: Path, content: str) -> None:
    path = credentials(tmp_path)
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert refused(path) == f"store.credentials: {path} is not JSON"


@pytest.mark.parametrize("value", [..., None, 5, ["x"]])
@pytest.mark.parametrize("name", ["url", "token", "org", "bucket"])
def test_an_entry_that_is_missing_or_no_text_is_named(tmp_path: Path, name: str, value: Any) -> None:
    path = credentials(tmp_path, **{name: value})
    assert refused(path) == f"store.credentials: {path} lacks {name}"


@pytest.mark.parametrize("url", ["", "influx.lngs.it", "127.0.0.1:8086", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    path = credentials(tmp_path, url=url)
    assert refused(path) == f"store.credentials: {path} has the url {url!r}, http:// or https:// must come first"


@pytest.mark.parametrize("content", ["[]", "null", '"token"', "{}"])
def test_json_without_entries_lacks_them_all(tmp_path: Path, content: str) -> None:
    path = credentials(tmp_path, content=content)
    assert refused(path) == f"store.credentials: {path} lacks url, token, org, bucket"


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    credentials(tmp_path)
    assert read_credentials(Path("~/xom_influxdb.json"))["token"] == TOKEN


def test_the_home_of_somebody_unknown_is_said() -> None:
    path = Path("~nobody-of-this-name/x.json")
    assert refused(path).startswith(f"store.credentials: {path} cannot be read: ")


# --- which store ------------------------------------------------------------------------------------------------------


def block(folder: Path, **changes: str) -> dict[str, Any]:
    """The configuration's block as the tick hands it on."""
    made = config.Store.model_validate({"credentials": str(credentials(folder)), **changes})
    return made.model_dump(mode="json")


def test_the_configuration_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store(block(tmp_path), Paths(tmp_path)), LocalStore)
    assert isinstance(open_store(block(tmp_path, kind="influxdb"), Paths(tmp_path)), InfluxStore)


def test_stores_and_prefixes_have_ledgers_of_their_own(tmp_path: Path) -> None:
    blocks = [
        block(tmp_path, kind=kind, prefix=prefix) for kind in ("local", "influxdb") for prefix in ("test_", "prod_")
    ]
    assert len({open_store(one, Paths(tmp_path)).name for one in blocks}) == 4

"""Stores: the account, which store it is, and what is said where there is no server; `tests/services` has the rest."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.factory import outcome, typed
from xomflow.config import model as config
from xomflow.core.errors import XomError
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.open_store import StoreConfig, open_store
from xomflow.publishing.points import points_of
from xomflow.publishing.stores import influx_client
from xomflow.publishing.stores.influx_client import read_credentials
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.publishing.stores.local_store import LocalStore
from xomflow.publishing.stores.store import StoreAwayError, StoreError

TOKEN = "s3cr3t-t0ken"


def credentials(folder: Path, mode: int = 0o600, content: str | None = None, **changes: Any) -> Path:
    account = {"url": "http://127.0.0.1:1", "token": TOKEN, "org": "xenonnt", "bucket": "xom", **changes}
    path = folder / "xom_influxdb.json"
    path.write_text(json.dumps({name: value for name, value in account.items() if value is not ...}))
    if content is not None:
        path.write_text(content)
    path.chmod(mode)
    return path


# --- without a server -------------------------------------------------------------------------------------------------


def failure(url: str, folder: Path) -> str:
    """What is said when points are offered."""
    store = InfluxStore(credentials(folder, url=url), "test_", 5000)
    points = {"052894": points_of(typed(outcome()), "test_")}
    with closing(store), pytest.raises(StoreAwayError) as caught:
        store.write(Shelf("kr83m", "v1", "052"), points, set(points))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_nobody_at_the_address_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        began = time.monotonic()
        said = failure(url, tmp_path)
    assert said == f"InfluxDB at {url}, bucket xom does not answer: [Errno 111] Connection refused"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "url", ["http://not an address", "http://[::1", "http://", "http://127.0.0.1:99999", "http://:0"]
)
def test_an_address_with_nothing_behind_it_is_said(tmp_path: Path, url: str) -> None:
    assert failure(url, tmp_path).startswith(f"InfluxDB at {url}, bucket xom ")


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx_client, "_TIMEOUT_MS", (300, 300))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "does not answer: nothing came for " in failure(url, tmp_path)


class Slow(BaseHTTPRequestHandler):
    """Answers a ping at once, and nothing else for as long as the test lasts."""

    goes_on = threading.Event()

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def do_POST(self) -> None:
        self.goes_on.wait(20)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_a_server_that_is_slow_is_told_from_one_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influx_client, "_TIMEOUT_MS", (2000, 300))
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        said = failure(url, tmp_path)
        Slow.goes_on.set()
        server.shutdown()
    assert said == f"InfluxDB at {url}, bucket xom is slow: it answers a ping, but sent nothing for 0 s after a request"


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


@pytest.mark.parametrize("content", ["", f"token: {TOKEN}", f'{{"token": "{TOKEN}"', "[" * 100_000])
def test_a_file_that_is_not_json_is_said_without_its_content(tmp_path: Path, content: str) -> None:
    path = credentials(tmp_path)
    path.write_text(content)
    assert refused(path) == f"store.credentials: {path} is not JSON"


def test_a_file_that_is_not_text_is_said(tmp_path: Path) -> None:
    path = credentials(tmp_path)
    path.write_bytes(b"\xff" + TOKEN.encode())
    assert refused(path) == f"store.credentials: {path} is not text"


@pytest.mark.parametrize("value", [..., None, 5, ["x"]])
@pytest.mark.parametrize("name", ["url", "token", "org", "bucket"])
def test_an_entry_that_is_missing_or_no_text_is_named(tmp_path: Path, name: str, value: Any) -> None:
    path = credentials(tmp_path, **{name: value})
    assert refused(path) == f"store.credentials: {path} lacks {name}"


@pytest.mark.parametrize("url", ["", "influx.lngs.it", "127.0.0.1:8086", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    path = credentials(tmp_path, url=url)
    assert refused(path) == f"store.credentials: {path} has a url that does not begin with http:// or https://"


def test_an_account_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = credentials(tmp_path, url="https://xom:hidden@influx.lngs.it")
    assert refused(path) == f"store.credentials: {path} has a url with an account in it; the token alone is used"


@pytest.mark.parametrize("token", ["two\nlines", "to\u20acken", "nul\0"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_repeated(tmp_path: Path, token: str) -> None:
    path = credentials(tmp_path, token=token)
    assert refused(path) == f"store.credentials: {path} has a token with characters that a token cannot have"


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


def block(folder: Path, **changes: str) -> StoreConfig:
    """The configuration's block as the tick hands it on."""
    made = config.Store.model_validate({"credentials": str(credentials(folder)), **changes})
    return StoreConfig.from_json(json.loads(json.dumps(StoreConfig.of(made).to_json())))


def test_the_configuration_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store(block(tmp_path), Paths(tmp_path)), LocalStore)
    assert isinstance(open_store(block(tmp_path, kind="influxdb"), Paths(tmp_path)), InfluxStore)


def test_stores_and_prefixes_have_ledgers_of_their_own(tmp_path: Path) -> None:
    blocks = [
        block(tmp_path, kind=kind, prefix=prefix) for kind in ("local", "influxdb") for prefix in ("test_", "prod_")
    ]
    assert len({open_store(one, Paths(tmp_path)).name for one in blocks}) == 4


@pytest.mark.parametrize("change", [{"url": "http://127.0.0.1:2"}, {"org": "other"}, {"bucket": "other"}])
def test_another_server_or_bucket_has_a_ledger_of_its_own(tmp_path: Path, change: dict[str, str]) -> None:
    """It has nothing yet."""
    first = InfluxStore(credentials(tmp_path), "test_", 5000).name
    assert InfluxStore(credentials(tmp_path, **change), "test_", 5000).name != first
    assert InfluxStore(credentials(tmp_path, token="renewed"), "test_", 5000).name == first

"""The client of InfluxDB against canned answers: what is read, what is tried again, what is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from xomflow.publishing.stores import influx_client
from xomflow.publishing.stores.influx_client import _RETRIES, InfluxClient
from xomflow.publishing.stores.store import StoreAwayError

Answer = tuple[int, str]
WORDS = json.dumps({"code": "unauthorized", "message": "unauthorized access"})


class Server:
    """Answers one request after the other as it was told, the last answer for all that follow."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [(204, "")]
        self.kind = ""
        self.requests: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                outer.requests.append((self.path.partition("?")[0], body))
                status, text = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                if outer.kind:
                    self.send_header("Content-Type", outer.kind)
                self.end_headers()
                self.wfile.write(text.encode("latin-1"))

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(influx_client, "_RETRIES", _RETRIES.new(backoff_factor=0))
    made = Server()
    made.thread.start()
    yield made
    made.http.shutdown()
    made.thread.join()
    made.http.server_close()


@pytest.fixture
def client(server: Server) -> Iterator[InfluxClient]:
    url = f"http://127.0.0.1:{server.http.server_port}"
    with closing(InfluxClient({"url": url, "token": "s3cr3t", "org": "xenonnt", "bucket": "xom"})) as made:
        yield made


def test_tables_with_headings_of_their_own_are_read_one_after_the_other(server: Server, client: InfluxClient) -> None:
    server.answers = [(200, '\r\n,_time,_value\r\n,1,"a, b"\r\n,2,c\r\n\r\n,_value\r\n,d\r\n')]
    assert list(client.rows("query", field="form")) == [
        {"": "", "_time": "1", "_value": "a, b"},
        {"": "", "_time": "2", "_value": "c"},
        {"": "", "_value": "d"},
    ]
    asked = json.loads(server.requests[0][1])
    assert asked["query"] == "query"
    assert '"xom"' in json.dumps(asked["extern"])
    assert '"form"' in json.dumps(asked["extern"])


def test_nothing_is_no_rows(server: Server, client: InfluxClient) -> None:
    server.answers = [(200, "\r\n")]
    assert list(client.rows("query")) == []


def test_an_error_in_the_middle_of_an_answer_is_no_row(server: Server, client: InfluxClient) -> None:
    server.answers = [(200, ",_value\r\n,a\r\n\r\n,error,reference\r\n,out of memory,17\r\n")]
    with pytest.raises(StoreAwayError, match="could not answer: out of memory"):
        list(client.rows("query"))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: Server, client: InfluxClient, status: int) -> None:
    server.answers = [(status, "")] * 3 + [(204, "")]
    assert client.write("a b=1 1") == ""
    assert [body for _, body in server.requests] == ["a b=1 1"] * 4


def test_a_server_that_stays_busy_is_left_to_the_next_tick(server: Server, client: InfluxClient) -> None:
    server.answers = [(503, "")]
    with pytest.raises(StoreAwayError, match="refused: 503"):
        client.write("a b=1 1")
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [400, 413, 422])
def test_lines_that_the_server_finds_wrong_are_told_and_not_offered_again(
    server: Server, client: InfluxClient, status: int
) -> None:
    server.answers = [(status, WORDS)]
    assert client.write("a b=1 1") == f": {status} unauthorized access"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"), [(401, WORDS, "unauthorized access"), (404, "no JSON", "Not Found")]
)
def test_a_refusal_is_told_in_the_servers_words(
    server: Server, client: InfluxClient, status: int, body: str, words: str
) -> None:
    server.answers = [(status, body)]
    for ask in (
        lambda: client.write("a b=1 1"),
        lambda: client.delete("x", "t", "t"),
        lambda: list(client.rows("query")),
    ):
        with pytest.raises(StoreAwayError) as caught:
            ask()
        assert str(caught.value) == f"{client.name} refused: {status} {words}"


@pytest.mark.parametrize("body", ["5", "[]", "null", "{}", '{"message": 5}', ""])
def test_words_of_any_form_are_one_sentence(server: Server, client: InfluxClient, body: str) -> None:
    server.answers = [(401, body)]
    with pytest.raises(StoreAwayError, match=r"refused: 401 \w+$"):
        client.write("a b=1 1")


def test_what_is_deleted_has_a_time_and_a_predicate(server: Server, client: InfluxClient) -> None:
    client.delete('_measurement="a"', "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    ((path, body),) = server.requests
    assert path == "/api/v2/delete"
    wanted = {"start": "2026-09-01T00:00:00Z", "stop": "2026-09-02T00:00:00Z", "predicate": '_measurement="a"'}
    assert json.loads(body) == wanted


def test_after_it_was_closed_it_opens_again(server: Server, client: InfluxClient) -> None:
    client.write("a b=1 1")
    client.close()
    client.close()
    client.write("a b=2 2")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (urllib3.exceptions.HTTPError(), "HTTPError"),
        (urllib3.exceptions.HTTPError("a: b: no route to host"), "no route to host"),
        (urllib3.exceptions.ProtocolError("Connection aborted."), "the connection was cut"),
    ],
)
def test_the_reason_is_what_is_at_the_bottom_and_never_empty(error: Exception, words: str) -> None:
    assert influx_client._why(error) == words


ODD_ANSWERS = {
    "a page of a proxy": "<html>\n<title>a, b</title>",
    "a page in one line": "<html><title>Sign in</title></html>",
    "a table of another program": "a,b\r\n1,2\r\n",
    "a row that is too long": "_value,b\r\n1,2,3\r\n",
    "a row that is cut": "_value,b\r\n1\r\n",
    "a field that is cut": "_value,b\r\n1,abc",
    "a field without an end": f"_value,b\r\n1,{'x' * 200_000}\r\n",
    "no text": "_value,b\r\n1,\xff\r\n",
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_what_is_no_table_is_one_sentence(server: Server, client: InfluxClient, answer: str) -> None:
    server.answers = [(200, answer)]
    with pytest.raises(StoreAwayError, match=r"gave no .*: another program answers at this address"):
        list(client.rows("from it"))


def test_a_page_without_rows_does_not_look_like_an_empty_bucket(server: Server, client: InfluxClient) -> None:
    server.answers, server.kind = [(200, "{}")], "application/json"
    with pytest.raises(StoreAwayError, match="gave application/json instead of tables"):
        list(client.rows("from it"))


def test_an_answer_to_lines_that_is_no_text_is_one_sentence(server: Server, client: InfluxClient) -> None:
    server.answers = [(500, "\xff\xfe")]
    with pytest.raises(StoreAwayError, match="gave no text"):
        client.write("m f=1 1")


def test_a_refusal_without_words_has_some(server: Server, client: InfluxClient) -> None:
    server.answers = [(599, "")]
    with pytest.raises(StoreAwayError, match="refused: 599 without a reason"):
        client.write("m f=1 1")

"""The heartbeat address is called up by each good tick, or by all with their exit codes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from xomflow.core.exit_code import ExitCode
from xomflow.notify.heartbeat import address_for, beat


def test_only_a_good_tick_calls_up_the_address_unless_the_code_is_in_it() -> None:
    good = {code for code in ExitCode if address_for("https://x/y", code)}
    assert good == {ExitCode.OK, ExitCode.FAILED_RUNS, ExitCode.WAITS_FOR_PERSON}
    assert [address_for("https://x/{code}", code) for code in (0, 3, 7, 8, 9)] == [
        f"https://x/{code}" for code in (0, 3, 0, 0, 9)
    ]


class _Answers(http.server.BaseHTTPRequestHandler):
    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers['User-Agent']}")
        self.send_response(200 if self.path == "/good" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    _Answers.seen.clear()
    with http.server.HTTPServer(("localhost", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_error_without_words_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("urllib.request.urlopen", fail)
    assert beat("https://x/y", ExitCode.OK) == "ConnectionError"


def test_what_does_not_answer_well_is_told_without_the_address(address: str) -> None:
    assert (
        beat("", ExitCode.OK) == beat(f"{address}/good", ExitCode.SLURM) == beat(f"{address}/good", ExitCode.OK) == ""
    )
    assert beat(f"{address}/secret-word", ExitCode.OK) == "it answers 404"
    assert _Answers.seen == ["/good XOM", "/secret-word XOM"]
    problem = beat("http://localhost:1/secret-word", ExitCode.OK)
    assert "refused" in problem and "secret-word" not in problem
    assert "secret-word" not in beat("nothing://secret-word", ExitCode.OK) != ""

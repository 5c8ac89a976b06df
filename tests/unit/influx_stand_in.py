"""A stand-in for an InfluxDB 2 server on the loopback address: it takes points and gives back those it was asked for.

It knows just as much of the server as `xomflow.stores` uses, and it can be told to fail. What the real server does
with the same requests is another matter and is tested against the real one.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from line_protocol import Point, Reader

TOKEN = "s3cr3t-t0ken"


class StandIn(ThreadingHTTPServer):
    """The server and what a test wants of it.

    Attributes
    ----------
    points
        What it has, by identity.
    writes
        The number of points of every request to write.
    answers
        Status codes of the next requests to write, instead of taking the points.
    drop
        Variables whose points it loses without a word.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.points: dict[Any, Point] = {}
        self.writes: list[int] = []
        self.answers: list[int] = []
        self.drop: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    """Serve in a thread until the end of the block."""
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Token {TOKEN}":
            self._refuse(401, "unauthorized access")
        elif self.path.startswith("/api/v2/write"):
            self._write(body.decode())
        else:
            self._query(json.loads(body))

    def _write(self, body: str) -> None:
        wanted = parse_qs(urlsplit(self.path).query)
        assert (wanted["bucket"], wanted["precision"]) == (["xom"], ["ns"])
        new = Reader(body if body.endswith("\n") else f"{body}\n").points()
        self.server.writes.append(len(new))
        if self.server.answers:
            self._refuse(self.server.answers.pop(0), "the server has other things to do")
            return
        for point in new:
            if point.tags["variable"] not in self.server.drop:
                identity = (point.measurement, *sorted(point.tags.items()), point.time)
                self.server.points[identity] = point
        self._answer(204, b"", "text/plain")

    def _query(self, request: dict[str, Any]) -> None:
        assigned = [one["assignment"] for one in request["extern"]["body"]]
        values = {one["id"]["name"]: one["init"]["value"] for one in assigned}
        assert values["bucket"] == "xom"
        rows = [
            f",,0,{point.tags['variable']},{point.fields['run']}\r\n"
            for point in self.server.points.values()
            if point.measurement == values["measurement"]
            and point.tags["version"] == values["version"]
            and int(values["start"]) <= point.time < int(values["stop"])
        ]
        head = "#datatype,string,long,string,long\r\n#group,false,false,true,false\r\n#default,_result,,,\r\n"
        text = f"{head},result,table,variable,_value\r\n{''.join(rows)}\r\n"
        self._answer(200, text.encode(), "text/csv")

    def _refuse(self, status: int, message: str) -> None:
        content = json.dumps({"code": "x", "message": message}).encode()
        self._answer(status, content, "application/json")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass

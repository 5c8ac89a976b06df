"""A real https server with the slow control's protocol that misbehaves as told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mini_xenonnt import slow_control
from mini_xenonnt.slow_control import Handler, Server

NAME = "XE1T.CRY_PT101_PCHAMBER_AI.PI"
Readings = list[dict[str, Any]]


def readings(start: int, end: int, period: int = 10) -> Readings:
    """Readings that tell their time, and scatter."""
    return [
        {"timestampseconds": t, "value": t * 617 % 1000} for t in range(-(-start // period) * period, end + 1, period)
    ]


class Misbehaving(Handler):
    """Does what the server's next fault says, and is good when there is none left."""

    server: FaultyServer

    def do_POST(self) -> None:
        self.server.log.append("log-in")
        fault = self.server.fault("POST")
        return fault(self) if fault else super().do_POST()

    def do_GET(self) -> None:
        self.server.log.append(self.path)
        fault = self.server.fault("GET")
        return fault(self) if fault else super().do_GET()

    def raw(self, content: bytes, code: int = 200, length: int | None = None) -> None:
        """Send bytes, perhaps with a false length."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)


Fault = Callable[[Misbehaving], None]


class FaultyServer(Server):
    """Serves ``series``; ``faults`` come first, one per request of their method.

    Parameters
    ----------
    folder
        Where certificate and account go.
    series
        Takes name, start and end, and returns readings.
    """

    def __init__(self, folder: Path, series: Callable[[str, int, int], Readings] | None = None) -> None:
        self.log: list[str] = []
        self.faults: list[tuple[str, Fault]] = []
        self.released = threading.Event()
        super().__init__(series or (lambda name, start, end: readings(start, end)), folder, Misbehaving)

    def fault(self, method: str) -> Fault | None:
        """Return what to do instead of being good."""
        for i, (of, _) in enumerate(self.faults):
            if of == method:
                return self.faults.pop(i)[1]
        return None

    def asked(self) -> list[str]:
        """What was asked for, without the log-ins."""
        return [line for line in self.log if line != "log-in"]


@contextmanager
def serving(folder: Path, series: Any = None) -> Iterator[FaultyServer]:
    """Serve beside the test."""
    with FaultyServer(folder, series) as server:
        thread = slow_control.serve_in_thread(server)
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join(10)


# --- faults -----------------------------------------------------------------------------------------------------------
def code(number: int) -> Fault:
    """Answer with an HTTP status."""
    return lambda handler: handler.raw(b"{}", number)


def text(content: str) -> Fault:
    """Answer with this text."""
    return lambda handler: handler.raw(content.encode())


def half(handler: Misbehaving) -> None:
    """Answer with the first half, and hang up."""
    content = json.dumps(readings(0, 1000)).encode()
    handler.raw(content[: len(content) // 2], length=len(content))
    handler.close_connection = True


def silent(handler: Misbehaving) -> None:
    """Say nothing until the test is over."""
    handler.server.released.wait(30)


def dripping(handler: Misbehaving) -> None:
    """Send a byte now and then until the test is over or the client goes away."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.released.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def hang_up(handler: Misbehaving) -> None:
    """Close the connection without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def elsewhere(handler: Misbehaving) -> None:
    """Send the client to another place."""
    handler.send_response(302)
    handler.send_header("Location", "http://localhost:1/data")
    handler.end_headers()

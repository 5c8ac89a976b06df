"""A loopback proxy before a server, for what a real server cannot be made to do at will: hang, hang up, refuse.

Each piece of data that passes is shown to a hook, `Proxy.up` on its way to the server, `Proxy.down` on its way back.
The hook returns `PASS`; `HOLD`, and this connection comes to a halt; `CUT`, and both its ends are closed; `HALF`, which
lets half of the piece through before; or bytes, which the client gets as the last answer, and the server nothing.
"""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from collections.abc import Callable, Iterator

_PIECE = 65536


class Verdict(enum.Enum):
    """What becomes of a piece of data."""

    PASS = enum.auto()
    HOLD = enum.auto()
    CUT = enum.auto()
    HALF = enum.auto()


PASS, HOLD, CUT, HALF = Verdict
Hook = Callable[[bytes], Verdict | bytes]


def _pass(_: bytes) -> Verdict:
    return PASS


class Proxy:
    """The proxy; hooks may be exchanged at any time.

    Parameters
    ----------
    address
        Host and port of the server.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.up: Hook = _pass
        self.down: Hook = _pass

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until `close`."""
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and let go of those that were held."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        back = threading.Thread(target=self._pump, args=(server, client, lambda piece: self.down(piece)), daemon=True)
        back.start()
        self._pump(client, server, lambda piece: self.up(piece))
        back.join()
        for end in (client, server):
            end.close()

    def _pump(self, source: socket.socket, target: socket.socket, hook: Hook) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                verdict = hook(piece)
                if isinstance(verdict, bytes):
                    source.sendall(verdict)
                    source.shutdown(socket.SHUT_WR)
                    while source.recv(_PIECE):
                        pass
                    break
                if verdict is HOLD:
                    self._over.wait()
                if verdict is not PASS:
                    target.sendall(piece[: len(piece) // 2] if verdict is HALF else b"")
                    break
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(address: str) -> Iterator[Proxy]:
    """Put a proxy before a server until the end of the block."""
    made = Proxy(address)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()


def http_refusal(status: int, sentence: str, **headers: str) -> bytes:
    """Return an answer of InfluxDB's kind."""
    body = f'{{"code": "x", "message": "{sentence}"}}'
    lines = [f"HTTP/1.1 {status} No", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += ["Connection: close", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", body]).encode()

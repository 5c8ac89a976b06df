"""A small MongoDB server for tests: the wire protocol with log-in, over the in-memory collections of mongomock.

It listens on the loopback address only, on a free port, and speaks what pymongo says to ask and fill collections:
OP_MSG, the opening OP_QUERY of a handshake, SCRAM-SHA-256 (RFC 7677), ``find`` and ``getMore``, ``insert``, ``delete``.
Without a log-in nothing but the handshake is answered. It has no indexes and stands for no server's speed.

    with mongo_server() as server:
        server.collection("xenonnt", "runs").insert_one({"number": 52894})
        pymongo.MongoClient(f"mongodb://{server.address}", username=server.user, password=server.password)
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import bson
import mongomock

Document = dict[str, Any]

_REPLY, _QUERY, _MSG = 1, 2004, 2013
_HEAD = struct.Struct("<iiii")  # length, id, id of the request, kind
_MORE_TO_COME = 2
_UNAUTHORIZED, _FAILED_TO_LOG_IN, _NO_SUCH_COMMAND = 13, 18, 59
_ITERATIONS = 4096  # the least that clients accept
_FIRST_BATCH = 101
_NEXT_BATCH = 1000


class MongoServer(socketserver.ThreadingTCPServer):
    """The server and what a test wants of it.

    Parameters
    ----------
    user, password
        Who may log in, in the database ``admin`` or any other.

    Attributes
    ----------
    finds
        The filters of the queries so far.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.user, self.password = user, password
        self.finds: list[Document] = []
        self._client: Any = mongomock.MongoClient()
        self._lock = threading.Lock()
        self._cursors: dict[int, list[Document]] = {}

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def collection(self, database: str, name: str) -> Any:
        """Return a collection, to look into or to fill without the wire."""
        return self._client[database][name]

    def run(self, command: Document, database: str) -> Document:
        """Carry out a command of somebody who has logged in."""
        name = next(iter(command))
        known: dict[str, Callable[[Document, str], Document]] = {
            "ping": lambda *_: {"ok": 1.0},
            "endSessions": lambda *_: {"ok": 1.0},
            "killCursors": self._kill_cursors,
            "find": self._find,
            "getMore": self._get_more,
            "insert": self._insert,
            "delete": self._delete,
        }
        if name not in known:
            return error(_NO_SUCH_COMMAND, f"no such command: {name!r}")
        with self._lock:
            return known[name](command, database)

    def _find(self, command: Document, database: str) -> Document:
        wanted = command.get("filter", {})
        self.finds.append(wanted)
        found = self.collection(database, command["find"]).find(wanted, command.get("projection"))
        if command.get("sort"):
            found = found.sort(list(command["sort"].items()))
        documents = list(found)[command.get("skip", 0) :]
        documents = documents[: command.get("limit") or None]
        space = f"{database}.{command['find']}"
        return self._batch("firstBatch", 0, documents, command.get("batchSize", _FIRST_BATCH), space)

    def _get_more(self, command: Document, database: str) -> Document:
        number = int(command["getMore"])
        documents = self._cursors.pop(number, [])
        space = f"{database}.{command['collection']}"
        return self._batch("nextBatch", number, documents, command.get("batchSize", _NEXT_BATCH), space)

    def _batch(self, name: str, number: int, documents: list[Document], size: int, space: str) -> Document:
        rest = documents[size:]
        if rest:
            number = number or len(self.finds)
            self._cursors[number] = rest
        cursor = {"id": bson.Int64(number if rest else 0), "ns": space, name: documents[:size]}
        return {"cursor": cursor, "ok": 1.0}

    def _kill_cursors(self, command: Document, _: str) -> Document:
        for number in command["cursors"]:
            self._cursors.pop(int(number), None)
        return {"ok": 1.0}

    def _insert(self, command: Document, database: str) -> Document:
        self.collection(database, command["insert"]).insert_many(command["documents"])
        return {"n": len(command["documents"]), "ok": 1.0}

    def _delete(self, command: Document, database: str) -> Document:
        collection = self.collection(database, command["delete"])
        gone = 0
        for one in command["deletes"]:
            delete = collection.delete_one if one.get("limit") == 1 else collection.delete_many
            gone += delete(one["q"]).deleted_count
        return {"n": gone, "ok": 1.0}


@contextlib.contextmanager
def mongo_server(user: str = "xenon", password: str = "pa55 w%rd/@:") -> Iterator[MongoServer]:
    """Serve in a thread until the end of the block."""
    with MongoServer(user, password) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def error(code: int, message: str) -> Document:
    """Return the answer to a command that cannot be carried out."""
    return {"ok": 0.0, "errmsg": message, "code": code}


class _Connection(socketserver.BaseRequestHandler):
    """One client; sockets are read to the end of a message, so that a message may come in pieces."""

    server: MongoServer

    def handle(self) -> None:
        login = _Login(self.server.user, self.server.password)
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                length, number, _, kind = _HEAD.unpack(self._receive(_HEAD.size))
                body = self._receive(length - _HEAD.size)
                read = {_QUERY: _read_query, _MSG: _read_message}[kind]
                command, database, wants_answer = read(body)
                answer = self._answer(command, database, login)
                if wants_answer:
                    self._send(number, kind, answer)

    def _answer(self, command: Document, database: str, login: _Login) -> Document:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return _hello()
        if name in ("saslStart", "saslContinue"):
            return login.step(command)
        if not login.done:
            return error(_UNAUTHORIZED, f"command {name} requires authentication")
        try:
            return self.server.run(command, database)
        except Exception as problem:  # as a server would: say it, and serve on
            return error(8, f"{type(problem).__name__}: {problem}")

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            part = self.request.recv(size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _send(self, number: int, kind: int, answer: Document) -> None:
        encoded = bson.encode(answer)
        if kind == _MSG:
            body, reply = struct.pack("<IB", 0, 0) + encoded, _MSG
        else:
            body, reply = struct.pack("<iqii", 0, 0, 0, 1) + encoded, _REPLY
        self.request.sendall(_HEAD.pack(_HEAD.size + len(body), 1, number, reply) + body)


def _read_query(body: bytes) -> tuple[Document, str, bool]:
    """Read an OP_QUERY: flags, ``database.$cmd``, two numbers, the command."""
    end = body.index(b"\0", 4)
    return bson.decode(body[end + 9 :]), body[4:end].decode().partition(".")[0], True


def _read_message(body: bytes) -> tuple[Document, str, bool]:
    """Read an OP_MSG: flags, then sections of kind 0 (the command) or 1 (a list of documents that belongs into it)."""
    (flags,) = struct.unpack_from("<I", body)
    command: Document = {}
    lists: Document = {}
    at = 4
    while at < len(body):
        kind = body[at]
        (size,) = struct.unpack_from("<i", body, at + 1)
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = bson.decode(section)
        else:
            end = section.index(b"\0", 4)
            lists[section[4:end].decode()] = bson.decode_all(section[end + 1 :])
        at += 1 + size
    return {**command, **lists}, command["$db"], not flags & _MORE_TO_COME


def _hello() -> Document:
    return {
        "ismaster": True,
        "isWritablePrimary": True,
        "helloOk": True,
        "maxBsonObjectSize": 16 * 2**20,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "minWireVersion": 0,
        "maxWireVersion": 17,
        "readOnly": False,
        "saslSupportedMechs": ["SCRAM-SHA-256"],
        "ok": 1.0,
    }


class _Login:
    """The server's side of SCRAM-SHA-256 on one connection."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._salt = os.urandom(16)
        self._said: tuple[str, str] = ("", "")
        self.done = False

    def step(self, command: Document) -> Document:
        payload = bytes(command["payload"]).decode()
        if "saslStart" in command:
            return self._first(payload)
        return self._last(payload) if payload else _sasl("", done=True)

    def _first(self, payload: str) -> Document:
        bare = payload.removeprefix("n,,")
        nonce = bare.partition("r=")[2] + base64.b64encode(os.urandom(18)).decode()
        answer = f"r={nonce},s={base64.b64encode(self._salt).decode()},i={_ITERATIONS}"
        self._said = (bare, answer)
        return _sasl(answer)

    def _last(self, payload: str) -> Document:
        bare, first = self._said
        user = bare.split(",")[0].removeprefix("n=").replace("=2C", ",").replace("=3D", "=")
        without_proof, _, proof = payload.rpartition(",p=")
        dialogue = ",".join((bare, first, without_proof))
        salted = hashlib.pbkdf2_hmac("sha256", self._password.encode(), self._salt, _ITERATIONS)
        client_key = _hmac(salted, "Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), dialogue)
        wanted = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        if user != self._user or not hmac.compare_digest(wanted, base64.b64decode(proof)):
            return error(_FAILED_TO_LOG_IN, "Authentication failed.")
        self.done = True
        own = base64.b64encode(_hmac(_hmac(salted, "Server Key"), dialogue)).decode()
        return _sasl(f"v={own}", done=True)


def _sasl(payload: str, done: bool = False) -> Document:
    return {"conversationId": 1, "done": done, "payload": payload.encode(), "ok": 1.0}


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), "sha256").digest()

"""The MongoDB-protocol server of the tests, and how one reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymongo

from local_servers.daemon import Daemon, Server
from local_servers.find import built, program

USER = "xenon"
PASSWORD = "pa55 w%rd/@:"  # every sign that an address needs escaped
# Less is compiled, and one garbage collector is enough.
SHORT_LIFE = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


@dataclass(frozen=True)
class MongoAccess:
    """Where a server is and who may log in.

    Parameters
    ----------
    address
        Host and port.
    user, password
        The account, which may read and write every database.
    """

    address: str
    user: str
    password: str

    @classmethod
    def of(cls, uri: str) -> MongoAccess:
        """Return the parts of a ``mongodb://user:password@host:port``."""
        parts = urlsplit(uri)
        return cls(parts.netloc.rpartition("@")[2], unquote(parts.username or ""), unquote(parts.password or ""))

    def client(self, database: str = "admin", **options: Any) -> pymongo.MongoClient[dict[str, Any]]:
        """Return a client that has yet to be closed."""
        return pymongo.MongoClient(
            f"mongodb://{self.address}",
            username=self.user,
            password=self.password,
            authSource=database,
            serverSelectionTimeoutMS=5000,
            **options,
        )


class MongoServer(Server):
    """A server of one's own: data on disk, a free port that it keeps.

    Parameters
    ----------
    folder
        For data, account and log.
    password
        Of the one account.
    java
        Options of the Java machine; half of its memory keeps documents.
    """

    def __init__(self, folder: Path, password: str = PASSWORD, java: tuple[str, ...] = SHORT_LIFE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._password = password
        self._java = java
        self._account = folder / "account"
        self._account.touch(0o600)
        self._account.write_text(f"{USER}\n{password}\n")
        self._port = 0
        self._daemon = self._made()

    @property
    def access(self) -> MongoAccess:
        """How it is reached."""
        return MongoAccess(f"127.0.0.1:{self._port}", USER, self._password)

    def start(self) -> None:
        """Start it, at the port that it had before if it ran before."""
        log = self._daemon.log
        before = log.stat().st_size if log.exists() else 0
        self._daemon = self._made()
        self._daemon.start()
        self._daemon.wait_until(lambda: _port_in(log, before))
        self._port = _port_in(log, before)

    def _made(self) -> Daemon:
        classes = f"{built('mongo', 'classes')}:{built('mongo', 'lib')}/*"
        arguments = [str(self.folder / "data"), str(self._port), str(self._account)]
        return Daemon([program("java"), *self._java, "-cp", classes, "Main", *arguments], self.folder / "log")


def _port_in(log: Path, start: int) -> int:
    """Return the port that the log names after ``start``; 0 if it does not yet."""
    words = log.read_bytes()[start:].decode(errors="replace")
    line = next((line for line in words.splitlines(keepends=True) if line.startswith("ready ")), "")
    return int(line.rpartition(":")[2]) if line.endswith("\n") else 0

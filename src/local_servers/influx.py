"""The InfluxDB server of the tests, and buckets of one's own on it."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.daemon import LONG, Daemon, Server, free_ports
from local_servers.find import built

_TOKEN_BYTES = 24


@dataclass(frozen=True)
class Bucket:
    """A bucket with a token that may read and write it, and nothing else.

    Parameters
    ----------
    url, token, org, name
        What a client needs.
    read_token
        A token that may only read it.
    """

    url: str
    token: str
    org: str
    name: str
    read_token: str = ""

    def credentials(self, folder: Path, mode: int = 0o600, **changes: Any) -> Path:
        """Write the file with the account as XOM reads it; ``...`` leaves an entry out."""
        account = {"url": self.url, "token": self.token, "org": self.org, "bucket": self.name, **changes}
        path = folder / "xom_influxdb.json"
        path.write_text(json.dumps({name: value for name, value in account.items() if value is not ...}))
        path.chmod(mode)
        return path

    def write(self, lines: str) -> None:
        """Write ready lines without any of XOM's code; the server's refusal is raised."""
        from influxdb_client.client.write_api import SYNCHRONOUS

        with InfluxDBClient(url=self.url, token=self.token, org=self.org) as client:
            client.write_api(write_options=SYNCHRONOUS).write(bucket=self.name, record=lines)

    def rows(self) -> list[dict[str, Any]]:
        """Return everything in the bucket: one row for each field of each point, ordered."""
        query = f"""
            from(bucket: "{self.name}")
                |> range(start: 0, stop: 2200-01-01T00:00:00Z)
                |> map(fn: (r) => ({{r with _ns: int(v: r._time)}}))
        """
        with InfluxDBClient(url=self.url, token=self.token, org=self.org, timeout=60_000) as client:
            rows = [record.values for table in client.query_api().query(query) for record in table.records]
        return sorted(rows, key=lambda row: (row["_measurement"], row["_ns"], row.get("variable", ""), row["_field"]))

    def points(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return the fields of every point, by measurement, sorted tags, and time in nanoseconds since 1970."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.rows():
            tags = {name: value for name, value in row.items() if name[0] != "_" and name not in ("result", "table")}
            identity = (row["_measurement"], *sorted(tags.items()), row["_ns"])
            found.setdefault(identity, {})[row["_field"]] = "" if row["_value"] is None else row["_value"]
        return found


@dataclass(frozen=True)
class InfluxAccess:
    """Where a server is, with a token that may make organizations and buckets.

    Parameters
    ----------
    url, token
        What a client needs.
    """

    url: str
    token: str

    @contextlib.contextmanager
    def bucket(self, retention_s: int = 0) -> Iterator[Bucket]:
        """Make a bucket in an organization of its own, with a token for it only, until the end of the block."""
        name = f"xom_test_{secrets.token_hex(6)}"
        with InfluxDBClient(url=self.url, token=self.token, org="", timeout=60_000) as client:
            org = client.organizations_api().create_organization(name=name)
            rules = {"type": "expire", "everySeconds": retention_s}
            made = client.buckets_api().create_bucket(bucket_name=name, org=org, retention_rules=rules)
            try:
                tokens = [_token_for(client, org.id, made.id, *may) for may in (("read", "write"), ("read",))]
                yield Bucket(self.url, tokens[0], name, name, tokens[1])
            finally:
                with contextlib.suppress(Exception):  # the server may have been stopped by the test
                    client.organizations_api().delete_organization(org.id)


def _token_for(client: InfluxDBClient, org: str, bucket: str, *actions: str) -> str:
    resource = {"type": "buckets", "id": bucket, "orgID": org}
    permissions = [{"action": action, "resource": resource} for action in actions]
    return client.authorizations_api().create_authorization(org, permissions).token


class InfluxServer(Server):
    """A private server, set up with an organization that no test uses.

    Parameters
    ----------
    folder
        For its data and log.
    options
        More options of ``influxd``.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.options = options
        self._token = secrets.token_hex(_TOKEN_BYTES)
        self._url = f"http://127.0.0.1:{free_ports(1)[0]}"
        self._folder = folder
        self._daemon = self._made()
        self._known = False

    @property
    def access(self) -> InfluxAccess:
        """How it is reached."""
        return InfluxAccess(self._url, self._token)

    def start(self) -> None:
        """Start it, at the port that it had before, with the present `options`."""
        self._daemon = self._made()
        self._daemon.start()
        self._daemon.wait_until(self._answers)
        if not self._known:
            account = {"username": "xom", "password": secrets.token_hex(_TOKEN_BYTES), "token": self._token}
            answer = _call("POST", f"{self._url}/api/v2/setup", {**account, "org": "nobody", "bucket": "none"})
            assert answer.status == 201, answer.data
            self._known = True

    def _made(self) -> Daemon:
        command = [
            str(built("influxdb", "influxd")),
            f"--bolt-path={self._folder / 'bolt'}",
            f"--sqlite-path={self._folder / 'sqlite'}",
            f"--engine-path={self._folder / 'engine'}",
            f"--http-bind-address={self._url.removeprefix('http://')}",
            "--store=disk",
            "--reporting-disabled",
            "--log-level=warn",
        ]
        return Daemon([*command, *self.options], self._folder / "log")

    def _answers(self) -> bool:
        try:
            return _call("GET", f"{self._url}/health").status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, url, json=body, timeout=LONG, retries=False)

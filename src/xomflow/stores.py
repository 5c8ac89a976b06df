"""Where results are published: files of line protocol, or an InfluxDB server, behind one interface."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Protocol

from xomflow.errors import XomError
from xomflow.index import Shelf
from xomflow.paths import Paths
from xomlib.files import parse_json, write_atomically

Point = dict[str, Any]


class StoreError(XomError):
    """The store did not take what it was given; nothing is lost, the next tick tries again."""


class Store(Protocol):
    """What publishing asks of a store."""

    name: str

    def write(self, shelf: Shelf, points: dict[str, list[Point]], changed: set[str]) -> None:
        """Make the store have these results; writing the same again changes nothing.

        Parameters
        ----------
        shelf
            What they belong to.
        points
            The points of every run of the shelf, by run id.
        changed
            Ids of the runs that the store does not have in this form.

        Raises
        ------
        StoreError
            If not everything has arrived.
        """
        ...

    def has(self, shelf: Shelf) -> bool:
        """Return whether the store may have the results of a shelf; False where it is known to have lost them."""
        ...


def open_store(block: dict[str, Any], paths: Paths) -> Store:
    """Return the store that the configuration's block ``store`` names."""
    if block["kind"] == "local":
        return LocalStore(paths, block["prefix"])
    return InfluxStore(Path(block["credentials"]), block["prefix"], block["batch"])


class LocalStore:
    """Files of line protocol, one for each shelf, which ``influx write`` takes as they are.

    Parameters
    ----------
    paths
        Where they are.
    prefix
        What measurements begin with; results of another prefix lie in another folder.
    """

    def __init__(self, paths: Paths, prefix: str) -> None:
        self.name = f"local-{prefix}"
        self._folder = paths.store / prefix.rstrip("_")

    def write(self, shelf: Shelf, points: dict[str, list[Point]], changed: set[str]) -> None:
        """Write the file of a shelf; see `Store.write`."""
        # Half a second to import, and most ticks of a laptop write nothing.
        from influxdb_client.client.write.point import Point as InfluxPoint

        lines = (InfluxPoint.from_dict(point).to_line_protocol() for run in sorted(points) for point in points[run])
        content = "".join(f"{line}\n" for line in lines).encode()
        path = self._folder / f"{shelf}.lp"
        try:
            write_atomically(path, content)
            stored = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from None
        if stored != content:
            raise StoreError(f"{path} does not hold what was written to it")

    def has(self, shelf: Shelf) -> bool:
        """Return whether the file of a shelf is there; see `Store.has`."""
        return self._path(shelf).exists()

    def _path(self, shelf: Shelf) -> Path:
        return self._folder / f"{shelf}.lp"


class InfluxStore:
    """An InfluxDB 2 server.

    Parameters
    ----------
    credentials
        File with url, token, org and bucket.
    prefix
        What measurements begin with.
    batch
        Points per request.
    """

    def __init__(self, credentials: Path, prefix: str, batch: int) -> None:
        self.name = f"influxdb-{prefix}"
        self._account = read_credentials(credentials)
        self._batch = batch

    def write(self, shelf: Shelf, points: dict[str, list[Point]], changed: set[str]) -> None:
        """Write what changed in batches and read each batch back; see `Store.write`."""
        import urllib3
        from influxdb_client.client.influxdb_client import InfluxDBClient
        from influxdb_client.client.write.retry import WritesRetry
        from influxdb_client.client.write_api import SYNCHRONOUS
        from influxdb_client.rest import ApiException

        account = self._account
        new = [point for run in sorted(changed) for point in points[run]]
        where = f"InfluxDB at {account['url']}, bucket {account['bucket']}"
        try:
            with InfluxDBClient(
                url=account["url"],
                token=account["token"],
                org=account["org"],
                timeout=20_000,
                # The client's own default is to give up at the first 503, and never to send a POST again.
                retries=WritesRetry(total=3, retry_interval=1, max_retry_time=30, allowed_methods=["POST"]),
            ) as client:
                writer, reader = client.write_api(write_options=SYNCHRONOUS), client.query_api()
                for start in range(0, len(new), self._batch):
                    batch = new[start : start + self._batch]
                    writer.write(bucket=account["bucket"], record=batch)
                    missing = _missing(reader, account["bucket"], batch)
                    if missing:
                        raise StoreError(f"{where}: {missing} of {len(batch)} points of {shelf} did not arrive")
        except ApiException as error:
            raise StoreError(f"{where} refused {shelf}: {error.status} {_reason(error)}") from None
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(f"{where} does not answer: {type(error).__name__}") from None

    def has(self, shelf: Shelf) -> bool:
        """Return True: what the server lost only a comparison of everything would show; see `Store.has`."""
        return True


def _missing(reader: Any, bucket: str, batch: list[Point]) -> int:
    """Return how many points of a batch, all of one measurement and version, the server does not have."""
    times = [point["time"] for point in batch]
    query = """
        from(bucket: bucket)
            |> range(start: time(v: start), stop: time(v: stop))
            |> filter(fn: (r) => r._measurement == measurement and r.version == version and r._field == "run")
            |> keep(columns: ["variable", "_value"])
    """
    parameters = {
        "bucket": bucket,
        "start": min(times),
        "stop": max(times) + 1,
        "measurement": batch[0]["measurement"],
        "version": batch[0]["tags"]["version"],
    }
    tables = reader.query(query, params=parameters)
    there = {(record["variable"], record.get_value()) for table in tables for record in table.records}
    return len({(point["tags"]["variable"], point["fields"]["run"]) for point in batch} - there)


def _reason(error: Any) -> str:
    """Return the server's own sentence of a refusal, without headers or addresses."""
    try:
        return str(json.loads(error.body)["message"])[:200]
    except (ValueError, TypeError, KeyError):
        return str(error.reason)[:200]


def read_credentials(path: Path) -> dict[str, str]:
    """Read url, token, org and bucket from a JSON file that only its owner may read.

    Raises
    ------
    StoreError
        If the file is missing, readable by others, or lacks an entry; its content is never repeated.
    """
    try:
        place = path.expanduser()
        if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StoreError(f"store.credentials: {path} can be read by others; run: chmod 600 {path}")
        account = parse_json(place.read_text(encoding="utf-8"))
    except (OSError, RuntimeError) as error:  # pathlib's error for an unknown home is a RuntimeError
        raise StoreError(f"store.credentials: {path} cannot be read: {getattr(error, 'strerror', error)}") from None
    except ValueError:
        raise StoreError(f"store.credentials: {path} is not JSON") from None
    wanted = ("url", "token", "org", "bucket")
    missing = [name for name in wanted if not isinstance(account, dict) or not isinstance(account.get(name), str)]
    if missing:
        raise StoreError(f"store.credentials: {path} lacks {', '.join(missing)}")
    if not account["url"].startswith(("http://", "https://")):
        raise StoreError(
            f"store.credentials: {path} has the url {account['url']!r}, http:// or https:// must come first"
        )
    return {name: account[name] for name in wanted}

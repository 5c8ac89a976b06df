"""Speaking with an InfluxDB 2 server: questions, lines, deletions, and one clear sentence where it fails.

The client's own defaults lose data without a word: batches in the background report errors to nobody, and a busy
server's refusal is not tried again. So everything here is synchronous, and tried again only where that is safe.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from xomflow.core.private_files import read_private
from xomflow.publishing.store import StoreAwayError, StoreError
from xomlib.files import parse_json

_ENTRIES = ("url", "token", "org", "bucket")
_TIMEOUT_MS = (5_000, 30_000)  # to connect, and between two pieces of an answer

# A busy server is asked again. One that cannot be reached or hangs up is left to the next tick: where an answer was
# lost nobody knows what arrived, and waiting would only make this tick longer.
_RETRIES = urllib3.Retry(
    total=3,
    connect=0,
    read=0,
    other=0,
    redirect=0,
    status_forcelist=[429, 502, 503, 504],
    allowed_methods=None,
    backoff_factor=1,
    retry_after_max=20,
    raise_on_status=False,
)
# A write that is refused so had something wrong in it, and the rest of it may be stored.
_PARTLY = (400, 413, 422)
_DIALECT = {"header": True, "annotations": [], "delimiter": ","}


class InfluxClient:
    """A bucket on a server.

    Parameters
    ----------
    account
        url, token, org and bucket.
    """

    def __init__(self, account: dict[str, str]) -> None:
        self.name = f"InfluxDB at {account['url']}, bucket {account['bucket']}"
        self._account = account
        self._opened: InfluxDBClient | None = None

    def rows(self, query: str, **values: Any) -> Iterator[dict[str, str]]:
        """Ask in Flux; ``values`` and ``bucket`` are known to the query.

        Raises
        ------
        StoreAwayError
            If the server does not answer or refuses.
        """
        with self._explained():
            answer = self._client.query_api().query_raw(
                query, dialect=_DIALECT, params={"bucket": self._account["bucket"], **values}
            )
            text = answer.data.decode()
        header: list[str] = []
        for row in csv.reader(io.StringIO(text, newline="")):
            if not row or not header:
                header = row
            elif "error" in header:
                raise StoreAwayError(f"{self.name} could not answer: {row[header.index('error')][:200]}")
            else:
                yield dict(zip(header, row, strict=True))

    def write(self, text: str) -> str:
        """Write lines; return the server's words where it found something wrong with some of them.

        Raises
        ------
        StoreAwayError
            If the server does not answer or takes nothing.
        """
        with self._explained():
            try:
                writer = self._client.write_api(write_options=SYNCHRONOUS)
                writer.write(bucket=self._account["bucket"], record=text)
            except ApiException as error:
                if error.status not in _PARTLY:
                    raise
                return f": {error.status} {_words(error)}"
        return ""

    def delete(self, predicate: str, time: str) -> None:
        """Delete what has a certain time; `StoreAwayError` if the server does not answer or refuses."""
        with self._explained():
            self._client.delete_api().delete(time, time, predicate, bucket=self._account["bucket"])

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        if self._opened:
            self._opened.close()  # type: ignore[no-untyped-call]
            self._opened = None

    @property
    def _client(self) -> InfluxDBClient:
        if self._opened is None:
            url, token, org = (self._account[name] for name in ("url", "token", "org"))
            self._opened = InfluxDBClient(url, token, org=org, timeout=_TIMEOUT_MS, retries=_RETRIES)
        return self._opened

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the client raises into a sentence."""
        try:
            yield
        except ApiException as error:
            raise StoreAwayError(f"{self.name} refused: {error.status} {_words(error)}") from None
        except urllib3.exceptions.HTTPError as error:
            raise StoreAwayError(f"{self.name} does not answer: {_why(error)}") from None


def read_credentials(path: Path) -> dict[str, str]:
    """Read url, token, org and bucket from a JSON file that only its owner may read.

    Raises
    ------
    StoreError
        If the file is missing, readable by others, lacks an entry or has a wrong one; its content is never repeated.
    """
    text = read_private(path, "store.credentials", StoreError)
    try:
        account = parse_json(text)
    except ValueError:
        raise StoreError(f"store.credentials: {path} is not JSON") from None
    missing = [name for name in _ENTRIES if not isinstance(account, dict) or not isinstance(account.get(name), str)]
    if missing:
        raise StoreError(f"store.credentials: {path} lacks {', '.join(missing)}")
    if not account["url"].startswith(("http://", "https://")):
        raise StoreError(f"store.credentials: {path} has a url that does not begin with http:// or https://")
    if "@" in account["url"]:
        raise StoreError(f"store.credentials: {path} has a url with an account in it; the token is what logs in")
    if not (account["token"].isascii() and account["token"].isprintable()):
        raise StoreError(f"store.credentials: {path} has a token with characters that no token has")
    return {name: account[name] for name in _ENTRIES}


def _words(error: ApiException) -> str:
    """Return the server's own sentence of a refusal, without headers or addresses."""
    try:
        return str(json.loads(error.body)["message"])[:300]
    except (ValueError, TypeError, KeyError):
        return str(error.reason)[:300]


def _why(error: BaseException) -> str:
    """Return the reason that is at the bottom of what urllib3 says."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _why(reason)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return f"nothing came for {_TIMEOUT_MS[1] // 1000} s"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection was cut"
    said = str(error.__cause__ or error)
    return said.rpartition(": ")[2][:200] or type(error).__name__

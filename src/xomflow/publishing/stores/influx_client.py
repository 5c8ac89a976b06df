"""Requests to an InfluxDB 2 server: queries, lines, deletions, and one clear sentence if one fails.

The defaults of InfluxDB's client lose data in silence: errors of batches in the background are not reported, and
requests that a busy server refused are not repeated. So requests here are synchronous, and repeated only if it is safe.
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

from xomflow.core.files.private_files import read_private
from xomflow.publishing.stores.store import StoreAwayError, StoreError
from xomlib.files import parse_json
from xomlib.printing import shown

_ENTRIES = ("url", "token", "org", "bucket")
_TIMEOUT_MS = (5_000, 30_000)  # to connect, and between two pieces of an answer

# Requests to a busy server are repeated. If it cannot be reached or closes the connection, the next tick tries again:
# what arrived is unknown then, and waiting would only make this tick longer.
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
# With these, the server refuses some of the lines and may have stored the others.
_PARTLY = (400, 413, 422)
_ANOTHER = "another program answers at this address, such as a proxy, or there is a fault between"
# One of these is in the heading of each table, and of an error in the middle of an answer.
_HEADINGS = frozenset({"result", "table", "_value", "error"})
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
        """Return the rows of a Flux query, whose parameters are ``values`` and ``bucket``.

        Raises
        ------
        StoreAwayError
            If the server does not answer, refuses, or answers something else than tables.
        """
        with self._explained():
            answer = self._client.query_api().query_raw(
                query, dialect=_DIALECT, params={"bucket": self._account["bucket"], **values}
            )
            kind, text = answer.headers.get("Content-Type", ""), answer.data.decode()
        if kind and "csv" not in kind:  # without rows it would look as if there were no points
            raise StoreAwayError(f"{self.name} gave {kind} instead of tables: {_ANOTHER}")
        try:
            for row in _rows_in(text):
                if "error" in row:
                    raise StoreAwayError(f"{self.name} could not answer: {row['error'][:200]}")
                yield row
        except (ValueError, csv.Error) as error:
            raise StoreAwayError(f"{self.name} gave no tables ({error}): {_ANOTHER}") from None

    def write(self, text: str) -> str:
        """Write lines; return the server's message if it refused some of them.

        Raises
        ------
        StoreAwayError
            If the server does not answer or refuses all lines.
        """
        with self._explained():
            try:
                writer = self._client.write_api(write_options=SYNCHRONOUS)
                writer.write(bucket=self._account["bucket"], record=text)
            except ApiException as error:
                if error.status not in _PARTLY:
                    raise
                return f": {error.status} {_message(error)}"
        return ""

    def delete(self, predicate: str, first: str, last: str) -> None:
        """Delete points from one time to another; `StoreAwayError` if the server does not answer or refuses."""
        with self._explained():
            self._client.delete_api().delete(first, last, predicate, bucket=self._account["bucket"])

    def close(self) -> None:
        """Close the connection; the next request opens another."""
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
        """Turn the client's exceptions into sentences."""
        try:
            yield
        except UnicodeDecodeError:
            raise StoreAwayError(f"{self.name} gave no text: {_ANOTHER}") from None
        except ApiException as error:
            raise StoreAwayError(f"{self.name} refused: {error.status} {_message(error)}") from None
        except urllib3.exceptions.HTTPError as error:
            if _timed_out(error) and self._is_alive():
                waited = _TIMEOUT_MS[1] // 1000
                took = f"it answers a ping, but sent nothing for {waited} s after a request"
                raise StoreAwayError(f"{self.name} is slow: {took}") from None
            raise StoreAwayError(f"{self.name} does not answer: {_why(error)}") from None

    def _is_alive(self) -> bool:
        """Return whether the server answers at all: a request that took too long does not show it."""
        limits = urllib3.Timeout(connect=_TIMEOUT_MS[0] / 1000, read=_TIMEOUT_MS[0] / 1000)
        try:
            urllib3.request("GET", f"{self._account['url']}/ping", timeout=limits, retries=False)
        except (urllib3.exceptions.HTTPError, ValueError):
            return False
        return True


def read_credentials(path: Path) -> dict[str, str]:
    """Read url, token, org and bucket from a JSON file that only its owner may read.

    Raises
    ------
    StoreError
        If the file is missing, readable by others, lacks an entry or has a wrong one; it never quotes the content.
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
        raise StoreError(f"store.credentials: {path} has a url with an account in it; the token alone is used")
    if not (account["token"].isascii() and account["token"].isprintable()):
        raise StoreError(f"store.credentials: {path} has a token with characters that a token cannot have")
    return {name: account[name] for name in _ENTRIES}


def _rows_in(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows of tables, each with a heading of its own; `ValueError` or `csv.Error` for another form."""
    if text and not text.endswith("\n"):
        raise ValueError("it ends in the middle of a line")
    header: list[str] = []
    for row in csv.reader(io.StringIO(text, newline="")):
        if not row or not header:
            header = row
            if row and not _HEADINGS.intersection(row):
                raise ValueError(f"the headings {shown(row)}")
        elif len(row) != len(header):
            raise ValueError(f"a row of {len(row)} under {len(header)} headings")
        else:
            yield dict(zip(header, row, strict=True))


def _message(error: ApiException) -> str:
    """Return the server's message of a refusal, without headers and addresses."""
    try:
        return str(json.loads(error.body)["message"])[:300]
    except (ValueError, TypeError, KeyError):
        return str(error.reason)[:300] or "without a reason"


def _timed_out(error: BaseException) -> bool:
    """Return whether the server was reached, and then sent nothing for too long."""
    return isinstance(_innermost(error), urllib3.exceptions.ReadTimeoutError)


def _innermost(error: BaseException) -> BaseException:
    """Return the reason of an error of urllib3 that has no further reason."""
    reason = getattr(error, "reason", None)
    return _innermost(reason) if isinstance(reason, BaseException) else error


def _why(error: BaseException) -> str:
    """Return the innermost reason of an error of urllib3."""
    reason = _innermost(error)
    if isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return f"nothing came for {_TIMEOUT_MS[1] // 1000} s"
    if isinstance(reason, urllib3.exceptions.InvalidHeader):
        return str(reason)
    if type(reason) is urllib3.exceptions.ConnectTimeoutError:  # a refused connection is one of its kinds
        return f"no connection within {_TIMEOUT_MS[0] // 1000} s"
    if isinstance(reason, urllib3.exceptions.ProtocolError):
        return "the connection was cut"
    said = str(reason.__cause__ or reason)
    return said.rpartition(": ")[2][:200] or type(reason).__name__

"""A client of the slow-control server, by the protocol of straxen's ``SCADAInterface``; standard library only.

https only. A log-in returns a token, which every request carries. A request is for the raw values of one parameter;
an answer has at most `MOST_VALUES`, so longer series are read page by page.
"""

import json
import math
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from typing import IO, Any

from xomphysics.slow_control_account import Account, AccountError, read_account

__all__ = [
    "MOST_VALUES",
    "YEARS",
    "Account",
    "AccountError",
    "NoAnswer",
    "NoValues",
    "Readings",
    "RetryPolicy",
    "SlowControlClient",
    "oldest",
    "parse",
    "read_account",
]

MOST_VALUES = 35_000
YEARS = 5  # the server does not answer about what is older
_MOST_PAGES = 200
_MOST_BYTES = 64 * 2**20
_BLOCK = 2**16
_HERE = ("localhost", "127.0.0.1", "::1")


class NoAnswer(Exception):
    """No valid answer of the server in any of the tries; a later try may succeed."""


class NoValues(Exception):
    """The server answered that it has no values of this parameter."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long a request is tried.

    Attributes
    ----------
    timeout
        Seconds for one request from its first to its last byte.
    tries
        Number of tries before a request counts as not answered.
    wait
        Seconds before the second try; each further one waits twice as long.
    total
        Seconds after which no further request is begun.
    """

    timeout: float = 20.0
    tries: int = 3
    wait: float = 1.0
    total: float = 300.0


@dataclass
class Readings:
    """Values of one parameter, by rising time.

    Attributes
    ----------
    times
        Seconds since 1970.
    values
        In the parameter's unit.
    unreadable
        How many values were no finite number.
    """

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    unreadable: int = 0


class SlowControlClient:
    """One session with the server; the first request logs in.

    Parameters
    ----------
    account
        The server and the account.
    retries
        How often and how long a request is tried.
    now
        The present, seconds since 1970.
    sleep
        Called with the seconds to wait between two tries.

    Raises
    ------
    AccountError
        If the file of certificates cannot be read.
    """

    def __init__(
        self,
        account: Account,
        retries: RetryPolicy | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account, self._retries, self._now, self._sleep = account, retries or RetryPolicy(), now, sleep
        self._end = time.monotonic() + self._retries.total
        self._token = ""
        try:
            trusted = ssl.create_default_context(cafile=account.ca_file or None)
        except OSError:
            raise AccountError(f"the certificates in {account.ca_file} cannot be read") from None
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=trusted), _NoRedirect()]
        if urllib.parse.urlsplit(account.data_url).hostname in _HERE:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def values(self, name: str, start: float, end: float) -> Readings:
        """Return the raw values of a parameter from ``start`` to ``end`` (seconds since 1970), both inside.

        Raises
        ------
        AccountError
            If the server refuses the log-in.
        NoAnswer
            If there was no valid answer.
        NoValues
            If the server has none, or ``start`` is too long ago.
        """
        if start < oldest(self._now()):
            raise NoValues(f"the slow-control server has nothing that is older than {YEARS} years")
        found = Readings()
        begin = math.floor(start)
        for _ in range(_MOST_PAGES):
            page = self._page(name, begin, math.ceil(end))
            last = page[-1][0] if len(page) >= MOST_VALUES else None
            for moment, value in page:
                if moment == last or not start <= moment <= end:
                    continue
                if math.isfinite(value):
                    found.times.append(moment)
                    found.values.append(value)
                else:
                    found.unreadable += 1
            if last is None or last > end:
                return found
            if last <= begin:
                raise NoAnswer(f"more than {MOST_VALUES} values of {name} within a second")
            begin = math.floor(last)  # the last moment of a full page may go on in the next
        raise NoAnswer(f"more than {_MOST_PAGES} pages of values of {name}")

    def _page(self, name: str, start: int, end: int) -> list[tuple[float, float]]:
        query = {"name": name, "StartDateUnix": start, "EndDateUnix": end, "QueryType": "rawbytime"}
        url = f"{self._account.data_url}?{urllib.parse.urlencode(query)}"
        return sorted(self._answered(lambda: parse(self._with_token(url))), key=lambda one: one[0])

    def _with_token(self, url: str) -> bytes:
        if not self._token:
            self._log_in()
        try:
            return self._fetch(urllib.request.Request(url, headers={"Authorization": self._token}))
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
        self._log_in()  # the token has run out
        return self._fetch(urllib.request.Request(url, headers={"Authorization": self._token}))

    def _log_in(self) -> None:
        form = {"username": self._account.user, "password": self._account.password}
        request = urllib.request.Request(self._account.login_url, data=urllib.parse.urlencode(form).encode())
        try:
            answer = json.loads(self._fetch(request))
        except urllib.error.HTTPError as error:
            if error.code not in (400, 401, 403):
                raise
            answer = {}
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isprintable():
            raise AccountError(
                "the slow-control server refuses the log-in"
            )  # its own message might repeat the password
        self._token = token

    def _answered(self, ask: Callable[[], list[tuple[float, float]]]) -> list[tuple[float, float]]:
        """Return the answer of a request that is tried several times."""
        reason = ""
        for attempt in range(self._retries.tries):
            if attempt:
                self._sleep(self._retries.wait * 2 ** (attempt - 1))
            if time.monotonic() > self._end:
                raise NoAnswer(f"no time left after {self._retries.total:g} s{reason and '; ' + reason}")
            try:
                return ask()
            except urllib.error.HTTPError as error:
                reason = f"it answers with {error.code}"
                if error.code < 500 and error.code != 429:
                    break
            except (OSError, HTTPException, ValueError) as error:
                reason = _words(error)
        raise NoAnswer(f"no answer of the slow-control server: {reason}")

    def _fetch(self, request: urllib.request.Request) -> bytes:
        deadline = time.monotonic() + self._retries.timeout
        with self._opener.open(request, timeout=self._retries.timeout) as response:
            content = _read(response, deadline)
            length = response.headers.get("Content-Length", "")
        if length.isdecimal() and len(content) < int(length):
            raise ValueError(f"a truncated answer, {len(content)} of {length} bytes")
        return content


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for this server only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _read(response: IO[bytes], deadline: float) -> bytes:
    """Read an answer to its end; fail if it takes too long or is too large."""
    content = bytearray()
    while block := response.read1(_BLOCK) if hasattr(response, "read1") else response.read(_BLOCK):
        content += block
        if time.monotonic() > deadline:
            raise TimeoutError("the answer came too slowly")
        if len(content) > _MOST_BYTES:
            raise ValueError(f"an answer of more than {_MOST_BYTES // 2**20} MB")
    return bytes(content)


def parse(content: bytes) -> list[tuple[float, float]]:
    """Return (seconds since 1970, value) of an answer; a value that is not a number is NaN.

    Raises
    ------
    NoValues
        If the server answers that it has none.
    ValueError
        If the answer has another form.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError(f"an answer of {len(content)} bytes that is not JSON") from None
    if isinstance(answer, dict):
        words = " ".join(str(answer.get("message") or answer.get("Message") or "no reason given").split())
        raise NoValues(f"the slow-control server answers: {''.join(filter(str.isprintable, words))[:200]}")
    if not isinstance(answer, list):
        raise ValueError("an answer that is not a list of values")
    return [_value(item) for item in answer]


def _value(item: Any) -> tuple[float, float]:
    moment = _number(item.get("timestampseconds")) if isinstance(item, dict) else math.nan
    if not math.isfinite(moment):
        raise ValueError("an answer with a value without a time")
    return moment, _number(item.get("value"))


def _number(value: Any) -> float:
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def oldest(now: float) -> float:
    """Return the time (seconds since 1970) before which the server does not answer: five years ago, month by month."""
    today = datetime.fromtimestamp(now, UTC)
    return datetime(today.year - YEARS, today.month, 1, tzinfo=UTC).timestamp()


def _words(error: Exception) -> str:
    """Return a description of an error without address and content."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, TimeoutError):
        return "it takes too long"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__

"""Send one message to one recipient, through apprise: mail, Mattermost, Slack and many others."""

from __future__ import annotations

import logging
import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xomflow.notify.addresses import Recipient, secrets_in
from xomflow.notify.letter import Letter

# Seconds for one message, from the connection to the last answer of the server.
LONGEST = 20.0
_DETAIL = "Socket Exception: "
_MOST = 200


class _Notes(logging.Handler):
    """Collects what apprise logs; its texts may have secrets and go nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.details, self.warnings = list[str](), list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning, and the reason of a connection that failed."""
        text = record.getMessage()
        if text.startswith(_DETAIL):
            self.details.append(text.removeprefix(_DETAIL))
        elif record.levelno >= logging.WARNING:
            self.warnings.append(text)


def send(to: Recipient, letter: Letter, longest: float = LONGEST) -> str:
    """Send a message; return why the recipient's server did not take it, without a secret; empty if it did.

    Parameters
    ----------
    to
        The recipient.
    letter
        The message.
    longest
        Seconds after which it counts as not sent.
    """
    log, notes = logging.getLogger("apprise"), _Notes()
    log.handlers, log.propagate = [notes], False
    log.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(), _alarm(longest):
            warnings.simplefilter("ignore")  # of its services, all of which it imports
            return _send(to, letter, notes)
    except TimeoutError as error:
        return str(error)
    except Exception as error:  # of any of apprise's services
        return clean(f"{type(error).__name__}: {error}", to.url)
    finally:
        log.handlers = []


def _send(to: Recipient, letter: Letter, notes: _Notes) -> str:
    import apprise  # half a second, so only when something is to be sent

    asset = apprise.AppriseAsset(app_id="XOM", app_desc="XENONnT Offline Monitoring", async_mode=False)
    service = apprise.Apprise.instantiate(to.url, asset=asset)
    if service is None:
        words = (text for text in notes.warnings if "://" not in text)
        return clean(f"apprise does not understand the address{_because(words)}", to.url)
    taken = service.notify(title=letter.title, body=letter.body, body_format=apprise.NotifyFormat.TEXT)
    return "" if taken else _reason(notes, to.url)


def _because(words: Iterator[str]) -> str:
    first = next(words, "")
    return f": {first}" if first else ""


def clean(text: str, url: str) -> str:
    """Return a text in one line without the secrets of an address."""
    text = re.sub(r"[\w+.-]+://\S+", "(the address)", text)
    for secret in secrets_in(url):
        # A short word, such as a host or an account called xom, is part of ordinary text.
        text = (
            re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
            if len(secret) < 6
            else text.replace(secret, "***")
        )
    text = " ".join(text.split())
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."


def _reason(notes: _Notes, url: str) -> str:
    refused = [text for text in notes.warnings if "refused" in text]
    words = [*refused, *notes.details, *notes.warnings, "apprise gives no reason"]
    return clean(words[0], url)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in the code within after some seconds; only in the main thread of a process."""

    def up(_number: int, _frame: Any) -> None:
        raise TimeoutError(f"no answer within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

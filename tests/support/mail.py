"""A mail server on the loopback address, which takes, refuses or never answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCOUNT, PASSWORD = "xom", "s3cret-pass word"
_QUOTED = "s3cret-pass%20word"


class Mail(NamedTuple):
    """A mail that the server has taken."""

    to: list[str]
    title: str
    body: str
    headers: Message


class _Silent(asyncio.Protocol):
    """Takes a connection and never says a word."""

    def __init__(self, connections: list[asyncio.BaseTransport]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.append(transport)


class MailServer:
    """What the server does, and the mails that it has taken.

    Attributes
    ----------
    refused
        Recipients that it refuses.
    hangs
        Whether it takes connections and never says a word.
    away
        Whether it answers every mail with a temporary error.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refused: set[str] = set()
        self.hangs = False
        self.away = False
        self.port = 0
        self.connections: list[asyncio.BaseTransport] = []

    def url(self, *to: str, password: str = _QUOTED) -> str:
        """Return the address with which apprise sends mails through the server."""
        recipients = f"&to={','.join(to)}" if to else ""
        return f"mailto://{ACCOUNT}:{password}@127.0.0.1:{self.port}/?from=xom@example.org{recipients}"

    def texts_to(self, recipient: str) -> list[str]:
        """Return title and body of the mails to a recipient."""
        return [f"{mail.title}\n{mail.body}" for mail in self.mails if recipient in mail.to]

    # --- what aiosmtpd calls ------------------------------------------------------------------------------------------
    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 authentication required"
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.away:
            return "451 4.3.0 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content)
        parts: list[Any] = [part for part in parsed.walk() if part.get_content_type() == "text/plain"]
        body = parts[0].get_payload(decode=True).decode(parts[0].get_content_charset() or "utf-8")
        self.mails.append(Mail(envelope.rcpt_tos, str(make_header(decode_header(parsed["Subject"]))), body, parsed))
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data == LoginPassword(ACCOUNT.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    def protocol(self) -> asyncio.BaseProtocol:
        if self.hangs:
            return _Silent(self.connections)
        return SMTP(self, authenticator=self.authenticate, auth_require_tls=False, hostname="mx")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server in a thread of this process."""
    server, ready, loop, end = MailServer(), threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        listener = await loop.create_server(server.protocol, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await end.wait()
        listener.close()
        for one in server.connections:
            one.close()
        await asyncio.sleep(0)  # until these are closed

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        loop.close()


def address_file(folder: Path, **content: Any) -> Path:
    """Write a file with addresses, as its owner alone may read it."""
    path = folder / "addresses.json"
    path.touch(0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(content))
    return path

"""The file with the addresses: where messages go, and the address that a good tick calls up. It has secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from xomflow.core.errors import ConfigurationError
from xomflow.core.files.private_files import read_private

PLACE = "notify.addresses"
_MAIL = frozenset({"mailto", "mailtos"})
_WEB = frozenset({"http", "https"})
_KEYS = ("addresses", "contacts", "heartbeat")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One that gets messages.

    Parameters
    ----------
    name
        What it is called in files and messages: a mail address, else the number and the kind of the entry.
    url
        Its address as apprise takes it; secret.
    contact
        Whether it is the contact of analyses, who gets messages only about these.
    """

    name: str
    url: str = field(repr=False)
    contact: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the file has.

    Parameters
    ----------
    recipients
        Those that get all messages.
    contacts
        The address of a mail server with an account, for mails to contacts; empty: they get none. Secret.
    heartbeat
        The address that good ticks call up; empty: none. Secret.
    """

    recipients: tuple[Recipient, ...] = ()
    contacts: str = field(default="", repr=False)
    heartbeat: str = field(default="", repr=False)

    def contact(self, mail: str) -> Recipient | None:
        """Return a contact as a recipient; None if contacts get no mail."""
        return Recipient(mail, _with_target(self.contacts, mail), contact=True) if self.contacts else None


def read_addresses(path: Path) -> Addresses:
    """Return the addresses in a file.

    Raises
    ------
    ConfigurationError
        If the file is missing, can be read by others or has another form. The sentence has no value of the file.
    """
    text = read_private(path, PLACE, ConfigurationError)
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigurationError(f'{PLACE}: {path} is not JSON of the form {{"addresses": ["mailtos://..."]}}')
    unknown = [key for key in content if key not in _KEYS]
    if unknown:
        raise ConfigurationError(f"{PLACE}: {path} has a key that is not known: it may have {', '.join(_KEYS)}")
    listed, contacts, heartbeat = (
        content.get("addresses", []),
        content.get("contacts", ""),
        content.get("heartbeat", ""),
    )
    if not isinstance(listed, list):
        raise ConfigurationError(f"{PLACE}: 'addresses' in {path} is not a list")
    _check(contacts, f"'contacts' in {path}", _MAIL)
    _check(heartbeat, f"'heartbeat' in {path}", _WEB)
    for place, url in enumerate(listed, 1):
        _check(url, f"entry {place} of 'addresses' in {path}")
    recipients = tuple(one for place, url in enumerate(listed, 1) for one in _recipients(place, url))
    return Addresses(recipients, contacts, heartbeat)


def secrets_in(url: str) -> list[str]:
    """Return the parts of an address that no message may show, the longest first."""
    parts = urlsplit(url)
    found = [parts.password]
    if parts.scheme not in _MAIL:
        found += [parts.netloc, parts.username, parts.hostname, *parts.path.split("/"), parts.query]
        found += [value for _, value in parse_qsl(parts.query)]
    both = {form for one in found if one for form in (one, unquote(one))}
    return sorted(both, key=len, reverse=True)


def _check(value: Any, what: str, schemes: frozenset[str] = frozenset()) -> None:
    """Refuse what is no text, and an address that is given and of another scheme; no message has the value."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{PLACE}: {what} is not a text")
    try:
        scheme, _ = _scheme(value), urlsplit(value)
    except ValueError:  # its text has the address
        scheme = ""
    if (value or not schemes) and not (scheme in schemes if schemes else scheme):
        form = " or ".join(f"{one}://..." for one in sorted(schemes) or ["mailtos"])
        raise ConfigurationError(f"{PLACE}: {what} is no address, such as {form}")


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower() if "://" in url else ""


def _recipients(place: int, url: str) -> Iterator[Recipient]:
    """Yield the recipients of an entry: of a mail address with several, each by itself, as one may be refused."""
    scheme = _scheme(url)
    targets = _mail_targets(url) if scheme in _MAIL else []
    if not targets:
        yield Recipient(f"{place} ({scheme or 'no address'})", url)
    for target in targets:
        yield Recipient(target, _with_target(url, target) if len(targets) > 1 else url)


def _mail_targets(url: str) -> list[str]:
    parts = urlsplit(url)
    given = [value for name, value in parse_qsl(parts.query) if name == "to"]
    words = [*map(unquote, parts.path.split("/")), *(word for value in given for word in value.split(","))]
    return list(dict.fromkeys(word.strip() for word in words if "@" in word))


def _with_target(url: str, target: str) -> str:
    """Return the address of a mail server with another recipient."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "to"]
    # A plus sign at the begin of a name is a header, and stays as it is.
    return urlunsplit(parts._replace(path="/", query=urlencode([*query, ("to", target)], safe="+", quote_via=quote)))

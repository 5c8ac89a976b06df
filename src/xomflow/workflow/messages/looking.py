"""The recipients of messages, what each has got, and test messages: for the person who sets them up."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import ConfigurationError
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomflow.notify.addresses import PLACE, Addresses, Recipient, read_addresses
from xomflow.notify.deliver import recipients_of
from xomflow.notify.heartbeat import beat
from xomflow.notify.letter import Letter
from xomflow.notify.matter import contact_in
from xomflow.notify.post import send
from xomflow.notify.state import Told, read_told


class RecipientLine(NamedTuple):
    """One recipient of messages: the name, what was sent, and what is wrong."""

    recipient: str
    told: str
    problem: str | None


def addresses_of(config: Config) -> Addresses:
    """Return the addresses of a site; `ConfigurationError` if there are none or their file is wrong."""
    if config.notify.addresses is None:
        raise ConfigurationError(f"{PLACE} is not set, so no message can be sent: see docs/operator.md, Messages")
    found = read_addresses(config.notify.addresses)
    if not (found.recipients or found.heartbeat or found.contacts):
        raise ConfigurationError(f"{PLACE}: {config.notify.addresses} has no address")
    return found


def recipients_now(config: Config) -> list[RecipientLine]:
    """Return a line for each recipient: what was sent and still holds, and what is wrong."""
    told = read_told(Paths(config.work))
    everyone = recipients_of(addresses_of(config), [], told)
    return [_line(one, told.get(one.name, Told())) for one in everyone]


def _line(to: Recipient, told: Told) -> RecipientLine:
    holds = sum(one.told is not None and not one.over for one in told.known.values())
    facts = f"{holds} reported and not over, last digest {told.digest or 'none'}"
    return RecipientLine(to.name, facts, told.problem or None)


def send_test(
    config: Config, now: datetime, post: Callable[[Recipient, Letter], str] = send
) -> tuple[list[RecipientLine], ExitCode]:
    """Send a message to each recipient and contact, and call up the heartbeat address; return what came of it.

    Parameters
    ----------
    config
        Of the site.
    now
        The present.
    post
        Sends a message; returns why it did not arrive.
    """
    addresses, site = addresses_of(config), f"{Path.cwd()} on {os.uname().nodename}"
    letter = Letter(
        "XOM: a test",
        f"XOM at {site} can reach you. It was asked to try at {times.text(now)}; nothing has happened.\n",
    )
    mails = {contact_in(f"contact: {block.contact}") for block in config.analyses.values()} - {""}
    there = {one.name for one in addresses.recipients}
    contacts = [addresses.contact(mail) for mail in sorted(mails - there)]
    everyone = [*addresses.recipients, *(one for one in contacts if one)]
    found = [_tried(one.name, post(one, letter), "took the message") for one in everyone]
    if addresses.heartbeat:
        found.append(_tried("heartbeat", beat(addresses.heartbeat, ExitCode.OK), "answered"))
    return found, ExitCode.UNFORESEEN if any(one.problem for one in found) else ExitCode.OK


def _tried(name: str, problem: str, good: str) -> RecipientLine:
    return RecipientLine(name, "no" if problem else good, problem or None)

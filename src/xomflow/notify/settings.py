"""The configuration's block ``notify``, without the model of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the process that sends messages starts faster without the model
    from xomflow.config.model import Config


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """What the process that sends messages needs of the configuration.

    Parameters
    ----------
    addresses
        The file with the addresses; None: there are no messages.
    digest_hour
        Hour of the day (UTC) from which on the digest is sent; None: never.
    page_url
        Address of the page; empty if there is none.
    contacts
        The contact of each analysis that has one.
    """

    addresses: Path | None = None
    digest_hour: int | None = None
    page_url: str = ""
    contacts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> NotifySettings:
        """Return this part of a configuration."""
        contacts = {name: block.contact for name, block in config.analyses.items() if block.contact}
        return cls(config.notify.addresses, config.notify.digest_hour, config.page.url, contacts)

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is handed to another process."""
        addresses = None if self.addresses is None else str(self.addresses)
        return {"addresses": addresses, "hour": self.digest_hour, "page": self.page_url, "contacts": self.contacts}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> NotifySettings:
        """Return what `to_json` wrote."""
        addresses = None if content["addresses"] is None else Path(content["addresses"])
        return cls(addresses, content["hour"], content["page"], content["contacts"])

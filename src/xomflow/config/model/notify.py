"""The block ``notify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from xomflow.config.model.base import Model


class Notify(Model):
    """Messages to people: mail, Mattermost, Slack and others."""

    addresses: Path | None = Field(
        None,
        description="JSON file with the addresses, readable by its owner only, see `docs/operator.md`, Messages; "
        "default: no messages.",
    )
    digest_hour: Annotated[int, Field(strict=True, ge=0, le=23)] | None = Field(
        6, description="Hour (UTC) from which on the first tick of a day sends the digest; `null`: none is sent."
    )

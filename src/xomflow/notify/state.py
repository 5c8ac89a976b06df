"""What was sent to each recipient, kept from tick to tick. It has no address of a server and no secret.

The file can be deleted: then what lasts is sent once more, but for what began more than two days ago.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.notify.news import Known, KnownMatters


@dataclass(frozen=True, slots=True)
class Told:
    """What was sent to one recipient.

    Parameters
    ----------
    known
        The matters, by name.
    digest
        The day of the last digest, such as ``2026-11-28``; empty: there was none yet.
    is_sending
        Whether a message was being sent when this was written.
    problem
        Why the last message did not arrive; empty if it did.
    """

    known: KnownMatters = field(default_factory=dict)
    digest: str = ""
    is_sending: bool = False
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form in the file."""
        known = {name: one.to_json() for name, one in self.known.items()}
        return {"known": known, "digest": self.digest, "sending": self.is_sending, "problem": self.problem}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Told:
        """Return what `to_json` wrote."""
        known = {str(name): Known.from_json(one) for name, one in content["known"].items()}
        return cls(known, str(content["digest"]), bool(content["sending"]), str(content["problem"]))


ToldByName = dict[str, Told]


def read_told(paths: Paths) -> ToldByName:
    """Return what was sent to each recipient, by name; nothing if the file is missing or damaged."""
    return read_kept(paths.told, _parsed) or {}


def write_told(paths: Paths, told: Mapping[str, Told]) -> None:
    """Keep what was sent to each recipient."""
    content = {name: one.to_json() for name, one in told.items()}
    write_kept(paths.told, json.dumps(content, indent=1, ensure_ascii=False))


def _parsed(content: Any) -> ToldByName:
    return {str(name): Told.from_json(one) for name, one in content.items()}

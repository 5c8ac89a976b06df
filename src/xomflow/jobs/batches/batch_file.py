"""The file of a batch: the tick writes it before it submits the job, the process in the job reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomlib.files import dump_json, read_json


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs that share a job.

    Parameters
    ----------
    name
        Its name within the tick.
    members
        The keys, in the order in which they are begun; what each may use is in the job descriptions of the tick.
    at_once
        How many of them are worked on at a time.
    seconds
        Time limit of the whole job.
    """

    name: str
    members: tuple[Key, ...]
    at_once: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        members = [[key.analysis, key.version, key.run] for key in self.members]
        return {"name": self.name, "members": members, "at_once": self.at_once, "seconds": self.seconds}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Batch:
        """Return what `to_json` wrote; `KeyError`, `TypeError` or `ValueError` for another form."""
        members = tuple(Key(*names) for names in content["members"])
        return cls(str(content["name"]), members, int(content["at_once"]), float(content["seconds"]))


def write_batch(tick: TickPaths, batch: Batch) -> None:
    """Write the file of a batch."""
    dump_json(tick.batch(batch.name), batch.to_json())


def read_batch(tick: TickPaths, name: str) -> Batch:
    """Return a batch of a tick; `OSError` if its file cannot be read, one of the errors of `from_json` if it is odd."""
    return Batch.from_json(read_json(tick.batch(name)))

"""``strax.DataDirectory``: strax data in a folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from xomflow.storage.frontend import Frontend, Sources, text, types_in
from xomflow.storage.metadata import LookupResult


@dataclass(frozen=True)
class DataDirectory(Frontend):
    """A folder of strax data.

    Parameters
    ----------
    path
        The folder.
    """

    path: str

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the frontend that `xomlib.probe.describe` described."""
        return cls(*types_in(document), text(document["path"]))

    @property
    def folder(self) -> str:
        """The folder."""
        return self.path

    def look(self, sources: Sources, runs: Collection[str], name: str, digest: str) -> LookupResult:
        """Return the runs of which it has data."""
        return sources.folders.look(self.path, runs, name, digest)

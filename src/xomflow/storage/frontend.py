"""A storage frontend of a strax context, as the workflow looks into it without strax.

A new kind of frontend needs a module with a subclass of `Frontend`, an entry in `storage.frontends`, and a branch in
`xomlib.probe.describe`, which describes the frontend in the analysis environment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from xomflow.rundb.database import RunDB
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.metadata import LookupResult


@dataclass(frozen=True)
class Sources:
    """What the frontends of a tick look into.

    Parameters
    ----------
    folders
        Folders on this machine.
    rundb
        The run database of the workflow; None: there is none.
    """

    folders: FolderListings
    rundb: RunDB | None = None


@dataclass(frozen=True)
class Frontend(ABC):
    """One storage frontend.

    Parameters
    ----------
    take_only
        The only data types that it has; empty: all but those in ``exclude``.
    exclude
        Data types that it never has.
    """

    take_only: tuple[str, ...]
    exclude: tuple[str, ...]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the frontend that `xomlib.probe.describe` described.

        Raises
        ------
        KeyError, TypeError
            If an entry is missing or of another type.
        """
        return cls(*types_in(document))

    def takes(self, name: str) -> bool:
        """Return whether it may have data of a type."""
        return name not in self.exclude and (not self.take_only or name in self.take_only)

    @property
    def folder(self) -> str | None:
        """The folder of strax data that it is; None for any other kind."""
        return None

    @abstractmethod
    def look(self, sources: Sources, runs: Collection[str], name: str, digest: str) -> LookupResult | None:
        """Return the runs of which it has data, the same as strax would find.

        Parameters
        ----------
        sources
            Where to look.
        runs, name, digest
            Run ids, a data type, its lineage hash.

        Returns
        -------
        LookupResult or None
            None if only strax itself can answer.
        """


def types_in(document: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ``take_only`` and ``exclude`` of a description."""
    return tuple(map(text, document["take_only"])), tuple(map(text, document["exclude"]))


def text(value: Any) -> str:
    """Return a value if it is a text, else raise `TypeError`."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value

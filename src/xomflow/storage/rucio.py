"""``straxen.RucioLocalFrontend``: strax data in rucio's layout."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from xomflow.storage.frontend import Frontend, Sources, text, types_in
from xomflow.storage.metadata import FolderState, LookupResult, read_metadata, state_in


@dataclass(frozen=True)
class RucioLocal(Frontend):
    """A storage element of rucio that is mounted here.

    Parameters
    ----------
    path
        Its folder.
    """

    path: str

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the frontend that `xomlib.probe.describe` described."""
        return cls(*types_in(document), text(document["path"]))

    def look(self, sources: Sources, runs: Collection[str], name: str, digest: str) -> LookupResult:
        """Return the runs of which it has data: all files that the metadata name must be there."""
        found, names = LookupResult(), sources.folders.names(self.path)
        for run in runs:
            if f"xnt_{run}" not in names:
                continue
            metadata = rucio_metadata(self.path, run, name, digest)
            if isinstance(metadata, FolderState):
                continue  # this frontend passes over metadata that it cannot read
            try:
                files = [chunk["filename"] for chunk in metadata.get("chunks", []) if chunk.get("filename")]
                if all(os.path.exists(rucio_path(self.path, run, file)) for file in files):  # noqa: PTH110
                    found.add(run, state_in(metadata))
            except (AttributeError, TypeError, ValueError):  # metadata of another form
                found.add(run, FolderState.UNREADABLE)
        return found


def rucio_metadata(root: str, run: str, name: str, digest: str) -> Any:
    """Return the metadata of a data set in rucio, or the `FolderState` that follows from there being none."""
    path = rucio_path(root, run, f"{name}-{digest}-metadata.json")
    try:
        return read_metadata(path)
    except FileNotFoundError:
        there = os.path.exists(os.path.dirname(path))  # noqa: PTH110, PTH120
        return FolderState.UNREADABLE if there else FolderState.UNFINISHED
    except (OSError, ValueError):
        return FolderState.UNREADABLE


def rucio_path(root: str, run: str, file: str) -> str:
    """Return where rucio puts a file: two folders are named by the MD5 of scope and name (rucio's "hash" algorithm)."""
    digest = hashlib.md5(f"xnt_{run}:{file}".encode(), usedforsecurity=False).hexdigest()
    return os.path.join(root, f"xnt_{run}", digest[:2], digest[2:4], file)  # noqa: PTH118

"""Data in rucio's layout, as ``straxen.RucioLocalFrontend`` reads them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from typing import Any

from xomflow.storage.metadata import FolderState, Found, judged, read_metadata


# --- rucio ------------------------------------------------------------------------------------------------------------
def look_into_rucio(root: str, names: Collection[str], runs: Iterable[str], name: str, digest: str) -> Found:
    """Return what ``straxen.RucioLocalFrontend`` has: all that the metadata name must be there.

    Parameters
    ----------
    root
        The folder of the storage element.
    names
        What lies in it.
    runs, name, digest
        What is asked about: runs, a type, its lineage.
    """
    found = Found()
    for run in runs:
        if f"xnt_{run}" not in names:
            continue
        metadata = rucio_metadata(root, run, name, digest)
        if isinstance(metadata, FolderState):
            continue  # this frontend passes over what it cannot read
        try:
            files = [chunk["filename"] for chunk in metadata.get("chunks", []) if chunk.get("filename")]
            if all(os.path.exists(rucio_path(root, run, file)) for file in files):  # noqa: PTH110
                found.add(run, judged(metadata))
        except (AttributeError, TypeError):
            found.add(run, FolderState.UNREADABLE)
    return found


def rucio_metadata(root: str, run: str, name: str, digest: str) -> Any:
    """Return the metadata of a rucio data set, or a `FolderState` that says why there are none."""
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

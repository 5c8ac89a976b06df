"""Data in files: which folders of strax data, or rucio data sets, are complete; as strax itself judges.

Metadata that were found complete are not read again: a folder's name and inode, which a listing tells by itself, are
kept. A folder gets its final name by renaming when it is complete, so another one of that name has another inode.
Anything that is not complete is read again every time. What is kept may be deleted; it comes back with the next tick.
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.errors import ContextError
from xomflow.paths import Paths
from xomlib.files import parse_json, write_atomically


class FolderState(enum.Enum):
    """What the metadata of strax data say."""

    COMPLETE = "written to the end"
    UNFINISHED = "not written to the end"  # strax looks for the data elsewhere
    UNREADABLE = "no metadata that can be read"  # strax raises


@dataclass(slots=True)
class Found:
    """What one place says of some runs and one type; it knows nothing of the others.

    Parameters
    ----------
    complete
        Runs whose data can be read.
    broken
        Runs about which strax would raise, wherever else the data may be.
    """

    complete: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def add(self, run: str, state: FolderState) -> None:
        """Take note of what was found of a run."""
        if state is FolderState.COMPLETE:
            self.complete.add(run)
        if state is FolderState.UNREADABLE:
            self.broken.add(run)


@dataclass(slots=True)
class _Listed:
    """A folder as it was listed: inodes by name; which names are known to be complete; which of them mattered."""

    inodes: dict[str, int]
    complete: set[str]
    kept: int
    used: set[str] = field(default_factory=set)
    learned: bool = False


class Folders:
    """Folders of strax data, each listed once.

    Parameters
    ----------
    paths
        Where it is kept what is complete; nothing: it is not kept.
    may_write
        False in a dry-run: what is kept is only read.
    """

    def __init__(self, paths: Paths | None = None, may_write: bool = False) -> None:
        self._paths = paths
        self._may_write = may_write
        self._roots: dict[str, _Listed] = {}

    def look(self, root: str, runs: Iterable[str], name: str, digest: str) -> Found:
        """Return what a folder (``strax.DataDirectory``) has of runs and one type with one lineage."""
        listed, found = self._listed(root), Found()
        if not listed.inodes:
            return found
        end = f"-{name}-{digest}"
        here = {run for run in runs if run + end in listed.inodes}
        found.complete = {run for run in here if run + end in listed.complete}
        for run in here - found.complete:
            found.add(run, self._state(root, run + end))
        listed.used.update([run + end for run in found.complete])
        return found

    def of_runs(self, runs: Collection[str]) -> dict[str, dict[tuple[str, str], bool]]:
        """Return the (type, hash) of everything that the folders listed so far have of runs; whether it is complete."""
        folders: dict[str, dict[tuple[str, str], bool]] = {run: {} for run in runs}
        for root, listed in self._roots.items():
            for name in listed.inodes if runs else ():
                parts = name.split("-")
                if len(parts) == 3 and parts[0] in folders:
                    complete = name in listed.complete or (
                        not name.endswith("_temp") and self._state(root, name) is FolderState.COMPLETE
                    )
                    if complete:
                        listed.used.add(name)
                    folders[parts[0]][parts[1], parts[2]] = complete
        return folders

    def keep(self) -> None:
        """Write down what is complete, of all that was asked about, where that changed."""
        if self._paths is None or not self._may_write:
            return
        for root, listed in self._roots.items():
            if listed.learned or listed.kept > 2 * len(listed.used):
                kept = {name: listed.inodes[name] for name in sorted(listed.used) if listed.inodes[name]}
                write_atomically(_place(self._paths, root), json.dumps({"root": root, "complete": kept}))

    def _state(self, root: str, name: str) -> FolderState:
        state = state_of(f"{root}/{name}")
        if state is FolderState.COMPLETE:
            listed = self._roots[root]
            listed.complete.add(name)
            listed.learned |= bool(listed.inodes[name])
        return state

    def _listed(self, root: str) -> _Listed:
        if root not in self._roots:
            inodes = listing(root)
            known = _kept(_place(self._paths, root), root) if inodes and self._paths else {}
            complete = {name for name, inode in known.items() if inode and inodes.get(name) == inode}
            self._roots[root] = _Listed(inodes, complete, len(known))
        return self._roots[root]


def state_of(folder: str) -> FolderState:
    """Return what the metadata in a folder of strax data say.

    Looks where strax looks: the metadata in the folder, in the folder of the same name still being written, and under
    the name that early versions used.
    """
    name = folder.rpartition("/")[2].replace("_temp", "").split("-", 1)[-1] + "-metadata.json"
    for place in (f"{folder}/{name}", f"{folder}_temp/{name}", f"{folder}/metadata.json"):
        try:
            return judged(read_metadata(place))
        except FileNotFoundError:
            if not os.path.exists(folder):  # noqa: PTH110
                return FolderState.UNFINISHED  # a link to nowhere, or deleted meanwhile
        except (OSError, ValueError):
            return FolderState.UNREADABLE
    return FolderState.UNREADABLE


def read_metadata(place: str) -> Any:
    """Return what is in a file of metadata; `OSError` if it cannot be read, `ValueError` if it is not JSON."""
    # There may be 200,000 of them: each `Path` and each buffer counts.
    with open(place, "rb", buffering=0) as file:  # noqa: PTH123
        return parse_json(file.read().decode())


def judged(metadata: Any) -> FolderState:
    """Return what metadata say: ``StorageFrontend.find`` of strax asks for the same two entries."""
    complete = isinstance(metadata, dict) and "writing_ended" in metadata and "exception" not in metadata
    return FolderState.COMPLETE if complete else FolderState.UNFINISHED


def listing(root: str) -> dict[str, int]:
    """Return the names in a folder and their inodes, 0 for a link, which may point elsewhere any time.

    An empty answer where there is no such folder.

    Raises
    ------
    ContextError
        If the folder is there and cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            return {entry.name: 0 if entry.is_symlink() else entry.inode() for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ContextError(f"the folder {root} of strax data cannot be listed: {error.strerror}") from None


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


def _place(paths: Paths | None, root: str) -> Path:
    assert paths is not None
    return paths.complete_folders(hashlib.sha256(root.encode()).hexdigest()[:16])


def _kept(place: Path, root: str) -> dict[str, int]:
    try:
        kept = json.loads(place.read_bytes())
        known = kept["complete"] if kept["root"] == root else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return known if isinstance(known, dict) and all(type(inode) is int for inode in known.values()) else {}

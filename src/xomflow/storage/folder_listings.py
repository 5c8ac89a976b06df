"""Listings of folders, each made once a tick, and which folders of strax data in them are complete.

Metadata that were found complete are not read again: name, inode and time of change of their folder are kept. A folder
gets its final name by renaming when it is complete, so another one of that name has another inode or time. Metadata of
a folder that is not complete are read every time. What is kept may be deleted: the next tick reads it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.storage.metadata import FolderState, LookupResult, listing, state_of


@dataclass(slots=True)
class _Listed:
    """A listed folder.

    Parameters
    ----------
    inodes
        Inodes by name.
    complete
        Names known to be complete.
    changed_ns
        When the folders of these names were last changed; nanoseconds since 1970.
    verified
        Complete names whose time of change was compared in this tick.
    kept
        Number of the names in the kept file.
    used
        Complete names that were asked about.
    changed
        Whether the kept file lacks one of the complete names.
    """

    inodes: dict[str, int]
    complete: set[str]
    kept: int
    changed_ns: dict[str, int] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    changed: bool = False


class FolderListings:
    """The folders that a tick has listed.

    Parameters
    ----------
    paths
        Where it is kept what is complete; None: nothing is kept.
    may_write
        False in a dry-run: kept files are only read.
    """

    def __init__(self, paths: Paths | None = None, may_write: bool = False) -> None:
        self._paths = paths
        self._may_write = may_write
        self._data: dict[str, _Listed] = {}
        self._names: dict[str, Collection[str]] = {}

    def names(self, root: str) -> Collection[str]:
        """Return the names in a folder; none if there is no such folder."""
        if root not in self._names:
            self._names[root] = listing(root)
        return self._names[root]

    def look(self, root: str, runs: Iterable[str], name: str, digest: str) -> LookupResult:
        """Return the runs of which a folder (``strax.DataDirectory``) has data of one type with one lineage hash."""
        listed, found = self._listed(root), LookupResult()
        if not listed.inodes:
            return found
        end = f"-{name}-{digest}"
        here = {run for run in runs if run + end in listed.inodes}
        found.complete = {run for run in here if self._is_complete(root, run + end)}
        for run in here - found.complete:
            found.add(run, self._state(root, run + end))
        listed.used.update([run + end for run in found.complete])
        return found

    def of_runs(self, runs: Iterable[str]) -> dict[str, dict[tuple[str, str], bool]]:
        """For each run, map (data type, lineage hash) of its data to whether they are complete.

        The data are those in all folders in which `look` has looked so far.
        """
        folders: dict[str, dict[tuple[str, str], bool]] = {run: {} for run in runs}
        for root, listed in self._data.items():
            for name in listed.inodes if folders else ():
                if name.partition("-")[0] not in folders:
                    continue
                parts = name.split("-")
                if len(parts) == 3:
                    complete = self._is_complete(root, name) or (
                        not name.endswith("_temp") and self._state(root, name) is FolderState.COMPLETE
                    )
                    if complete:
                        listed.used.add(name)
                    folders[parts[0]][parts[1], parts[2]] = complete
        return folders

    def keep(self) -> None:
        """Write the complete names that were asked about, for each folder where they changed."""
        if self._paths is None or not self._may_write:
            return
        for root, listed in self._data.items():
            if listed.changed or listed.kept > 2 * len(listed.used):
                kept = {name: listed.inodes[name] for name in sorted(listed.used)}
                times = {name: listed.changed_ns[name] for name in kept}
                write_kept(_place(self._paths, root), json.dumps({"root": root, "complete": kept, "changed_ns": times}))

    def _state(self, root: str, name: str) -> FolderState:
        changed_ns = _changed_ns(f"{root}/{name}")
        state = state_of(f"{root}/{name}")
        if state is FolderState.COMPLETE:
            listed = self._data[root]
            listed.complete.add(name)
            listed.verified.add(name)
            listed.changed_ns[name] = changed_ns
            listed.changed |= bool(listed.inodes[name])
        return state

    def _listed(self, root: str) -> _Listed:
        if root not in self._data:
            inodes = listing(root)
            kept, changed_ns = _read_complete(_place(self._paths, root)) if inodes and self._paths else ({}, {})
            complete = {name for name, inode in kept.items() if inode and inodes.get(name) == inode}
            self._data[root] = _Listed(inodes, complete, len(kept), changed_ns)
        return self._data[root]

    def _is_complete(self, root: str, name: str) -> bool:
        """Return whether a folder is known to be complete, and is the same as then: an inode may be used again."""
        listed = self._data[root]
        if name in listed.complete and name not in listed.verified:
            if _changed_ns(f"{root}/{name}") == listed.changed_ns.get(name):
                listed.verified.add(name)
            else:
                listed.complete.remove(name)
        return name in listed.complete


def _place(paths: Paths, root: str) -> Path:
    return paths.complete_folders(hashlib.sha256(root.encode()).hexdigest()[:16])


def _read_complete(place: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return inodes and times of change of the complete folders; a file of version 1.0 has no times."""

    def parse(kept: Any) -> tuple[dict[str, int], dict[str, int]]:
        return dict_of(int)(kept["complete"]), dict_of(int)(kept["changed_ns"])

    return read_kept(place, parse) or ({}, {})


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_ctime_ns  # noqa: PTH116 - there may be 60,000 of them
    except OSError:
        return 0

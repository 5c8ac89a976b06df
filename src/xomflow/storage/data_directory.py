"""Data in files: which folders of strax data, or rucio data sets, are complete; as strax itself judges.

Metadata that were found complete are not read again: a folder's name and inode, which a listing tells by itself, are
kept. A folder gets its final name by renaming when it is complete, so another one of that name has another inode.
Anything that is not complete is read again every time. What is kept may be deleted; it comes back with the next tick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.core.kept_json import dict_of, read_kept
from xomflow.core.paths import Paths
from xomflow.storage.metadata import FolderState, Found, listing, state_of
from xomlib.files import write_atomically


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


def _place(paths: Paths | None, root: str) -> Path:
    assert paths is not None
    return paths.complete_folders(hashlib.sha256(root.encode()).hexdigest()[:16])


def _kept(place: Path, root: str) -> dict[str, int]:
    def parse(kept: Any) -> dict[str, int]:
        return dict_of(int)(kept["complete"]) if kept["root"] == root else {}

    return read_kept(place, parse) or {}

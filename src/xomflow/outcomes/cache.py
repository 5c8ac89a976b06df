"""Outcomes by the shelf, without opening a file that was opened before.

The index keeps the content of each outcome beside its file's stamp. It can be deleted at any time: it comes back equal.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, list_shelves, list_versions, quarantine, read_outcome
from xomlib.files import read_json, write_atomically
from xomlib.schema import SchemaError


@dataclass(frozen=True, slots=True, order=True)
class Shelf:
    """The outcomes of up to a thousand runs of one version of one analysis."""

    analysis: str
    version: str
    name: str

    def __str__(self) -> str:
        return f"{self.analysis}/{self.version}/{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An outcome and a digest of its content."""

    digest: str
    outcome: dict[str, Any]


class OutcomeCache:
    """The outcomes of all shelves.

    Parameters
    ----------
    paths
        Where they are.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self.problems: list[str] = []

    def shelves(self) -> list[Shelf]:
        """Return all shelves, those of older versions and of analyses no longer configured included."""
        found = []
        for analysis in _folders(self._paths.outcomes):
            for version in list_versions(self._paths, analysis):
                found += [
                    Shelf(analysis, version, folder.name) for folder in list_shelves(self._paths, analysis, version)
                ]
        return sorted(found)

    def stamp(self, shelf: Shelf) -> int:
        """Return a number that changes whenever an outcome of the shelf comes, goes or is replaced; 0: look again."""
        try:
            changed = self._folder(shelf).stat().st_mtime_ns
        except FileNotFoundError:
            return 0
        return changed if times.settled(changed) else 0

    def entries(self, shelf: Shelf) -> dict[str, Entry]:
        """Return the outcomes of a shelf by run id; those that cannot be read are set aside and reported."""
        kept_at = self._paths.cache / "outcomes" / f"{shelf}.json"
        kept = _kept(kept_at)
        fresh: dict[str, list[Any]] = {}
        changed = False
        for name, stamp in self._files(shelf):
            if name[:6] in kept and kept[name[:6]][0] == stamp:
                fresh[name[:6]] = kept[name[:6]]
                continue
            changed = True
            outcome = self._read(self._folder(shelf) / name)
            if outcome is not None:
                text = json.dumps(outcome, sort_keys=True)
                fresh[name[:6]] = [stamp, hashlib.sha256(text.encode()).hexdigest()[:16], outcome]
        if changed or fresh.keys() != kept.keys():
            write_atomically(kept_at, json.dumps(fresh, separators=(",", ":")))
        return {run: Entry(digest, outcome) for run, (_, digest, outcome) in fresh.items()}

    def _folder(self, shelf: Shelf) -> Path:
        return self._paths.shelves(shelf.analysis, shelf.version) / shelf.name

    def _files(self, shelf: Shelf) -> list[tuple[str, list[int]]]:
        found = []
        with os.scandir(self._folder(shelf)) as entries:
            for entry in entries:
                if is_done_name(entry.name):
                    status = entry.stat()
                    found.append((entry.name, [status.st_mtime_ns, status.st_size, status.st_ino]))
        return sorted(found)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            return read_outcome(path)
        except SchemaError as error:
            self.problems.append(quarantine(self._paths, path, str(error)))
        except OSError as error:
            self.problems.append(f"{path} cannot be read: {error.strerror}")
        return None


class SeenFingerprints:
    """Remembers which shelves a consumer has seen in their present form; a file that can be deleted.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps: dict[str, int | str] = _kept(path)

    def seen(self, shelf: Shelf, stamp: int | str) -> bool:
        """Return whether the shelf was seen with this stamp; never with 0."""
        return stamp != 0 and self._stamps.get(str(shelf)) == stamp

    def note(self, shelf: Shelf, stamp: int | str) -> None:
        """Remember that the shelf was seen with this stamp."""
        self._stamps[str(shelf)] = stamp

    def keep(self) -> None:
        """Write the file."""
        write_atomically(self._path, json.dumps(self._stamps))


def _kept(path: Path) -> dict[str, Any]:
    try:
        kept = read_json(path)
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []

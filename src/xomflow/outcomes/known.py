"""The results that were known: those that the ledger of the store and the cache of outcomes have.

They are kept nowhere else. If both are lost, nothing is known, as at a first start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.files.folder_marks import FolderAwayError
from xomflow.core.files.kept_json import dict_of, read_kept
from xomflow.core.files.stamps import changed_in
from xomflow.core.key import first_run, run_id
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, Shelf, kept_runs
from xomflow.outcomes.files import finished_of

# In a ledger: whether the store has the points is not known.
UNKNOWN = "?"


class Lost(Enum):
    """What became of the outcome of a known result."""

    GONE = auto()
    DAMAGED = auto()


class KnownResults:
    """The known results of all analyses and versions, and what became of them; reads only.

    Parameters
    ----------
    paths
        Where everything is.
    ledger
        Folder of the ledger of the store that is configured.
    """

    def __init__(self, paths: Paths, ledger: Path) -> None:
        self._paths, self._outcomes = paths, str(paths.outcomes)
        self._ledger = ledger
        self._published: dict[str, str] = read_kept(ledger / "stamps.json", _times_of_folders) or {}

    def shelves(self) -> list[Shelf]:
        """Return the shelves that have known results, whether their outcomes are there or not."""
        return sorted({*shelves_in(self._ledger), *shelves_in(self._paths.known_outcomes)})

    def of(self, shelf: Shelf) -> dict[str, datetime]:
        """Return the known results of a shelf: for each run id when it was noted last."""
        ledger, kept = self._ledger / f"{shelf}.json", self._paths.known_outcomes / f"{shelf}.json"
        published = read_kept(ledger, dict_of(str)) or {}
        found = {run for run, points in published.items() if points != UNKNOWN}
        # While the store is published to, its ledger is written last and has all. The cache takes longer to read.
        if not found or len(found) < len(published) or _time_of(kept) > _time_of(ledger):
            found |= read_kept(kept, kept_runs) or set()
        return dict.fromkeys(found, max(_time_of(kept), _time_of(ledger)))

    def lost(self, shelf: Shelf, everything: bool = False) -> dict[str, Lost]:
        """Return the known results of a shelf whose outcomes are lost.

        Parameters
        ----------
        shelf
            The shelf.
        everything
            Whether to look also if the folder has not changed since it was published, which takes longer.

        Raises
        ------
        FolderAwayError
            If they are on a disk that is away.
        """
        folder = f"{self._outcomes}/{shelf}"
        try:
            if not everything and self._published.get(str(shelf)) == str(changed_in(folder)):
                return {}
            names = set(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            _check_links(self._paths.outcomes, shelf)
            names = set()
        known = self.of(shelf)
        # XOM itself has superseded the outcome of a group. Version 1.0 had groups under the id of their first run.
        groups = {run_id(first_run(run)) for run in map(finished_of, names) if "-" in run}
        missing = {run for run in known if f"{run}.json" not in names and f"{run}.superseded.json" not in names}
        found = dict.fromkeys(missing - groups, Lost.GONE)
        if names & {f"{run}.json" for run in known}:
            cache = OutcomeCache(self._paths)
            found |= dict.fromkeys(cache.damaged_of(shelf, known.keys()), Lost.DAMAGED)
        return found


def _check_links(outcomes: Path, shelf: Shelf) -> None:
    """Raise `FolderAwayError` if a shelf with known results, or a folder of it, is a link that leads nowhere."""
    of_shelf = outcomes / shelf.analysis / shelf.version / shelf.name
    for folder in (of_shelf.parent.parent, of_shelf.parent, of_shelf):
        if folder.is_symlink() and not folder.exists():
            raise FolderAwayError(
                f"{folder} is a link to nothing, so the disk with its results is away; nothing was done; "
                "mount it, or remove the link if they are gone for good"
            )


def _times_of_folders(content: Any) -> dict[str, str]:
    """Return when the folder of each shelf had changed last when it was published."""
    return {shelf: str(fingerprint).partition(" ")[0] for shelf, fingerprint in content.items()}


def shelves_in(folder: Path) -> Iterator[Shelf]:
    """Yield the shelves that a ledger, or the cache of outcomes, has a file of."""
    for analysis in _names(folder):
        for version in _names(f"{folder}/{analysis}"):
            for name in _names(f"{folder}/{analysis}/{version}"):
                if name.endswith(".json"):
                    yield Shelf(analysis, version, name.removesuffix(".json"))


def _names(folder: Path | str) -> list[str]:
    """Return the names in a folder; none if it is none, or cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _time_of(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except FileNotFoundError:
        return times.from_epoch(0)

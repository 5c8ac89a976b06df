"""Which results of one version of an analysis a judge has seen, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.expected.versions.history import History
from xomflow.outcomes.cache import Shelf


class Change(NamedTuple):
    """What has changed in a shelf.

    Parameters
    ----------
    fingerprint
        Of the shelf; empty if it cannot be seen at present.
    now
        The results that there are, see `History.stamps`.
    runs
        The runs whose results changed, came or went.
    """

    fingerprint: str
    now: dict[str, int]
    runs: set[str]


class Seen:
    """The results that were seen.

    Parameters
    ----------
    folder
        Where they are kept, a file for each shelf.
    history
        The results that there are.
    fingerprints
        Those of the shelves as they were seen, by name.
    """

    def __init__(self, folder: Path, history: History, fingerprints: Mapping[str, str]) -> None:
        self._folder, self._history = folder, history
        self.fingerprints = dict(fingerprints)

    def changes(self, shelves: Sequence[Shelf]) -> dict[str, Change]:
        """Return for each shelf that changed what did."""
        found = dict[str, Change]()
        for name in self.fingerprints.keys() - {one.name for one in shelves}:
            found[name] = Change("", {}, set(self.runs(name)))
        for shelf in shelves:
            fingerprint = self._history.fingerprint(shelf)
            if not fingerprint or self.fingerprints.get(shelf.name) != fingerprint:
                known, now = self.runs(shelf.name), self._history.stamps(shelf)
                runs = {run for run in known.keys() | now.keys() if known.get(run) != now.get(run)}
                if runs or fingerprint:
                    found[shelf.name] = Change(fingerprint, now, runs)
        return found

    def note(self, changes: Mapping[str, Change], shelves: Sequence[Shelf]) -> set[str]:
        """Note the results that there are; return the names of shelves that are gone."""
        gone = changes.keys() - {one.name for one in shelves}
        for name, change in changes.items():
            if name in gone:
                self._file(name).unlink(missing_ok=True)
                del self.fingerprints[name]
                continue
            if change.runs:
                write_kept(self._file(name), json.dumps(change.now))
            self.fingerprints[name] = change.fingerprint
        return gone

    def runs(self, shelf: str) -> dict[str, int]:
        """Return the results of a shelf that were seen, see `History.stamps`."""
        return read_kept(self._file(shelf), dict) or {}

    def after(self, shelves: Sequence[Shelf], run: str) -> Iterator[tuple[Shelf, list[str]]]:
        """Return the runs that come after one, in order, by shelf; shelves that can have none are left out."""
        for shelf in shelves:
            if shelf.name >= run[: len(shelf.name)]:
                yield shelf, [one for one in sorted(self.runs(shelf.name)) if one > run]

    def newest(self, shelves: Sequence[Shelf], number: int) -> list[str]:
        """Return the newest runs, in order."""
        found: list[str] = []
        for shelf in reversed(shelves):
            found = [*sorted(self.runs(shelf.name)), *found]
            if len(found) >= number:
                return found[-number:]
        return found

    def _file(self, shelf: str) -> Path:
        return self._folder / f"seen-{shelf}.json"

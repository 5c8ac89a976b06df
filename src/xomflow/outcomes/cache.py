"""The outcomes of each shelf, without opening a file that was opened before.

What was read is kept, each document beside the time, size and number of its file. The kept files can be deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from xomflow.core import times
from xomflow.core.files.folder_marks import mark
from xomflow.core.files.kept_json import UNREADABLE, read_kept, write_kept
from xomflow.core.files.stamps import changed_in
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, list_versions, quarantine, shelf_names
from xomflow.outcomes.model import Outcome
from xomflow.outcomes.reading import compact, outcome_named, read_document
from xomlib.documents.schema import SchemaError
from xomlib.files import read_text

# Differs after each change of a shelf; 0: the shelf may still change, look again.
Fingerprint = int | str


class Shelf(NamedTuple):
    """The outcomes of up to a thousand runs of one version of one analysis; a site has thousands of shelves."""

    analysis: str
    version: str
    name: str

    def __str__(self) -> str:
        return f"{self.analysis}/{self.version}/{self.name}"


class _Kept(NamedTuple):
    """A document, and time of change, size and inode of the file that it was read from."""

    status: list[int]
    document: Any


def _stamps(status: os.stat_result) -> list[int]:
    # A restored file can have the time, the size and, on some file systems, the inode of another one.
    return [status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns]


class OutcomeCache:
    """The outcomes of all shelves.

    Parameters
    ----------
    paths
        Where they are.
    may_write
        Whether what was read is kept.

    Attributes
    ----------
    damaged
        Files without a valid outcome, with what is wrong.
    unreadable
        Files that cannot be read now, with the reason. What was kept of them counts; nothing is known of the others.
    """

    def __init__(self, paths: Paths, may_write: bool = True) -> None:
        self._paths = paths
        self._outcomes = str(paths.outcomes)
        self._may_write = may_write
        self._now: int | None = None
        self.damaged: dict[Path, str] = {}
        self.unreadable: dict[Path, str] = {}

    @property
    def problems(self) -> list[str]:
        """Sentences about the files that hold no outcome or cannot be read now."""
        return [f"{path} {reason}" for path, reason in (self.damaged | self.unreadable).items()]

    def set_aside_damaged(self) -> list[str]:
        """Move the damaged files away; return sentences about these and the unreadable ones."""
        moved = [quarantine(self._paths, path, reason) for path, reason in self.damaged.items()]
        return [*moved, *(f"{path} {reason}" for path, reason in self.unreadable.items())]

    def unknown_in(self, shelf: Shelf, found: Collection[str]) -> set[str]:
        """Return the ids of outcomes of a shelf that cannot be read now, and are not among those that were found."""
        return {path.stem for path in self.unreadable if path.parent == self._folder(shelf)} - set(found)

    def shelves(self) -> list[Shelf]:
        """Return all shelves, those of older versions and of analyses no longer configured included."""
        return [
            Shelf(analysis, version, name)
            for analysis in _folders(self._paths.outcomes)
            for version in list_versions(self._paths, analysis)
            for name in shelf_names(self._paths, analysis, version)
        ]

    def fingerprint(self, shelf: Shelf) -> int:
        """Return a number that changes whenever an outcome of the shelf comes, goes or is replaced."""
        try:
            changed = changed_in(f"{self._outcomes}/{shelf}")
        except FileNotFoundError:
            return 0
        if self._now is None:
            self._now = times.now_of(mark(self._paths.outcomes) if self._may_write else None)
        return changed if times.settled(changed, self._now) else 0

    def outcomes(self, shelf: Shelf) -> dict[str, Outcome]:
        """Return the outcomes of a shelf, by the id of their run or campaign.

        Files without a valid outcome are left out and reported in ``problems``.
        """
        place = self._paths.known_outcomes / f"{shelf}.json"
        kept = read_kept(place, _kept_by_id) or {}
        fresh: dict[str, _Kept] = {}
        found: dict[str, Outcome] = {}
        folder = self._folder(shelf)
        for name, status in self._files(shelf):
            run = name.removesuffix(".json")
            entry = kept.get(run)
            if outcome := _outcome_of(entry, shelf, name, status):
                fresh[run], found[run] = kept[run], outcome
            elif read := self._read(shelf, folder / name, status, entry):
                fresh[run], found[run] = read
        changed = fresh.keys() != kept.keys() or any(fresh[run] is not kept[run] for run in fresh)
        if changed and self._may_write:
            write_kept(place, _as_text(fresh))
        return found

    def stamps(self, shelf: Shelf) -> dict[str, int]:
        """Return for each outcome of a shelf, by id, a number that changes whenever its file does."""
        return {name.removesuffix(".json"): crc32(repr(status).encode()) for name, status in self._files(shelf)}

    def unchanged(self, shelf: Shelf, runs: Collection[str]) -> dict[str, Outcome] | None:
        """Return the outcomes of some runs of a shelf as they are kept; None if one of their files has changed.

        Their files alone are looked at, for a file server needs a request for each.
        """
        folder, found = self._folder(shelf), {}
        lines = self._kept_lines(self._paths.known_outcomes / f"{shelf}.json") if runs else {}
        for run in sorted(runs):
            name = f"{run}.json"
            try:
                status = _stamps((folder / name).stat())
            except FileNotFoundError:
                continue
            except OSError:
                return None
            line, head = lines.get(run, ""), _head(run, status)
            outcome = _outcome_in(line[len(head) : -1], shelf, name, status) if line.startswith(head) else None
            if outcome is None:
                return None
            found[run] = outcome
        return found

    def _kept_lines(self, path: Path) -> dict[str, str]:
        """Return the entries of a kept file by run, each as a line of text; none if the file is missing or damaged."""
        try:
            text = read_text(path)
            if "\n" not in text:  # as an earlier release wrote it
                text = _as_text(_kept_by_id(json.loads(text)))
                if self._may_write:
                    write_kept(path, text)
        except UNREADABLE:
            return {}
        return {line[1 : line.find('"', 1)]: line for line in text[1:-1].split(",\n")}

    def damaged_of(self, shelf: Shelf, runs: Collection[str]) -> set[str]:
        """Return which of these ids have a file without a valid outcome; of files changed since the last look only."""
        place = self._paths.known_outcomes / f"{shelf}.json"
        looked = place.stat().st_mtime_ns if place.exists() else 0
        folder, names = self._folder(shelf), {f"{run}.json" for run in runs}
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name not in names:
                    continue
                try:
                    status = entry.stat()
                except OSError:  # reading it fails too, and gives the reason
                    self._read(shelf, folder / entry.name, [], None)
                else:  # what was renamed or restored may have an old time of its content
                    if not times.is_before(status.st_ctime_ns, looked):
                        self._read(shelf, folder / entry.name, _stamps(status), None)
        return {path.stem for path in self.damaged if path.parent == folder}

    def _folder(self, shelf: Shelf) -> Path:
        return self._paths.shelves(shelf.analysis, shelf.version) / shelf.name

    def _files(self, shelf: Shelf) -> list[tuple[str, list[int]]]:
        """Return the names of the outcomes of a shelf, in order, with the stamps of their files."""
        found: list[tuple[str, list[int]]] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder(shelf)) as entries:
            for entry in entries:
                if is_done_name(entry.name):
                    try:
                        found.append((entry.name, _stamps(entry.stat())))
                    except OSError:  # reading it fails too, and gives the reason
                        found.append((entry.name, []))
        return sorted(found)

    def _read(self, shelf: Shelf, path: Path, status: list[int], kept: _Kept | None) -> tuple[_Kept, Outcome] | None:
        """Return what is in a file now, or was kept of one that cannot be read; None if there is no outcome."""
        try:
            document = read_document(path)
            return _Kept(status, document), outcome_named((shelf.analysis, shelf.version), path.name, document)
        except SchemaError as error:
            self.damaged[path] = str(error)
        except OSError as error:
            self.unreadable[path] = f"cannot be read: {error.strerror}"
            # A disk that does not answer proves nothing about it.
            if kept and (outcome := _outcome_of(kept, shelf, path.name, kept.status)):
                return kept, outcome
        return None


def kept_runs(content: Any) -> set[str]:
    """Return the ids of the runs and campaigns in a kept file."""
    return set(_kept_by_id(content))


def _as_text(kept: Mapping[str, _Kept]) -> str:
    """Return a JSON object with one entry a line, so that an entry can be read without the others."""
    lines = (f"{_head(run, entry.status)}{compact(entry.document)}]" for run, entry in kept.items())
    return "{" + ",\n".join(lines) + "}"


def _head(run: str, status: list[int]) -> str:
    # Version 1.0 had a digest in the second place and needs three entries.
    stamps = ",".join(map(str, status))
    return f'"{run}":[[{stamps}],"",'


def _kept_by_id(content: Any) -> dict[str, _Kept]:
    """Return kept documents by the ids in them; version 1.0 kept campaigns under the number of their first run."""
    return {document["key"]["run"]: _Kept(status, document) for status, *_, document in content.values()}


def _outcome_of(entry: _Kept | None, shelf: Shelf, name: str, status: list[int]) -> Outcome | None:
    """Return the kept outcome of a file; None if the file has changed or the entry is damaged."""
    if entry is None or entry.status != status:
        return None
    try:
        return outcome_named((shelf.analysis, shelf.version), name, entry.document)
    except SchemaError:
        return None


def _outcome_in(text: str, shelf: Shelf, name: str, status: list[int]) -> Outcome | None:
    """Return the outcome in the text of a kept document; None if the text is damaged."""
    try:
        return _outcome_of(_Kept(status, json.loads(text)), shelf, name, status)
    except ValueError:
        return None


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []

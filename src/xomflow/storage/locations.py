"""Where data are that are not here, in words: from the entries ``data`` and ``deleted_data`` of run documents."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.rundb.database import RunDB

_EVENT_BUILDER = re.compile(r"eb\d+(\..*)?")
_HASH = re.compile(r"-([a-z2-7]{10})$")  # of strax: base32, ten characters
_RUCIO = "rucio-catalogue"
# Entries change without another change of the document, and only words depend on them.
_KEPT_SECONDS = 3600.0
_MOST_ASKED = 1000


class DataEntry(NamedTuple):
    """One entry of a document's list of data: type, lineage hash (empty: unknown), where, and whether it is gone."""

    name: str
    digest: str
    where: str
    deleted: bool


class _Kept(NamedTuple):
    """When a run's document was asked for, in seconds since 1970, and its entries; None: it has no list of data."""

    asked: int
    entries: list[DataEntry] | None


def entries_of(document: Mapping[str, Any]) -> list[DataEntry]:
    """Return the entries of a run document that can be understood; the others are passed over."""
    found = []
    for which in ("data", "deleted_data"):
        listed = document.get(which)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(one.get("type"), str):
                deleted = which == "deleted_data" or one.get("status") == "deleted"
                found.append(DataEntry(one["type"], _digest(one), _where(one), deleted))
    return found


def describe_location(entries: Collection[DataEntry] | None, name: str, digest: str) -> str:
    """Return where data are, in words that begin with a space; empty if that is unknown.

    Parameters
    ----------
    entries
        The entries of the run document; None: it has no list of data.
    name, digest
        Type and lineage hash that are wanted.
    """
    if entries is None:
        return ""
    of_type = [one for one in entries if one.name == name]
    wanted = [one for one in of_type if one.digest in ("", digest)]
    alive = _and(one.where for one in wanted if not one.deleted)
    if alive:
        return f" (it is {alive})"
    if wanted:
        return f" (it was deleted, and had been {_and(one.where for one in wanted)})"
    other = _and(one.where for one in of_type if not one.deleted)
    if other:
        return f" (it is {other}, with another lineage)"
    return " (the run database has no entry of it)"


class DataLocations:
    """Looks up where the data of waiting runs are, and keeps it, so that an idle tick asks no server.

    Parameters
    ----------
    rundb
        The run database.
    ends
        The range of runs that the tick looks at.
    place
        The file in which it is kept.
    may_write
        False in a dry-run.
    """

    def __init__(self, rundb: RunDB, ends: tuple[int, int | None], place: Path, may_write: bool) -> None:
        self._rundb = rundb
        self._ends = ends
        self._place = place
        self._may_write = may_write
        self._asked: set[int] = set()
        self._used: set[str] = set()
        self._left = _MOST_ASKED

    def of(self, runs: Collection[str]) -> dict[str, list[DataEntry] | None]:
        """Return the entries in the documents of runs; None for a run whose document has no list of data."""
        if not runs:
            return {}
        kept = self._kept[1]
        self._used.update(runs)
        unknown = sorted({int(run) for run in runs} - self._asked - self._fresh(), reverse=True)[: self._left]
        if unknown:
            self._ask(unknown, kept)
        return {run: kept[run].entries if run in kept else None for run in runs}

    def keep(self) -> None:
        """Write down the entries of the runs that were asked about, if some are new."""
        if self._may_write and self._asked:
            kept = self._kept[1]
            runs = {run: kept[run] for run in sorted(self._used & kept.keys())}
            write_kept(self._place, json.dumps({"stamp": self._stamp, "runs": runs}))

    def _ask(self, numbers: list[int], kept: dict[str, _Kept]) -> None:
        documents = self._rundb.data_of(numbers)
        now = int(time.time())
        for number in numbers:
            document = documents.get(number, {})
            kept[f"{number:06d}"] = _Kept(now, entries_of(document) if document else None)
        self._asked.update(numbers)
        self._left -= len(numbers)

    def _fresh(self) -> set[int]:
        """Return the kept runs that are not asked for again: unchanged documents, asked for not long ago."""
        (stamp, runs), oldest = self._kept, time.time() - _KEPT_SECONDS
        if not stamp or stamp != self._stamp:
            return set()
        return {int(run) for run, one in runs.items() if one.asked > oldest}

    @functools.cached_property
    def _stamp(self) -> str:
        """Changes with the documents; asked for before any of them."""
        return self._rundb.fingerprint(*self._ends)

    @functools.cached_property
    def _kept(self) -> tuple[str, dict[str, _Kept]]:
        """The stamp of the documents from which the kept entries are, and these; new ones are added."""
        return read_kept(self._place, _parse) or ("", {})


def _parse(kept: Any) -> tuple[str, dict[str, _Kept]]:
    """Return the stamp and the runs of a kept file; one of the errors of `read_kept` for another form."""
    runs = {
        f"{int(run):06d}": _Kept(int(asked), None if entries is None else [_parse_entry(*one) for one in entries])
        for run, (asked, entries) in kept["runs"].items()
    }
    return str(kept["stamp"]), runs


def _parse_entry(name: Any, digest: Any, where: Any, deleted: Any) -> DataEntry:
    if not all(isinstance(text, str) for text in (name, digest, where)) or not isinstance(deleted, bool):
        raise TypeError("an entry has another form")
    return DataEntry(name, digest, where, deleted)


def _digest(entry: Mapping[str, Any]) -> str:
    meta = entry.get("meta")
    named = meta.get("lineage_hash") if isinstance(meta, dict) else None
    if isinstance(named, str) and named:
        return named
    for name in ("did", "location"):
        found = _HASH.search(str(entry.get(name, "")))
        if found:
            return found[1]
    return ""


def _where(entry: Mapping[str, Any]) -> str:
    host, location, status = (_text(entry.get(name)) for name in ("host", "location", "status"))
    if host == _RUCIO:
        words = f"on tape at {location}" if "TAPE" in location.upper() else f"in rucio at {location or 'no place'}"
    elif _EVENT_BUILDER.fullmatch(host):
        words = f"at event builder {host}"
    else:
        words = f"at host {host}" if host else "at no host that is named"
    return words if status in ("", "transferred", "deleted") else f"{words}, {status}"


def _text(value: Any) -> str:
    """Return a text of a document in a form for a sentence."""
    return "".join(letter for letter in value if letter.isprintable())[:60] if isinstance(value, str) else ""


def _and(places: Any) -> str:
    return " and ".join(dict.fromkeys(places))

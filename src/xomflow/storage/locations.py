"""Where the data are that are not here, in words: from the entries ``data`` and ``deleted_data`` of run documents."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.kept_json import read_kept
from xomflow.rundb.database import RunDB
from xomlib.files import write_atomically

_EVENT_BUILDER = re.compile(r"eb\d+(\..*)?")
_HASH = re.compile(r"-([a-z2-7]{10})$")  # of strax: base32, ten characters
_RUCIO = "rucio-catalogue"
# Entries change without another change of the document, and nothing hangs on them but words.
_KEPT_SECONDS = 3600.0
_MOST_ASKED = 1000


class Entry(NamedTuple):
    """One entry of a document's list of data: type, lineage hash (empty: unknown), where, and whether it is gone."""

    name: str
    digest: str
    where: str
    deleted: bool


def entries_of(document: Mapping[str, Any]) -> list[Entry]:
    """Return the entries of a run document that can be understood; the others are passed over."""
    found = []
    for which in ("data", "deleted_data"):
        listed = document.get(which)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(one.get("type"), str):
                deleted = which == "deleted_data" or one.get("status") == "deleted"
                found.append(Entry(one["type"], _digest(one), _where(one), deleted))
    return found


def describe_location(entries: Collection[Entry] | None, name: str, digest: str) -> str:
    """Say where data are, beginning with a space; nothing where nobody knows.

    Parameters
    ----------
    entries
        What the run document says of its data; None: it does not say anything.
    name, digest
        Type and lineage hash that are wanted.
    """
    if entries is None:
        return ""
    of_type = [one for one in entries if one.name == name]
    wanted = [one for one in of_type if one.digest in ("", digest)]
    alive = _and(one.where for one in wanted if not one.deleted)
    gone = _and(one.where for one in wanted if one.deleted)
    other = _and(one.where for one in of_type if one not in wanted and not one.deleted)
    if alive:
        return f" (it is {alive})"
    if gone:
        return f" (it was deleted, and had been {gone})"
    if other:
        return f" (it is {other}, with another lineage)"
    return " (the run database knows of none)"


class DataLocations:
    """Looks up where the data of waiting runs are, and keeps it, so that an idle tick asks nobody.

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
        self._known: dict[str, Any] | None = None
        self._asked: set[int] = set()
        self._used: set[str] = set()
        self._left = _MOST_ASKED
        self._learned = False

    def of(self, runs: Collection[str]) -> dict[str, list[Entry] | None]:
        """Return what the documents of runs say of their data; None of a run that says nothing."""
        kept = self._kept()["runs"] if runs else {}
        self._used.update(runs)
        unknown = sorted({int(run) for run in runs} - self._asked - self._fresh(kept), reverse=True)[: self._left]
        if unknown:
            self._ask(unknown, kept)
        return {run: _unpacked(kept.get(run)) for run in runs}

    def keep(self) -> None:
        """Write down what was learned of the runs that were asked about."""
        if self._may_write and self._learned:
            kept = self._kept()
            runs = {run: kept["runs"][run] for run in sorted(self._used & kept["runs"].keys())}
            write_atomically(self._place, json.dumps({"stamp": kept["stamp"], "runs": runs}))

    def _ask(self, numbers: list[int], kept: dict[str, Any]) -> None:
        said = self._rundb.data_of(numbers)
        now = int(time.time())
        for number in numbers:
            document = said.get(number, {})
            kept[f"{number:06d}"] = [now, [list(one) for one in entries_of(document)] if document else None]
        self._asked.update(numbers)
        self._left -= len(numbers)
        self._learned = True

    def _fresh(self, kept: dict[str, Any]) -> set[int]:
        if not self._known or not self._known["same"]:
            return set()
        oldest = time.time() - _KEPT_SECONDS
        return {int(run) for run, (asked, _) in kept.items() if asked > oldest}

    def _kept(self) -> dict[str, Any]:
        """Return what is kept; it is as good as new as long as the documents are the same."""
        if self._known is None:
            stamp = self._rundb.stamp(*self._ends)
            kept_for, runs = read_kept(self._place, _parsed) or ("", {})
            self._known = {"stamp": stamp, "same": bool(stamp) and kept_for == stamp, "runs": runs}
        return self._known


def _parsed(kept: Any) -> tuple[str, dict[str, list[Any]]]:
    """Return the stamp and the runs of a kept file; any error of `read_kept` for another form."""
    runs = {f"{int(run):06d}": [int(asked), _whole(packed)] for run, (asked, packed) in kept["runs"].items()}
    return str(kept["stamp"]), runs


def _whole(packed: Any) -> Any:
    for name, digest, where, deleted in packed or ():
        if not all(isinstance(text, str) for text in (name, digest, where)) or not isinstance(deleted, bool):
            raise ValueError("an entry has another form")
    return packed


def _unpacked(kept: Any) -> list[Entry] | None:
    return None if kept is None or kept[1] is None else [Entry(*one) for one in kept[1]]


def _digest(entry: Mapping[str, Any]) -> str:
    meta = entry.get("meta")
    told = meta.get("lineage_hash") if isinstance(meta, dict) else None
    if isinstance(told, str) and told:
        return told
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
    """Return text of a document as it can stand in a sentence."""
    return "".join(letter for letter in value if letter.isprintable())[:60] if isinstance(value, str) else ""


def _and(places: Any) -> str:
    return " and ".join(dict.fromkeys(places))

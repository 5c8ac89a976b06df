"""``straxen.RunDB``: its own query for all runs of a type at once, and the metadata at the place that it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from xomflow.core.errors import RunDBError
from xomflow.core.files.kept_json import dict_of, list_of
from xomflow.rundb.database import MongoRunDB
from xomflow.storage.frontend import Frontend, Sources, text, types_in
from xomflow.storage.metadata import FolderState, LookupResult, state_in, state_of
from xomflow.storage.rucio import rucio_metadata

_RUNS_AT_A_TIME = 5000  # a query has at most 16 MB, and a server ends what takes too long
_RUCIO = "rucio-catalogue"


@dataclass(frozen=True)
class StraxenRunDB(Frontend):
    """The entries ``data`` of run documents, which name places.

    Parameters
    ----------
    server
        Host and port, database and collection.
    runid_field
        The field by which runs are found: ``name`` or ``number``.
    places
        Queries for the places that this host can read; the last is rucio's.
    rucio_path
        Folder of rucio's data; None: entries of rucio are not used.
    rucio_backend
        Folder from which entries of rucio are read; None: they cannot be read.
    lineages
        The whole lineage of each data type.
    """

    server: tuple[str, str, str]
    runid_field: str
    places: list[dict[str, Any]]
    rucio_path: str | None
    rucio_backend: str | None
    lineages: dict[str, Any]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the frontend that `xomlib.probe.describe` described."""
        host, database, collection = map(text, document["server"])
        rucio_path, rucio_backend = document["rucio_path"], document["rucio_backend"]
        return cls(
            *types_in(document),
            (host, database, collection),
            text(document["runid_field"]),
            list_of(dict)(document["places"]),
            None if rucio_path is None else text(rucio_path),
            None if rucio_backend is None else text(rucio_backend),
            dict_of(dict)(document["lineages"]),
        )

    def look(self, sources: Sources, runs: Collection[str], name: str, digest: str) -> LookupResult | None:
        """Return the runs of which it has data; None if the workflow's run database is another one."""
        rundb = sources.rundb
        if not isinstance(rundb, MongoRunDB) or name not in self.lineages or not self._is_in(rundb):
            return None
        return self.look_in(rundb, runs, name, digest)

    def _is_in(self, rundb: MongoRunDB) -> bool:
        try:
            return rundb.server.holds(*self.server)
        except RunDBError:  # the workflow has no account for a server
            return False

    def look_in(self, rundb: MongoRunDB, runs: Collection[str], name: str, digest: str) -> LookupResult:
        """Return the runs of which it has data, by the documents of this run database."""
        found, rest = LookupResult(), sorted(runs)
        for begin in range(0, len(rest), _RUNS_AT_A_TIME):
            self._add(found, rundb, set(rest[begin : begin + _RUNS_AT_A_TIME]), name, digest)
        return found

    def _add(self, found: LookupResult, rundb: MongoRunDB, left: set[str], name: str, digest: str) -> None:
        if self.rucio_path is not None and self.places:
            # The last of the places is meant to be rucio's; where it is not, the frontend asks for something else.
            for run, entry in self._entries(rundb, left, self._by_did(left, name, digest)).items():
                if entry.get("did") == _did(run, name, digest):
                    found.add(run, self._state_in_rucio(run, name, digest))
                    left.discard(run)
        for run, entry in self._entries(rundb, left, self._by_lineage(name, digest)).items():
            if entry.get("host") != _RUCIO:
                found.add(run, _state_at(entry))

    def _entries(self, rundb: MongoRunDB, runs: Collection[str], wanted: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the first entry ``data`` of each run that is one of those wanted."""
        by_name = self.runid_field == "name"
        query = {"name": {"$in": sorted(runs)}} if by_name else {"number": {"$in": sorted(map(int, runs))}}
        match = {"data": {"$elemMatch": wanted}}
        entries: dict[str, dict[str, Any]] = {}
        for document in rundb.find({**query, **match}, {**match, "name": 1, "number": 1}) if runs else ():
            run = document["name"] if by_name else f"{int(document['number']):06d}"
            entries.setdefault(run, document["data"][0])
        return entries

    def _by_lineage(self, name: str, digest: str) -> dict[str, Any]:
        same = [{"meta.lineage": self.lineages[name]}, {"did": {"$regex": f"/*{name}-{digest}"}}]
        return {"type": name, "$and": [{"$or": same}, {"$or": self.places}]}

    def _by_did(self, runs: Iterable[str], name: str, digest: str) -> dict[str, Any]:
        return {"type": name, "did": {"$in": [_did(run, name, digest) for run in sorted(runs)]}, **self.places[-1]}

    def _state_in_rucio(self, run: str, name: str, digest: str) -> FolderState:
        if self.rucio_backend is None:
            return FolderState.UNREADABLE  # strax finds the entry, and raises when it reads it
        metadata = rucio_metadata(self.rucio_backend, run, name, digest)
        return metadata if isinstance(metadata, FolderState) else state_in(metadata)


def _did(run: str, name: str, digest: str) -> str:
    return f"xnt_{run}:{name}-{digest}"


def _state_at(entry: Mapping[str, Any]) -> FolderState:
    """Return the state of the folder that an entry names; strax takes for granted that the folder is there."""
    location = entry.get("location")
    if entry.get("protocol") != "FileSytemBackend" or not isinstance(location, str):
        return FolderState.UNREADABLE
    folder = Path(location)
    return state_of(str(folder)) if folder.exists() else FolderState.UNREADABLE

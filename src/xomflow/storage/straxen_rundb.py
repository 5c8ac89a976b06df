"""What ``straxen.RunDB`` has, for all runs of a type at once: its own query, and the metadata at the place it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from xomflow.rundb.database import MongoRunDB
from xomflow.storage.metadata import FolderState, Found, judged, state_of
from xomflow.storage.rucio import rucio_metadata

_RUNS_AT_A_TIME = 5000  # a query has at most 16 MB, and a server ends what takes too long
_RUCIO = "rucio-catalogue"


def look_into_straxen_rundb(
    rundb: MongoRunDB, frontend: Mapping[str, Any], runs: Collection[str], name: str, digest: str
) -> Found:
    """Return what ``straxen.RunDB`` has of runs and one type.

    Parameters
    ----------
    rundb
        The run database that the frontend asks.
    frontend
        The frontend as `xomlib.probe.describe` describes it.
    runs, name, digest
        What is asked about: run ids, a type, its lineage hash.
    """
    found = Found()
    rest = sorted(runs)
    for begin in range(0, len(rest), _RUNS_AT_A_TIME):
        _look(rundb, frontend, rest[begin : begin + _RUNS_AT_A_TIME], name, digest, found)
    return found


def _look(
    rundb: MongoRunDB, frontend: Mapping[str, Any], runs: Iterable[str], name: str, digest: str, found: Found
) -> None:
    left = set(runs)
    if frontend["rucio_path"] is not None:
        # The last of the places is meant to be rucio's; where it is not, the frontend asks for something else.
        for run, entry in _entries(rundb, frontend, left, _by_did(frontend, left, name, digest)).items():
            if entry.get("did") == _did(run, name, digest):
                found.add(run, _state_in_rucio(frontend, run, name, digest))
                left.discard(run)
    for run, entry in _entries(rundb, frontend, left, _by_lineage(frontend, name, digest)).items():
        if entry.get("host") != _RUCIO:
            found.add(run, _state_at(entry))


def _entries(
    rundb: MongoRunDB, frontend: Mapping[str, Any], runs: Collection[str], wanted: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the first entry ``data`` of each run that is one of those wanted."""
    by_name = frontend["runid_field"] == "name"
    query = {"name": {"$in": sorted(runs)}} if by_name else {"number": {"$in": sorted(map(int, runs))}}
    match = {"data": {"$elemMatch": wanted}}
    entries: dict[str, dict[str, Any]] = {}
    for document in rundb.find({**query, **match}, {**match, "name": 1, "number": 1}) if runs else ():
        run = document["name"] if by_name else f"{int(document['number']):06d}"
        entries.setdefault(run, document["data"][0])
    return entries


def _by_lineage(frontend: Mapping[str, Any], name: str, digest: str) -> dict[str, Any]:
    same = [{"meta.lineage": frontend["lineages"][name]}, {"did": {"$regex": f"/*{name}-{digest}"}}]
    return {"type": name, "$and": [{"$or": same}, {"$or": frontend["places"]}]}


def _by_did(frontend: Mapping[str, Any], runs: Iterable[str], name: str, digest: str) -> dict[str, Any]:
    return {"type": name, "did": {"$in": [_did(run, name, digest) for run in sorted(runs)]}, **frontend["places"][-1]}


def _did(run: str, name: str, digest: str) -> str:
    return f"xnt_{run}:{name}-{digest}"


def _state_in_rucio(frontend: Mapping[str, Any], run: str, name: str, digest: str) -> FolderState:
    if frontend["rucio_backend"] is None:
        return FolderState.UNREADABLE  # it knows where the data are, but has no means to read them
    metadata = rucio_metadata(frontend["rucio_backend"], run, name, digest)
    return metadata if isinstance(metadata, FolderState) else judged(metadata)


def _state_at(entry: Mapping[str, Any]) -> FolderState:
    """Return the state of the folder that an entry names; that it is there strax takes for granted."""
    location = entry.get("location")
    if entry.get("protocol") != "FileSytemBackend" or not isinstance(location, str):
        return FolderState.UNREADABLE
    folder = Path(location)
    return state_of(str(folder)) if folder.exists() else FolderState.UNREADABLE

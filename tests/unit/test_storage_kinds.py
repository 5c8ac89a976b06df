"""Storage that is not a plain folder: rucio's layout, the run database's entries, and what is asked through strax."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.rundb.database import FileRunDB
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextDescription
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.frontend import Sources
from xomflow.storage.frontends import KINDS, ThroughStrax, frontend_in
from xomflow.storage.metadata import LookupResult
from xomflow.storage.rucio import RucioLocal, rucio_path
from xomflow.storage.straxen_rundb import StraxenRunDB

PROGRAM = Program(Path("/opt/python"))
DIGEST = "bbbbbbbbbb"
EVERYTHING: dict[str, Any] = {"take_only": [], "exclude": []}
STRAXEN_RUNDB = {
    "kind": "rundb",
    "server": ["xenon.lngs.it:27017", "xenonnt", "runs"],
    "runid_field": "name",
    "places": [{"host": "here"}],
    "rucio_path": None,
    "rucio_backend": None,
    "lineages": {"event_info": {}},
    **EVERYTHING,
}


class FakeProbe:
    """A context with this storage; strax finds the data of all runs."""

    def __init__(self, *storage: dict[str, Any]) -> None:
        self._storage = tuple(map(frontend_in, storage))

    def describe(self, _program: Program, _context: Context, types: Any) -> ContextDescription:
        return ContextDescription(dict.fromkeys(types, DIGEST), self._storage, {})

    def stored(self, _program: Program, _context: Context, questions: list[Any]) -> set[Any]:
        return set(questions)


def availability(*storage: dict[str, Any], rundb: Any = None) -> Availability:
    return Availability(FakeProbe(*storage), rundb)  # type: ignore[arg-type]


def folder(place: Path) -> dict[str, Any]:
    return {"kind": "folder", "path": str(place), **EVERYTHING}


# --- frontends --------------------------------------------------------------------------------------------------------


def test_without_a_server_of_our_own_straxens_run_database_is_asked_through_strax(tmp_path: Path) -> None:
    found = availability(STRAXEN_RUNDB, rundb=FileRunDB(tmp_path / "runs.jsonl"))
    stored = found.stored(PROGRAM, Context(function="nobody:asks"), ["052894"], ["event_info"])
    assert stored == {"052894": {"event_info"}}


def test_of_storage_of_all_kinds_only_absent_folders_are_named_and_each_once(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    rucio = {"kind": "rucio_local", "path": str(tmp_path / "no rucio"), **EVERYTHING}
    context = Context(function="nobody:asks", storage=[str(absent), str(tmp_path)])
    found = availability(folder(absent), folder(tmp_path), rucio, STRAXEN_RUNDB)
    sentences = found.absent_places(PROGRAM, context, ["event_info"])
    assert sentences == [f"context: the folder {absent} of strax data is not there"]
    assert found.absent_places(PROGRAM, context, ["event_info"]) == []


def test_a_folder_of_the_context_itself_may_be_absent_where_another_is_there(tmp_path: Path) -> None:
    found = availability(folder(tmp_path / "absent"), folder(tmp_path))
    assert found.absent_places(PROGRAM, Context(function="nobody:asks"), ["event_info"]) == []


def test_where_all_folders_are_absent_all_are_named(tmp_path: Path) -> None:
    found = availability(folder(tmp_path / "a"), folder(tmp_path / "b"))
    assert len(found.absent_places(PROGRAM, Context(function="nobody:asks"), ["event_info"])) == 2


# --- rucio ------------------------------------------------------------------------------------------------------------


def data_set(root: Path, metadata: str, files: tuple[str, ...] = ()) -> LookupResult:
    """What is found of run 052894 in rucio's layout, where its metadata are this text and these files are there."""
    place = Path(rucio_path(str(root), "052894", f"event_info-{DIGEST}-metadata.json"))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(metadata)
    for name in files:
        path = Path(rucio_path(str(root), "052894", name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    frontend = RucioLocal((), (), str(root))
    return frontend.look(Sources(FolderListings()), ["052894", "052895"], "event_info", DIGEST)


def test_a_data_set_is_complete_with_all_files_that_its_metadata_name(tmp_path: Path) -> None:
    metadata = json.dumps({"writing_ended": 1, "chunks": [{"filename": "a"}, {"filename": "b"}, {"n": 0}]})
    assert data_set(tmp_path, metadata, ("a",)) == LookupResult()
    assert data_set(tmp_path, metadata, ("b",)) == LookupResult(complete={"052894"})


def test_a_data_set_that_was_not_written_to_the_end_is_none(tmp_path: Path) -> None:
    assert data_set(tmp_path, json.dumps({"chunks": []})) == LookupResult()
    assert data_set(tmp_path, json.dumps({"chunks": [], "writing_ended": 1, "exception": "it broke"})) == LookupResult()


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "other"])
def test_a_description_without_one_of_its_entries_is_no_frontend(kind: str) -> None:
    whole = {**STRAXEN_RUNDB, "path": "/data", "kind": kind}
    assert isinstance(frontend_in(whole), KINDS[kind])
    needed = {"rundb": STRAXEN_RUNDB.keys()}.get(kind, {"kind", "path", *EVERYTHING})
    for name in needed:
        with pytest.raises(KeyError):
            frontend_in({other: value for other, value in whole.items() if other != name})
        with pytest.raises((KeyError, TypeError)):
            frontend_in({**whole, name: 5})


ODD_METADATA = ["[]", '"x"', "5", '{"chunks": ["x"]}', '{"chunks": 5}', '{"chunks": null}', '{"chunks": [null]}']


ODD_METADATA += ['{"chunks": [{"filename": 5}]}', r'{"chunks": [{"filename": "\ud800"}]}']


@pytest.mark.parametrize("metadata", ODD_METADATA)
def test_metadata_of_another_form_are_broken_and_stop_nothing(tmp_path: Path, metadata: str) -> None:
    assert data_set(tmp_path, metadata) == LookupResult(broken={"052894"})


@pytest.mark.parametrize("metadata", ["", "{", "[" * 100_000])
def test_metadata_that_are_not_json_are_passed_over_as_straxens_frontend_does(tmp_path: Path, metadata: str) -> None:
    assert data_set(tmp_path, metadata) == LookupResult()


# --- straxen.RunDB ----------------------------------------------------------------------------------------------------


class Documents:
    """A run database that finds these documents, and writes down what it was asked."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = documents
        self.queries: list[dict[str, Any]] = []

    def find(self, query: dict[str, Any], _projection: dict[str, Any]) -> list[dict[str, Any]]:
        self.queries.append(query)
        return list(self._documents)


def straxen_found(*entries: dict[str, Any], runid_field: str = "name", **frontend: Any) -> LookupResult:
    """What is found where run 052894 has this entry, and run 052895 the next."""
    documents = [
        {"name": f"{number:06d}", "number": number, "data": [one]} for number, one in enumerate(entries, 52894)
    ]
    rundb: Any = Documents(*documents)
    asking = StraxenRunDB.from_json({**STRAXEN_RUNDB, "runid_field": runid_field, **frontend})
    return asking.look_in(rundb, ["052894", "052895"], "event_info", DIGEST)


def strax_folder(root: Path, metadata: Any) -> str:
    place = root / f"052894-event_info-{DIGEST}"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"event_info-{DIGEST}-metadata.json").write_text(json.dumps(metadata))
    return str(place)


@pytest.mark.parametrize("runid_field", ["name", "number"])
def test_the_folder_that_an_entry_names_is_looked_into(tmp_path: Path, runid_field: str) -> None:
    entry = {"host": "here", "protocol": "FileSytemBackend", "location": strax_folder(tmp_path, {"writing_ended": 1})}
    assert straxen_found(entry, runid_field=runid_field) == LookupResult(complete={"052894"})
    strax_folder(tmp_path, {})
    assert straxen_found(entry, runid_field=runid_field) == LookupResult()


@pytest.mark.parametrize("change", [{"location": "/nowhere/at/all"}, {"location": None}, {"protocol": "S3"}])
def test_an_entry_that_cannot_be_followed_is_broken_and_costs_no_other(tmp_path: Path, change: dict[str, Any]) -> None:
    good = {"host": "here", "protocol": "FileSytemBackend", "location": strax_folder(tmp_path, {"writing_ended": 1})}
    assert straxen_found({**good, **change}, good) == LookupResult({"052895"}, {"052894"})


def test_metadata_that_cannot_be_read_are_broken(tmp_path: Path) -> None:
    place = tmp_path / f"052894-event_info-{DIGEST}"
    (place / f"event_info-{DIGEST}-metadata.json").mkdir(parents=True)
    entry = {"host": "here", "protocol": "FileSytemBackend", "location": str(place)}
    assert straxen_found(entry) == LookupResult(broken={"052894"})


def test_an_entry_of_rucio_is_read_from_rucio_or_is_broken(tmp_path: Path) -> None:
    entry = {"host": "rucio-catalogue", "did": f"xnt_052894:event_info-{DIGEST}"}
    assert straxen_found(entry, rucio_path=str(tmp_path)) == LookupResult(broken={"052894"})
    data_set(tmp_path, json.dumps({"writing_ended": 1}))
    assert straxen_found(entry, rucio_path="x", rucio_backend=str(tmp_path)) == LookupResult(complete={"052894"})


def test_an_entry_of_rucio_with_another_lineage_is_none(tmp_path: Path) -> None:
    data_set(tmp_path, json.dumps({"writing_ended": 1}))
    entry = {"host": "rucio-catalogue", "did": "xnt_052894:event_info-cccccccccc"}
    assert straxen_found(entry, rucio_path="x", rucio_backend=str(tmp_path)) == LookupResult()


def test_a_frontend_takes_what_it_does_not_exclude_and_of_that_only_what_is_listed_if_anything_is() -> None:
    for take_only, exclude, taken in (
        ((), (), {"peaks", "events"}),
        (("events",), (), {"events"}),
        ((), ("events",), {"peaks"}),
        (("events",), ("events",), set()),
    ):
        frontend = ThroughStrax(take_only, exclude)
        assert {name for name in ("peaks", "events") if frontend.takes(name)} == taken, (take_only, exclude)

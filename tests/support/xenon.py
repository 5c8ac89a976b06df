"""What straxen's own online context needs of a MongoDB server, and the data of runs as a site has them."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from local_servers.mongo import MongoAccess
from support.site import document
from xomflow.storage.rucio import rucio_path

HERE = socket.getfqdn()
DALI = "dali-login1.rcc.uchicago.edu"
WRITTEN: dict[str, Any] = {"chunks": [], "writing_ended": 1.0}
# One value is all that this context looks up in the data base of corrections when it is built.
_XEDOCS = {
    "version": "global_ONLINE",
    "config_name": "elife",
    "value": "xedocs://electron_lifetimes?attr=value&run_id=plugin.run_id&version=ONLINE",
}


def xenon_config(path: Path, access: MongoAccess, database: str) -> Path:
    """Write a file with an account as XENON people have it."""
    account = {"user": quote_plus(access.user), "password": quote_plus(access.password), "database": database}
    entries = {"rundb_api_url": "http://127.0.0.1:9/none", "rundb_api_user": "u", "rundb_api_password": "p"}
    for kind in ("xent", "pymongo"):
        entries |= {f"{kind}_url": access.address, **{f"{kind}_{name}": value for name, value in account.items()}}
    lines = [f"{name} = {value}" for name, value in entries.items()]
    path.touch(0o600)
    path.write_text("\n".join(["[basic]", "logging_level = WARNING", "[RunDB]", *lines, ""]))
    return path


@contextlib.contextmanager
def xedocs(access: MongoAccess) -> Iterator[None]:
    """Put what straxen's context looks up into the server until the end of the block."""
    with access.client() as client:
        configs = client["xedocs"].context_configs
        made = configs.insert_one(dict(_XEDOCS)).inserted_id
        try:
            yield
        finally:
            configs.delete_one({"_id": made})


class Places:
    """Where the data of a site are: folders of strax data, rucio's storage element, the run documents.

    Parameters
    ----------
    folder
        For all of them.
    name, digest, lineage
        The type, its lineage hash, its lineage.
    """

    def __init__(self, folder: Path, name: str, digest: str, lineage: Any) -> None:
        self.folder, self.name, self.digest, self.lineage = folder, name, digest, lineage
        for place in ("processed", "registered", "rucio"):
            (folder / place).mkdir(exist_ok=True)

    def data(self, run: str, where: str, metadata: Any = WRITTEN) -> Path:
        """Make a folder of strax data; metadata None: none."""
        place = self.folder / where / f"{run}-{self.name}-{self.digest}"
        place.mkdir()
        if metadata is not None:
            (place / f"{self.name}-{self.digest}-metadata.json").write_text(json.dumps(metadata))
        return place

    def rucio(self, run: str, text: str | None = None, there: int = 2) -> None:
        """Make a data set of two files in rucio's layout, of which so many are there."""
        files = [f"{self.name}-{self.digest}-{number:06d}" for number in range(2)]
        content = text or json.dumps({**WRITTEN, "chunks": [{"filename": file} for file in files] + [{"n": 0}]})
        written = {f"{self.name}-{self.digest}-metadata.json": content, **dict.fromkeys(files[:there], "")}
        for file, what in written.items():
            path = Path(rucio_path(str(self.folder / "rucio"), run, file))
            path.parent.mkdir(parents=True)
            path.write_text(what)

    def rucio_without_metadata(self, run: str) -> None:
        """Make the folder of the metadata, and nothing in it."""
        file = f"{self.name}-{self.digest}-metadata.json"
        Path(rucio_path(str(self.folder / "rucio"), run, file)).parent.mkdir(parents=True)

    def at(self, run: str, host: str = HERE, **changes: Any) -> dict[str, Any]:
        """An entry of a document: data at a host."""
        location = str(self.folder / "registered" / f"{run}-{self.name}-{self.digest}")
        entry = {"type": self.name, "host": host, "location": location, "protocol": "FileSytemBackend"}
        return {**entry, "meta": {"lineage": self.lineage}, **changes}

    def in_rucio(self, run: str, location: str = "UC_DALI_USERDISK", **changes: Any) -> dict[str, Any]:
        """An entry of a document: data in rucio."""
        did = f"xnt_{run}:{self.name}-{self.digest}"
        entry = {"type": self.name, "host": "rucio-catalogue", "location": location, "did": did}
        return {**entry, "status": "transferred", "protocol": "rucio", **changes}


def _registered(metadata: Any = WRITTEN, **changes: Any) -> Callable[[Places, str], list[Any]]:
    def make(places: Places, run: str) -> list[Any]:
        places.data(run, "registered", metadata)
        return [places.at(run, **changes)]

    return make


def _registered_broken(places: Places, run: str) -> list[Any]:
    places.data(run, "processed")
    return _registered(None)(places, run)


def _registered_with_exception(places: Places, run: str) -> list[Any]:
    places.data(run, "processed")
    return _registered({**WRITTEN, "exception": "it broke"})(places, run)


def _nothing_there(places: Places, run: str) -> list[Any]:
    return [places.at(run)]


def _two_entries(places: Places, run: str) -> list[Any]:
    return [places.at(run, "eb3.xenon.local", location="/nowhere"), *_registered()(places, run)]


def _folder(places: Places, run: str) -> list[Any]:
    places.data(run, "processed")
    return []


def _rucio(there: bool = True, **changes: Any) -> Callable[[Places, str], list[Any]]:
    def make(places: Places, run: str) -> list[Any]:
        if there:
            places.rucio(run)
        return [places.in_rucio(run, **changes)]

    return make


def _rucio_without_metadata(places: Places, run: str) -> list[Any]:
    places.rucio_without_metadata(run)
    return [places.in_rucio(run)]


def _rucio_files(text: str | None = None, there: int = 2) -> Callable[[Places, str], list[Any]]:
    def make(places: Places, run: str) -> list[Any]:
        places.rucio(run, text, there)
        return []

    return make


OTHER_LINEAGE = {"peak_basics": ["Other", "0.0.0", {}]}
CASES: dict[str, Callable[[Places, str], list[Any]]] = {
    "registered at this host": _registered(),
    "registered at another host": _registered(host="eb3.xenon.local"),
    "registered under the host's alias": _registered(host="dali"),
    "registered here and elsewhere": _two_entries,
    "another lineage": _registered(meta={"lineage": OTHER_LINEAGE}),
    "no lineage": _registered(meta={}),
    "metadata missing": _registered(None),
    "metadata with an exception": _registered({**WRITTEN, "exception": "it broke"}),
    "writing not ended": _registered({"chunks": []}),
    "registered, not there": _nothing_there,
    "registered without metadata, good in a folder": _registered_broken,
    "registered with an exception, good in a folder": _registered_with_exception,
    "protocol of another kind": _registered(protocol="S3Backend"),
    "only in a folder": _folder,
    "in rucio here": _rucio(),
    "in rucio here, nothing there": _rucio(there=False),
    "in rucio here, metadata missing": _rucio_without_metadata,
    "in rucio, not transferred": _rucio(there=False, status="transferring"),
    "in rucio on tape": _rucio(there=False, location="CNAF_TAPE3_USERDISK"),
    "in rucio, another lineage": _rucio(there=False, did="xnt_050000:peak_basics-zzzzzzzz77"),
    "rucio's files alone": _rucio_files(),
    "rucio's files, one missing": _rucio_files(there=1),
    "rucio's files, metadata cut": _rucio_files('{"writing_ended": '),
    "rucio's files, exception": _rucio_files('{"writing_ended": 1, "exception": "x"}'),
    "deleted": lambda places, run: [],
    "nothing known": lambda places, run: [],
}


def case_runs() -> dict[str, str]:
    """The run id of each case."""
    return {case: f"{50001 + number:06d}" for number, case in enumerate(CASES)}


def make_cases(places: Places) -> list[dict[str, Any]]:
    """Make the data of every case and return the run documents, in plain JSON."""
    documents = []
    for case, run in case_runs().items():
        entries = CASES[case](places, run)
        gone = [places.in_rucio(run, status="deleted")] if case == "deleted" else []
        documents.append(document(int(run), data=entries, deleted_data=gone))
    shutil.rmtree(places.folder / "nothing", ignore_errors=True)
    return documents

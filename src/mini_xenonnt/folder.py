"""The folder of a set: its parameters, documents, truths and data, and which data are complete.

`mini.json` holds the parameters, `runs.jsonl` the run documents, `truth/` the truths, `strax_data/` the data.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mini_xenonnt import __version__
from mini_xenonnt.schedule import Parameters, Run

SCHEMA = "mini-xenonnt-1"


class FolderError(Exception):
    """A folder that cannot be used as asked; the message is one sentence."""


def strax_data(folder: Path) -> Path:
    """Return the folder with the strax data of a set."""
    return folder / "strax_data"


def truth_file(folder: Path, run_id: str) -> Path:
    """Return the truth file of a run."""
    return folder / "truth" / f"{run_id}.json"


def runs_file(folder: Path) -> Path:
    """Return the file with the run documents."""
    return folder / "runs.jsonl"


def data_folder(folder: Path, run_id: str, data_type: str, lineage_hash: str) -> Path:
    """Return the folder in which strax keeps one data type of one run."""
    return strax_data(folder) / f"{run_id}-{data_type}-{lineage_hash}"


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file, replacing the old one at once; leave a file of the same content alone.

    Returns
    -------
    bool
        Whether the file was written.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder for this process; the lock ends with the process.

    Raises
    ------
    FolderError
        If another process has locked it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderError(f"{folder}: another process is making runs here") from error
        yield


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return the content of `mini.json`, or None if there is none yet.

    Raises
    ------
    FolderError
        If the file is not one of this version of the mini-XENONnT.
    """
    path = folder / "mini.json"
    if not path.is_file():
        return None
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FolderError(f"{path}: not JSON ({error})") from error
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise FolderError(f"{path}: not a file of the mini-XENONnT")
    if state.get("version") != __version__:
        raise FolderError(
            f"{path}: made by version {state.get('version')} of the mini-XENONnT, not by {__version__}; "
            f"delete {folder} or choose another folder"
        )
    return state


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write `mini.json`."""
    text = json.dumps({"schema": SCHEMA, "version": __version__, **state}, indent=1, sort_keys=True)
    write_if_changed(folder / "mini.json", text + "\n")


def to_text(when: datetime) -> str:
    """Return a time as ISO text in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parameters_to_json(parameters: Parameters) -> dict[str, Any]:
    """Return parameters as JSON."""
    return {**vars(parameters), "now": to_text(parameters.now)}


def parameters_from_json(value: Mapping[str, Any]) -> Parameters:
    """Return the parameters that `parameters_to_json` wrote."""
    return Parameters(**{**value, "now": datetime.fromisoformat(value["now"])})


def taken_to_json(run: Run) -> dict[str, Any]:
    """Return a run that was taken by hand as JSON."""
    return {
        "number": run.number,
        "mode": run.mode,
        "start": to_text(run.start),
        "end": to_text(run.end),
        "tags": list(run.tags),
    }


def taken_from_json(value: Mapping[str, Any]) -> Run:
    """Return the run that `taken_to_json` wrote."""
    start, end = (datetime.fromisoformat(value[key]) for key in ("start", "end"))
    return Run(value["number"], value["mode"], start, end, tags=tuple(value["tags"]))


def is_readable(path: Path) -> bool:
    """Return whether strax would read a data folder: finished, without an exception."""
    metadata = _metadata(path)
    return "writing_ended" in metadata and "exception" not in metadata


def is_complete(folder: Path, run: Run, lineage: Mapping[str, str]) -> bool:
    """Return whether a run has all its data, including the broken ones of an odd run."""
    for name in run.types:
        if not is_readable(data_folder(folder, run.run_id, name, lineage[name])):
            return False
    for name in run.broken_types:
        path = data_folder(folder, run.run_id, name, lineage[name])
        if run.odd == "temp":
            path = path.with_name(path.name + "_temp")
        if not _metadata(path):
            return False
    return True


def _metadata(path: Path) -> dict[str, Any]:
    name = path.name.removesuffix("_temp").split("-", maxsplit=1)[-1]
    try:
        metadata: dict[str, Any] = json.loads((path / f"{name}-metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metadata

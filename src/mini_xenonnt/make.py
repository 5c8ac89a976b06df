"""Making a set of runs and taking further ones. Only the worker processes import strax."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from mini_xenonnt import folder as place
from mini_xenonnt import schedule, truth
from mini_xenonnt.documents import run_document, to_lines
from mini_xenonnt.production.workers import Report, Workers
from mini_xenonnt.schedule import Parameters, Run


class ProductionError(Exception):
    """Some runs could not be made; the message names them."""


def make(folder: Path, asked: Mapping[str, Any], jobs: int, report: Report) -> None:
    """Make a set of runs, or its missing runs.

    Parameters
    ----------
    folder : Path
        Folder of the set.
    asked : Mapping
        Parameters (fields of `schedule.Parameters`) that the user gave. The others are those of the set that is there,
        or the defaults.
    jobs : int
        Number of worker processes.
    report : callable
        Called with each line of progress.

    Raises
    ------
    FolderError
        If the folder holds another set.
    ProductionError
        If some runs could not be made; the others are complete.
    """
    begin = time.monotonic()
    with place.locked(folder):
        state = place.read_state(folder)
        parameters = _parameters(folder, state, asked)
        taken = [place.taken_from_json(value) for value in (state or {}).get("taken", [])]
        done = _complete(folder, parameters, taken, state or {}, jobs, report)
    total = parameters.runs + len(taken)
    if done:
        report(f"{folder}: {total} runs; made the data of {done} in {time.monotonic() - begin:.0f} s")
    else:
        report(f"{folder}: all {total} runs are there, nothing to make")


def take(
    folder: Path, mode: str, tags: tuple[str, ...], decays: int | None, now: datetime, jobs: int, report: Report
) -> Run:
    """Take one more run into an existing set.

    Parameters
    ----------
    mode, tags, decays
        Run mode, tags, and the number of Kr83m decays (None: as in the set).
    now : datetime
        The time on the DAQ's clock.

    Returns
    -------
    Run
        The new run; its data and its document are complete.

    Raises
    ------
    FolderError
        If there is no set.
    ProductionError
        If the data could not be made; the run stays in the set, and `make` tries again.
    """
    with place.locked(folder):
        state = place.read_state(folder)
        if state is None:
            raise place.FolderError(f"{folder}: no runs yet (python -m mini_xenonnt make --output {folder})")
        parameters = place.parameters_from_json(state["parameters"])
        taken = [place.taken_from_json(value) for value in state["taken"]]
        runs = schedule.plan(parameters) + taken
        run = schedule.take(runs, parameters, mode, tags, decays or parameters.decays, now)
        _complete(folder, parameters, [*taken, run], state, jobs, report)
    return run


def _parameters(folder: Path, state: Mapping[str, Any] | None, asked: Mapping[str, Any]) -> Parameters:
    """Return the parameters of the set: those of an existing set, else those asked for and the defaults."""
    if state is None:
        now = datetime.now(UTC).replace(microsecond=0)
        return Parameters(**{"now": now, **asked})
    there = place.parameters_from_json(state["parameters"])
    wanted = replace(there, **asked)
    for name, value in vars(wanted).items():
        if value != getattr(there, name):
            raise place.FolderError(
                f"{folder}: holds a set made with {name} = {getattr(there, name)}, not {value}; "
                "choose another folder or delete this one"
            )
    return there


def _complete(
    folder: Path, parameters: Parameters, taken: list[Run], state: Mapping[str, Any], jobs: int, report: Report
) -> int:
    """Make missing data and write the documents; return the number of runs whose data were made."""
    runs = schedule.plan(parameters) + taken
    truths = {run.run_id: _truth(parameters, run) for run in runs if schedule.MODES[run.mode].types}
    new_state = {
        "parameters": place.parameters_to_json(parameters),
        "odd": schedule.odd_runs(runs),
        "taken": [place.taken_to_json(run) for run in taken],
        "lineage": state.get("lineage", {}),
    }
    place.write_state(folder, new_state)
    for run_id, values in truths.items():
        place.write_if_changed(place.truth_file(folder, run_id), truth.to_text(values))
    place.strax_data(folder).mkdir(exist_ok=True)
    made_with = _made_with()
    with Workers(folder, jobs) as workers:
        if new_state["lineage"].get("made_with") != made_with:
            new_state["lineage"] = {"made_with": made_with, "hashes": workers.lineage_hashes()}
            place.write_state(folder, new_state)
        hashes = new_state["lineage"]["hashes"]
        missing = [run for run in runs if not place.is_complete(folder, run, hashes)]
        failed = workers.produce(missing, report)
    present = max([parameters.now, *(run.end for run in taken)])
    documents = (run_document(run, hashes, parameters.seed, present) for run in runs)
    place.write_if_changed(place.runs_file(folder), to_lines(documents))
    if failed:
        raise ProductionError(f"the data of {len(failed)} runs could not be made: {', '.join(sorted(failed))}")
    return len(missing)


def _truth(parameters: Parameters, run: Run) -> dict[str, Any]:
    return truth.of_run(parameters.truth, run.run_id, run.mode, run.start, run.end, parameters.origin, parameters.seed)


def _made_with() -> dict[str, str]:
    """Return what determines the lineage hashes: versions of strax and straxen, and the sources of this package."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return {"strax": _version("strax"), "straxen": _version("straxen"), "mini_xenonnt": digest}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise ProductionError(f"{distribution} is not installed here: use the analysis environment's Python") from error

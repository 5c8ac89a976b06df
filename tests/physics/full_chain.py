"""The TPC's analyses over a small set of mini-XENONnT runs that straxen's own plugins processed, as JSON.

Needs the analysis environment; the set is made in a temporary folder.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import analysis_scripts

from mini_xenonnt.folder import is_readable
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.job import begin

MAKE = ("--runs", "6", "--decays", "8000", "--seconds", "600", "--seed", "3", "--now", "2026-11-22T12:00:00Z")


def analyse(module: ModuleType, data: Path, run_id: str, draft: Path | None = None) -> dict[str, Any]:
    """Return results by variable, the sizes of figures, which are drawn if there is a folder, and what was raised."""
    name = module.__name__.removeprefix("analysis_")
    begun = begin(
        JobDescription(
            key=JobKey(name, "v1", run_id),
            script=str(module.__file__),
            context=ContextSpec("mini_xenonnt.context:mini_xenonnt", {"output_folder": str(data)}),
            draft=str(draft / f"{name}-{run_id}-{data.name}") if draft else None,
        )
    )
    raised = None
    try:
        module.main(run_id)
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    pictures = [begun.folder / "figures" / file_name for file_name in begun.figures] if begun.folder else []
    return {
        "results": {result["variable"]: result for result in begun.results},
        "figures": [picture.stat().st_size for picture in pictures],
        "raised": raised,
    }


def truths_of(mini: Path, data_type: str) -> dict[str, dict[str, Any]]:
    """Return the truths of the runs of a set that have a readable data type."""
    found = {}
    for path in sorted((mini / "truth").glob("*.json")):
        if any(is_readable(part) for part in (mini / "strax_data").glob(f"{path.stem}-{data_type}-*")):
            found[path.stem] = json.loads(path.read_text())
    return found


def copy_run(data: Path, run_id: str, folder: Path) -> Path:
    """Copy all data of a run into a new folder and return it."""
    folder.mkdir(parents=True)
    for part in data.glob(f"{run_id}-*"):
        shutil.copytree(part, folder / part.name)
    return folder


def remove_last_chunk(folder: Path) -> None:
    """Remove the last chunk of a data type."""
    max(path for path in folder.iterdir() if path.suffix != ".json").unlink()


def analyse_tpc(mini: Path, scratch: Path, most: int | None = None) -> dict[str, Any]:
    """Analyse the TPC runs of a set, at most so many with and without krypton; one with damaged and missing data."""
    of_krypton = [analysis_scripts.load(name) for name in ("kr83m", "drift")]
    kr83m = of_krypton[0]
    of_tpc = [
        analysis_scripts.load(name)
        for name in ("event_rate", "photo_ionization", "peak_rate", "single_electron", "pmt_health")
    ]
    alpha = analysis_scripts.load("alpha")
    data, draft = mini / "strax_data", scratch / "draft"
    document: dict[str, Any] = {"runs": {}}
    truths = truths_of(mini, "event_info")
    with_krypton = [run for run, truth in truths.items() if truth["mode"] == "tpc_kr83m"]
    others = [run for run in truths if run not in with_krypton]
    for run_id in (*with_krypton[:most], *others[:most]):
        found: dict[str, Any] = {"truth": truths[run_id]}
        for module in of_tpc:
            found[module.__name__.removeprefix("analysis_")] = analyse(module, data, run_id, draft)
        if run_id in others:
            found["alpha"] = analyse(alpha, data, run_id, draft)
        if run_id in with_krypton:
            for module in of_krypton:
                found[module.__name__.removeprefix("analysis_")] = analyse(module, data, run_id, draft)
            document["kr_run"] = run_id
        document["runs"][run_id] = found
    run_id = document["kr_run"]
    for case in ("no_double", "missing_chunk"):
        copy = copy_run(data, run_id, scratch / case)
        (double,) = copy.glob(f"{run_id}-event_info_double-*")
        if case == "no_double":
            shutil.rmtree(double)
        else:
            remove_last_chunk(double)
        document[case] = analyse(kr83m, copy, run_id, draft)
    return document


def main() -> None:
    """Make the set, analyse it, print the document as the last line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("NUMBA_CACHE_DIR", str(analysis_scripts.ROOT / "work" / "cache" / "numba"))
        command = [sys.executable, "-m", "mini_xenonnt", "make", "--output", str(folder / "mini"), *MAKE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with contextlib.redirect_stdout(sys.stderr):
            document = analyse_tpc(folder / "mini", folder)
    print(json.dumps(document))


if __name__ == "__main__":
    main()

"""The TPC's analyses over a small set of mini-XENONnT runs that straxen's own plugins processed, as JSON.

Needs the analysis environment; the set is made in a temporary folder.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import analysis_scripts

from xomlib.job import begin
from xomlib.job_description import ContextSpec, JobDescription, JobKey

MAKE = ("--runs", "6", "--decays", "8000", "--seconds", "600", "--seed", "3", "--now", "2026-11-22T12:00:00Z")


def analyse(module: ModuleType, data: Path, run_id: str, draft: Path) -> dict[str, Any]:
    """Return results by variable, the figures' sizes, and what was raised."""
    name = module.__name__.removeprefix("analysis_")
    begun = begin(
        JobDescription(
            key=JobKey(name, "v1", run_id),
            script=str(module.__file__),
            context=ContextSpec("mini_xenonnt.context:mini_xenonnt", {"output_folder": str(data)}),
            draft=str(draft / f"{name}-{run_id}-{data.name}"),
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


def run_all(folder: Path) -> dict[str, Any]:
    """Analyse every run, and one of them with damaged and with missing data types."""
    kr83m = analysis_scripts.load("kr83m")
    of_tpc = [analysis_scripts.load(name) for name in ("event_rate", "photo_ionization", "peak_rate")]
    data, draft = folder / "mini" / "strax_data", folder / "draft"
    document: dict[str, Any] = {"runs": {}}
    for path in sorted((folder / "mini" / "truth").glob("*.json")):
        truth = json.loads(path.read_text())
        if not any(data.glob(f"{path.stem}-event_info-*")):
            continue
        said = {"truth": truth}
        for module in of_tpc:
            said[module.__name__.removeprefix("analysis_")] = analyse(module, data, path.stem, draft)
        if truth["mode"] == "tpc_kr83m":
            said["kr83m"] = analyse(kr83m, data, path.stem, draft)
            document["kr_run"] = path.stem
        document["runs"][path.stem] = said
    run_id = document["kr_run"]
    for case in ("no_double", "missing_chunk"):
        copy = folder / case
        copy.mkdir()
        for part in data.glob(f"{run_id}-*"):
            shutil.copytree(part, copy / part.name)
        (double,) = copy.glob(f"{run_id}-event_info_double-*")
        if case == "no_double":
            shutil.rmtree(double)
        else:
            max(path for path in double.iterdir() if path.suffix != ".json").unlink()
        document[case] = analyse(kr83m, copy, run_id, draft)
    return document


def main() -> None:
    """Make the set, analyse it, print the document as the last line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "mini_xenonnt", "make", "--output", str(folder / "mini"), *MAKE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with contextlib.redirect_stdout(sys.stderr):
            document = run_all(folder)
    print(json.dumps(document))


if __name__ == "__main__":
    main()

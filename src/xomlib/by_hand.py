"""Try an analysis script by hand: ``python scripts/analyses/<name>.py 052894``."""

import argparse
import contextlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Callable

from xomlib.errors import JobError, failure_class
from xomlib.files import dump_json
from xomlib.job import begin


def cli(main: Callable[[str], Any]) -> None:
    """Run ``main`` for the run that the command line names, and print its results as JSON.

    Standard output has nothing but them; what the script and its libraries print goes to standard error. The exit
    status is 1, with a sentence, where XOM would count the run as failed.

    Inside a job of the workflow nothing is done here: the runner calls ``main`` itself.

    Parameters
    ----------
    main
        The script's ``main(run_id)``; the analysis is the one that has the script's name in the configuration.
    """
    script = Path(sys.argv[0]).resolve()
    if getattr(main, "__name__", "main") != "main":
        sys.exit(f"{script.name}: it defines {main.__name__}(run_id), and XOM will look for main(run_id)")
    parser = argparse.ArgumentParser(description=f"Try {script.stem} on one run.")
    parser.add_argument("run_id", help="six-digit run id, such as 052894")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="configuration (default: %(default)s)")
    parser.add_argument(
        "--save", type=Path, help="folder in which <analysis>-<run>/ gets results and figures; default: print only"
    )
    parser.add_argument(
        "--documents", type=Path, help="file with run documents, one a line (default: rundb.file of the configuration)"
    )
    options = parser.parse_args()
    try:
        job = job_by_hand(script, options.run_id, options.config, options.save)
        if options.documents is not None:
            job["documents"] = str(options.documents)
        begun = begin(job)
        with contextlib.redirect_stdout(sys.stderr):
            main(begun.key["run"])
    except Exception as error:
        if failure_class(error) == "raised":
            raise
        sys.exit(f"{script.name}: {error}")
    document = {"key": begun.key, "results": begun.results, "figures": begun.figures, "messages": begun.messages}
    if begun.folder is not None:
        dump_json(begun.folder / "results.json", document)
        (begun.folder / "draft.json").unlink(missing_ok=True)
    print(json.dumps(document, indent=1))
    if begun.problems or not begun.results:
        sys.exit(f"{script.name}: {begun.problems[0] if begun.problems else 'it saved no result'}")


def job_by_hand(script: Path, run_id: str, config: Path, save: Any) -> dict:
    """Put the job together from the configuration file, without the workflow.

    Raises
    ------
    JobError
        If the run id is not a number, or the configuration cannot be read or lacks what the analysis needs.
    """
    if not (run_id.isascii() and run_id.isdecimal()) or len(run_id) > 6:
        raise JobError(f"run id {run_id!r} is not a number of at most six digits")
    try:
        yaml = importlib.import_module("yaml")
        tree = yaml.safe_load(config.read_text(encoding="utf-8"))
    except ImportError:
        raise JobError("this interpreter has no PyYAML to read the configuration with") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise JobError(f"{config} cannot be read: {' '.join(str(error).split())}") from None
    name = script.stem
    analyses = tree.get("analyses") if isinstance(tree, dict) else None
    block = analyses.get(name) if isinstance(analyses, dict) else None
    if not isinstance(block, dict):
        raise JobError(f"{config} has no analyses.{name}: add its block first")
    context = block.get("context") or _context_of_software(tree, int(run_id)) or tree.get("context")
    if "version" not in block or not isinstance(context, dict) or "function" not in context:
        raise JobError(f"{config} needs analyses.{name}.version and context.function")
    run = run_id.zfill(6)
    rundb = tree.get("rundb")
    file = rundb.get("file") if isinstance(rundb, dict) and rundb.get("kind", "file") == "file" else None
    return {
        "key": {"analysis": name, "version": str(block["version"]), "run": run},
        "context": context,
        "settings": block.get("settings") or {},
        "documents": file and str(file),
        "draft": str(save / f"{name}-{run}") if save is not None else None,
    }


def _context_of_software(tree: dict, number: int) -> Any:
    """Return the context of the software for a run, if it has one of its own."""
    listed = tree.get("software")
    for one in listed if isinstance(listed, list) else ():
        first, last = one.get("min_run", 0), one.get("max_run")
        if first <= number and (last is None or number <= last):
            return one.get("context")
    return None

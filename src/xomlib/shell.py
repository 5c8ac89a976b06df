"""Try an analysis script by hand: ``python scripts/analyses/<name>.py 052894``."""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Callable

from xomlib import session
from xomlib.errors import XomError
from xomlib.files import dump_json


def cli(main: Callable[[str], Any]) -> None:
    """Run ``main`` for the run that the command line names, and print what it says.

    Inside a job of the workflow nothing is done here: the runner calls ``main`` itself.

    Parameters
    ----------
    main
        The script's ``main(run_id)``; the analysis is the one that has the script's name in the configuration.
    """
    script = Path(sys.argv[0]).resolve()
    parser = argparse.ArgumentParser(description=f"Try {script.stem} on one run.")
    parser.add_argument("run_id", help="six-digit run id, such as 052894")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="configuration (default: %(default)s)")
    parser.add_argument("--save", type=Path, help="folder for the result (JSON) and the figures; default: print only")
    options = parser.parse_args()
    try:
        begun = session.begin(job_by_hand(script, options.run_id, options.config, options.save))
        main(begun.key["run"])
    except XomError as error:
        sys.exit(f"{script.name}: {error}")
    document = {"key": begun.key, "results": begun.results, "figures": begun.figures, "messages": begun.messages}
    if options.save is not None:
        dump_json(options.save / f"{begun.key['analysis']}-{begun.key['run']}.json", document)
    print(json.dumps(document, indent=1))


def job_by_hand(script: Path, run_id: str, config: Path, save: Any) -> dict:
    """Put the job together from the configuration file, without the workflow.

    Raises
    ------
    XomError
        If the run id is not a number, or the configuration has no such analysis.
    """
    if not run_id.isdecimal() or len(run_id) > 6:
        raise XomError(f"run id {run_id!r} is not a number of at most six digits")
    try:
        yaml = importlib.import_module("yaml")
        tree = yaml.safe_load(config.read_text(encoding="utf-8"))
    except ImportError:
        raise XomError("this interpreter has no PyYAML to read the configuration with") from None
    except (OSError, yaml.YAMLError) as error:
        raise XomError(f"{config} cannot be read: {error}") from None
    name = script.stem
    if name not in (tree.get("analyses") or {}):
        raise XomError(f"{config} has no analyses.{name}: add its block first")
    block = tree["analyses"][name]
    return {
        "key": {"analysis": name, "version": block["version"], "run": run_id.zfill(6)},
        "context": block.get("context") or tree["context"],
        "settings": block.get("settings") or {},
        "draft": str(save) if save is not None else None,
    }

"""Try an analysis script by hand: ``python scripts/analyses/<name>.py 052894``.

The workflow describes the job, with the code that describes the jobs of a tick. This process asks for the description
by the command ``xom job describe``, since the workflow lives in another environment.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Optional, Union

from xomlib.attempt import Attempt, attempt
from xomlib.documents.job_description import JobDescription
from xomlib.errors import JobError
from xomlib.files import parse_json, read_json
from xomlib.job import is_begun
from xomlib.printing import printable_lines
from xomlib.table.work_folder import find_site

_ENDED_ITSELF = "the script ended itself"
# Variables that lead to the packages and libraries of the analysis, which the workflow must not load.
_OF_THIS_SOFTWARE = ("PYTHON", "LD_")


def cli(main: Callable[[str], Any]) -> None:
    """Run the script for the run that the command line names as a tick does, and print its results as JSON.

    The process, its environment, limits and empty working directory are those of a tick.

    Standard output has nothing but them; what the script and its libraries print goes to standard error. The exit
    status is 1, with a sentence, where a tick would count the run as failed.

    Inside a job this function does nothing: the worker calls ``main`` itself.

    Parameters
    ----------
    main
        The script's ``main(run_id)``; the analysis is the one that has the script's name in the configuration.
    """
    if is_begun():
        return
    script = Path(sys.argv[0]).resolve()
    if getattr(main, "__name__", "main") != "main":
        sys.exit(f"{script.name}: it defines {main.__name__}(run_id); rename it to main(run_id), which XOM calls")
    options = _parser(script.stem).parse_args()
    try:
        if options.job is not None:
            job = read_description(options.job, script.stem, options.run_id)
        else:
            job = describe(script.stem, options.run_id, options.config, options.documents)
        made = attempt(dataclasses.replace(job, script=str(script)), options.save)
    except JobError as error:
        sys.exit(printable_lines(f"{script.name}: {error}"))
    if made.document is not None:
        print(json.dumps(made.document, indent=1))
    if made.failure:
        sys.exit(1 if is_shown(made.failure) else printable_lines(f"{script.name}: {made.failure[1]}"))


def try_job(
    name: str, run: Union[int, str], *, site: Union[str, Path, None] = None, save: Union[str, Path, None] = None
) -> Attempt:
    """Try an analysis on a run as a tick does, under this interpreter, such as that of a notebook.

    Parameters
    ----------
    name
        Name of the analysis.
    run
        Number of a run, or the id of a campaign.
    site
        Folder of the site; None: as for `xomlib.results`.
    save
        Folder in which ``<analysis>-<run>/`` gets results and figures; None: these are not kept.

    Returns
    -------
    Attempt
        ``document`` (with ``results``), ``failure``, ``wall_s``, ``cpu_s``, ``peak_memory_mb``, ``place``.

    Raises
    ------
    JobError
        If the workflow is not found or refuses; the message is its own.
    """
    folder = find_site(site).absolute()
    job = describe(name, str(run), folder / "config.yaml", place=folder)
    return attempt(dataclasses.replace(job, site=str(folder)), Path(save) if save else None)


def is_shown(failure: tuple) -> bool:
    """Return whether a failure is an exception, whose traceback is on the terminal."""
    return failure[0] == "raised" and not failure[1].startswith(_ENDED_ITSELF)


def _parser(analysis: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Try {analysis} on one run.")
    parser.add_argument("run_id", help="six-digit run id, such as 052894, or the id of a campaign")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="configuration (default: %(default)s)")
    parser.add_argument(
        "--save", type=Path, help="folder in which <analysis>-<run>/ gets results and figures; default: print only"
    )
    parser.add_argument(
        "--documents", type=Path, help="file with run documents, one a line; default: the configured run database"
    )
    parser.add_argument(
        "--job",
        type=Path,
        help="file with the output of `xom job describe`, instead of --config and --documents, where xom cannot be"
        " started, as in some images",
    )
    return parser


def read_description(path: Path, analysis: str, run_id: str) -> JobDescription:
    """Return the description in a file; `JobError` if it cannot be read or is one of another job."""
    try:
        job = JobDescription.from_json(read_json(path))
    except (OSError, ValueError) as error:
        raise JobError(f"{path} cannot be read: {error}") from None
    if (job.key.analysis, job.key.run) != (analysis, run_id.zfill(6)):
        raise JobError(f"{path} describes {job.key.analysis} for run {job.key.run}, not {analysis} for run {run_id}")
    return job


def describe(
    analysis: str, run_id: str, config: Path, documents: Optional[Path] = None, place: Optional[Path] = None
) -> JobDescription:
    """Return the description of a job as the workflow gives it.

    Parameters
    ----------
    analysis, run_id
        What to work on.
    config
        File with the configuration.
    documents
        File with run documents instead of the configured run database.
    place
        Folder where relative paths begin; None: the working directory.

    Raises
    ------
    JobError
        If the workflow is not found or refuses; the message is its own.
    """
    import subprocess

    command = [find_xom(), "job", "describe", analysis, run_id, "--config", str(config)]
    command += ["--documents", str(documents)] if documents is not None else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_SOFTWARE)}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, cwd=place, check=False)
    except OSError as error:
        elsewhere = f"where it can, type `xom job describe {analysis} {run_id} > job.json` and give --job job.json"
        raise JobError(f"{command[0]} cannot be started here: {error.strerror}; {elsewhere}") from None
    if done.returncode:
        raise JobError(done.stderr.strip() or f"{command[0]} ended with exit status {done.returncode}")
    try:
        return JobDescription.from_json(parse_json(done.stdout))
    except ValueError as error:
        raise JobError(f"{command[0]} printed no job description: {error}") from None


def find_xom() -> str:
    """Return the command ``xom`` of the workflow environment; `JobError` if there is none.

    It is the one beside this environment, else that of this checkout, else the first one on the PATH. The environment
    of the analyses has a command of this name too, which lacks what the workflow needs.
    """
    beside, checkout = Path(sys.prefix).parent, Path(__file__).resolve().parents[2] / "work" / "envs"
    for environments in (beside, checkout):
        command = environments / "workflow" / "bin" / "xom"
        if command.is_file():
            return str(command)
    import shutil

    own = str(Path(sys.prefix) / "bin")
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder != own]
    found = shutil.which("xom", path=os.pathsep.join(folders))
    if found is None:
        raise JobError("the workflow's command xom is not on the PATH: type `source work/activate` in XOM's folder")
    return found

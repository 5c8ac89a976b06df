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
from typing import Any, Callable, Optional

from xomlib.errors import JobError
from xomlib.files import dump_json, parse_json, read_json
from xomlib.job import is_begun
from xomlib.job_description import ByHand, JobDescription
from xomlib.printing import printable_lines
from xomlib.process.reads import JOURNAL, lineage_in
from xomlib.process.verdict import failure_of_process, failure_of_script, report_of, signal_in, warnings_of

_SHOWN = "shown"  # a failure whose traceback is on the terminal
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
        document, failure = _attempt(dataclasses.replace(job, script=str(script)), options.save)
    except JobError as error:
        sys.exit(printable_lines(f"{script.name}: {error}"))
    if document is not None:
        print(json.dumps(document, indent=1))
    if failure:
        sys.exit(printable_lines(f"{script.name}: {failure}") if failure != _SHOWN else 1)


def _attempt(job: JobDescription, save: Optional[Path]) -> tuple:
    """Run a job, and return what it saved and why it failed; None for what there is not."""
    import tempfile  # here, as the jobs of ticks do not need it

    with tempfile.TemporaryDirectory(prefix="xom-") as folder:
        draft = Path(folder, "draft")
        (draft / "figures").mkdir(parents=True)
        job = dataclasses.replace(job, draft=str(draft), site=os.getcwd(), by_hand=job.by_hand or ByHand(0, 0))
        failure = _run(job, folder)
        end, saved = (read_json(path) if path.exists() else {} for path in (draft / "end.json", draft / "draft.json"))
        if failure is None:
            failure = report_of(end)
        if failure:
            shown = failure[0] == "raised" and not failure[1].startswith(_ENDED_ITSELF)
            return None, _SHOWN if shown else failure[1]
        document = {
            "key": job.key.to_json(),
            **{name: saved.get(name, []) for name in ("results", "figures", "messages")},
        }
        read = lineage_in(draft / JOURNAL) if (draft / JOURNAL).exists() else {}
        warnings = warnings_of(job.key.analysis, read, job.needs)
        print(*warnings, sep="\n", end="\n" if warnings else "", file=sys.stderr)
        document["messages"] = [*document["messages"], *warnings]
        if save is not None:
            _save(document, draft / "figures", save / f"{job.key.analysis}-{job.key.run}")
        problem = failure_of_script(saved.get("problems", []), None, document["results"])
        return document, problem and ("it saved no result" if problem[0] == "no_result" else problem[1])


def _run(job: JobDescription, folder: str) -> Optional[tuple]:
    """Run a job in a process as a tick starts it; return how it failed if it did not come to its end."""
    import subprocess

    from xomlib.process import launch

    description = os.path.join(str(job.draft), "job.json")
    dump_json(description, job.to_json())
    own: Any = job.by_hand
    sys.stderr.flush()
    command = [sys.executable, "-m", "xomlib.process.worker", description]
    process = launch.start(command, _environment(own, folder), 2, own.memory_mb, own.time_limit_s)
    timed_out = False
    try:
        process.wait(own.time_limit_s or None)
    except subprocess.TimeoutExpired:
        timed_out = True
    except KeyboardInterrupt:
        launch.kill(process)
        sys.exit(130)
    if timed_out:
        launch.kill(process)
    reported = os.path.exists(os.path.join(str(job.draft), "end.json"))
    return failure_of_process(signal_in(process.returncode), timed_out, reported, f"{own.time_limit_s:g} s")


def _environment(own: ByHand, folder: str) -> dict:
    """Return the environment as a tick gives it, with caches in a folder that is removed where there are no others."""
    from xomlib.process import launch

    caches = {name: path if os.path.isdir(path) else os.path.join(folder, name) for name, path in own.caches.items()}
    own_bin = os.path.dirname(sys.executable)
    search = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part and part != own_bin]
    source = str(Path(__file__).resolve().parents[1])
    variables = launch.environment([own_bin, *search], source, caches)
    if own.clean:
        return variables
    given = os.environ.get("PYTHONPATH")
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join([source, given] if given else [source])}


def _save(document: dict, figures: Path, place: Path) -> None:
    import shutil

    shutil.rmtree(place / "figures", ignore_errors=True)
    if document["figures"]:
        shutil.copytree(figures, place / "figures")
    dump_json(place / "results.json", document)


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


def describe(analysis: str, run_id: str, config: Path, documents: Optional[Path] = None) -> JobDescription:
    """Return the description of a job as the workflow gives it.

    Parameters
    ----------
    analysis, run_id
        What to work on.
    config
        File with the configuration.
    documents
        File with run documents instead of the configured run database.

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
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
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

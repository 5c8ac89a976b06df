"""One attempt at a job outside a tick, in a process as a tick starts it.

Under the software of a run it is ``python -m xomlib.attempt JOB.json FOLDER``.
"""

import contextlib
import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Optional

from xomlib.documents.job_description import ByHand, JobDescription
from xomlib.files import dump_json, read_json
from xomlib.process.reads import JOURNAL, lineage_in
from xomlib.process.verdict import failure_of_process, failure_of_script, report_of, signal_in, warnings_of


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What an attempt gave.

    Parameters
    ----------
    document
        Key, results, figures and messages; None if the script did not come to its end.
    failure
        Failure class and a sentence, if a tick would count the run as failed.
    wall_s, cpu_s, peak_memory_mb
        Seconds of time and of processor, MB of memory; None where the process left no report.
    place
        Folder with results and figures; None: they were not kept.
    versions
        Package to its version, as the script had them; empty where the process left no report.
    lineage
        Data types that the script read, each with its lineage hash.
    """

    document: Optional[dict]
    failure: Optional[tuple]
    wall_s: float
    cpu_s: Optional[float] = None
    peak_memory_mb: Optional[float] = None
    place: Optional[str] = None
    versions: dict = dataclasses.field(default_factory=dict)
    lineage: dict = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict:
        """Return the attempt as a JSON object, which `from_json` reads."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> "Attempt":
        """Return what `to_json` wrote."""
        failure = content["failure"]
        return cls(**{**content, "failure": failure and tuple(failure)})


def attempt(job: JobDescription, save: Optional[Path] = None) -> Attempt:
    """Run a job; what the script prints goes to standard error.

    Parameters
    ----------
    job
        The job.
    save
        Folder in which ``<analysis>-<run>/`` gets results and figures; None: these are not kept.
    """
    import tempfile  # here, as the jobs of ticks do not need it

    with tempfile.TemporaryDirectory(prefix="xom-") as folder:
        draft = Path(folder, "draft")
        (draft / "figures").mkdir(parents=True)
        site = job.site or os.getcwd()
        job = dataclasses.replace(job, draft=str(draft), site=site, by_hand=job.by_hand or ByHand(0, 0))
        begun = time.monotonic()
        failure = _run(job, folder)
        wall = round(time.monotonic() - begun, 3)
        end, saved = (read_json(path) if path.exists() else {} for path in (draft / "end.json", draft / "draft.json"))
        used = (wall, end.get("cpu_s"), end.get("peak_memory_mb"))
        read = lineage_in(draft / JOURNAL) if (draft / JOURNAL).exists() else {}
        had = {"versions": end.get("versions", {}), "lineage": read}
        failure = report_of(end) if failure is None else failure
        if failure:
            return Attempt(None, failure, *used, **had)
        document = _document(job, read, saved)
        place = save and save / f"{job.key.analysis}-{job.key.run}"
        if place:
            keep(document, draft / "figures", place)
        problem = failure_of_script(saved.get("problems", []), None, document["results"], job.promised)
        return Attempt(document, problem, *used, str(place) if place else None, **had)


def _document(job: JobDescription, read: dict, saved: dict) -> dict:
    """Return what a script saved, with warnings, which are printed."""
    warnings = warnings_of(job.key.analysis, read, job.needs)
    print(*warnings, sep="\n", end="\n" if warnings else "", file=sys.stderr)
    document = {"key": job.key.to_json(), **{name: saved.get(name, []) for name in ("results", "figures", "messages")}}
    return {**document, "messages": [*document["messages"], *warnings]}


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
        launch.end_left_behind(process.pid)
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


def keep(document: dict, figures: Path, place: Path) -> None:
    """Put results and figures into a folder, in the place of former ones; with ``results.json`` it is whole."""
    import shutil

    with contextlib.suppress(FileNotFoundError):
        (place / "results.json").unlink()
    shutil.rmtree(place / "figures", ignore_errors=True)
    if document["figures"]:
        shutil.copytree(figures, place / "figures")
    dump_json(place / "results.json", document)


def main(words: list) -> int:
    """Make the attempt that a file describes, keep results and figures in a folder, and print the attempt as JSON."""
    made = attempt(JobDescription.from_json(read_json(words[0])), Path(words[1]))
    print(json.dumps(made.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

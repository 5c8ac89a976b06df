"""Run one analysis script for one run in this process: ``python -m xomlib.process.worker JOB.json``.

This process leaves a draft (``draft.json``) and, at its end, a report (``end.json``) in the job's folder; the runner
makes the outcome of them. A process that leaves no report was killed.
"""

import ast
import contextlib
import dataclasses
import inspect
import io
import os
import resource
import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

from xomlib.documents.job_description import RESULT_FOLDER, RUN, JobDescription
from xomlib.errors import JobError
from xomlib.files import digest, dump_json, read_json
from xomlib.job import VARIABLE, Session, begin, current, is_begun
from xomlib.printing import WARNING
from xomlib.process.failures import failure_of
from xomlib.process.reads import JOURNAL, Journal, watch
from xomlib.versions import versions

_RESULTS = "xom_results"  # in the working directory, for scripts that want a folder for their files
_SCRIPT = "__mp_main__"  # the name under which multiprocessing looks for what a script defines


def main(argv: list) -> int:
    """Run the job that the file ``argv[0]`` describes; 0 if the script ended well, else 1."""
    return run(JobDescription.from_json(read_json(argv[0])))


def run_in_scratch(job: JobDescription) -> int:
    """Do the same as `run` in an empty working directory below the job's folder, which is removed with it.

    The process stays there; relative paths of the configuration still begin in the folder where it was started.
    """
    job = dataclasses.replace(job, site=job.site or os.getcwd())
    if job.draft is not None:
        scratch = Path(job.draft, "scratch")
        scratch.mkdir(parents=True, exist_ok=True)
        description = Path(job.draft, "job.json")
        dump_json(description, job.to_json())
        os.environ[VARIABLE] = str(description.absolute())
        os.chdir(scratch)
        if job.compat:
            _show_neighbours(Path(job.script))
    return run(job)


def run(job: JobDescription) -> int:
    """Run the script of ``job`` and write the report about it; 0 if it ended well, else 1."""
    begun, streams = begin(job), (sys.stdout, sys.stderr)
    watch(Journal(begun.folder.absolute() / JOURNAL) if begun.folder is not None else None)
    failure = None
    try:
        if job.compat:
            from xomlib import compat

            compat.install()
        call_script(Path(job.script), job.key.run, arguments_of(job), job.compat)
    except BaseException as error:  # there is a report about every way to end
        _restore(streams)
        if not (isinstance(error, SystemExit) and error.code in (None, 0)):
            kind, message = failure_of(error, job.script, job.needs)
            if job.by_hand is None or (
                kind == "raised" and isinstance(error, Exception)
            ):  # else its sentence is enough
                traceback.print_exc()
            failure = {"class": kind, "message": message}
    if failure is None and begun.disk_trouble:  # the script has caught the error
        failure = {"class": "disk", "message": begun.disk_trouble}
    _restore(streams)
    os.umask(begun.umask)
    begun.add_refused()
    _warn_of_left_files(begun)
    if begun.folder is not None:
        made_with = {"versions": versions(), "has_strax": "strax" in sys.modules, "script": begun.script_digest}
        end = {"failure": failure, **made_with, **_resources()}
        dump_json(begun.folder / "end.json", end)
    return 0 if failure is None else 1


def _restore(streams: tuple) -> None:
    """Flush standard output and error, and give back those that the script replaced; one that it closed takes all."""
    for name, own in {"stdout": streams[0], "stderr": streams[1]}.items():
        for stream in (getattr(sys, name), own):
            with contextlib.suppress(Exception):  # the script may have put anything there
                stream.flush()
        setattr(sys, name, io.StringIO() if own.closed else own)


def _warn_of_left_files(begun: Session) -> None:
    """Add a warning if the script wrote files into its working directory, which is removed; libraries make folders."""
    if begun.folder is None or not _is_here(begun.folder / "scratch"):
        return
    files = (path for path in Path.cwd().iterdir() if path.is_file() and not path.is_symlink())
    left = sorted(path.name for path in files if not path.name.startswith("."))
    if left:
        sentence = (
            f"{WARNING}the working directory is removed, with {', '.join(left[:5])}: keep results by xomlib.figure"
        )
        begun.messages.append(f"{sentence} or the data of a result")
        print(begun.messages[-1], file=sys.stderr, flush=True)
        begun.keep()


def _is_here(folder: Path) -> bool:
    """Return whether a folder is the working directory, which the script may have left or removed."""
    try:
        return Path.cwd() == folder.resolve()
    except OSError:
        return False


def _show_neighbours(script: Path) -> None:
    """Let what lies beside a script be opened by its bare name: the first XOM started scripts in their folders."""
    for entry in script.parent.iterdir():
        with contextlib.suppress(OSError):
            os.symlink(entry, entry.name)


def arguments_of(job: JobDescription) -> list:
    """Return the arguments of the script of ``job``, and make the folder that they name."""
    folder = os.path.join(os.getcwd(), _RESULTS, "")  # scripts of the first XOM add the name of a file to it
    if any(RESULT_FOLDER in one for one in job.arguments):
        os.makedirs(folder, exist_ok=True)
    return [one.replace(RUN, job.key.run).replace(RESULT_FOLDER, folder) for one in job.arguments]


def call_script(script: Path, run_id: str, arguments: Sequence = (), as_program: bool = False) -> None:
    """Load ``script`` and call its ``main`` as its author meant: with the run id, or with it in ``sys.argv``.

    Parameters
    ----------
    script
        Its path.
    run_id
        The run.
    arguments
        What ``sys.argv`` has beside the script; empty: the run.
    as_program
        Whether it runs as ``python script.py`` does if it ends with ``if __name__ == "__main__":``.

    Raises
    ------
    JobError
        If the script is not there, defines no ``main``, or one of which a call runs nothing.
    """
    if not script.is_file():
        raise JobError(f"there is no script {script}")
    sys.argv = [str(script), *(arguments or [run_id])]
    sys.path.append(str(script.parent))  # last: a file beside the script must not shadow a module
    source = script.read_bytes()
    if is_begun():
        current().script_digest = digest(source)
    with _as_main_module(script) as module:
        tree = ast.parse(source, str(script))
        if as_program and _starts_itself(tree):
            module.__name__ = "__main__"
        exec(compile(tree, str(script), "exec", dont_inherit=True), vars(module))
        if module.__name__ == "__main__":
            return
        function = getattr(module, "main", None)
        if not callable(function):
            raise JobError(f"{script} defines no main(run_id): put its code into one, which XOM calls for each run")
        returned = function(run_id) if inspect.signature(function).parameters else function()
        if inspect.iscoroutine(returned) or inspect.isgenerator(returned) or inspect.isasyncgen(returned):
            raise JobError(f"{script}: main is `async` or has a `yield`, so Python runs nothing of it: remove that")


def _starts_itself(tree: ast.Module) -> bool:
    tests = (ast.walk(one.test) for one in tree.body if isinstance(one, ast.If))
    return any(isinstance(one, ast.Constant) and one.value == "__main__" for parts in tests for one in parts)


@contextlib.contextmanager
def _as_main_module(script: Path) -> Iterator[types.ModuleType]:
    """Give an empty module for a script the place where multiprocessing, in whatever way, and pickle look for it.

    It has not the name ``__main__``, so that the script does not start itself.
    """
    module = types.ModuleType(_SCRIPT)
    module.__file__ = str(script)
    before = {name: sys.modules.get(name) for name in ("__main__", _SCRIPT)}
    sys.modules.update(dict.fromkeys(before, module))
    try:
        yield module
    finally:
        for name, one in before.items():
            if one is None:
                del sys.modules[name]
            else:
                sys.modules[name] = one


def _resources() -> dict:
    own, children = (resource.getrusage(which) for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    unit = 2**20 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    peak = max(_peak_kilobytes() or own.ru_maxrss, children.ru_maxrss)
    return {"cpu_s": round(seconds, 3), "peak_memory_mb": round(peak / unit, 1)}


def _peak_kilobytes() -> Optional[int]:
    """Return the largest memory of this process; ``ru_maxrss`` may be that of the process it was started from."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            sizes = [line.split()[1] for line in file if line.startswith("VmHWM:")]
    except OSError:
        return None
    return int(sizes[0]) if sizes else None


if __name__ == "__main__":
    sys.exit(run_in_scratch(JobDescription.from_json(read_json(sys.argv[1]))))

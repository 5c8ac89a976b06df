"""The job of this process, and the functions by which a script gets its settings and its run."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from xomlib.documents.job_description import JobDescription, JobKey
from xomlib.errors import BadResult, DiskTrouble, JobError
from xomlib.files import open_file, read_json, read_text, write_atomically

VARIABLE = "_XOM_JOB"
"""Environment variable with the path of the job's description, for processes that a script starts."""

_REFUSED = "refused.jsonl"  # what child processes could not save
_current: Optional["Session"] = None


class Session:
    """One job and the draft of its outcome.

    Parameters
    ----------
    description
        The job. Results and figures go into its folder ``draft``, from which the runner makes the outcome.
    own
        Whether this is the script's own process; a process that the script started has the job, but saves nothing.
    """

    def __init__(self, description: JobDescription, own: bool = True) -> None:
        self.description = description
        self._process = os.getpid() if own else None
        self.folder: Optional[Path] = Path(description.draft) if description.draft else None
        self.results: list[dict[str, Any]] = []
        self.figures: list[str] = []
        self.messages: list[str] = []
        self.problems: list[str] = []
        self.disk_trouble = ""
        self.script_digest: Optional[str] = None
        self.umask = os.umask(0o077)
        os.umask(self.umask)

    @property
    def key(self) -> JobKey:
        """What the job works on."""
        return self.description.key

    def check_process(self, what: str) -> None:
        """Raise `BadResult` in a process that the script started: what it saves would replace the draft.

        Parameters
        ----------
        what
            What is to be saved, for the sentence.
        """
        if os.getpid() == self._process:
            return
        sentence = f"{what} is saved in a process that the script started: return it, and save it in main"
        if self.folder is not None:
            with open_file(self.folder / _REFUSED, "ab", buffering=0) as file:
                file.write(json.dumps(sentence).encode() + b"\n")
        raise BadResult(sentence)

    def add_refused(self) -> None:
        """Add to the problems what processes that the script started could not save."""
        if self.folder is not None:
            with contextlib.suppress(FileNotFoundError):
                lines = read_text(self.folder / _REFUSED).splitlines()
                self.problems += [json.loads(line) for line in lines]
                self.keep()

    def keep(self) -> None:
        """Write the draft, atomically, if there is a folder for it."""
        names = ("results", "figures", "messages", "problems")
        if self.folder is not None:
            with self.writing(self.folder / "draft.json") as place:
                # In one line it takes a tenth of the time.
                write_atomically(place, json.dumps({name: getattr(self, name) for name in names}, allow_nan=False))

    @contextlib.contextmanager
    def writing(self, place: Path) -> Iterator[Path]:
        """Within it a file of the job is written; an error of the disk counts, even if the script catches it."""
        of_script = os.umask(self.umask)  # a file of the job must be one that the runner can read
        try:
            yield place
        except OSError as error:
            self.disk_trouble = f"{error.filename or place} cannot be written: {error.strerror}"
            raise DiskTrouble(self.disk_trouble) from error
        finally:
            os.umask(of_script)


def begin(description: JobDescription) -> Session:
    """Make this the job of the process and return its session."""
    global _current
    _current = Session(description)
    return _current


def is_begun() -> bool:
    """Return whether this process, or the one that started it, has a job."""
    return _current is not None or bool(os.environ.get(VARIABLE))


def current() -> Session:
    """Return the session of this process; `JobError` if it has no job."""
    global _current
    if _current is None and os.environ.get(VARIABLE):
        _current = Session(JobDescription.from_json(read_json(os.environ[VARIABLE])), own=False)
    if _current is not None:
        return _current
    raise JobError(
        "no job is set: call this within main(run_id), and start the script through Snakemake, by `xom try`, or by"
        " hand with `if __name__ == '__main__': xomlib.cli(main)` at its end and a run id as argument"
    )


def path(text: str) -> Path:
    """Return a path of the settings: a relative one begins in the folder of the site, ``~`` is the home.

    The working directory of a script is another one, an empty folder that is removed afterwards.
    """
    return Path(current().description.site or "", os.path.expanduser(text))


def settings() -> dict[str, Any]:
    """Return the ``settings:`` block that the configuration gives this analysis (a copy)."""
    return dict(current().description.settings)


def runs() -> list[str]:
    """Return the ids of the runs to work on: those of the campaign, or the one run."""
    description = current().description
    return list((description.run or {}).get("runs") or [description.key.run])


def run() -> dict[str, Any]:
    """Return the metadata of the run, from its run document (a copy).

    Returns
    -------
    dict
        ``number``, ``mode``, ``source``, ``start`` and ``end`` (UTC, such as ``2026-11-22T11:19:33Z``), ``detectors``,
        ``tags`` (without protecting underscores), ``comments``, ``rate`` and ``rate_max`` (by detector, in the DAQ's
        unit; empty until the run document has them).

    Raises
    ------
    JobError
        If the script is tried by hand and there is no such document.
    """
    description = current().description
    if description.run is None:
        raise JobError(description.why_no_run or f"the job has no metadata of run {description.key.run}")
    return dict(description.run)

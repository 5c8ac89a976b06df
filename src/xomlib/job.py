"""The job that this process works on: given by the runner, or put together when a script is tried by hand."""

import os
from pathlib import Path
from typing import Any, Optional

from xomlib import run_document
from xomlib.errors import JobError
from xomlib.files import dump_json, read_json

VARIABLE = "XOM_JOB"

_current: Optional["Session"] = None


class Session:
    """One job and the draft of what it says.

    Parameters
    ----------
    job
        ``key`` (analysis, version, run), ``context`` (function, arguments, storage), ``settings``, ``run`` (the run's
        facts) or ``documents`` (file with its run document), and ``draft``, the folder where results and figures are
        kept until the runner makes the outcome of them (None: keep in memory).
    """

    def __init__(self, job: dict) -> None:
        self.key: dict = job["key"]
        self.context: dict = job["context"]
        self.settings: dict = job["settings"]
        self.run: Optional[dict] = job.get("run")
        self.documents: Optional[str] = job.get("documents")
        self.folder: Optional[Path] = Path(job["draft"]) if job["draft"] else None
        self.results: list = []
        self.figures: list = []
        self.messages: list = []
        self.problems: list = []

    def keep(self) -> None:
        """Write the draft, atomically, where there is a folder for it."""
        if self.folder is not None:
            dump_json(
                self.folder / "draft.json",
                {
                    "results": self.results,
                    "figures": self.figures,
                    "messages": self.messages,
                    "problems": self.problems,
                },
            )


def begin(job: dict) -> Session:
    """Make ``job`` the job of this process."""
    global _current
    _current = Session(job)
    return _current


def current() -> Session:
    """Return the job of this process; `JobError` where there is none."""
    if _current is not None:
        return _current
    if VARIABLE in os.environ:
        return begin(read_json(os.environ[VARIABLE]))
    raise JobError(
        "no job is set: start the script through Snakemake, or by hand with"
        " `if __name__ == '__main__': xomlib.cli(main)` at its end and a run id as argument"
    )


def settings() -> dict[str, Any]:
    """Return the ``settings:`` block that the configuration gives this analysis (a copy)."""
    return dict(current().settings)


def runs() -> list[str]:
    """Return the ids of the runs to work on: those of the group, or the one run."""
    session = current()
    return list((session.run or {}).get("runs") or [session.key["run"]])


def run() -> dict[str, Any]:
    """Return what the run document says of the run (a copy).

    Returns
    -------
    dict
        ``number``, ``mode``, ``source``, ``start`` and ``end`` (UTC, such as ``2026-11-22T11:19:33Z``), ``detectors``,
        ``tags`` (without protecting underscores), ``comments``, ``rate`` and ``rate_max`` (by detector, in the DAQ's
        unit; empty until they are known).

    Raises
    ------
    JobError
        If the script is tried by hand and there is no such document.
    """
    session = current()
    if session.run is None:
        if session.documents is None:
            raise JobError(
                "nothing is known of the run: give --documents FILE with its run document, as mongoexport writes it"
            )
        session.run = run_document.facts_of(session.documents, int(session.key["run"]))
    return dict(session.run)

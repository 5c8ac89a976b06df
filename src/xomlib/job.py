"""The job of this process, and the functions by which a script gets its settings and its run."""

from pathlib import Path
from typing import Any, Optional

from xomlib.errors import JobError
from xomlib.files import dump_json
from xomlib.job_description import JobDescription, JobKey

_current: Optional["Session"] = None


class Session:
    """One job and the draft of its outcome.

    Parameters
    ----------
    description
        The job. Results and figures go into its folder ``draft``, from which the runner makes the outcome.
    """

    def __init__(self, description: JobDescription) -> None:
        self.description = description
        self.folder: Optional[Path] = Path(description.draft) if description.draft else None
        self.results: list[dict[str, Any]] = []
        self.figures: list[str] = []
        self.messages: list[str] = []
        self.problems: list[str] = []

    @property
    def key(self) -> JobKey:
        """What the job works on."""
        return self.description.key

    def keep(self) -> None:
        """Write the draft, atomically, if there is a folder for it."""
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


def begin(description: JobDescription) -> Session:
    """Make this the job of the process and return its session."""
    global _current
    _current = Session(description)
    return _current


def current() -> Session:
    """Return the session of this process; `JobError` if it has no job."""
    if _current is not None:
        return _current
    raise JobError(
        "no job is set: start the script through Snakemake, or by hand with"
        " `if __name__ == '__main__': xomlib.cli(main)` at its end and a run id as argument"
    )


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

"""The note about a maintenance that has begun: what a kill interrupts is finished before anything else happens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from xomflow.core.errors import PersonNeededError
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.paths import Paths
from xomlib.files import dump_json, read_json


class Task(StrEnum):
    """What is done to an analysis, as the command is called."""

    RENAME = "rename"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The rename or removal of an analysis that has begun.

    Parameters
    ----------
    task, analysis
        The command, and the analysis.
    to
        The new name of the analysis, or of the folder below ``removed`` to which it moves.
    """

    task: Task
    analysis: str
    to: str

    @property
    def command(self) -> str:
        """What a person types to finish it."""
        return " ".join(["xom", self.task, self.analysis, *([self.to] if self.task is Task.RENAME else [])])


class UnfinishedError(PersonNeededError):
    """A maintenance has begun and is not finished."""


def begin(paths: Paths, maintenance: Maintenance) -> None:
    """Note what begins; from here on only this can be done."""
    dump_json(paths.maintenance, asdict(maintenance))


def unfinished(paths: Paths) -> Maintenance | None:
    """Return the maintenance that has begun and is not finished; None if there is none.

    Raises
    ------
    UnfinishedError
        If the note cannot be read.
    """
    try:
        content = read_json(paths.maintenance)
        return Maintenance(Task(content["task"]), str(content["analysis"]), str(content["to"]))
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        raise UnfinishedError(
            f"{paths.maintenance}: cannot be read ({error}): a rename or remove was interrupted and it is unknown "
            "which; nothing was done"
        ) from None


def check_finished(paths: Paths) -> None:
    """Raise `UnfinishedError` if a maintenance has begun and is not finished; reads only."""
    if (found := unfinished(paths)) is not None:
        raise UnfinishedError(
            f"{paths.maintenance}: `{found.command}` was interrupted and has to be finished before anything else; "
            f"nothing was done; type: {found.command}"
        )


def end(paths: Paths) -> None:
    """Remove the note: everything is done."""
    paths.maintenance.unlink()

"""Metadata of strax data: whether a folder holds complete data."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.errors import ContextError
from xomlib.files import parse_json


class FolderState(enum.Enum):
    """What the metadata of strax data say."""

    COMPLETE = "written to the end"
    UNFINISHED = "not written to the end"  # strax looks for the data elsewhere
    UNREADABLE = "no metadata that can be read"  # strax raises


@dataclass(slots=True)
class Found:
    """What one place says of some runs and one type; it knows nothing of the others.

    Parameters
    ----------
    complete
        Runs whose data can be read.
    broken
        Runs about which strax would raise, wherever else the data may be.
    """

    complete: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def add(self, run: str, state: FolderState) -> None:
        """Take note of what was found of a run."""
        if state is FolderState.COMPLETE:
            self.complete.add(run)
        if state is FolderState.UNREADABLE:
            self.broken.add(run)


def state_of(folder: str) -> FolderState:
    """Return what the metadata in a folder of strax data say.

    Looks where strax looks: the metadata in the folder, in the folder of the same name still being written, and under
    the name that early versions used.
    """
    name = folder.rpartition("/")[2].replace("_temp", "").split("-", 1)[-1] + "-metadata.json"
    for place in (f"{folder}/{name}", f"{folder}_temp/{name}", f"{folder}/metadata.json"):
        try:
            return judged(read_metadata(place))
        except FileNotFoundError:
            if not os.path.exists(folder):  # noqa: PTH110
                return FolderState.UNFINISHED  # a link to nowhere, or deleted meanwhile
        except (OSError, ValueError):
            return FolderState.UNREADABLE
    return FolderState.UNREADABLE


def read_metadata(place: str) -> Any:
    """Return what is in a file of metadata; `OSError` if it cannot be read, `ValueError` if it is not JSON."""
    # There may be 200,000 of them: each `Path` and each buffer counts.
    with open(place, "rb", buffering=0) as file:  # noqa: PTH123
        return parse_json(file.read().decode())


def judged(metadata: Any) -> FolderState:
    """Return what metadata say: ``StorageFrontend.find`` of strax asks for the same two entries."""
    complete = isinstance(metadata, dict) and "writing_ended" in metadata and "exception" not in metadata
    return FolderState.COMPLETE if complete else FolderState.UNFINISHED


def listing(root: str) -> dict[str, int]:
    """Return the names in a folder and their inodes, 0 for a link, which may point elsewhere any time.

    An empty answer where there is no such folder.

    Raises
    ------
    ContextError
        If the folder is there and cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            return {entry.name: 0 if entry.is_symlink() else entry.inode() for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ContextError(f"the folder {root} of strax data cannot be listed: {error.strerror}") from None

"""Metadata of strax data: whether a folder holds complete data."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.errors import ContextError
from xomlib.files import parse_json, read_bytes


class FolderState(enum.Enum):
    """The state of a folder of strax data, by its metadata."""

    COMPLETE = "written to the end"
    UNFINISHED = "not written to the end"  # strax looks for the data elsewhere
    UNREADABLE = "no metadata that can be read"  # strax raises


@dataclass(slots=True)
class LookupResult:
    """The runs of which one storage frontend has data of one type; of all other runs it has none.

    Parameters
    ----------
    complete
        Runs whose data can be read.
    broken
        Runs for which strax would raise, wherever else the data may be.
    """

    complete: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def add(self, run: str, state: FolderState) -> None:
        """Add a run with the state of its data."""
        if state is FolderState.COMPLETE:
            self.complete.add(run)
        if state is FolderState.UNREADABLE:
            self.broken.add(run)


def state_of(folder: str) -> FolderState:
    """Return the state of a folder of strax data.

    The metadata are looked for where strax looks: in the folder, in the folder of the same name that is still being
    written, and under the name that early versions used.
    """
    name = folder.rpartition("/")[2].replace("_temp", "").split("-", 1)[-1] + "-metadata.json"
    for place in (f"{folder}/{name}", f"{folder}_temp/{name}", f"{folder}/metadata.json"):
        try:
            return state_in(read_metadata(place))
        except FileNotFoundError:
            if not os.path.exists(folder):  # noqa: PTH110
                return FolderState.UNFINISHED  # a link to nowhere, or deleted meanwhile
        except (OSError, ValueError):
            return FolderState.UNREADABLE
    return FolderState.UNREADABLE


def read_metadata(place: str) -> Any:
    """Return the content of a file of metadata; `OSError` if it cannot be read, `ValueError` if it is not JSON."""
    # There may be 200,000 of them: each `Path` and each buffer counts.
    return parse_json(read_bytes(place).decode())


def state_in(metadata: Any) -> FolderState:
    """Return the state that metadata give: ``StorageFrontend.find`` of strax checks the same two entries."""
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

"""Which data of which runs can be read: answered for all runs at once, by listing folders.

For a folder of strax data (``strax.DataDirectory``) the answer is that of ``is_stored``: there is a folder of the final
name, and its metadata say that writing ended and nothing went wrong. Where strax would raise, because there are no
metadata to be read, the data are not available, even if a later place has them: reading would raise as well. Other
storage is asked through strax itself, in one process for all runs.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from xomflow.contexts import ContextAsker
from xomflow.errors import ContextError
from xomflow.settings import Context
from xomflow.software import Program
from xomlib.files import read_json


class FolderState(enum.Enum):
    """What the metadata in a folder of strax data say."""

    COMPLETE = "written to the end"
    UNFINISHED = "not written to the end"  # strax looks for the data elsewhere
    UNREADABLE = "no metadata that can be read"  # strax raises


class Availability:
    """Answers what is stored, for one tick.

    Parameters
    ----------
    asker
        Knows lineage hashes and places.
    """

    def __init__(self, asker: ContextAsker) -> None:
        self._asker = asker
        self._names: dict[str, frozenset[str]] = {}
        self._missed: set[str] = set()

    def stored(
        self, program: Program, context: Context, runs: Collection[str], types: Iterable[str]
    ) -> dict[str, set[str]]:
        """Return for each run id the types that can be read.

        Parameters
        ----------
        program, context
            What the data are asked with.
        runs
            Run ids.
        types
            Strax data types.

        Raises
        ------
        ContextError
            If the context cannot be asked, or one of its folders cannot be listed.
        """
        types = sorted(types)
        facts = self._asker.facts(program, context, types)
        found: dict[str, set[str]] = {run: set() for run in runs}
        unreadable: set[tuple[str, str]] = set()
        for frontend in facts.storage:
            if frontend["kind"] == "folder":
                self._look_into(frontend, facts.hashes, found, unreadable)
        if any(frontend["kind"] != "folder" for frontend in facts.storage):
            questions = [(run, name) for run in runs for name in types if name not in found[run]]
            for run, name in self._asker.stored(program, context, questions) if questions else ():
                found[run].add(name)
        return found

    def lacking(
        self,
        program: Program,
        context: Context,
        runs: Collection[str],
        alternatives: Collection[Collection[str]],
    ) -> dict[str, str]:
        """Say for each run that lacks data what it lacks, in words.

        Parameters
        ----------
        program, context
            What the data are asked with.
        runs
            Run ids.
        alternatives
            Sets of types of which one must be complete.
        """
        types = {name for one in alternatives for name in one}
        found = self.stored(program, context, runs, types)
        poor = {run for run, have in found.items() if not any(have.issuperset(one) for one in alternatives)}
        folders = self._folders_of(poor)
        hashes = self._asker.facts(program, context, types).hashes
        return {run: missing_words(alternatives, found[run], folders[run], hashes) for run in poor}

    def absent_places(self, program: Program, context: Context, types: Iterable[str]) -> list[str]:
        """Return a sentence, once, if a configured folder of data or all folders of a context are not there."""
        places = [one["path"] for one in self._asker.facts(program, context, types).storage if one["kind"] == "folder"]
        absent = [place for place in places if not Path(place).is_dir()]
        named = {str(Path(place).absolute()) for place in context.storage}
        if len(absent) < len(places):
            absent = [place for place in absent if place in named]
        fresh = [place for place in absent if place not in self._missed]
        self._missed.update(fresh)
        return [f"context: the folder {place} of strax data is not there" for place in fresh]

    def _look_into(
        self,
        frontend: dict[str, Any],
        hashes: dict[str, str],
        found: dict[str, set[str]],
        unreadable: set[tuple[str, str]],
    ) -> None:
        root = frontend["path"]
        if root not in self._names:
            self._names[root] = _listing(root)
        names = self._names[root]
        taken = [(name, digest) for name, digest in hashes.items() if _takes(frontend, name)]
        for run, have in found.items():
            for name, digest in taken:
                folder = f"{run}-{name}-{digest}"
                if folder not in names or name in have or (run, name) in unreadable:
                    continue
                state = _state(Path(root, folder))
                if state is FolderState.COMPLETE:
                    have.add(name)
                if state is FolderState.UNREADABLE:
                    unreadable.add((run, name))

    def _folders_of(self, runs: set[str]) -> dict[str, dict[tuple[str, str], bool]]:
        """Return the (type, hash) of every folder that these runs have, and whether it can be read."""
        folders: dict[str, dict[tuple[str, str], bool]] = {run: {} for run in runs}
        for root, names in self._names.items():
            for folder in names if runs else ():
                parts = folder.split("-")
                if len(parts) == 3 and parts[0] in runs:
                    folders[parts[0]][parts[1], parts[2]] = is_complete(Path(root, folder))
        return folders


def is_complete(folder: Path) -> bool:
    """Return whether the metadata in a folder of strax data say that it was written to the end.

    Looks where strax looks: the metadata in the folder, in the folder of the same name still being written, and under
    the name that early versions used.
    """
    return _state(folder) is FolderState.COMPLETE


def _state(folder: Path) -> FolderState:
    name = folder.name.split("-", 1)[1] + "-metadata.json"
    for place in (folder / name, folder.with_name(f"{folder.name}_temp") / name, folder / "metadata.json"):
        try:
            metadata = read_json(place)
        except FileNotFoundError:
            if not folder.exists():  # a link to nowhere, or deleted meanwhile
                return FolderState.UNFINISHED
            continue
        except (OSError, ValueError):
            return FolderState.UNREADABLE
        complete = isinstance(metadata, dict) and "writing_ended" in metadata and "exception" not in metadata
        return FolderState.COMPLETE if complete else FolderState.UNFINISHED
    return FolderState.UNREADABLE


def missing_words(
    alternatives: Iterable[Collection[str]],
    have: Collection[str],
    folders: dict[tuple[str, str], bool],
    hashes: dict[str, str],
) -> str:
    """Say which data are missing, what is there instead, and what is wrong with it.

    Parameters
    ----------
    alternatives
        Sets of types of which one must be complete, and none is.
    have
        Types that can be read.
    folders
        The (type, hash) of all the run's folders, and whether they can be read.
    hashes
        The lineage hashes that are wanted.
    """
    gaps = [tuple(name for name in one if name not in have) for one in alternatives]
    gap = min(gaps, key=len)
    wanted = " or ".join(" + ".join(one) for one in dict.fromkeys(gaps))
    lacking = {name for one in gaps for name in one}
    here = sorted({name for (name, _), readable in folders.items() if readable and name not in lacking})
    there = f"{_and(here)} {'is' if len(here) == 1 else 'are'} here" if here else "nothing of the run can be read here"
    return f"waiting for {wanted}: {there}, " + ", ".join(_why_not(name, folders, hashes[name]) for name in gap)


def _why_not(name: str, folders: Iterable[tuple[str, str]], wanted: str) -> str:
    found = {digest for one, digest in folders if one == name}
    if wanted in found:
        return f"{name} is here but broken: writing it went wrong"
    if f"{wanted}_temp" in found:
        return f"{name} is being written, or was left unfinished"
    others = sorted(digest for digest in found if not digest.endswith("_temp"))
    if others:
        return f"{name} is here with another lineage ({others[0]}, wanted {wanted})"
    return f"{name} is not at this site"


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _takes(frontend: dict[str, Any], name: str) -> bool:
    return name not in frontend["exclude"] and (not frontend["take_only"] or name in frontend["take_only"])


def _listing(root: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(root))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise ContextError(f"the folder {root} of strax data cannot be listed: {error.strerror}") from None

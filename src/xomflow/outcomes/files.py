"""The files of outcomes: their names, and how they are listed, written and set aside.

A finished key has one file ``<run>.json``. A failed attempt has a file of the same schema beside it,
``<run>.failed-<attempt>-<class>-<seconds since 1970>.json``. So the state of every run follows from one listing of
names, and no file of a finished run has to be opened.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from xomflow.core import times
from xomflow.core.files.kept_json import read_kept
from xomflow.core.key import ID, RUN_DIGITS, Key
from xomflow.core.paths import Paths
from xomflow.outcomes.model import Outcome, to_document
from xomlib.documents.schema import check_outcome
from xomlib.files import create_atomically, digest, json_text, read_bytes, write_atomically

_FAILURE = re.compile(
    rf"(?P<run>{ID})\.failed-(?P<attempt>[1-9]\d{{0,5}})-(?P<kind>[a-z_]+)-(?P<ended>\d{{1,10}})\.json", re.ASCII
)

_CAMPAIGN = re.compile(r"\d{6}-[0-9a-f]{4}\.json", re.ASCII)
# Parts a sentence about a file that was moved from the place where it was.
MOVED = "; moved to "
_SUPERSEDED = re.compile(rf"(?P<run>{ID})\.superseded\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt, from the name of its file.

    Parameters
    ----------
    attempt
        Number of the attempt, from 1.
    kind
        Failure class, such as ``raised``, ``killed``, ``lost``.
    ended
        When it ended, UTC.
    """

    attempt: int
    kind: str
    ended: datetime


@dataclass(slots=True)
class Listing:
    """The outcomes and failures of one version of an analysis, from names of files.

    Parameters
    ----------
    done
        Ids of the runs that have an outcome.
    superseded
        Ids of those with a file that is called superseded, see `xomflow.outcomes.campaigns.current`.
    failures
        Failed attempts by run id, in order.
    foreign
        Files that are none of these.
    """

    done: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    foreign: list[Path] = field(default_factory=list)


def list_outcomes(paths: Paths, analysis: str, version: str) -> Listing:
    """List the outcomes of one version of an analysis by name only."""
    found = Listing()
    for shelf in list_shelves(paths, analysis, version):
        one = list_shelf(shelf)
        found.done |= one.done
        found.superseded |= one.superseded
        found.failures |= one.failures
        found.foreign += one.foreign
    return found


def list_shelf(shelf: Path) -> Listing:
    """List the outcomes on one shelf by name only."""
    found, names = Listing(), list(names_in(shelf))
    # Nearly all names are those of finished runs, and there may be 600,000 of them.
    ids = [name[:RUN_DIGITS] for name in names if name[RUN_DIGITS:] == ".json"]
    if _are_runs(ids, shelf.name):
        found.done.update(ids)
    if len(found.done) == len(names):
        return found
    for name in names:
        here = name.startswith(shelf.name)
        if here and is_done_name(name):
            found.done.add(name.removesuffix(".json"))
            continue
        if here and (match := _SUPERSEDED.fullmatch(name)):
            found.superseded.add(match["run"])
            continue
        if here and (match := _FAILURE.fullmatch(name)):
            failure = Failure(int(match["attempt"]), match["kind"], times.from_epoch(int(match["ended"])))
            found.failures.setdefault(match["run"], []).append(failure)
        elif not name.startswith("."):
            found.foreign.append(shelf / name)
    for attempts in found.failures.values():
        attempts.sort(key=lambda failure: failure.attempt)
    return found


def _are_runs(ids: list[str], shelf: str) -> bool:
    """Return whether all of these texts of equal length are numbers of runs on a shelf; a loop would take longer."""
    text = "".join(ids)
    return text.isdecimal() and text.isascii() and min(ids).startswith(shelf) and max(ids).startswith(shelf)


def is_done_name(name: str) -> bool:
    """Return whether a file of this name is the outcome of a finished run."""
    plain = name[RUN_DIGITS:] == ".json" and name.isascii() and name[:RUN_DIGITS].isdecimal()
    return plain or _CAMPAIGN.fullmatch(name) is not None


def finished_of(name: str) -> str:
    """Return the id of the run of which a file of this name is an outcome, current or superseded; empty if of none."""
    if is_done_name(name):
        return name.removesuffix(".json")
    superseded = _SUPERSEDED.fullmatch(name)
    return superseded["run"] if superseded else ""


def list_shelves(paths: Paths, analysis: str, version: str) -> list[Path]:
    """Return the shelves of one version of an analysis, in order."""
    folder = paths.shelves(analysis, version)
    return [folder / name for name in shelf_names(paths, analysis, version)]


def shelf_names(paths: Paths, analysis: str, version: str) -> list[str]:
    """Return the names of the shelves of one version of an analysis, in order; errors as of `names_in`."""
    try:
        with os.scandir(paths.shelves(analysis, version)) as entries:
            return sorted(entry.name for entry in entries if _is_folder(entry))
    except OSError as error:
        _check_absent(error)
    return []


def shelf_stamps(paths: Paths, analysis: str, version: str) -> dict[str, tuple[int, int]]:
    """Return time of change and inode of the folder of each shelf; names come and go by renaming, which changes it."""
    found = {}
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        os.scandir(paths.shelves(analysis, version)) as entries,
    ):
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it goes at this moment
                if _is_folder(entry):
                    status = entry.stat()
                    found[entry.name] = (status.st_mtime_ns, status.st_ino)
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # The second one sees through links, and takes one that leads to itself for no folder.
    return entry.is_dir(follow_symlinks=False) or Path(entry.path).is_dir()


def list_versions(paths: Paths, analysis: str) -> list[str]:
    """Return the versions of an analysis that have outcomes, older ones included."""
    return sorted(names_in(paths.outcomes / analysis))


def failures_of(paths: Paths, key: Key) -> list[Failure]:
    """Return the failed attempts of one key, in order."""
    return failures_among(names_in(paths.outcome(key).parent), key.run)


def failures_among(names: Iterable[str], run: str) -> list[Failure]:
    """Return the failed attempts of a run or campaign, in order, from the names on its shelf."""
    found = (_FAILURE.fullmatch(name) for name in names if name.startswith(f"{run}."))
    return sorted(
        (Failure(int(one["attempt"]), one["kind"], times.from_epoch(int(one["ended"]))) for one in found if one),
        key=lambda failure: failure.attempt,
    )


def failure_path(paths: Paths, key: Key, failure: Failure) -> Path:
    """Return the file of a failed attempt."""
    seconds = int(failure.ended.timestamp())
    name = f"{key.run}.failed-{failure.attempt}-{failure.kind}-{seconds}.json"
    return paths.outcome(key).with_name(name)


def quarantine(paths: Paths, path: Path, reason: str) -> str:
    """Move a file that is not an outcome away, so that its key counts as absent; return a sentence about it."""
    place = paths.set_aside / path.relative_to(paths.outcomes)
    place.parent.mkdir(parents=True, exist_ok=True)
    targets = (place.with_name(f"{place.name}.{number}") for number in itertools.count(1))
    target = next(one for one in targets if not os.path.lexists(one))
    try:
        path.rename(target)
    except FileNotFoundError:  # another tick was faster
        return f"{path} {reason}; it is gone meanwhile"
    then = ", its run counts as not done" if is_done_name(path.name) else ""
    return f"{path} {reason}{MOVED}{target}{then}"


def finished_in(shelf: Path) -> set[str]:
    """Return the ids in a folder that have an outcome, current or superseded."""
    return {run for name in names_in(shelf) if (run := finished_of(name))}


def superseded_in(shelf: Path) -> set[str]:
    """Return the ids of the outcomes in a folder that are called superseded."""
    return {found["run"] for name in names_in(shelf) if (found := _SUPERSEDED.fullmatch(name))}


def superseded_path(path: Path) -> Path:
    """Return what an outcome is called while it is not current."""
    return path.with_name(f"{path.stem}.superseded.json")


def file_of(path: Path) -> Path:
    """Return the file of an outcome: publishing may have called it superseded as soon as it was there."""
    superseded = superseded_path(path)
    return superseded if superseded.exists() and not path.exists() else path


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Write an outcome or a failure record, complete or not at all; `SchemaError` if an entry is not allowed."""
    write_atomically(path, _text_of(outcome))


def _text_of(outcome: Outcome) -> str:
    document = to_document(outcome)
    check_outcome(document)
    return json_text(document)


def replace_outcome(path: Path, outcome: Outcome, replaced: str) -> bool:
    """Write an outcome in the place of the one with this digest, at once; return whether that one was still there.

    With an empty digest there is none: of two outcomes the first one stays.
    """
    if not replaced:
        return create_atomically(path, _text_of(outcome))
    if digest_of(path) != replaced:
        return False
    write_outcome(path, outcome)
    return True


def digest_of(path: Path) -> str:
    """Return the digest of an outcome's file, by which a decision names it; empty if there is none."""
    try:
        return digest(read_bytes(path))
    except FileNotFoundError:
        return ""


def attempt_of(path: Path) -> int:
    """Return the number of the attempt that made an outcome; 0 if it cannot be read."""
    found = read_kept(path, lambda document: document["attempt"])
    return found if isinstance(found, int) else 0


def names_in(folder: Path) -> Iterator[str]:
    """Return the names in a folder; none if there is no such folder, `OSError` if it cannot be listed."""
    try:
        yield from os.listdir(folder)
    except OSError as error:
        _check_absent(error)


def _check_absent(error: OSError) -> None:
    """Raise an error unless it means that there is no such folder: what cannot be listed is not empty."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        raise error

"""Once a day a tick moves logs of finished runs and the files of old ticks into archives, and deletes the oldest.

Logs have an archive for each shelf of an analysis and version, ticks one for each day. A file is removed only after its
archive is complete, see `xomflow.core.files.archive`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count, groupby
from pathlib import Path

from xomflow.core.files.archive import DamagedArchiveError, add_to_archive, names_in_archive
from xomflow.core.files.disk import in_a_sentence
from xomflow.core.files.file_lock import if_free
from xomflow.core.files.kept_json import list_of, read_kept, write_kept
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.jobs.run_lock import lock_owners
from xomflow.outcomes.files import finished_in, names_in
from xomflow.planning.progress.claims import ended_ticks
from xomflow.slurm.submitting import submissions
from xomflow.workflow.upkeep.sweep import last_change

_DAY = timedelta(days=1)
# Seconds: the work of one tick, and the age of a log at which no process of its attempt is left to write into it.
_LONGEST = 10.0
_OLD_LOG = 3600.0
# What processes need in a tick's folder.
_OF_PROCESSES = ("made", "warm", "lock")


def archive_old_files(paths: Paths, keep_ticks_s: float, now: datetime, longest: float = _LONGEST) -> list[str]:
    """Move logs and ticks into archives, once a day or until that is done, unless another tick does it.

    Parameters
    ----------
    paths
        Where they are.
    keep_ticks_s
        Seconds after which ticks are deleted.
    now
        The present.
    longest
        Seconds after which no further file is begun; the next tick goes on.

    Returns
    -------
    list of str
        Sentences about what is damaged.
    """
    if now.timestamp() - last_change(paths.archived) < _DAY.total_seconds():
        return []
    problems: list[str] = []
    with if_free(paths.archiving_lock) as is_mine:
        if is_mine:
            until = time.monotonic() + longest
            _archive_ticks(paths, now, until, problems)
            _delete_old_ticks(paths, now - timedelta(seconds=keep_ticks_s))
            _archive_logs(paths, now, until, problems)
            if time.monotonic() < until and not problems:
                write_kept(paths.archived, "")
                os.utime(paths.archived, (now.timestamp(), now.timestamp()))
    return problems


# --- logs ------------------------------------------------------------------------------------------------------------
def _archive_logs(paths: Paths, now: datetime, until: float, problems: list[str]) -> None:
    for folder in paths.logs.glob("*/*/*/"):
        if time.monotonic() > until:
            return
        logs = {name: folder / name for name in _logs_of_finished_runs(paths, folder)}
        old = {name: log for name, log in logs.items() if now.timestamp() - last_change(log) > _OLD_LOG}
        for log in _add(paths.log_archive(folder), old, until, problems).values():
            log.unlink(missing_ok=True)


def _logs_of_finished_runs(paths: Paths, folder: Path) -> list[str]:
    """Return the logs in the folder of a shelf whose runs are done, and that no process writes."""
    logs = [name for name in names_in(folder) if name.endswith(".log")]
    if not logs:
        return []
    analysis, version, shelf = folder.parts[-3:]
    done = finished_in(paths.shelves(analysis, version) / shelf)
    to_redo, locks = outcomes_to_redo(paths), {*names_in(paths.locks)}
    keys = {name: Key(analysis, version, name.partition(".")[0]) for name in logs}
    quiet = {key for key in keys.values() if key not in to_redo and paths.run_lock(key).name not in locks}
    return [name for name, key in keys.items() if key.run in done and key in quiet]


# --- ticks -----------------------------------------------------------------------------------------------------------
def _archive_ticks(paths: Paths, now: datetime, until: float, problems: list[str]) -> None:
    for day, ticks in groupby(_settled_ticks(paths, now), lambda tick: paths.tick_archive(tick.folder.name)):
        files = {tick: dict(_files_of(tick)) for tick in ticks}
        if time.monotonic() > until:
            return
        kept = _names_in(day, problems)  # what a dead tick left does not change
        new = {name: path for one in files.values() for name, path in one.items() if name not in kept}
        kept |= _add(day, new, until, problems).keys()
        for tick, names in files.items():
            if names.keys() <= kept:
                shutil.rmtree(tick.folder, ignore_errors=True)


def _settled_ticks(paths: Paths, now: datetime) -> list[TickPaths]:
    """Return the ticks that ended a day ago, in order, but for those that a job or the store may still need."""
    needed = {one.tick for one in submissions.noted(paths).values()}
    needed |= {one.tick for one in lock_owners(paths).values()}
    published = {name for file in paths.ledger.glob("*/ticks.json") for name in read_kept(file, list_of(str)) or []}
    week = {tick.folder.name for tick in ended_ticks(paths, now - 7 * _DAY)}  # of which one without summary is dead
    ended = [tick for tick in ended_ticks(paths, now - _DAY) if tick.folder.name not in needed]
    return [tick for tick in ended if tick.folder.name in published | week]


def _files_of(tick: TickPaths) -> Iterator[tuple[str, Path]]:
    """Return the files of a tick with their names in an archive."""
    for place, folders, files in os.walk(tick.folder):
        if Path(place) == tick.folder:
            folders[:] = [name for name in folders if name not in _OF_PROCESSES]
        for path in (Path(place, name) for name in files if name not in _OF_PROCESSES):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(tick.folder.parent)), path


def _delete_old_ticks(paths: Paths, oldest: datetime) -> None:
    for archive in paths.ticks.glob(paths.tick_archive("[0-9]" * 8 + "*").name):
        if archive.name < paths.tick_archive(f"{oldest:%Y%m%d}").name:
            archive.unlink(missing_ok=True)


# --- archives that are damaged, or cannot be written -----------------------------------------------------------------
def _add(archive: Path, files: Mapping[str, Path], until: float, problems: list[str]) -> Mapping[str, Path]:
    """Add files to an archive; return those that are in it, none if that failed."""
    if not files:
        return {}
    try:
        return add_to_archive(archive, files, until)
    except DamagedArchiveError as error:
        problems.append(_set_aside(archive, error))
    except OSError as error:
        problems.append(in_a_sentence(error, archive))
    return {}


def _names_in(archive: Path, problems: list[str]) -> set[str]:
    try:
        return set(names_in_archive(archive))
    except DamagedArchiveError as error:
        problems.append(_set_aside(archive, error))
        return set()


def _set_aside(archive: Path, error: DamagedArchiveError) -> str:
    """Rename a damaged archive, so that a new one takes its place; return a sentence."""
    place = next(one for n in count(1) if not (one := archive.with_name(f"{archive.stem}.damaged-{n}.zip")).exists())
    archive.rename(place)
    return f"{error}; it is called {place.name} now, and a new one is begun; nothing else is lost"

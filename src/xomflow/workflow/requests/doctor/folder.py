"""Checks of the folder ``work``: account, marks, layout, disk, locks, clock, and what was left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from xomflow.core import times
from xomflow.core.account import other_owner, own_account, whose
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.disk import trouble_seen_in
from xomflow.core.files.file_lock import check_locks, describe_holder
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.files.maintenance import check_finished
from xomflow.core.files.work_format import FORMAT, check_format, format_of
from xomflow.core.messages import some_of
from xomflow.core.paths import Paths
from xomflow.decisions.files import read_decisions
from xomflow.jobs.run_lock import lock_owners
from xomflow.outcomes.files import names_in
from xomflow.workflow.requests.doctor.finding import Check, Finding
from xomlib.process.locks import is_locked

_DISK = ExitCode.STORE_OR_DISK
_GIGABYTE = 1e9
# Less than this is soon used up: a thousand runs of ten analyses have 10,000 figures of 30 kB.
_LEAST_BYTES = 2 * _GIGABYTE
_LEAST_FILES = 50_000
# Seconds: retries and fingerprints bear less.
_CLOCK = 30.0


def folder_checks(paths: Paths) -> list[Check]:
    """Return the checks of a folder ``work``."""
    return [
        Check("account", lambda: _account(paths)),
        Check("folders", lambda: _folders(paths)),
        Check("layout", lambda: _layout(paths)),
        Check("disk", lambda: _disk(paths)),
        Check("locks", lambda: _locks(paths)),
        Check("clock", lambda: _clock(paths)),
        Check("decisions", lambda: (Finding(one, "look at the file") for one in read_decisions(paths).problems)),
        Check("left-overs", lambda: _left_overs(paths)),
    ]


def _account(paths: Paths) -> Iterator[Finding]:
    if owner := other_owner(paths.work):
        yield Finding(whose(paths.work, owner), f"start ticks as {owner}")
    else:
        yield Finding(f"{own_account()} runs ticks here")


def _folders(paths: Paths) -> Iterator[Finding]:
    check_folders(paths)
    if not paths.outcomes.is_dir():
        yield Finding(f"{paths.outcomes} is not there yet", "start the first tick")


def _layout(paths: Paths) -> Iterator[Finding]:
    check_format(paths)
    check_finished(paths)
    found = format_of(paths)
    if found < FORMAT:
        yield Finding(f"layout {found}", f"nothing: a tick makes it layout {FORMAT} when no older job is left")
    else:
        yield Finding(f"layout {found}")


def _disk(paths: Paths) -> Iterator[Finding]:
    folders = [paths.outcomes, paths.all_figures, paths.logs, paths.locks, paths.drafts, paths.cache, paths.ticks]
    for trouble in dict.fromkeys(filter(None, map(trouble_seen_in, folders))):
        yield Finding(trouble, "make space, or mount the disk so that files can be written", _DISK)
    place = next(one for one in (paths.work.absolute(), *paths.work.absolute().parents) if one.exists())
    disk = os.statvfs(place)
    size, files = disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None
    free = f"{size / _GIGABYTE:.1f} GB" + (f" and {files} files" if files is not None else "") + " are free"
    if size < _LEAST_BYTES or (files is not None and files < _LEAST_FILES):
        yield Finding(f"{paths.work}: only {free}", "make space: `xom du` shows what takes it")
    else:
        yield Finding(free)


def _locks(paths: Paths) -> Iterator[Finding]:
    if other_owner(paths.work):
        yield Finding("whether files can be locked can only be tried by the owner")
    elif paths.work.is_dir():
        check_locks(paths.locks)
    for lock in (paths.discovery_lock, paths.publishing_lock, paths.archiving_lock):
        if is_locked(str(lock)):
            yield Finding(f"{describe_holder(lock)} holds {lock}", "nothing, unless it does so for longer than a tick")
    left = [str(key) for key, owner in lock_owners(paths).items() if not owner.held]
    if left:
        yield Finding(f"{len(left)} attempts vanished: {some_of(left)}", "nothing: the next tick writes a record")


def _clock(paths: Paths) -> Iterator[Finding]:
    """Compare the clock of this machine with the times of the newest files, which the file server may have set."""
    names = [paths.ticks, *(paths.ticks / name for name in names_in(paths.ticks))]
    newest = max((one.lstat().st_mtime for one in names if one.exists()), default=0.0)
    ahead = newest - time.time()
    if ahead > _CLOCK:
        yield Finding(
            f"the newest file in {paths.ticks} is {times.span(ahead)} in the future",
            "set the clocks of this machine, of the file server and of the nodes, for example with chrony",
            _DISK,
        )
    else:
        yield Finding(f"{times.text(times.now())}, no file is in the future")


def _left_overs(paths: Paths) -> Iterator[Finding]:
    aside = sorted(path for path in paths.set_aside.rglob("*") if path.is_file())
    if aside:
        yield Finding(f"{len(aside)} files were set aside, such as {aside[0]}", "look at them, then delete them")
    archives = [*paths.logs.glob("*/*/*.damaged-*.zip"), *paths.ticks.glob("*.damaged-*.zip")]
    damaged = sorted(map(str, archives))
    if damaged:
        yield Finding(f"{len(damaged)} damaged archives: {some_of(damaged)}", "rescue what is in them, or delete them")

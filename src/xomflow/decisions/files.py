"""The files of decisions: who may write one, how they are read and written."""

from __future__ import annotations

import functools
import grp
import itertools
import os
import pwd
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.paths import Paths
from xomflow.decisions.model import Decision, standing
from xomlib.files import create_atomically, dump_json, json_text, read_json

_TIME_FORM = "%Y%m%dT%H%M%SZ"


class DecisionError(UsageError):
    """The account cannot decide here."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions of a site.

    Parameters
    ----------
    made
        Those that count, whether they stand or not.
    problems
        A sentence for each file that counts for nothing.
    """

    made: tuple[Decision, ...] = ()
    problems: tuple[str, ...] = ()

    def begin_later(self, now: datetime) -> list[str]:
        """Return a sentence for each decision that does not count yet, since two clocks differ."""
        then = "later than now: the clock of the machine on which it was made is ahead, or this one's is behind"
        later = (one for one in self.made if one.when > now)
        return [f"the decision {one.name} counts from {times.text(one.when)} on, {then}" for one in later]


@dataclass(frozen=True, slots=True)
class _Trust:
    """Whose decisions count: the owner of ``work``, and members of the group of ``work`` or of the folder."""

    owner: int
    groups: frozenset[int]

    @classmethod
    def of(cls, paths: Paths) -> _Trust:
        folders = [one.stat() for one in (paths.work, paths.decisions) if one.exists()]
        return cls(folders[0].st_uid, frozenset(one.st_gid for one in folders))

    def covers(self, uid: int) -> bool:
        return uid == self.owner or bool(self.groups & _groups_of(uid))


def read_decisions(paths: Paths) -> Decisions:
    """Read all decisions; a file that is none, or whose writer may not decide, costs only itself.

    Raises
    ------
    OSError
        If the folder cannot be listed: what was decided is unknown then.
    """
    try:
        names = sorted(os.listdir(paths.decisions))
    except FileNotFoundError:
        return Decisions()
    trust, made, problems = _Trust.of(paths), [], []
    for name in names:
        path = paths.decisions / name
        if name.startswith("."):  # the folder's marker, and what a writer was killed with
            continue
        try:
            made.append(_read(path, trust))
        except FileNotFoundError:
            pass  # it was deleted meanwhile
        except (OSError, ValueError, TypeError, LookupError) as error:
            why = error.strerror if isinstance(error, OSError) else _reason(error)
            problems.append(f"{path} is no decision and counts for nothing: {why}")
    return Decisions(tuple(made), tuple(problems))


def standing_decisions(paths: Paths, now: datetime | None = None) -> tuple[Decision, ...]:
    """Return the decisions that stand at a moment; None: now."""
    return standing(read_decisions(paths).made, now or times.now())


def write_decision(paths: Paths, decision: Decision) -> Path:
    """Write a decision under a new name; return its file, which is complete or absent.

    Raises
    ------
    DecisionError
        If this account's decisions do not count, or it may not write to the folder.
    """
    if not paths.work.is_dir():
        raise DecisionError(f"{paths.work}: there is no such folder, so nothing can be decided: start a tick first")
    if not (trust := _Trust.of(paths)).covers(os.geteuid()):
        raise DecisionError(
            f"{paths.decisions}: {account(os.geteuid())} cannot decide here, only {account(trust.owner)}, who owns "
            f"{paths.work}, and members of {_group_names(trust.groups)}"
        )
    who = re.sub(r"[^A-Za-z0-9._]", "_", decision.who)
    base = f"{decision.when.strftime(_TIME_FORM)}-{decision.what}-{who}"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    try:
        return next(path for name in names if _create(path := paths.decisions / f"{name}.json", decision))
    except PermissionError:
        folder = paths.decisions if paths.decisions.exists() else paths.work
        raise DecisionError(
            f"{folder}: {account(os.geteuid())} may not write here; {account(folder.stat().st_uid)} can allow it "
            f"to the group with: chmod g+ws {folder}"
        ) from None


def replace_decision(paths: Paths, decision: Decision) -> None:
    """Replace the decision of this name: only maintenance does it, for a new name of an analysis."""
    path = paths.decisions / decision.name
    dump_json(path, decision.to_json())
    path.chmod(0o644)


def account(uid: int) -> str:
    """Return the name of an account; its number if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _read(path: Path, trust: _Trust) -> Decision:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is not a file")
    if not trust.covers(found.st_uid):
        members = _group_names(trust.groups)
        raise ValueError(f"{account(found.st_uid)} wrote it, not {account(trust.owner)} or a member of {members}")
    if found.st_mode & stat.S_IWOTH:
        raise ValueError(f"every account can write to it, look at it and run: chmod o-w {path}")
    return Decision.from_json(read_json(path), path.name)


def _create(path: Path, decision: Decision) -> bool:
    """Create a complete file; False if there is one of this name."""
    if not create_atomically(path, json_text(decision.to_json())):
        return False
    path.chmod(0o644)  # the owner of work must be able to read it, whatever the umask is
    return True


@functools.cache
def _groups_of(uid: int) -> frozenset[int]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return frozenset()
    return frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))


def _group_names(gids: frozenset[int]) -> str:
    return " or ".join(sorted(_group_name(gid) for gid in gids))


def _group_name(gid: int) -> str:
    try:
        return f"group {grp.getgrgid(gid).gr_name}"
    except KeyError:
        return f"group {gid}"


def _reason(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)

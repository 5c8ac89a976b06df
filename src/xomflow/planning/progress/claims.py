"""Ticks and their claims: the runs that a live tick works on.

A tick holds a lock on its folder through ``flock``, and its claims count as long as it does. The kernel releases the
lock however the tick dies, so nothing is ever left to unlock. Jobs that outlive their tick hold locks of their own, see
`xomflow.jobs.run_lock`.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from xomflow.core import times
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.files import names_in
from xomflow.planning.progress.unclear import Unclear
from xomlib.files import dump_json, open_file, read_json
from xomlib.process.locks import is_locked

_NAME = re.compile(r"(?P<began>\d{8}T\d{6})-(?P<host>[A-Za-z0-9]*)-\d+")
_TIME_FORM = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Claim:
    """One run that a tick works on.

    Parameters
    ----------
    key
        Which analysis and run.
    attempt
        Number of the attempt.
    """

    key: Key
    attempt: int


def write_claims(tick: TickPaths, claims: Iterable[Claim]) -> None:
    """Write the claims of a tick; from here on they count."""
    rows = [[one.key.analysis, one.key.version, one.key.run, one.attempt] for one in claims]
    dump_json(tick.claims, rows)


def read_claims(tick: TickPaths) -> list[Claim]:
    """Return the claims of a tick; `FileNotFoundError` if it has not claimed anything yet."""
    return claims_in(read_json(tick.claims))


def claims_in(content: Any) -> list[Claim]:
    """Return the claims in the JSON value of their file."""
    return [Claim(Key(analysis, version, run), int(n)) for analysis, version, run, n in content]


def new_tick(moment: datetime) -> str:
    """Return a name for a tick: its time in UTC, its host and its process."""
    return f"{moment.strftime(_TIME_FORM)}-{_host()}-{os.getpid()}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", os.uname().nodename.split(".")[0])


def hold_tick(tick: TickPaths) -> IO[bytes]:
    """Take the lock of a tick; it lasts until the returned file is closed or the process dies."""
    tick.folder.mkdir(parents=True, exist_ok=True)
    file = open_file(tick.lock, "wb")
    fcntl.flock(file, fcntl.LOCK_EX)  # waits for another tick that tests the lock at this moment
    return file


def living_ticks(paths: Paths) -> set[str]:
    """Return the names of the ticks that hold their lock."""
    return {tick.folder.name for tick in _ticks(paths) if is_locked(str(tick.lock))}


def live_claims(
    paths: Paths, longest: float = 0.0, now: datetime | None = None, unclear: Unclear | None = None
) -> dict[Key, tuple[str, int]]:
    """Return the claims of live ticks: for each key the tick and the number of the attempt.

    Parameters
    ----------
    paths
        Where the ticks are.
    longest
        Seconds that a tick may last. A lock may not reach from one host to another, so the claims of a tick of another
        host also count until it has written its summary or this time is over.
    now
        The present.
    unclear
        Gets the runs that a live tick may have claimed, where its claims cannot be read.
    """
    claimed = {}
    for tick in _ticks(paths):
        if is_locked(str(tick.lock)) or _may_live_elsewhere(tick, longest, now or times.now()):
            try:
                claimed.update({one.key: (tick.folder.name, one.attempt) for one in read_claims(tick)})
            except FileNotFoundError:
                pass  # it has not claimed anything yet
            except UNREADABLE as error:
                _note_unclear(tick, error, Unclear() if unclear is None else unclear)
    return claimed


def _note_unclear(tick: TickPaths, error: Exception, unclear: Unclear) -> None:
    """Note what a tick may have claimed: the runs in its descriptions of jobs, which it wrote before."""
    what = "what its tick took waits until that tick has ended"
    phrase = f"tick {tick.folder.name} may work on it, but {unclear.note(tick.claims, error, what)}"
    for file in sorted(tick.jobs("any").parent.glob("*.json")):
        analysis = file.stem.partition("+")[0]
        try:
            unclear.runs.update({(analysis, run): phrase for run in dict(read_json(file)["runs"])})
        except UNREADABLE as problem:
            unclear.analyses[analysis] = unclear.note(file, problem, f"all runs of {analysis} wait")


def _may_live_elsewhere(tick: TickPaths, longest: float, now: datetime) -> bool:
    name = _NAME.fullmatch(tick.folder.name)
    if name is None or name["host"] == _host() or tick.summary.exists():
        return False
    return (now - _began(name)).total_seconds() < longest


def _began(name: re.Match[str]) -> datetime:
    return datetime.strptime(name["began"], _TIME_FORM).replace(tzinfo=UTC)


def began_at(tick: str) -> datetime | None:
    """Return when a tick began, from its name; None if that is not the name of a tick."""
    name = _NAME.fullmatch(tick)
    return name and _began(name)


def is_overtaken(paths: Paths, tick: TickPaths, now: datetime) -> bool:
    """Return whether a tick that began later has reported already; its survey is newer."""
    own, present = _NAME.fullmatch(tick.folder.name), now.strftime(_TIME_FORM)
    names = ((name, _NAME.fullmatch(name)) for name in names_in(paths.ticks))
    # A clock that was wrong may have named a tick of the future, which must not overtake others until then.
    later = (name for name, found in names if own and found and own["began"] < found["began"] <= present)
    return any(TickPaths(paths.tick(name)).summary.exists() for name in later)


def ended_ticks(paths: Paths, before: datetime) -> list[TickPaths]:
    """Return the ticks that began before a moment and do not live, in order; those of other hosts may live."""
    names = ((name, _NAME.fullmatch(name)) for name in sorted(names_in(paths.ticks)))
    old = (TickPaths(paths.tick(name)) for name, found in names if found and _began(found) < before)
    return [tick for tick in old if not is_locked(str(tick.lock))]


def _ticks(paths: Paths) -> list[TickPaths]:
    try:
        names = sorted(os.listdir(paths.ticks))
    except FileNotFoundError:
        return []
    return [TickPaths(paths.tick(name)) for name in names if (paths.tick(name) / "lock").exists()]

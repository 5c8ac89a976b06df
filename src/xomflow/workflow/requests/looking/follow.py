"""Follow the log of a run until nothing works on the run any more, also if the log moves into an archive meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.files.archive import read_from_archive
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.redo import is_done
from xomflow.jobs.run_lock import read_owner
from xomflow.outcomes.files import failures_of
from xomflow.planning.progress.in_progress import read_in_progress
from xomlib.files import open_file
from xomlib.process.locks import is_locked

# Seconds between two looks at the log, and between two questions about claims and the batch system.
_PAUSE = 0.3
_LONG_PAUSE = 10.0


class LogTail:
    """The log of the newest attempt of a key, from the place up to which it was read.

    Parameters
    ----------
    paths, key
        Which log.
    """

    def __init__(self, paths: Paths, key: Key) -> None:
        self._log = paths.log(key)
        self._archive = paths.log_archive(self._log.parent)
        self._inode = 0
        self._place = 0
        self._rest = b""

    def lines(self, is_last: bool = False) -> list[str]:
        """Return the lines that were added; at the last look also one without an end."""
        *whole, rest = (self._rest + self._more()).split(b"\n")
        self._rest = b"" if is_last else rest
        if is_last and rest:
            whole.append(rest)
        return [line.decode(errors="replace") for line in whole]

    def _more(self) -> bytes:
        try:
            with open_file(self._log) as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._place:  # of another attempt
                    self._inode, self._place = status.st_ino, 0
                file.seek(self._place)
                content = file.read()
        except FileNotFoundError:
            # It is in the archive before it is removed. Before a new attempt it is removed too, and then not there.
            content = (read_from_archive(self._archive, self._log.name) or b"")[self._place :] if self._inode else b""
        self._place += len(content)
        return content


class Work:
    """What works on a key, asked no more often than its answer may have changed.

    Parameters
    ----------
    config, key
        The configuration, and which key.
    """

    def __init__(self, config: Config, key: Key) -> None:
        self._config, self._key, self._paths = config, key, Paths(config.work)
        self._answer, self._due = "", 0.0  # 0: at once

    def words(self) -> str:
        """Return a phrase about what works on the key; empty if nothing does."""
        locked = is_locked(str(self._paths.run_lock(self._key)))
        if locked:
            owner, self._due = read_owner(self._paths, self._key), 0.0
            return f"attempt {owner.attempt} runs at {owner.where}" if owner else "an attempt begins"
        if time.monotonic() >= self._due or is_done(self._paths, self._key):
            self._answer, self._due = self._ask(), time.monotonic() + _LONG_PAUSE
        return self._answer

    def _ask(self) -> str:
        if is_done(self._paths, self._key):
            return ""
        in_progress = read_in_progress(self._config, times.now())
        return in_progress.describe(self._key, failures_of(self._paths, self._key))


def follow(config: Config, key: Key) -> Iterator[tuple[str, list[str]]]:
    """Yield what works on a key, in words, with the new lines of its log, until nothing works on it."""
    tail, work = LogTail(Paths(config.work), key), Work(config, key)
    while words := work.words():
        yield words, tail.lines()
        time.sleep(_PAUSE)
    yield "nothing works on it any more", tail.lines(is_last=True)

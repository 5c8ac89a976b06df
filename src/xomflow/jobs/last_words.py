"""What the names of files show about how attempts ended, as of one look: each folder is listed once."""

from __future__ import annotations

from pathlib import Path

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.files import Failure, failures_among, names_in


class LastWords:
    """Outcomes and failure records of many keys.

    Parameters
    ----------
    paths
        Where they are.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._redo: set[Key] | None = None
        self._done: dict[Path, frozenset[str]] = {}
        self._failed: dict[Path, dict[str, list[str]]] = {}

    def is_done(self, key: Key) -> bool:
        """Return whether a key has an outcome that is not to be made again."""
        place = self._paths.outcome(key)
        self._list(place.parent)
        return place.name in self._done[place.parent] and key not in self._to_redo()

    def failures_of(self, key: Key) -> list[Failure]:
        """Return the failed attempts of a key, in order."""
        shelf = self._paths.outcome(key).parent
        self._list(shelf)
        return failures_among(self._failed[shelf].get(key.run, ()), key.run)

    def has_failed(self, key: Key, attempt: int) -> bool:
        """Return whether there is a failure record of an attempt, or of a later one."""
        return any(failure.attempt >= attempt for failure in self.failures_of(key))

    def has_ended(self, key: Key, attempt: int) -> bool:
        """Return whether there is an outcome, or a failure record of an attempt."""
        return self.is_done(key) or self.has_failed(key, attempt)

    def _list(self, shelf: Path) -> None:
        if shelf in self._done:
            return
        self._done[shelf] = names = frozenset(names_in(shelf))
        self._failed[shelf] = {}
        for name in names:
            run, failed, _ = name.partition(".failed-")
            if failed:
                self._failed[shelf].setdefault(run, []).append(name)

    def _to_redo(self) -> set[Key]:
        """Return the keys whose outcome is to be made again; decisions are read only if something is done."""
        if self._redo is None:
            self._redo = set(outcomes_to_redo(self._paths))
        return self._redo

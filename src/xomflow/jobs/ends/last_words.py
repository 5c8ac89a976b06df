"""What the names of files show about how attempts ended, as of one look: each folder is listed once."""

from __future__ import annotations

from dataclasses import dataclass, field

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.files import Failure, failures_among, finished_of, names_in


@dataclass(slots=True)
class _Shelf:
    """The runs of a shelf that are done, and the names of its failure records by run."""

    done: set[str] = field(default_factory=set)
    failed: dict[str, list[str]] = field(default_factory=dict)


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
        self._shelves: dict[tuple[str, str, str], _Shelf] = {}

    def is_done(self, key: Key) -> bool:
        """Return whether a key has an outcome, current or superseded, that is not to be made again."""
        return key.run in self._shelf_of(key).done and key not in self.to_redo()

    def failures_of(self, key: Key) -> list[Failure]:
        """Return the failed attempts of a key, in order."""
        return failures_among(self._shelf_of(key).failed.get(key.run, ()), key.run)

    def has_failed(self, key: Key, attempt: int) -> bool:
        """Return whether there is a failure record of an attempt, or of a later one."""
        return any(failure.attempt >= attempt for failure in self.failures_of(key))

    def has_ended(self, key: Key, attempt: int) -> bool:
        """Return whether there is an outcome, or a failure record of an attempt."""
        return self.is_done(key) or self.has_failed(key, attempt)

    def to_redo(self) -> set[Key]:
        """Return the keys whose outcome is to be made again; decisions are read at the first call."""
        if self._redo is None:
            self._redo = set(outcomes_to_redo(self._paths))
        return self._redo

    def _shelf_of(self, key: Key) -> _Shelf:
        place = (key.analysis, key.version, key.shelf)
        if place not in self._shelves:
            self._shelves[place] = shelf = _Shelf()
            for name in names_in(self._paths.outcome(key).parent):
                run, failed, _ = name.partition(".failed-")
                if failed:
                    shelf.failed.setdefault(run, []).append(name)
                elif finished := finished_of(name):
                    shelf.done.add(finished)
        return self._shelves[place]

"""Whether a store still has what was written to it last, as far as it shows that without a comparison."""

from __future__ import annotations

from pathlib import Path

from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomflow.publishing.stores.store import Store


class Stored:
    """What a store had of each shelf after it was written last, in a file that can be deleted.

    It has a digest of each shelf and a stamp: where the stamp is the same, nothing is read.

    Parameters
    ----------
    store
        The store.
    ledger
        Folder of the file.
    table
        As of `Store.stamp`.
    """

    def __init__(self, store: Store, ledger: Path, table: str = "") -> None:
        self._store, self._table = store, table
        self._noted = SeenFingerprints(ledger / "stored.json")

    def has(self, shelf: Shelf) -> bool:
        """Return whether the store can have the shelf as it was written; not if an older copy is there.

        What was written before this was noted counts as written.
        """
        stamp, noted = self._store.stamp(shelf, self._table), self._noted.last(shelf)
        if not noted:
            return stamp != ""
        digest, _, before = str(noted).partition(" ")
        if stamp != before and digest == self._store.digest(shelf, self._table):  # it was moved or restored
            self._noted.note(shelf, f"{digest} {stamp}")
            return True
        return stamp == before

    def is_gone(self, shelf: Shelf) -> bool:
        """Return whether the store has nothing of the shelf."""
        return self._store.stamp(shelf, self._table) == ""

    def note(self, shelf: Shelf) -> None:
        """Note that the store has the present points of the shelf."""
        if stamp := self._store.stamp(shelf, self._table):
            self._noted.note(shelf, f"{self._store.digest(shelf, self._table)} {stamp}")
        else:
            self._noted.forget(shelf)

    def note_unknown(self, shelf: Shelf) -> None:
        """Note a shelf that was written before this was noted."""
        if not self._noted.last(shelf):
            self.note(shelf)

    def keep(self) -> None:
        """Write the file, if something was noted."""
        self._noted.keep()

"""Whether a store still has what was written to it last, as far as it shows that without a comparison."""

from __future__ import annotations

from pathlib import Path

from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomflow.publishing.stores.store import Store


class Stored:
    """What a store had of each shelf after it was written last, by its stamps in a file that can be deleted.

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
        self._stamps = SeenFingerprints(ledger / "stored.json")

    def has(self, shelf: Shelf) -> bool:
        """Return whether the store can have the shelf as it was written; not if an older copy is there.

        What was written before there were stamps counts as written.
        """
        stamp = self._store.stamp(shelf, self._table)
        return stamp is None or (stamp != "" and self._stamps.last(shelf) in (0, stamp))

    def is_gone(self, shelf: Shelf) -> bool:
        """Return whether the store has nothing of the shelf."""
        return self._store.stamp(shelf, self._table) == ""

    def note(self, shelf: Shelf) -> None:
        """Note that what the store has of the shelf now is as it should be."""
        if stamp := self._store.stamp(shelf, self._table):
            self._stamps.note(shelf, stamp)
        else:
            self._stamps.forget(shelf)

    def note_unknown(self, shelf: Shelf) -> None:
        """Note a shelf that was written before there were stamps."""
        if not self._stamps.last(shelf):
            self.note(shelf)

    def keep(self) -> None:
        """Write the file, if something was noted."""
        self._stamps.keep()

"""Which shelves have changed since their outcomes were last used, so that the others need no look."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.outcomes.cache import Fingerprint, Shelf


class SeenFingerprints:
    """The fingerprint that each shelf had when its outcomes were last used, in a file that can be deleted.

    Parameters
    ----------
    path
        The file.
    look_at
        Shelves that count as unseen whatever their fingerprint is: what was just analysed is looked at itself.
    """

    def __init__(self, path: Path, look_at: Collection[Shelf] = ()) -> None:
        self._path = path
        self._look_at = frozenset(look_at)
        self._kept: dict[str, Fingerprint] | None = read_kept(path, _object)
        self._seen = dict(self._kept or {})

    def seen(self, shelf: Shelf, fingerprint: Fingerprint) -> bool:
        """Return whether the shelf had this fingerprint; never for 0."""
        return fingerprint != 0 and shelf not in self._look_at and self._seen.get(str(shelf)) == fingerprint

    def last(self, shelf: Shelf) -> Fingerprint:
        """Return the fingerprint that the shelf had; 0 if it is not known, or the shelf counts as unseen."""
        return 0 if shelf in self._look_at else self._seen.get(str(shelf), 0)

    def note(self, shelf: Shelf, fingerprint: Fingerprint) -> None:
        """Remember the fingerprint of a shelf."""
        self._seen[str(shelf)] = fingerprint

    def forget(self, shelf: Shelf) -> None:
        """Forget the fingerprint of a shelf."""
        self._seen.pop(str(shelf), None)

    def keep(self) -> None:
        """Write the file, if something was noted or forgotten; without an entry there is none."""
        if self._seen and self._seen != self._kept:
            write_kept(self._path, json.dumps(self._seen))
        elif not self._seen:
            self._path.unlink(missing_ok=True)
        self._kept = dict(self._seen)


def _object(content: Any) -> dict[str, Fingerprint]:
    if not isinstance(content, dict):
        raise TypeError("an object is needed")
    return content

"""The present metadata of runs: tags, comments, mode, source and rates, which may change after the analysis.

Discovery reads all run documents and keeps these entries where they changed; publishing makes points of them and of
the outcomes. Deleted, they come back with the next tick.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

from xomflow.core.kept_json import dict_of, read_kept
from xomflow.core.key import shelf_of
from xomflow.core.paths import Paths
from xomflow.rundb.run import Run
from xomflow.rundb.united import RunEntries
from xomlib.files import write_atomically


class RunMetadata:
    """The kept metadata of all runs.

    Parameters
    ----------
    paths
        Where they are kept.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._digests: dict[str, str] = read_kept(paths.run_metadata_digests, dict_of(str)) or {}

    def keep(self, runs: Iterable[Run]) -> None:
        """Keep the metadata of these runs; those of other runs stay, such as of one whose document cannot be read."""
        shelves: dict[str, list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.number):
            shelves.setdefault(shelf_of(run.id), []).append(run)
        changed = False
        for shelf, members in shelves.items():
            text = json.dumps([(run.number, *run.entries) for run in members])
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            path = self._paths.run_metadata(shelf)
            if self._digests.get(shelf) == digest and self.of(shelf).keys() >= {run.id for run in members}:
                continue
            write_atomically(path, json.dumps(_as_kept(self.of(shelf) | {run.id: run.entries for run in members})))
            self._digests[shelf] = digest
            changed = True
        if changed:
            write_atomically(self._paths.run_metadata_digests, json.dumps(self._digests))

    @property
    def known(self) -> bool:
        """Whether the metadata of any run are kept."""
        return bool(self._digests)

    def digest(self, shelf: str) -> str:
        """Return a text that differs whenever the metadata of a shelf do."""
        return self._digests.get(shelf, "")

    def of(self, shelf: str) -> dict[str, RunEntries]:
        """Return the metadata of a shelf's runs, by run id; a run that was never seen has none."""
        kept = read_kept(self._paths.run_metadata(shelf), dict_of(dict)) or {}
        return {run: entries for run, one in kept.items() if (entries := _parsed(one)) is not None}


def _as_kept(entries: dict[str, RunEntries]) -> dict[str, dict[str, Any]]:
    return {run: one._asdict() for run, one in entries.items()}


def _parsed(kept: dict[str, Any]) -> RunEntries | None:
    """Return kept entries; None if they are damaged. Those of version 1.0 had no length."""
    try:
        entries = RunEntries(**{"seconds": None, **kept})
        texts = [entries.mode, entries.source, *entries.tags, *entries.comments]
        numbers = [entries.seconds or 0, *entries.rate.values()]
    except (TypeError, AttributeError):
        return None
    good = isinstance(entries.tags, list) and isinstance(entries.comments, list)
    good = good and all(isinstance(one, int | float) and math.isfinite(one) for one in numbers)
    return entries if good and all(isinstance(one, str) for one in texts) else None

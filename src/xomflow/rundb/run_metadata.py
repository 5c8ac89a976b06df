"""The present metadata of runs: tags, comments, mode, source and rates, which may change after the analysis.

Discovery reads all run documents and keeps these entries where they changed; publishing makes points of them and of
the outcomes. Deleted, they come back with the next tick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from xomflow.core.kept_json import dict_of, read_kept
from xomflow.core.key import shelf_of
from xomflow.core.paths import Paths
from xomflow.rundb.run import Run
from xomlib.files import write_atomically

_NAMES = ("mode", "source", "tags", "comments", "rate")


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
            text = json.dumps([(run.number, *_changeable(run)) for run in members])
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            path = self._paths.run_metadata(shelf)
            if self._digests.get(shelf) == digest and self.of(shelf).keys() >= {run.id for run in members}:
                continue
            write_atomically(path, json.dumps(self.of(shelf) | {run.id: _metadata(run) for run in members}))
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

    def of(self, shelf: str) -> dict[str, dict[str, Any]]:
        """Return the metadata of a shelf's runs, by run id; a run that was never seen has none."""
        return read_kept(self._paths.run_metadata(shelf), _parsed) or {}


def _parsed(content: Any) -> dict[str, dict[str, Any]]:
    kept = dict_of(dict)(content)
    if any(one.keys() != set(_NAMES) for one in kept.values()):
        raise ValueError(f"entries with {', '.join(_NAMES)} are needed")
    return kept


def _changeable(run: Run) -> tuple[Any, ...]:
    """Return the entries of `_NAMES` in a fixed order; fast, since a tick does this for 60,000 runs."""
    return run.mode, run.source, sorted(run.tags), run.comments, run.rate


def _metadata(run: Run) -> dict[str, Any]:
    entries = run.as_dict()
    return {name: entries[name] for name in _NAMES}

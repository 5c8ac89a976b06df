"""What the run database says now of the runs: tags, comments, mode, source, rates, which may change after the analysis.

Discovery sees all run documents anyway and keeps these few entries, by the shelf, where they changed. Points are made
of an outcome and of what is kept here. Deleted, it comes back with the next tick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xomflow.core.key import shelf_of
from xomflow.core.paths import Paths
from xomflow.rundb.run import Run
from xomlib.files import read_json, write_atomically

_NAMES = ("mode", "source", "tags", "comments", "rate")


class RunMetadata:
    """The present facts of all runs.

    Parameters
    ----------
    paths
        Where they are kept.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._digests: dict[str, str] = _read(paths.facts_digests)

    def keep(self, runs: Iterable[Run]) -> None:
        """Keep the facts of runs; what is known of other runs stays.

        A run whose document cannot be understood just now keeps what was known of it.
        """
        shelves: dict[str, list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.number):
            shelves.setdefault(shelf_of(run.id), []).append(run)
        changed = False
        for shelf, members in shelves.items():
            text = json.dumps([(run.number, *_facts(run)) for run in members])
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            place = self._paths.facts(shelf)
            if self._digests.get(shelf) == digest and place.exists():
                continue
            present = {run.id: _kept(run.as_dict()) for run in members}
            write_atomically(place, json.dumps(_read(place) | present))
            self._digests[shelf] = digest
            changed = True
        if changed:
            write_atomically(self._paths.facts_digests, json.dumps(self._digests))

    @property
    def known(self) -> bool:
        """Whether there are any."""
        return bool(self._digests)

    def digest(self, shelf: str) -> str:
        """Return a text that differs whenever the facts of a shelf do."""
        return self._digests.get(shelf, "")

    def of(self, shelf: str) -> dict[str, dict[str, Any]]:
        """Return the facts of a shelf's runs, by run id; none of a run that was never seen."""
        return _read(self._paths.facts(shelf))


def _facts(run: Run) -> tuple[Any, ...]:
    """Return what of a run may change, quickly and always in the same order: 60,000 runs are asked in every tick."""
    return run.mode, run.source, sorted(run.tags), run.comments, run.rate


def _kept(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in _NAMES}


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = read_json(path)
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}

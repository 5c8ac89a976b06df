"""Stamps of outcomes by shelf of runs: one changes with the outcomes, and with the decisions about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

from xomflow.config.model import Analysis
from xomflow.core import times
from xomflow.core.key import Key, run_id, shelf_of
from xomflow.core.paths import Paths
from xomflow.outcomes.files import shelf_stamps
from xomflow.planning.runs.selection import Selector

# Name in lists, and name of a shelf.
_Place = tuple[str, str]


class OutcomeStamps:
    """The stamps of all shelves, as of one look.

    Parameters
    ----------
    paths
        Where the outcomes are.
    blocks
        The analyses and trials, see `Config.blocks`.
    selectors
        What each of them selects.
    to_redo
        Keys whose outcomes are made again.
    now
        A moment before the look; a folder that changed later has no stamp. Nanoseconds since 1970.

    Attributes
    ----------
    shelves
        The names of all shelves that have a folder of outcomes.
    """

    def __init__(
        self,
        paths: Paths,
        blocks: Mapping[str, tuple[str, Analysis]],
        selectors: Mapping[str, Selector],
        to_redo: Collection[Key],
        now: int,
    ) -> None:
        folders = {name: shelf_stamps(paths, of, block.version) for name, (of, block) in blocks.items()}
        self.shelves = {shelf for stamps in folders.values() for shelf in stamps}
        self._folders = {
            (name, shelf): f"{changed} {inode}" if times.settled(changed, now) else ""
            for name, stamps in folders.items()
            for shelf, (changed, inode) in stamps.items()
        }
        self._added = _added(selectors)
        self._not_counted = _not_counted(blocks, selectors, to_redo)

    def of(self, analysis: str, shelf: str) -> str:
        """Return the stamp of a shelf; empty if a change could not be seen."""
        stamp = self._folders.get((analysis, shelf), "no folder")
        added = self._added.get((analysis, shelf), "")
        return f"{stamp} {sorted(self.not_counted(analysis, shelf)) or ''}{added}" if stamp else ""

    def not_counted(self, analysis: str, shelf: str) -> set[str]:
        """Return the ids of the runs of a shelf whose outcomes do not count: to be made again, or vetoed."""
        return self._not_counted.get((analysis, shelf), set())


def _added(selectors: Mapping[str, Selector]) -> dict[_Place, str]:
    """Return a digest of the runs that backfills add to the selection."""
    found: dict[_Place, list[int]] = {}
    for name, selector in selectors.items():
        for number in sorted(selector.added):
            found.setdefault((name, shelf_of(run_id(number))), []).append(number)
    return {place: hashlib.sha256(json.dumps(numbers).encode()).hexdigest() for place, numbers in found.items()}


def _not_counted(
    blocks: Mapping[str, tuple[str, Analysis]], selectors: Mapping[str, Selector], to_redo: Collection[Key]
) -> dict[_Place, set[str]]:
    found: dict[_Place, set[str]] = {}
    for name, (analysis, block) in blocks.items():
        vetoed = {run_id(number) for number in selectors[name].vetoed}
        again = {key.run for key in to_redo if (key.analysis, key.version) == (analysis, block.version)}
        for run in vetoed | again:
            found.setdefault((name, shelf_of(run)), set()).add(run)
    return found

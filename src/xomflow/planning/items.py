"""The keys that are not done, one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from xomflow.core.key import Key
from xomflow.core.state import State
from xomflow.decisions.effects import Backfill
from xomflow.outcomes.files import Failure
from xomflow.planning.decide import KeyState, as_tried
from xomflow.rundb.run import Run

# Most runs of one tick whose last attempt was lost, of all analyses together.
_MOST_LOST = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One key that is not done, and what is known about it.

    Parameters
    ----------
    key, run, state, failures
        The key, its run, its state, and its failed attempts.
    is_old
        Whether its run ended so long ago that newer ones go first.
    backfill
        The backfill that has it; None if none has.
    """

    key: Key
    run: Run
    state: KeyState
    failures: tuple[Failure, ...]
    is_old: bool = False
    backfill: Backfill | None = None

    @property
    def is_apart(self) -> bool:
        """Whether it is suspended and tried by itself, not with new runs: it is old, or in a backfill."""
        return self.is_old or self.backfill is not None

    @property
    def is_lost(self) -> bool:
        """Whether its last attempt was lost, and no person wants the next one."""
        return bool(self.failures) and self.failures[-1].kind == "lost" and not self.state.is_ordered


def few_lost(ready: list[Item], taken: Iterable[Item]) -> list[Item]:
    """Return the ready items of an analysis; with what a tick has taken of others, few whose last attempt was lost.

    What loses many runs at a time, or only seems to, would lose them all again.
    """
    left = max(0, _MOST_LOST - sum(item.is_lost for item in taken))
    lost = {item.key for item in [item for item in ready if item.is_lost][:left]}
    return [item for item in ready if not item.is_lost or item.key in lost]


def with_tried_runs(items: list[Item]) -> list[Item]:
    """Return the items of an analysis: of those that are suspended the newest one is ready, unless one is running.

    New runs and others are suspended, and tried, by themselves.
    """
    found, tried = list(items), {item.is_apart for item in items if item.state.name is State.RUNNING}
    for place, item in enumerate(items):
        if item.state.name is State.SUSPENDED and not item.state.is_held and item.is_apart not in tried:
            found[place] = replace(item, state=as_tried(item.state))
            tried.add(item.is_apart)
    return found

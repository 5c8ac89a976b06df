"""Very many ready runs: a tick takes the newest and some of the oldest, so those in the middle are only counted."""

from __future__ import annotations

from collections.abc import Collection

from xomflow.core.reason import Reason
from xomflow.rundb.run import Run

# So many of the newest and of the oldest are looked at one by one.
MOST_READY = 1000


def without_middle(
    undone: list[tuple[Run, Reason | None]],
    apart: Collection[str] | None,
    limit: int,
    backfilled: Collection[str] = frozenset(),
) -> tuple[list[tuple[Run, Reason | None]], list[Run]]:
    """Return what is not done without the ready runs between the newest and the oldest ones, and these runs.

    A tick takes none of these, whatever happens, so that a long backfill does not cost their number in each tick.

    Parameters
    ----------
    undone
        The runs, newest first, each with what it lacks.
    apart
        Ids of the runs that may not be ready; None: any run.
    limit
        How many runs of the analysis a tick takes at most.
    backfilled
        Ids of the runs that are in backfills, which are a queue of their own.
    """
    most = max(limit, MOST_READY)
    if apart is None or len(undone) <= 2 * most:
        return undone, []
    ready = [place for place, (run, lacks) in enumerate(undone) if lacks is None and run.id not in apart]
    middle = set(ready[most:-most])
    if backfilled:
        middle = set()
        for in_backfill in (False, True):
            middle.update([place for place in ready if (undone[place][0].id in backfilled) is in_backfill][most:-most])
    rest = [one for place, one in enumerate(undone) if place not in middle]
    return rest, [undone[place][0] for place in sorted(middle)]

"""Very many runs that are ready, or that wait for data: those in the middle are only counted.

A tick takes the newest and some of the oldest ready runs, and lists the newest and the oldest that wait. What it does
with those between does not depend on anything but their number, so they cost it next to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import compress

from xomflow.rundb.run import Run

# Number of the newest, and of the oldest, that are looked at one by one.
MOST_READY = 1000
MOST_WAITING = 250
_READY, _WAITING = 1, 2


@dataclass(frozen=True, slots=True)
class Middle:
    """Runs that are only counted, newest first.

    Parameters
    ----------
    ready
        Those that have all that they need.
    waiting
        Those that lack something.
    """

    ready: list[Run] = field(default_factory=list)
    waiting: list[Run] = field(default_factory=list)


def without_middle(
    undone: list[Run],
    lacking: Collection[str],
    apart: Collection[str] | None,
    limit: int,
    backfilled: Collection[str] = frozenset(),
    all_waiting: bool = False,
) -> tuple[list[Run], Middle]:
    """Return what is not done without the runs between the newest and the oldest ones, and these runs.

    Parameters
    ----------
    undone
        The runs, newest first.
    lacking
        Ids of those that lack something.
    apart
        Ids of the runs whose state may depend on something else; None: that of any run may.
    limit
        How many runs of the analysis a tick takes at most.
    backfilled
        Ids of the runs that are in backfills, which are a queue of their own.
    all_waiting
        Whether all runs that lack something are looked at one by one.
    """
    if apart is None or len(undone) <= 2 * min(MOST_READY, MOST_WAITING):
        return undone, Middle()
    ids = [run.id for run in undone]
    common = [place for place, run in enumerate(ids) if run not in apart] if apart else range(len(ids))
    queues: list[Sequence[int]] = [common]
    if backfilled:
        queues = [[place for place in common if (ids[place] in backfilled) == one] for one in (True, False)]
    fates, most = bytearray(len(ids)), max(limit, MOST_READY)
    for queue in queues:
        complete = [place for place in queue if ids[place] not in lacking] if lacking else queue
        for place in complete[most:-most]:
            fates[place] = _READY
        if lacking and not all_waiting:
            for place in [place for place in queue if ids[place] in lacking][MOST_WAITING:-MOST_WAITING]:
                fates[place] = _WAITING
    listed, ready, waiting = (list(compress(undone, map(fate.__eq__, fates))) for fate in (0, _READY, _WAITING))
    return listed, Middle(ready, waiting)

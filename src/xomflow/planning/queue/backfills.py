"""Which runs of backfills a tick takes, after all others: a pure decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from xomflow.planning.items import Item


def take_of_backfills(
    ready: Iterable[Item], running: Mapping[str, int], room: int, room_of: Mapping[str, int]
) -> list[Item]:
    """Return the runs of backfills that a tick takes: of each backfill no more than may be in progress at a time.

    Parameters
    ----------
    ready
        The ready runs that are in a backfill, in the order in which they are taken.
    running
        How many runs of each backfill are in progress, by the name of its decision.
    room
        How many may be taken in all.
    room_of
        How many of an analysis; those that are not in it have no bound of their own.
    """
    taken: list[Item] = []
    at_work, of_analysis = Counter(running), Counter[str]()
    for item in ready:
        backfill, analysis = item.backfill, item.key.analysis
        if backfill is None or len(taken) >= room or at_work[backfill.name] >= backfill.at_once:
            continue
        if of_analysis[analysis] >= room_of.get(analysis, room):
            continue
        taken.append(item)
        at_work[backfill.name] += 1
        of_analysis[analysis] += 1
    return taken

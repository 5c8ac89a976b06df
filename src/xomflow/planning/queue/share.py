"""Which of the ready runs a tick takes, if it cannot take all, and in which order: a pure decision."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_PART = 10


@dataclass(frozen=True, slots=True)
class Queue(Generic[T]):
    """The ready runs of one analysis, and how many of its runs are in progress.

    Parameters
    ----------
    ready
        Its ready runs, the newest first.
    limit
        How many of them a tick takes at most.
    new
        How many of them, the first ones, are not old.
    running
        How many of its runs are in progress, over all ticks.
    older
        How many of these are older than every ready one.
    most
        How many may be in progress; None: no bound of its own.
    """

    ready: Sequence[T]
    limit: int
    new: int = 0
    running: int = 0
    older: int = 0
    most: int | None = None

    @property
    def room(self) -> int:
        """How many runs of it a tick takes, if there are no other analyses."""
        by_bound = len(self.ready) if self.most is None else max(0, self.most - self.running)
        return min(self.limit, by_bound, len(self.ready))


def take(queues: Mapping[str, Queue[T]], most: int, running: int) -> dict[str, list[T]]:
    """Return the runs that a tick takes of each analysis, in the order of their queues.

    Those that are not old come first. Old ones leave a tenth of what may be in progress, so that a long queue of them
    does not hold up a new run. The next place is always that of the analysis with the fewest runs in progress.

    Parameters
    ----------
    queues
        The analyses.
    most
        How many runs may be in progress, of all analyses together.
    running
        How many are, over all ticks.
    """
    left = max(0, most - running)
    new = _divide(queues, dict.fromkeys(queues, 0), left, lambda one: min(one.room, one.new))
    for_old = old_room(most, most - left + sum(new.values()))
    number = _divide(queues, new, for_old, lambda one: one.room)
    return {name: share(one.ready, number[name], one.running, one.older, one.new) for name, one in queues.items()}


def old_room(most: int, in_progress: int) -> int:
    """Return how many old runs there is room for: they leave a tenth of what may be in progress to new ones."""
    return max(0, most - most // _PART - in_progress)


def _divide(
    queues: Mapping[str, Queue[T]], taken: Mapping[str, int], places: int, most: Callable[[Queue[T]], int]
) -> dict[str, int]:
    """Return how many each analysis has after these places were given away one by one."""
    number = dict(taken)
    waiting = [(one.running + number[name], place, name) for place, (name, one) in enumerate(queues.items())]
    heapq.heapify(waiting)
    while places > 0 and waiting:
        used, place, name = heapq.heappop(waiting)
        if number[name] < most(queues[name]):
            number[name] += 1
            places -= 1
            heapq.heappush(waiting, (used + 1, place, name))
    return number


def share(ready: Sequence[T], number: int, running: int = 0, older: int = 0, new: int = 0) -> list[T]:
    """Return so many of the ready runs, in their order: the newest, and some of the oldest, so that none waits always.

    A tenth of what is in progress then, one at least if there are two, is older than all that still wait.

    Parameters
    ----------
    ready
        The newest first.
    number
        How many are taken.
    running, older, new
        See `Queue`. A single run that is taken is the newest if that is not old.
    """
    if len(ready) <= number:
        return list(ready)
    total = running + number
    wanted = max(total // _PART, int(total > 1)) - older
    oldest = max(0, min(wanted, number - min(new, 1)))
    return [*ready[: number - oldest], *ready[len(ready) - oldest :]]


def in_order(taken: Mapping[str, Sequence[T]], is_old: Callable[[T], bool]) -> list[T]:
    """Return the runs that a tick takes in the order of their start: new ones first, one of each analysis in turn.

    So all analyses of a run follow each other where all have the same runs to do: they read the same data.
    """
    ranked = ((is_old(one), rank, one) for many in taken.values() for rank, one in enumerate(many))
    return [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])]


def count_older(running: Iterable[int], ready: Sequence[int]) -> int:
    """Return how many of the runs in progress have a smaller number than every ready one."""
    oldest = min(ready, default=0)
    return sum(number < oldest for number in running)

"""The choice of a tick: which of the keys that are not done it takes, in which order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, first_run
from xomflow.core.state import State
from xomflow.planning.items import Item, few_lost
from xomflow.planning.progress.in_progress import InProgress
from xomflow.planning.queue.backfills import take_of_backfills
from xomflow.planning.queue.share import Queue, count_older, in_order, old_room, take


def choose(
    found: Mapping[str, list[Item]], only_counted: Mapping[str, Counter[State]], config: Config, in_progress: InProgress
) -> tuple[list[Item], list[str]]:
    """Return the keys that a tick takes, within the bounds of what may be in progress over all ticks.

    Parameters
    ----------
    found
        Every key that is not done, newest first, by analysis.
    only_counted
        The number of those that are not among them.
    config
        The configuration, with the bounds.
    in_progress
        What is being worked on.

    Returns
    -------
    tuple
        The keys in the order in which they are begun, and sentences about what is left to later ticks.
    """
    ready: dict[str, list[Item]] = {}
    for analysis, items in found.items():
        due = [item for item in items if item.state.due and item.backfill is None]
        ready[analysis] = few_lost(due, (item for others in ready.values() for item in others))
    running = {name: [one.key for one in items if one.state.name is State.RUNNING] for name, items in found.items()}
    # With those of other versions, and those that are not selected any more.
    working = in_progress.working().union(*running.values())
    queues = {name: _queue(config, name, due, running[name], working) for name, due in ready.items()}
    taken = take(queues, config.max_running, len(working))
    chosen = in_order(taken, lambda item: item.is_old)
    chosen += _of_backfills(found, config, chosen, working)
    left = [
        describe_left(name, config, queue, taken[name], only_counted[name][State.READY])
        for name, queue in queues.items()
    ]
    return chosen, list(filter(None, left))


def _of_backfills(
    found: Mapping[str, list[Item]], config: Config, chosen: list[Item], working: Collection[Key]
) -> list[Item]:
    """Return the runs of backfills that a tick takes after all others."""
    undone = [item for items in found.values() for item in items]
    ready = few_lost([item for item in undone if item.backfill and item.state.due], chosen)
    running = Counter(item.backfill.name for item in undone if item.backfill and item.state.name is State.RUNNING)
    bounds = {name: block.max_running for name, block in config.analyses.items() if block.max_running is not None}
    used = Counter(key.analysis for key in [*working, *(item.key for item in chosen)])
    room = {name: most - used[name] for name, most in bounds.items()}
    return take_of_backfills(ready, running, old_room(config.max_running, used.total()), room)


def _queue(config: Config, name: str, ready: list[Item], running: list[Key], working: Iterable[Key]) -> Queue[Item]:
    return Queue(
        ready,
        config.limit_of(name),
        new=sum(not item.is_old for item in ready),
        running=sum(key.analysis == name for key in working),
        older=count_older((first_run(key.run) for key in running), [item.run.number for item in ready]),
        most=config.analyses[name].max_running,
    )


def describe_left(
    analysis: str, config: Config, queue: Queue[Item], taken: Collection[Item], only_counted: int = 0
) -> str:
    """Return a sentence about the ready runs that a tick leaves, with the oldest of them; empty if it takes all."""
    keys = {item.key for item in taken}
    left = [item for item in queue.ready if item.key not in keys]
    if not left:
        return ""
    oldest = min(left, key=lambda item: item.run.number)
    if len(taken) == queue.limit:
        bound = f"analyses.{analysis}: max_jobs_per_tick, which is {queue.limit}, does not keep up"
    elif len(taken) == queue.room:
        bound = f"analyses.{analysis}: max_running, which is {queue.most}, is reached"
    else:
        bound = f"max_running, which is {config.max_running}, leaves no more to analyses.{analysis}"
    return (
        f"{bound}: {len(left) + only_counted} ready runs are left "
        f"to later ticks, the oldest, {oldest.run.id}, ended at {times.text(oldest.run.end or oldest.run.start)}"
    )

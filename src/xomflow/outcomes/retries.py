"""When a failed attempt is tried again, and what the next attempt may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from xomflow.outcomes.files import Failure

if TYPE_CHECKING:  # the runner needs neither the model of the configuration nor decisions
    from xomflow.config.model import Retries
    from xomflow.decisions.effects import Grant


# Classes that are not the analysis' own fault: they are counted by themselves, see `next_try`.
NOT_ITS_FAULT = frozenset({"lost", "stopped", "node_failed", "preempted", "cancelled"})

# No file could be written: that is no attempt at all, and it is tried again until the disk takes files.
DISK: Final = "disk"
_QUICK_TRIES = 3
_LONGEST_WAIT_FOR_DISK = timedelta(hours=6)

_LONGEST_WAIT = timedelta(days=36525)
_LONGEST_WAIT_AFTER_LOST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The part of the configuration's ``retries`` that `next_try` needs, without the model of the configuration."""

    attempts: int
    lost_attempts: int
    first_wait: float
    factor: float

    @classmethod
    def of(cls, retries: Retries) -> RetryPolicy:
        """Return this part of the configuration."""
        return cls(retries.attempts, retries.lost_attempts, retries.first_wait, retries.factor)

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> RetryPolicy:
        """Return the policy in a JSON object, which may have more entries."""
        return cls(tree["attempts"], tree["lost_attempts"], tree["first_wait"], tree["factor"])


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """An attempt, and what it may use.

    Parameters
    ----------
    attempt
        Number of the attempt.
    memory_mb
        Megabytes.
    time_limit_s
        Seconds.
    nice
        By how much its priority in the batch system is lowered.
    """

    attempt: int
    memory_mb: int
    time_limit_s: float
    nice: int = 0


def next_try(
    failures: Sequence[Failure], retries: Retries | RetryPolicy, grants: Collection[Grant] = ()
) -> datetime | None:
    """Return when the next attempt is due after these failures; None: no more attempts.

    The distance is ``first_wait * factor**(n - 1)`` after the n-th failure of the analysis itself, a century at most.
    What is not its fault is repeated at once; only after attempts that were lost in a row the next one waits, a day at
    most, since nothing shows that it would not be lost too. After several that a disk ended, it
    waits six hours at most. An attempt that a person allows is made whatever the limits are, and the first of several
    at once.
    """
    kinds = Counter(failure.kind for failure in failures)
    lost = sum(kinds[kind] for kind in NOT_ITS_FAULT)
    own = len(failures) - lost - kinds[DISK]
    last = failures[-1]
    if any(one.wants_now(last.attempt + 1) for one in grants):
        return last.ended
    is_granted = any(one.covers(last.attempt + 1) for one in grants)
    if not is_granted and (own >= retries.attempts or lost >= retries.lost_attempts):
        return None
    if last.kind == DISK:
        more = kinds[DISK] - _QUICK_TRIES
        wait = _wait(retries.first_wait, retries.factor, more) if more > 0 else timedelta()
        return last.ended + min(wait, _LONGEST_WAIT_FOR_DISK)
    if last.kind not in NOT_ITS_FAULT:
        return last.ended + _wait(retries.first_wait, retries.factor, own)
    again = len(list(takewhile(lambda failure: failure.kind == "lost", reversed(failures)))) - 1
    wait = _wait(retries.first_wait, retries.factor, again) if again > 0 else timedelta()
    return last.ended + min(wait, _LONGEST_WAIT_AFTER_LOST)


def next_resources(failures: Iterable[Failure], retries: Retries, memory_mb: int, time_limit: float) -> dict[str, Any]:
    """Return what the next attempt may use: more memory or time where earlier ones had too little.

    Parameters
    ----------
    failures
        Failed attempts.
    retries
        By what it grows, and up to where.
    memory_mb, time_limit
        What the first attempt may use; seconds.
    """
    kinds = Counter(failure.kind for failure in failures)
    memory = memory_mb * retries.more_memory ** kinds["out_of_memory"]
    seconds = time_limit * retries.more_time ** kinds["timeout"]
    return {
        "memory_mb": int(min(memory, max(retries.most_memory_mb, memory_mb))),
        "time_limit_s": min(seconds, max(retries.most_time, time_limit)),
    }


def _wait(first: float, factor: float, number: int) -> timedelta:
    try:
        return min(timedelta(seconds=first * factor ** (number - 1)), _LONGEST_WAIT)
    except OverflowError:
        return _LONGEST_WAIT

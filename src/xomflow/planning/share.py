"""Which of the ready runs a tick takes, if it cannot take all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_PART_OF_OLDEST = 10


def share(ready: Sequence[T], limit: int) -> list[T]:
    """Return those that a tick takes, in their order: the newest, and a tenth of the oldest, so that none waits always.

    Parameters
    ----------
    ready
        The newest first.
    limit
        How many a tick takes at most; from two on, one at least is the oldest.
    """
    if len(ready) <= limit:
        return list(ready)
    oldest = max(limit // _PART_OF_OLDEST, int(limit > 1))
    return [*ready[: limit - oldest], *ready[len(ready) - oldest :]]

"""A clock whose time is that of the next event."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Clock:
    """Events in the order of their times.

    Attributes
    ----------
    now
        Seconds since the begin.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    @property
    def moment(self) -> datetime:
        """The present as XOM sees it."""
        return moment(self.now)

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Let something happen at a time; events of the same time happen in the order in which they were added."""
        heapq.heappush(self._events, (max(time, self.now), next(self._number), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen later."""
        self.at(self.now + seconds, action)

    def run(self, until: float) -> None:
        """Let everything happen up to a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.now = until


def moment(seconds: float) -> datetime:
    """Return a time of the simulation as XOM sees it."""
    return BEGIN + timedelta(seconds=seconds)

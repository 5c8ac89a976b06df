"""The states of a key: the one list for the planning, the terminal, the page and the stored points."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far one analysis is with one run, in the order of tables.

    Attributes
    ----------
    meaning
        One phrase for people.
    urgency
        How much it needs a person: keys of urgency 0 are only counted, the others are listed, the most urgent first.
    """

    meaning: str
    urgency: int

    WAITING = "waiting", "some needed data cannot be read yet", 1
    STALE = "stale", "has waited longer than the site allows; still checked", 2
    READY = "ready", "all needed data can be read", 0
    SUSPENDED = "suspended", "its analysis fails in the same way on all runs; each tick tries one", 2
    RUNNING = "running", "a tick or a batch job works on it", 0
    DONE = "done", "has results", 0
    VETOED = "vetoed", "a person decided against results of this run", 0
    FAILED = "failed", "will be tried again", 3
    GAVE_UP = "gave up", "will not be tried again until you retry it", 4

    def __new__(cls, value: str, meaning: str = "", urgency: int = 0) -> State:
        """Make a member whose value is its name in documents."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning, member.urgency = meaning, urgency
        return member

    @property
    def field(self) -> str:
        """Its name as a field of a stored point."""
        return self.value.replace(" ", "_")


# The last attempt ended without results.
FAILURES = frozenset({State.FAILED, State.GAVE_UP})
# Data are missing.
WAITINGS = frozenset({State.WAITING, State.STALE})
# A summary has their number only: there may be 100,000 of them.
ONLY_COUNTED = frozenset({State.READY, State.VETOED})
# Listed for people, the most urgent first.
ATTENTION = tuple(sorted((state for state in State if state.urgency), key=lambda state: -state.urgency))

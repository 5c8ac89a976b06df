"""The changes of variables that judging finds; alarms follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from xomflow.core.verdicts import HowEnded, Kind


class Event(NamedTuple):
    """One change of one variable.

    Parameters
    ----------
    kind, variable
        Its kind, and the variable; of a bad run the one that is farthest away.
    number, run, start
        Number among the runs of the group, id and start (UTC) of the run with which it began.
    noticed, noticed_at
        Id and start (UTC) of the run with which it was found.
    before, after, sigma, n, agree
        Level before and after, significance, results that were taken together, and those of them that agree. Of a
        missing variable ``after`` is the part of the runs that usually lack it.
    ended, ended_number, how
        Start and number of the run with which it ended, and why; None: it goes on.
    """

    kind: Kind
    variable: str
    number: int
    run: str
    start: str
    noticed: str
    noticed_at: str
    before: float = 0.0
    after: float = 0.0
    sigma: float = 0.0
    n: int = 1
    agree: int = 1
    ended: str | None = None
    ended_number: int | None = None
    how: HowEnded = HowEnded.GOES_ON

    @classmethod
    def from_json(cls, content: Sequence[Any]) -> Event:
        """Return the event in an array."""
        if len(content) > len(cls._fields):  # an earlier form, with the number of the run that noticed it
            content = [*content[:7], *content[8:]]
        given = dict(zip(cls._fields, content, strict=True))
        return cls(**{**given, "kind": Kind(given["kind"]), "how": HowEnded(given["how"])})

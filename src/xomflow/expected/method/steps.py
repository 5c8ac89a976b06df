"""One step of a series: the run of a result, what is expected of it, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xomflow.core.verdicts import HowEnded, Kind
from xomflow.expected.method.tail import Usual
from xomflow.expected.method.windows import Found


class Now(NamedTuple):
    """The run of a result.

    Parameters
    ----------
    number
        How many runs of its group there were before it.
    start
        Its start; seconds since 1970.
    usual
        The tail of all variables.
    """

    number: int
    start: float
    usual: Usual = Usual()


class Look(NamedTuple):
    """What is expected, seen from one result.

    Parameters
    ----------
    expected, width
        Expected value, and standard deviation of a result about it.
    deviation
        Of the result, in standard deviations of a normal distribution.
    error2
        Square of the error that counts.
    """

    expected: float
    width: float
    deviation: float
    error2: float


class Change(NamedTuple):
    """A change that begins with a result.

    Parameters
    ----------
    kind
        Its kind.
    found
        What was found.
    run
        Number of the first run that has it.
    before, after
        Level before and after.
    """

    kind: Kind
    found: Found
    run: int
    before: float
    after: float


class Taken(NamedTuple):
    """The consequences of one result; usually none.

    Parameters
    ----------
    is_outlier
        Whether it is far away.
    begins
        The change that it shows.
    ends
        The alarms that end with it, and how.
    """

    is_outlier: bool = False
    begins: Change | None = None
    ends: Sequence[tuple[Kind, HowEnded]] = ()

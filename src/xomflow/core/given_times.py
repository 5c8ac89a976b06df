"""Times as people give them: a length such as ``2 d``, a day, or a moment."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta

LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d)")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_LONGEST_DAYS = 10_000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?", re.ASCII)


def seconds_of(text: str) -> float:
    """Return a length of time in seconds; `ValueError` for another form, or one that is too long."""
    match = LENGTH.fullmatch(text)
    if not match:
        raise ValueError("a length of time is needed: a number and one of s, min, h, d, such as '2 d'")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST_DAYS * _UNITS["d"]:
        raise ValueError(f"a length of time of at most {_LONGEST_DAYS} d is needed")
    return seconds


def moment_of(text: str, now: datetime, ahead: bool = False) -> datetime:
    """Return the moment that a text gives, in UTC.

    Parameters
    ----------
    text
        A day or a moment in UTC, such as ``2026-11-20`` or ``2026-11-20T12:00``, or a length of time.
    now
        The present, from which a length counts.
    ahead
        Whether a length leads into the future.

    Raises
    ------
    ValueError
        For any other text.
    """
    with contextlib.suppress(ValueError):  # such as a thirteenth month
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    if LENGTH.fullmatch(text):
        distance = timedelta(seconds=seconds_of(text))
        return now + distance if ahead else now - distance
    raise ValueError(f"{text!r} is no time: write it in UTC as 2026-11-20 or 2026-11-20T12:00, or as a length, '3 d'")

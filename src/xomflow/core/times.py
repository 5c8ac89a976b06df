"""Time as XOM writes it: UTC, to the second."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

# Coarse file systems count full seconds.
_RESOLUTION_NS = 2_000_000_000
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


def text(moment: datetime) -> str:
    """Return a time as text, such as ``2026-11-22T11:19:33Z``."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def moment(written: str) -> datetime:
    """Return the time that `text` wrote; `ValueError` for anything else."""
    if _WRITTEN.fullmatch(written):  # nearly always; a first tick reads a million of them
        return datetime.fromisoformat(written)
    return datetime.strptime(written, _FORM).replace(tzinfo=UTC)


def text_or_none(moment: datetime | None) -> str | None:
    """Return a time as `text` has it; None for None."""
    return None if moment is None else text(moment)


def moment_or_none(written: str | None) -> datetime | None:
    """Return the time that `text_or_none` wrote; None for an empty text too. `ValueError` as of `moment`."""
    return moment(written) if written else None


def from_epoch(seconds: int) -> datetime:
    """Return the time that many seconds after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def settled(changed_ns: int, now_ns: int | None = None) -> bool:
    """Return whether a change is so old that a later one would have another time stamp.

    Parameters
    ----------
    changed_ns
        The time stamp of the change; nanoseconds since 1970.
    now_ns
        The present, see `now_of`; None: by the clock of this machine.
    """
    return (time.time_ns() if now_ns is None else now_ns) - changed_ns > _RESOLUTION_NS


def now_of(file: Path | None) -> int:
    """Return the present in nanoseconds since 1970, by the clock that stamps a file if that clock is behind.

    Parameters
    ----------
    file
        Gets the present as its time stamp; None, missing or read only: by the clock of this machine.
    """
    here = time.time_ns()
    try:
        if file is not None:
            os.utime(file)  # a file server sets its own time
            return min(here, file.stat().st_mtime_ns)
    except OSError:
        pass
    return here


def bounded(moment: datetime, file: Path) -> datetime:
    """Return a moment that is past; by the clock that stamps a file, see `now_of`, if it lies in the future of that."""
    stamped = from_epoch(now_of(file) // 1_000_000_000)
    return stamped if (moment - stamped).total_seconds() > _RESOLUTION_NS / 1e9 else moment


def is_before(changed_ns: int, looked_ns: int) -> bool:
    """Return whether a change was certainly before a look, whose time has the same clock."""
    return changed_ns < looked_ns - _RESOLUTION_NS


def span(seconds: float) -> str:
    """Return a length of time for people, such as ``45 s``, ``12 min``, ``3.5 h``, ``4.0 d``."""
    for size, unit, form in ((86400.0, "d", ".1f"), (3600.0, "h", ".1f"), (60.0, "min", ".0f")):
        if seconds >= size:
            return f"{seconds / size:{form}} {unit}"
    return f"{seconds:.0f} s"

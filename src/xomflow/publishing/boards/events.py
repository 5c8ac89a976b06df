"""What happened and may explain a change of the results: one point for each event, for annotations.

The measurement is ``<prefix>events``, the tags are kind and analysis (``all``: of every analysis). Science runs are at
the start of their first run; a version or software is at the moment at which its first result was made.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from xomflow.core import times
from xomflow.publishing.boards.uses import Use
from xomflow.publishing.point import Point, add_fingerprint, storable

TABLE = "events"

_SECOND = 1_000_000_000


class Event(NamedTuple):
    """One event that boards and page show over time.

    Parameters
    ----------
    kind
        ``science_run``, ``version``, ``software``, ``decision`` or ``alarm``.
    title, text
        What happened, in a few words and in more.
    start, end
        UTC; None: it is a moment, or it goes on.
    analysis
        The analysis that it is about; ``all`` for every one.
    state
        How an alarm stands.
    """

    kind: str
    title: str
    text: str
    start: str
    end: str | None = None
    analysis: str = "all"
    state: str = ""


def changes(uses: Mapping[tuple[str, str], list[Use]]) -> list[Event]:
    """Return the events of versions and of their software.

    Parameters
    ----------
    uses
        The uses of each version of each analysis, the first one first.
    """
    found = []
    for (analysis, version), of_version in uses.items():
        for before, use in zip([None, *of_version], of_version, strict=False):
            if before is None:
                text = ", ".join([use.software, *(f"{name} {one}" for name, one in sorted(use.packages.items()))])
                found.append(Event("version", f"{analysis} {version}", text, use.since, analysis=analysis))
            else:
                title = f"{analysis} {version}: other software"
                found.append(Event("software", title, _difference(before, use), use.since, analysis=analysis))
    return found


def event_points(events: Iterable[Event], prefix: str) -> list[Point]:
    """Return the points of events; one with a start that cannot be read is left out."""
    points = [_point(event, prefix) for event in dict.fromkeys(events) if _moment(event.start)]
    return [point for one in points for point in add_fingerprint([one])]


def _point(event: Event, prefix: str) -> Point:
    start = _moment(event.start)
    assert start is not None  # see above
    # Several may begin in the same second; their titles differ.
    time = (
        int(start.timestamp()) * _SECOND
        + zlib.crc32(f"{event.title}\n{event.text}".encode("utf-8", "replace")) % _SECOND
    )
    end = _moment(event.end)
    fields = {
        "title": event.title,
        "text": event.text,
        "state": event.state,
        "end": times.text_or_none(end),
        "duration_s": (end - start).total_seconds() if end else None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return Point(prefix + TABLE, {"kind": event.kind, "analysis": event.analysis}, storable(given), time)


def _difference(before: Use, after: Use) -> str:
    names = sorted(before.packages.keys() | after.packages.keys())
    changed = [(name, before.packages.get(name, "none"), after.packages.get(name, "none")) for name in names]
    changed = [("software", before.software, after.software), *changed]
    return ", ".join(f"{name} {old} → {new}" for name, old, new in changed if old != new)


def _moment(text: str | None) -> datetime | None:
    try:
        return times.moment_or_none(text)
    except ValueError:
        return None

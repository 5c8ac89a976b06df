"""Which runs and campaigns need attention: one point each, as long as they do.

The measurement is ``<prefix>attention``, the tags are analysis and version. The time is that of the results: a board
over a range of runs shows what is missing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xomflow.core import times
from xomflow.core.key import first_run
from xomflow.core.tick_summary import ListedKey
from xomflow.publishing.point import Point, add_fingerprint, storable, time_of

TABLE = "attention"


def attention_points(listed: Iterable[ListedKey], prefix: str, contacts: Mapping[str, str]) -> list[Point]:
    """Return the points of all keys that are waiting or failed; one whose run has no known start is left out.

    Parameters
    ----------
    listed
        Keys that are not done, as they are now.
    prefix
        What measurements begin with.
    contacts
        Person to ask, by analysis.
    """
    wanted = [one for one in listed if one.state.urgency and one.start]
    return [
        point for one in wanted for point in add_fingerprint([_point(one, prefix, contacts.get(one.key.analysis, ""))])
    ]


def _point(one: ListedKey, prefix: str, contact: str) -> Point:
    key, moments = one.key, {"since": one.since, "next_try": one.next_try}
    assert one.start is not None  # see above
    fields = {
        "run": first_run(key.run),
        "run_id": key.run,
        "state": str(one.state),
        "urgency": one.state.urgency,
        "reason": one.reason,
        "attempt": one.attempt,
        "class": one.kind,
        "contact": contact,
        **{name: times.text(moment) for name, moment in moments.items() if moment},
    }
    tags = {"analysis": key.analysis, "version": key.version}
    return Point(prefix + TABLE, tags, storable(fields), time_of(times.text(one.start), key.run))

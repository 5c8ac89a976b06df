"""One point of a time series, and the fingerprint that points of one run share."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from xomflow.core import times
from xomflow.core.key import first_run

# Raised when points are made in another way, so that all are published again.
FORM = 4
# The field with the fingerprint; stores have it under this name.
FINGERPRINT = "form"

_PRESENT = f"{FORM}:"
_FINGERPRINT = re.compile(r"(?:\d+:)?[0-9a-f]{16}-[0-9a-f]{8}")
_SECOND = 1_000_000_000
_NUMBERS = 1_000_000  # more than any run number
_encoded = json.JSONEncoder(sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Point:
    """One point.

    Parameters
    ----------
    measurement, tags
        The series that it belongs to.
    fields
        Finite numbers, texts and truth values.
    time
        Nanoseconds since 1970.
    """

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Any]
    time: int

    @property
    def fingerprint(self) -> str:
        """What `add_fingerprint` added."""
        return self.fields[FINGERPRINT]


def time_of(start: str | None, key_id: str) -> int:
    """Return the time of the points of a run or campaign, in nanoseconds since 1970: its start and a part for the id.

    The part is the run number, with millions for a campaign, so that it does not share the time of its first run. Two
    campaigns that begin with the same run share it in one of 999 cases; only one of them is current.

    Parameters
    ----------
    start
        UTC, to the second.
    key_id
        Id of the run or campaign.

    Raises
    ------
    ValueError
        If there is no start.
    """
    if start is None:
        raise ValueError(f"run {first_run(key_id)} has no start")
    digest = key_id.partition("-")[2]
    millions = 1 + int(digest, 16) % 999 if digest else 0
    return int(times.moment(start).timestamp()) * _SECOND + millions * _NUMBERS + first_run(key_id)


def number_in(time: int) -> int:
    """Return the run number in the time of a point."""
    return time % _NUMBERS


def add_fingerprint(points: list[Point]) -> list[Point]:
    """Give points that belong together their fingerprint, and return them.

    It has the number of the points' form, a digest of everything and, after a hyphen, one of the names. If the last
    part changed, writing the points again would leave fields or points behind that no longer belong to the result.
    """
    names = tuple((point.measurement, (*point.tags.items(),), (*sorted(point.fields),)) for point in points)
    everything = [
        {"measurement": point.measurement, "tags": point.tags, "fields": point.fields, "time": point.time}
        for point in points
    ]
    fingerprint = f"{_PRESENT}{_digest(everything)[:16]}-{_digest_of_names(names)}"
    for point in points:
        point.fields[FINGERPRINT] = fingerprint
    return points


def names_of(fingerprint: str) -> str:
    """Return the part of a fingerprint that changes with the names only."""
    return fingerprint.rpartition("-")[2]


def is_fingerprint(text: str) -> bool:
    """Return whether a text is a fingerprint, of this form or of one before: other programs may have such a field."""
    return _FINGERPRINT.fullmatch(text) is not None


def is_outdated(fingerprint: str) -> bool:
    """Return whether a point was made in an earlier form."""
    return not fingerprint.startswith(_PRESENT)


def storable(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields without empty texts, and with a question mark for each half of a character.

    No store accepts such halves, which some run documents have. Empty texts are stored, but InfluxDB's answers lose
    them and move the texts of later rows up: the texts of one run would stand beside the number of another.
    """
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
        for name, value in fields.items()
        if value != ""
    }


# Most runs of an analysis have the same names.
@functools.lru_cache(maxsize=4096)
def _digest_of_names(names: tuple[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]], ...]) -> str:
    return _digest([[measurement, dict(tags), fields] for measurement, tags, fields in names])[:8]


def _digest(value: Any) -> str:
    return hashlib.sha256(_encoded(value).encode()).hexdigest()

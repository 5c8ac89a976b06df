"""One point of a time series, and the fingerprint that points of one run share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# The field with the fingerprint; stores have it under this name.
FINGERPRINT = "form"


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


def add_fingerprint(points: list[Point]) -> list[Point]:
    """Give points that belong together their fingerprint, and return them.

    It has a digest of everything and, after a hyphen, one of the names. If the second part changed, writing the points
    again would leave fields or points behind that no longer belong to the result.
    """
    names = [[point.measurement, point.tags, sorted(point.fields)] for point in points]
    everything = [
        {"measurement": point.measurement, "tags": point.tags, "fields": point.fields, "time": point.time}
        for point in points
    ]
    fingerprint = f"{_digest(everything)[:16]}-{_digest(names)[:8]}"
    for point in points:
        point.fields[FINGERPRINT] = fingerprint
    return points


def names_of(fingerprint: str) -> str:
    """Return the part of a fingerprint that changes with the names only."""
    return fingerprint.rpartition("-")[2]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

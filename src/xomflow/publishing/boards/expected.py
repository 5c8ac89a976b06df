"""Between which values results are expected: one point for each variable with limits, which are drawn beside results.

The measurement is ``<prefix>expected``, the tags are kind, analysis, version and variable. Limits have no time, so all
are at the beginning of 1970. In a measurement of its own, a limit that moves changes no point of a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from xomflow.publishing.point import Point, add_fingerprint

TABLE = "expected"

_KIND = "limits"


class Limits(NamedTuple):
    """The configured limits of a variable; None: there is none."""

    warn_low: float | None = None
    warn_high: float | None = None
    error_low: float | None = None
    error_high: float | None = None


def expected_points(limits: Mapping[tuple[str, str, str], Limits], prefix: str) -> list[Point]:
    """Return the points of limits.

    Parameters
    ----------
    limits
        The limits, by analysis, version and variable.
    prefix
        What measurements begin with.
    """
    made = []
    for (analysis, version, variable), one in sorted(limits.items()):
        fields = {name: float(value) for name, value in one._asdict().items() if value is not None}
        tags = {"kind": _KIND, "analysis": analysis, "version": version, "variable": variable}
        made += add_fingerprint([Point(prefix + TABLE, tags, fields, 0)]) if fields else []
    return made

"""Between which values results are expected: limits and bands, which are drawn beside results.

The measurement is ``<prefix>expected``, the tags are kind, analysis, version and variable, and for a band the group of
run modes. Limits have no time, so all are at the beginning of 1970; the point of a band is at the time of the result
that was judged by it. In a measurement of its own, a limit or band that moves changes no point of a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.publishing.point import Point, add_fingerprint, storable, time_of
from xomflow.publishing.stores.store import EXPECTED

TABLE = EXPECTED

_LIMITS, _BAND = "limits", "band"


class Limits(NamedTuple):
    """The configured limits of a variable; None: there is none.

    Parameters
    ----------
    warn_low, warn_high, error_low, error_high
        The lowest and the highest expected values.
    runs, of
        So many of the newest results have to be outside before an alert.
    """

    warn_low: float | None = None
    warn_high: float | None = None
    error_low: float | None = None
    error_high: float | None = None
    runs: int = 2
    of: int = 3

    @property
    def between(self) -> dict[str, float]:
        """The limits that there are, by name."""
        return {name: float(value) for name, value in zip(self._fields[:4], self[:4], strict=True) if value is not None}


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
        fields = {**one.between, "runs": one.runs, "of": one.of} if one.between else {}
        tags = {"kind": _LIMITS, "analysis": analysis, "version": version, "variable": variable}
        made += add_fingerprint([Point(prefix + TABLE, tags, fields, 0)]) if fields else []
    return made


def band_points(verdicts: Mapping[SeriesId, Verdict], prefix: str) -> list[Point]:
    """Return the points of the bands of one run or campaign.

    Parameters
    ----------
    verdicts
        The verdicts on its results, by series.
    prefix
        What measurements begin with.
    """
    return add_fingerprint([_band_point(series, verdict, prefix) for series, verdict in verdicts.items()])


def _band_point(series: SeriesId, verdict: Verdict, prefix: str) -> Point:
    band = {"expected": verdict.expected, "low": verdict.low, "high": verdict.high, "deviation": verdict.deviation}
    fields = {name: float(value) for name, value in band.items() if value is not None}
    tags = {"kind": _BAND, **series._asdict()}
    content = storable({**fields, "mark": str(verdict.mark)})
    return Point(prefix + TABLE, tags, content, time_of(verdict.start, verdict.run))

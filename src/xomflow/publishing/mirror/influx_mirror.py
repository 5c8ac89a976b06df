"""The mirror on an InfluxDB 2 server: all analyses share a measurement, in which the first XOM may have points too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.outcomes.history import as_history
from xomflow.publishing.mirror.xomdata import HISTORY, MEASUREMENT, mirrored
from xomflow.publishing.places import nanoseconds
from xomflow.publishing.point import Point
from xomflow.publishing.stores.influx_store import InfluxStore, Span, differences_of
from xomflow.publishing.stores.store import Points

_TOLD_BY = ("analysis_name", "analysis_version", "tag", "variable_name")
_MORE = ("container", "xom_version", "run_mode", "sr_tag")
_FINGERPRINTS = """
from(bucket: bucket)
    |> range(start: time(v: start), stop: time(v: stop))
    |> filter(fn: (r) => r._measurement == measurement and r._field == field)
    |> filter(fn: (r) => analysis == "" or r.analysis_name == analysis)
    |> keep(columns: ["_measurement", "_time", "_value", "analysis_name", "analysis_version", "tag", "variable_name",
        "container", "xom_version", "run_mode", "sr_tag"])
"""


class MirrorPlace(NamedTuple):
    """What identifies a point of the mirror; see `Place`. The tags in ``more`` may change and do not identify it."""

    measurement: str
    analysis: str
    former: str
    tag: str
    variable: str
    more: tuple[str, ...]
    time: int

    @classmethod
    def of(cls, point: Point) -> MirrorPlace:
        """Return the place of a point."""
        return cls._in(point.measurement, point.tags, point.time)

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> MirrorPlace:
        """Return the place in a row of a server's answer."""
        return cls._in(row["_measurement"], row, nanoseconds(row["_time"]))

    @classmethod
    def _in(cls, measurement: str, tags: Mapping[str, str], time: int) -> MirrorPlace:
        analysis, former, tag, variable = (tags.get(name, "") for name in _TOLD_BY)
        return cls(measurement, analysis, former, tag, variable, tuple(tags.get(name, "") for name in _MORE), time)

    @property
    def version(self) -> str:
        """The version of the outcome."""
        return as_history(self.former) if self.tag == HISTORY else self.former

    @property
    def group(self) -> MirrorPlace:
        """The place without what does not identify it: all variables of a run are deleted together."""
        return self._replace(variable="", more=())

    @property
    def predicate(self) -> str:
        """What the server deletes for the group, in a range of time; points of the first XOM have another tag."""
        tags = {"analysis_name": self.analysis, "analysis_version": self.former, "tag": self.tag}
        return " AND ".join(
            [f'_measurement="{self.measurement}"', *(f'"{one}"="{tags[one]}"' for one in tags)]
        )  # a bare tag is a word of its own


class InfluxMirror(InfluxStore):
    """The mirror of a store in InfluxDB; arguments as of `InfluxStore`."""

    make_points = staticmethod(mirrored)
    _place = MirrorPlace
    _fingerprints = _FINGERPRINTS
    _suffix = MEASUREMENT

    def differences(
        self, wanted: Iterable[tuple[Shelf, Points]], only: Collection[Method] | None = None
    ) -> Iterator[str]:
        """Compare fingerprints in the one measurement; see `Store.differences`."""
        should = {self._place.of(point): point for _, points in wanted for run in points.values() for point in run}
        there: dict[Any, str] = self._there(Span(self._prefix + MEASUREMENT))
        asked = {one for one in should.keys() | there.keys() if only is None or (one.analysis, one.version) in only}
        for analysis in sorted({place.analysis for place in asked}):
            of = {place for place in asked if place.analysis == analysis}
            points = {place: should[place] for place in of & should.keys()}
            yield from differences_of(analysis, points, {place: there[place] for place in of & there.keys()})

    def _span(self, analysis: str) -> Span:
        return Span(self._prefix + MEASUREMENT, analysis=analysis)

    def _deletable(self, measurement: str, there: Iterable[Any]) -> list[Any]:
        return list(there)

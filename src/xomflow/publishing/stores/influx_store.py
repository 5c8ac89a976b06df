"""An InfluxDB 2 server as a store of results.

The server is asked for the fingerprint of every point. Before points are written, so that only points that differ are
sent and those without an outcome are removed; and after it, so that no point is lost in silence.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.key import first_run, run_id
from xomflow.core.messages import some_of
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.publishing.places import Place, ranges, text_of
from xomflow.publishing.point import FINGERPRINT, Point, is_fingerprint, is_outdated, names_of, number_in
from xomflow.publishing.points import points_of
from xomflow.publishing.stores import line_protocol
from xomflow.publishing.stores.influx_client import InfluxClient, read_credentials
from xomflow.publishing.stores.store import EXPECTED, MIRROR, OWN, Points, StoreError

_SECOND = 1_000_000_000
_END = 9_000_000_000 * _SECOND  # the latest time of the server is soon after

_FINGERPRINTS = """
from(bucket: bucket)
    |> range(start: time(v: start), stop: time(v: stop))
    |> filter(fn: (r) => r._measurement == measurement and r._field == field)
    |> filter(fn: (r) => analysis == "" or r.analysis == analysis)
    |> keep(columns: ["_measurement", "_time", "_value", "analysis", "kind", "version", "variable"])
"""
_MEASUREMENTS = """
import "influxdata/influxdb/schema"
schema.measurements(bucket: bucket, start: 1970-01-01T00:00:00Z)
"""
# One row if another program has points in a measurement of ours.
_OF_OTHERS = """
from(bucket: bucket)
    |> range(start: 0)
    |> filter(fn: (r) => r._measurement == measurement and not exists r.version)
    |> group()
    |> limit(n: 1)
"""


class Span(NamedTuple):
    """A range of time in which the points of a measurement are looked at; of one analysis, where several share it."""

    measurement: str
    start: int = 0
    stop: int = _END
    analysis: str = ""


class InfluxStore:
    """An InfluxDB 2 server.

    Parameters
    ----------
    credentials
        File with url, token, org and bucket.
    prefix
        What measurements begin with.
    batch
        Points per request.
    """

    make_points = staticmethod(points_of)
    _place: Any = Place  # a class with the same properties where the tags are others
    _fingerprints = _FINGERPRINTS
    _suffix = ""

    def __init__(self, credentials: Path, prefix: str, batch: int) -> None:
        account = read_credentials(credentials)
        self._server = InfluxClient(account)
        self._prefix = prefix
        self._batch = batch
        # Another server or bucket has nothing yet: it needs a ledger of its own.
        place = "\n".join(account[name] for name in ("url", "org", "bucket"))
        self.name = f"influxdb-{prefix}{self._suffix}{hashlib.sha256(place.encode()).hexdigest()[:8]}"

    def renew(self, analysis: str, shelves: Iterable[tuple[Shelf, Points]]) -> None:
        """Remove the points of an earlier form; see `Store.renew`.

        They are removed before the first point is written. A server keeps the types of fields until the last
        point of a measurement is removed, and the earlier form had texts where this one has numbers.
        """
        span = self._span(analysis)
        there = self._there(span)
        if not any(is_outdated(fingerprint) for fingerprint in there.values()):
            return
        made_again = {(shelf.version, number) for shelf, points in shelves for number in _numbers(points)}
        kept = {
            place.time
            for place, one in there.items()
            if not is_outdated(one) or (place.version, number_in(place.time)) not in made_again
        }
        places = self._deletable(span.measurement, there)
        self._delete(places, {place.group for place in places if place.time not in kept})

    def write(self, shelf: Shelf, points: Points, changed: set[str], whole: bool = True, table: str = "") -> None:
        """Write the points that the server does not have or has with another content, in batches; see `Store.write`."""
        wanted = {self._place.of(point): point for of_run in points.values() for point in of_run}
        new = [points[run] for run in sorted(changed & points.keys())]
        times = [point.time for of_run in new for point in of_run]
        own = Span(self._prefix + table, analysis=shelf.analysis)
        span = own if table else self._span(shelf.analysis)
        if not changed - points.keys():  # else a point to remove may be anywhere
            span = span._replace(start=min(times, default=0) // _SECOND * _SECOND, stop=max(times, default=0) + _SECOND)
        there = {place: one for place, one in self._there(span).items() if place.version == shelf.version}
        numbers = {first_run(run) for run in changed}
        left_over = {place for place in there if number_in(place.time) in numbers and place not in wanted}
        self._bring(new, there, left_over, span, str(shelf))

    def add(self, day: str, points: list[Point]) -> None:
        """Write XOM's own points; see `Store.add`."""
        times = [point.time for point in points]
        span = Span(points[0].measurement, min(times), max(times) + 1)
        self._bring([points], self._there(span), set(), span, f"XOM's own of {day}")

    def replace(self, table: str, points: list[Point]) -> None:
        """Make a measurement have these points and no others; see `Store.replace`."""
        span = Span(self._prefix + table, stop=_SECOND if table == EXPECTED else _END)
        there = self._there(span)
        left_over = there.keys() - {self._place.of(point) for point in points}
        self._bring([[point] for point in points], there, left_over, span, table)

    def drop(self, analysis: str) -> int:
        """Remove all points of XOM in the measurement of an analysis; see `Store.drop`."""
        span = self._span(analysis)
        there = self._there(span)
        self._delete(there, {place.group for place in there})
        if left := self._there(span) if there else {}:
            raise StoreError(f"{self._server.name}: {len(left)} of {len(there)} points of {span.measurement} are left")
        return len(there)

    def stamp(self, shelf: Shelf, table: str = "") -> str | None:
        """Return None: only a comparison of everything shows what a server has lost; see `Store.stamp`."""
        return None

    def digest(self, shelf: Shelf, table: str = "") -> str:
        """Return an empty text; see `Store.digest`."""
        return ""

    def differences(
        self, wanted: Iterable[tuple[Shelf, Points]], only: Collection[Method] | None = None
    ) -> Iterator[str]:
        """Compare fingerprints, analysis by analysis; see `Store.differences`."""
        known = {self._prefix + name for name in (*OWN, MIRROR)}
        others = ((analysis, iter(())) for analysis in sorted({analysis for analysis, _ in only or ()}))
        for analysis, shelves in itertools.chain(itertools.groupby(wanted, key=lambda pair: pair[0].analysis), others):
            span = self._span(analysis)
            if span.measurement in known:
                continue
            known.add(span.measurement)
            should = {self._place.of(point): point for _, points in shelves for run in points.values() for point in run}
            there = self._there(span)
            if only is not None:
                there = {place: one for place, one in there.items() if (analysis, place.version) in only}
            yield from differences_of(analysis, should, there)
        for row in self._server.rows(_MEASUREMENTS) if only is None else ():
            name = row["_value"]
            if name.startswith(self._prefix) and name not in known and self._there(Span(name)):
                yield f"measurement {name}: the store has it, and there is no outcome of it"

    def check(self) -> None:
        """Ask for the names of measurements; see `Store.check`."""
        list(self._server.rows(_MEASUREMENTS))

    def close(self) -> None:
        """Close the connection; see `Store.close`."""
        self._server.close()

    def _bring(
        self, runs: list[list[Point]], there: dict[Place, str], left_over: set[Place], span: Span, what: str
    ) -> None:
        """Delete what is left over, write what the server lacks, and ask whether both were done.

        Parameters
        ----------
        runs
            Points that the server should have; those of one run stay together.
        there
            What it has in the span.
        left_over
            What it should not have of that.
        span
            Where all these points are.
        what
            Their name in messages.
        """
        wanted = {self._place.of(point): point for points in runs for point in points}
        groups = {place.group for place in left_over | _renamed(wanted, there)}
        stays = {place: one for place, one in there.items() if place.group not in groups}
        missing = [[point for point in points if not self._is_there(point, stays)] for points in runs]
        self._delete(there, groups)
        batches = list(_batches(filter(None, missing), self._batch))
        answers = [self._send(batch, what) for batch in batches]
        arrived = self._there(span) if batches or groups else {}
        problems = []
        if stay := left_over & arrived.keys():
            problems = [f"{self._server.name}: {len(stay)} of {len(left_over)} points of {what} were not removed"]
        for batch, (refused, words) in zip(batches, answers, strict=True):
            lost = [point for point in batch if not self._is_there(point, arrived)]
            counted = f"{self._server.name}: {len(lost)} of {len(batch)} points of {what} did not arrive{words}"
            problems += [refused or counted] if refused or lost else []
        if problems:
            raise StoreError("; ".join(problems))

    def _send(self, batch: list[Point], what: str) -> tuple[str, str]:
        """Write a batch; return a sentence if it cannot be sent, and the server's words about what it refused."""
        try:
            text = line_protocol.text(batch)
        except line_protocol.BadPointError as error:
            return f"{what}: {error}", ""
        return "", self._server.write(text)

    def _there(self, span: Span) -> dict[Place, str]:
        """Return the fingerprint of every point of XOM in a span."""
        rows = self._server.rows(self._fingerprints, field=FINGERPRINT, **span._asdict())
        return {self._place.of_row(row): row["_value"] for row in rows if is_fingerprint(row["_value"])}

    def _span(self, analysis: str) -> Span:
        return Span(self._prefix + analysis)

    def _deletable(self, measurement: str, there: Iterable[Any]) -> list[Any]:
        """Return the places as they are deleted: all versions at once, where the measurement is XOM's alone."""
        if any(self._server.rows(_OF_OTHERS, measurement=measurement)):
            return list(there)
        return [place._replace(version="") for place in there]

    def _is_there(self, point: Point, there: dict[Place, str]) -> bool:
        return there.get(self._place.of(point)) == point.fingerprint

    def _delete(self, there: Iterable[Place], groups: set[Place]) -> None:
        for one in ranges(there, groups) if groups else []:
            self._server.delete(one.predicate, text_of(one.first), text_of(one.last))


def _batches(runs: Iterable[list[Point]], most: int) -> Iterator[list[Point]]:
    """Join runs into batches of at most so many points; the points of one run stay together."""
    batch: list[Point] = []
    for points in runs:
        if batch and len(batch) + len(points) > most:
            yield batch
            batch = []
        batch += points
    if batch:
        yield batch


def _numbers(points: Points) -> set[int]:
    """Return the numbers of all runs with points, those in campaigns included: a point of each may be left over."""
    listed = (point.fields.get("runs", "") for of_run in points.values() for point in of_run[:1])
    return {first_run(run) for run in points} | {int(run) for runs in listed for run in runs.split(",") if run}


def _renamed(wanted: dict[Place, Point], there: dict[Place, str]) -> set[Place]:
    """Return the places with names that writing again would leave behind."""
    return {
        place
        for place, one in there.items()
        if place in wanted and names_of(wanted[place].fingerprint) != names_of(one)
    }


def differences_of(analysis: str, should: Mapping[Any, Point], there: Mapping[Any, str]) -> Iterator[str]:
    """Yield a sentence for each run of which the store does not have what it should, with the variables.

    Parameters
    ----------
    analysis
        The analysis.
    should, there
        What should be in its places, and the fingerprints of what is.
    """
    variables = defaultdict(list)
    for place in sorted(should.keys() | there.keys()):
        point = should.get(place)
        if difference := _difference(point, there.get(place)):
            run = (point.fields.get("run_id") if point else None) or run_id(number_in(place.time))
            variables[f"{place.version} run {run}", difference].append(place.variable)
    for (of, difference), names in variables.items():
        yield f"{analysis} {of}, {some_of(names)}: {difference}"


def _difference(should: Point | None, there: str | None) -> str:
    if should is None:
        return "the store has it, and there is no outcome of it"
    if there is None:
        return "the store does not have it"
    return "" if there == should.fingerprint else "the store has another content"

"""An InfluxDB 2 server as a store of results.

The server is asked for the fingerprint of every point. Before a batch is written, so that only points that differ are
sent and those without an outcome are removed; and after it, so that no point is lost in silence.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from xomflow.core.key import first_run, run_id
from xomflow.outcomes.cache import Shelf
from xomflow.publishing import line_protocol
from xomflow.publishing.influx_client import InfluxClient, read_credentials
from xomflow.publishing.point import FINGERPRINT, Point, names_of
from xomflow.publishing.store import Points, StoreError

_SECOND = 1_000_000_000
_END = 9_000_000_000 * _SECOND  # the latest time of the server is soon after

_FINGERPRINTS = """
from(bucket: bucket)
    |> range(start: time(v: start), stop: time(v: stop))
    |> filter(fn: (r) => r._measurement == measurement and r._field == field)
    |> keep(columns: ["_time", "_value", "version", "variable", "analysis"])
"""
_MEASUREMENTS = """
import "influxdata/influxdb/schema"
schema.measurements(bucket: bucket, start: 1970-01-01T00:00:00Z)
"""

# A point within its measurement: version (empty for XOM's own), time as the server writes it, variable or analysis.
Place = tuple[str, str, str]


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

    def __init__(self, credentials: Path, prefix: str, batch: int) -> None:
        account = read_credentials(credentials)
        self._server = InfluxClient(account)
        self._prefix = prefix
        self._batch = batch
        # Another server or bucket has nothing yet: it needs a ledger of its own.
        place = "\n".join(account[name] for name in ("url", "org", "bucket"))
        self.name = f"influxdb-{prefix}{hashlib.sha256(place.encode()).hexdigest()[:8]}"

    def write(self, shelf: Shelf, points: Points, changed: set[str]) -> None:
        """Write the points that the server does not have or has with another content, in batches; see `Store.write`."""
        gone = {first_run(run) for run in changed - points.keys()} - {first_run(run) for run in points}
        self._remove(shelf, gone)
        problems = [
            problem
            for batch in _batches((points[run] for run in sorted(changed & points.keys())), self._batch)
            if (problem := self._send(batch, str(shelf)))
        ]
        if problems:
            raise StoreError("; ".join(problems))

    def add(self, day: str, points: list[Point]) -> None:
        """Write XOM's own points; see `Store.add`."""
        if problem := self._send(points, f"XOM's own of {day}"):
            raise StoreError(problem)

    def has(self, shelf: Shelf) -> bool:
        """Return True: only a comparison of everything shows what a server has lost; see `Store.has`."""
        return True

    def differences(self, wanted: Iterable[tuple[Shelf, Points]]) -> Iterator[str]:
        """Compare fingerprints, analysis by analysis; see `Store.differences`."""
        known = {f"{self._prefix}xom"}
        for analysis, shelves in itertools.groupby(wanted, key=lambda pair: pair[0].analysis):
            known.add(self._prefix + analysis)
            should = {_place(point): point for _, points in shelves for run in points.values() for point in run}
            there = self._fingerprints(self._prefix + analysis)
            for place in sorted(should.keys() | there.keys()):
                difference = _difference(should.get(place), there.get(place))
                if difference:
                    version, time, variable = place
                    yield f"{analysis} {version} run {run_id(_run(time))}, {variable}: {difference}"
        for row in self._server.rows(_MEASUREMENTS):
            if row["_value"].startswith(self._prefix) and row["_value"] not in known:
                yield f"measurement {row['_value']}: the store has it, and there is no outcome of it"

    def close(self) -> None:
        """Close the connection; see `Store.close`."""
        self._server.close()

    # --- one batch, of one measurement -----------------------------------------------------------------------------
    def _send(self, batch: list[Point], what: str) -> str:
        """Write what the server lacks of a batch; return a sentence if points are missing afterwards, else ""."""
        measurement, times = batch[0].measurement, [point.time for point in batch]
        wanted = {_place(point): point for point in batch}
        there = self._fingerprints(measurement, min(times), max(times) + 1)
        outdated = _outdated(wanted, there)
        new = _missing(wanted, {place: one for place, one in there.items() if place[:2] not in outdated})
        try:
            text = line_protocol.text(new)
        except line_protocol.BadPointError as error:
            return f"{what}: {error}"
        if not new:
            return ""
        for version, time in sorted(outdated):
            self._delete(measurement, version, time)
        words = self._server.write(text)
        lost = _missing(wanted, self._fingerprints(measurement, min(times), max(times) + 1))
        if not lost:
            return ""
        return f"{self._server.name}: {len(lost)} of {len(batch)} points of {what} did not arrive{words}"

    def _remove(self, shelf: Shelf, runs: set[int]) -> None:
        """Remove the points of runs without an outcome."""
        measurement = self._prefix + shelf.analysis
        places = self._fingerprints(measurement) if runs else {}
        for version, time in sorted({place[:2] for place in places}):
            if version == shelf.version and _run(time) in runs:
                self._delete(measurement, version, time)

    def _fingerprints(self, measurement: str, start: int = 0, stop: int = _END) -> dict[Place, str]:
        """Return the fingerprint of every point of a measurement in a range of time."""
        rows = self._server.rows(_FINGERPRINTS, measurement=measurement, field=FINGERPRINT, start=start, stop=stop)
        return {
            (row.get("version", ""), row["_time"], row.get("variable") or row.get("analysis", "")): row["_value"]
            for row in rows
        }

    def _delete(self, measurement: str, version: str, time: str) -> None:
        self._server.delete(f'_measurement="{measurement}"' + (f' AND version="{version}"' if version else ""), time)


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


def _missing(wanted: dict[Place, Point], there: dict[Place, str]) -> list[Point]:
    return [point for place, point in wanted.items() if there.get(place) != point.fingerprint]


def _outdated(wanted: dict[Place, Point], there: dict[Place, str]) -> set[tuple[str, str]]:
    """Return version and time of the points with names that writing again would leave behind."""
    names = {place: names_of(point.fingerprint) for place, point in wanted.items()}
    ours = {place[:2] for place in wanted}
    return {place[:2] for place, one in there.items() if place[:2] in ours and names.get(place) != names_of(one)}


def _difference(should: Point | None, there: str | None) -> str:
    if should is None:
        return "the store has it, and there is no outcome of it"
    if there is None:
        return "the store does not have it"
    return "" if there == should.fingerprint else "the store has another content"


def _place(point: Point) -> Place:
    tags = point.tags
    return tags.get("version", ""), _time(point.time), tags.get("variable") or tags.get("analysis", "")


def _time(nanoseconds: int) -> str:
    """Return a time as the server writes it: without zeros at the end."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _run(time: str) -> int:
    """Return the run number, which is in the nanoseconds of a time."""
    return int(time[20:-1].ljust(9, "0") or 0)

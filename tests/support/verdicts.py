"""Alarms and verdicts where a tick leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, Kind, SeriesId, Verdict, bands_line, read_bands
from xomlib.files import dump_json, write_atomically


def put_bands(paths: Paths, shelf: str, bands: Mapping[SeriesId, list[Verdict]]) -> None:
    """Leave verdicts on the results of a shelf of one version of an analysis."""
    first = next(iter(bands))
    place = paths.bands(first.analysis, first.version, shelf)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, bands_text(bands))


def bands_text(bands: Mapping[SeriesId, Iterable[Verdict]]) -> str:
    """Return the content of the file of a shelf."""
    runs: dict[tuple[str, str, str], list[tuple[str, Verdict]]] = {}
    for series, verdicts in bands.items():
        for one in verdicts:
            runs.setdefault((one.run, one.start, series.group), []).append((series.variable, one))
    return "".join(bands_line(group, run, start, runs[run, start, group]) for run, start, group in sorted(runs))


def read_verdicts(paths: Paths, series: SeriesId) -> list[Verdict]:
    """Return all verdicts on the results of a series, in the order of runs."""
    folder = paths.bands(series.analysis, series.version, "").parent
    shelves = sorted(file.stem for file in folder.glob("*.json"))
    found = (read_bands(paths, series.analysis, series.version, shelf).get(series, []) for shelf in shelves)
    return [verdict for verdicts in found for verdict in verdicts]


def put_alarms(paths: Paths, *alarms: Alarm) -> None:
    """Leave alarms where a tick finds them."""
    paths.alarms.parent.mkdir(parents=True, exist_ok=True)
    dump_json(paths.alarms, [one.to_json() for one in alarms])


def alarm(**changes: Any) -> Alarm:
    """An alarm that began three hours ago."""
    began = times.text(times.now() - timedelta(hours=3))
    given: dict[str, Any] = {
        "id": "kr83m-v1-052894",
        "kind": Kind.STEP,
        "series": (SeriesId("kr83m", "v1", "all", "light_yield_9_4"),),
        "first_run": "052894",
        "began": began,
        "noticed_run": "052897",
        "sentence": "light_yield_9_4 fell from 10.24 to 9.91 PE/keV (4.9 σ) with run 052894",
    }
    return Alarm(**{**given, **changes})

"""Alarms and verdicts where a tick leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, Kind, SeriesId, Verdict, bands_text
from xomlib.files import dump_json, write_atomically


def put_bands(paths: Paths, shelf: str, bands: Mapping[SeriesId, list[Verdict]]) -> None:
    """Leave verdicts on the results of a shelf of one version of an analysis."""
    first = next(iter(bands))
    place = paths.bands(first.analysis, first.version, shelf)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, bands_text(bands))


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

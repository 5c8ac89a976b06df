"""Renewing the page: what was expected of the results, and the alarms, from the files that a tick keeps."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.factory import outcome, result
from support.verdicts import bands_text
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, Kind, SeriesId, Verdict
from xomflow.page.refresh import refresh_page

SERIES = SeriesId("kr83m", "v1", "all", "rate")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A ``work`` with one outcome, in a shelf that has not changed for long."""
    made = Paths(tmp_path / "work")
    place = made.outcome(Key("kr83m", "v1", "052001"))
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(outcome(key=Key("kr83m", "v1", "052001"), results=[result("rate")])))
    os.utime(place.parent, (1, 1))
    return made


def judge(paths: Paths, deviation: float) -> None:
    verdict = Verdict("052001", "2026-09-25T12:00:00Z", 1.0, 1.0, 0.9, 1.1, deviation)
    place = paths.bands("kr83m", "v1", "052")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(bands_text({SERIES: [verdict]}))


def shown(paths: Paths, name: str) -> Any:
    refresh_page(paths)
    text = (paths.page / "data" / name).read_text().splitlines()[-1]
    found = re.fullmatch(r"xom\.receive\('\w+','(.*)'\);", text)
    assert found is not None
    return json.loads(re.sub(r"\\(.)", r"\1", found.group(1)))


def newest(paths: Paths) -> dict[str, Any]:
    (entry,) = shown(paths, "newest.js")["kr83m"]["v1"].values()
    return dict(entry)


def test_verdicts_are_shown_although_no_outcome_changed(paths: Paths) -> None:
    assert "deviation" not in newest(paths)
    judge(paths, 1.5)
    assert newest(paths)["deviation"] == 1.5
    judge(paths, -2.55)
    assert newest(paths)["deviation"] == -2.55


def test_bands_that_are_deleted_are_gone_from_the_page(paths: Paths) -> None:
    judge(paths, 1.5)
    assert newest(paths)["deviation"] == 1.5
    paths.bands("kr83m", "v1", "052").unlink()
    assert "deviation" not in newest(paths)


def test_bands_that_did_not_change_are_not_read_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(paths, 1.5)
    refresh_page(paths)
    bands = paths.bands("kr83m", "v1", "052")
    shutil.copy2(bands, bands.with_suffix(".copy")).replace(bands)
    monkeypatch.delattr("xomflow.page.refresh.read_bands")
    assert newest(paths)["deviation"] == 1.5


def test_alarms_are_shown(paths: Paths) -> None:
    assert shown(paths, "alarms.js") == {"alarms": []}
    alarm = Alarm("a1", Kind.STEP, (SERIES,), "052001", "2026-09-25T12:00:00Z", "052001", "rate fell")
    paths.alarms.parent.mkdir(parents=True)
    paths.alarms.write_text(json.dumps([alarm.to_json()]))
    assert [one["sentence"] for one in shown(paths, "alarms.js")["alarms"]] == ["rate fell"]

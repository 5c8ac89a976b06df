"""The boards as pictures: drawn by Grafana's components from a real InfluxDB, and compared with those that are kept.

``XOM_KEEP_PICTURES=1`` keeps the pictures as they are drawn now; look at them before they are committed.
"""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support import pictures
from support.factory import keep, key_of, outcome, result, settings, tick_item, tick_summary
from support.grafana import Asker, boards, panel
from support.verdicts import bands_text
from xomflow.core import times
from xomflow.core.paths import ROOT, Paths
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.outcomes.past.makers import by_method, look_at_makers
from xomflow.publishing import self_monitoring
from xomflow.publishing.boards.attention import attention_points
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.boards.events import Event, event_points
from xomflow.publishing.publish import publish
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.dashboards import write_dashboards
from xomlib.files import write_atomically

pytestmark = pytest.mark.slow

KEPT = ROOT / "tests/data/pictures"
PREFIX = "prod_"
NOW = datetime(2026, 9, 25, 12, tzinfo=UTC)
DAYS, RUNS, STEP = 20, 60, 42
# Boards by the name of their picture.
KINDS = {"demonstrator": "demonstrator", "analysis": "analysis-kr83m", "run": "run", "operations": "operations"}
# A part of the pixels: none differ between two pictures of the same machine.
MOST_THAT_DIFFER = 0.003


def ago(**span: float) -> str:
    return times.text((NOW - timedelta(**span)).replace(microsecond=0))


def outcomes() -> Iterator[dict[str, Any]]:
    """Runs of twenty days: a step of the light yield, some results without error, one without a number."""
    random.seed(1)
    hours = sorted(random.uniform(2, 24 * DAYS) for _ in range(RUNS))[::-1]
    for at, hour in enumerate(hours):
        level = 10.0 if at < STEP else 9.5
        light = result("light_yield", random.gauss(level, 0.08), error=0.1 if at % 7 else None, unit="PE/keV")
        part = result("fraction", random.gauss(0.3, 0.01), error=0.01, unit="")
        run = {"start": ago(hours=hour), "end": ago(hours=hour - 0.5), "tags": ["sr3"], "mode": "tpc_kr83m"}
        yield outcome(key_of(52001 + at), [light, part], run=run)
        if at % 3 == 0:
            yield outcome(key_of(52001 + at, "rate"), [result("a rate", random.gauss(3, 0.1), unit="Hz")], run=run)


def bands(made: list[dict[str, Any]]) -> dict[SeriesId, list[Verdict]]:
    """Bands of the light yield after the first ten runs; the fraction has none."""
    runs = [one for one in made if one["key"]["analysis"] == "kr83m"]
    values = [(one["key"]["run"], one["run"]["start"], one["results"][0]["value"]) for one in runs]
    of = [
        Verdict(run, start, value, 10.0, 9.76, 10.24, round(12.5 * (value - 10), 1))
        for run, start, value in values[10:]
    ]
    return {SeriesId("kr83m", "v1", "all", "light_yield"): of}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, influx: Any) -> Iterator[tuple[Paths, Bucket]]:
    """A site whose bucket has everything that boards show, at fixed times."""
    if reason := pictures.missing():
        pytest.skip(reason)
    with influx.bucket() as bucket:
        folder = tmp_path_factory.mktemp("site")
        yield filled(Paths(folder / "work"), bucket, folder), bucket


def filled(paths: Paths, bucket: Bucket, folder: Path) -> Paths:
    paths.ticks.mkdir(parents=True)
    made = list(outcomes())
    keep(paths, *made)
    limits = {"light_yield": {"warn": [9.2, 10.8], "error": [9.0, None]}}
    named = {
        "kr83m": {"version": "v1", "title": "Kr83m yields", "limits": limits},
        "rate": {"version": "v1", "title": "Rate"},
    }
    store = {"kind": "influxdb", "credentials": str(bucket.credentials(folder)), "prefix": PREFIX}
    page, expected = {"url": "https://xom.example.org/page/"}, {"together": list(named)}
    config = settings(paths.work, analyses=named, store=store, page=page, expected=expected)
    states = [("052061", "failed"), ("052062", "gave up"), ("052063", "waiting")]
    listed = [
        ListedKey.from_json({**tick_item(run, state), "start": ago(hours=9), "class": "raised"})
        for run, state in states
    ]
    began = next(one for one in made if one["key"]["run"] == f"{52001 + STEP:06d}")["run"]["start"]
    happened = [
        Event("science_run", "SR3", "", ago(days=18), ago(days=14)),
        Event("decision", "veto kr83m v1", "jane: a bad run", ago(days=12), analysis="kr83m"),
        Event("alarm", "The light yield fell by 5 %.", "", began, None, "kr83m", "open"),
    ]
    write_atomically(paths.bands("kr83m", "v1", "052"), bands_text(bands(made)))
    with closing(InfluxStore(bucket.credentials(folder), PREFIX, 5000)) as open_store:
        assert publish(paths, open_store, PREFIX, page_url=config.page.url).problems == []
        open_store.replace("attention", attention_points(listed, PREFIX, {}))
        open_store.replace("events", event_points(happened, PREFIX))
        publish_bands(paths, open_store, PREFIX)
        for hour in range(24 * DAYS):
            counts = {"kr83m": {"done": RUNS, "waiting": hour % 5, "failed": 2}, "rate": {"done": 20, "gave up": 1}}
            span = {"started": ago(hours=hour, minutes=12), "ended": ago(hours=hour, minutes=10 - hour % 7)}
            own = tick_summary(tick=f"tick{hour}", counts=counts, items=[], **span)
            self_monitoring.publish(paths, open_store, PREFIX, own)
    write_dashboards(paths, ReportConfig.of(config), by_method(look_at_makers(paths).found))
    return paths


@pytest.fixture
def ask(site: tuple[Paths, Bucket]) -> Asker:
    chosen = {"version": "v1", "mode": ".*", "run": "52030"}
    return Asker(site[1], ago(days=DAYS), ago(days=0), chosen=chosen, now=times.text(NOW))


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_looks_as_it_did(kind: str, site: tuple[Paths, Bucket], ask: Asker, tmp_path: Path) -> None:
    drawn, kept = tmp_path / f"{kind}.png", KEPT / f"{kind}.png"
    pictures.picture(boards(site[0].grafana)[f"xom-prod-{KINDS[kind]}"], ask, drawn)
    if os.environ.get("XOM_KEEP_PICTURES") == "1":
        shutil.copy(drawn, kept)
    part = pictures.part_that_differs(kept, drawn)
    assert part < MOST_THAT_DIFFER, f"look at {drawn} and {kept}: {100 * part:.2f} % of the pixels differ"


def broken(board: dict[str, Any], what: str) -> dict[str, Any]:
    """A board with one of the faults that only a picture shows."""
    made = copy.deepcopy(board)
    light = panel(made, "light_yield")
    if what == "rows of boxes one millisecond apart":
        light["targets"][0]["query"] = light["targets"][0]["query"].replace("* 3 / 2", "* 0 + 1000000")
    else:
        overrides = light["fieldConfig"]["overrides"]
        light["fieldConfig"]["overrides"] = [one for one in overrides if one["matcher"]["options"] != what]
    return made


@pytest.mark.parametrize("what", ["high", "run", "rows of boxes one millisecond apart"])
def test_a_fault_is_seen(what: str, site: tuple[Paths, Bucket], ask: Asker, tmp_path: Path) -> None:
    board = {**boards(site[0].grafana)["xom-prod-analysis-kr83m"]}
    board["panels"] = [panel(board, "light_yield")]
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    pictures.picture(board, ask, good)
    pictures.picture(broken(board, what), ask, bad)
    assert pictures.part_that_differs(good, good) == 0
    assert pictures.part_that_differs(good, bad) > MOST_THAT_DIFFER


def test_no_component_is_of_another_licence() -> None:
    """Grafana's server and what is made of it are AGPL, and never a part of this project."""
    listed = json.loads((ROOT / "tests/grafana/package-lock.json").read_text())["packages"]
    assert [name for name in listed if name.endswith(("@grafana/prometheus", "@grafana/sql"))] == []
    grafana = {name: one.get("license") for name, one in listed.items() if "node_modules/@grafana/" in name}
    assert set(grafana.values()) <= {"Apache-2.0", "MIT"}, grafana
    assert [name for name, one in listed.items() if "GPL" in str(one.get("license"))] == []

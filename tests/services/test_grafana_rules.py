"""Each alert rule fires on the trouble that it is about, and all are silent at a healthy site, on a real InfluxDB."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support.factory import keep, key_of, outcome, result, settings, tick_item, tick_summary
from support.grafana import Asker, alert_rules, firing
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.publishing import self_monitoring
from xomflow.publishing.boards.events import Event, event_points
from xomflow.publishing.boards.expected import expected_points
from xomflow.publishing.publish import publish
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.boards import limits_of
from xomflow.workflow.ending.dashboards import write_dashboards

PREFIX = "prod_"
HEALTHY = {"done": 50, "waiting": 3, "stale": 4, "gave up": 2}
LIMITS = {"warn": [9, 11], "error": [8, 12], "runs": 2, "of": 3}


def ago(**span: float) -> str:
    return times.text((datetime.now(UTC) - timedelta(**span)).replace(microsecond=0))


class PlantedSite:
    """A site to which a test adds ticks and results, and asks which rules fire."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self.paths = Paths(folder / "work")
        self.paths.ticks.mkdir(parents=True)
        self._bucket = bucket
        self._credentials = bucket.credentials(folder)
        limits = {"light_yield": LIMITS, "drift": {"warn": [None, 2]}}
        named = {"kr83m": {"version": "v1", "limits": limits}, "rate": {"version": "v1"}}
        store = {"kind": "influxdb", "credentials": str(self._credentials), "prefix": PREFIX}
        self.config = ReportConfig.of(settings(self.paths.work, analyses=named, store=store))

    def tick(self, hours: float, counts: dict[str, int] = HEALTHY, taken: str = "") -> None:
        """Let a tick begin some hours ago; ``taken`` are what became of its runs, ``+`` and ``-``."""
        runs = [(f"0521{at:02d}", "done" if one == "+" else "failed") for at, one in enumerate(taken)]
        name = f"tick{hours}"
        made = tick_summary(
            tick=name,
            started=ago(hours=hours),
            ended=ago(hours=hours - 0.01),
            counts={"kr83m": counts, "rate": {"done": 9}},
            items=[],
            taken=[tick_item(run, state) for run, state in runs],
        )
        with closing(InfluxStore(self._credentials, PREFIX, 5000)) as store:
            self_monitoring.publish(self.paths, store, PREFIX, made)

    def results(self, *values: float, variable: str = "light_yield", **changes: Any) -> None:
        """Publish results of the last runs, the newest last, and the limits."""
        for at, value in enumerate(reversed(values)):
            run = {"start": ago(hours=10 * at + 5), "end": ago(hours=10 * at + 4)}
            keep(self.paths, outcome(key_of(52900 - at), [result(variable, value, **changes)], run=run))
        with closing(InfluxStore(self._credentials, PREFIX, 5000)) as store:
            assert publish(self.paths, store, PREFIX).problems == []
            store.replace("expected", expected_points(limits_of(self.config), PREFIX))

    def alarms(self, *alarms: tuple[str, str, float | None]) -> None:
        """Let these alarms be there and no others: analysis, state and the hours since the end, if it is over."""
        made = [
            Event("alarm", f"alarm {at}", "", ago(hours=50), None if ended is None else ago(hours=ended), name, state)
            for at, (name, state, ended) in enumerate(alarms)
        ]
        made.append(Event("science_run", "SR1", "", ago(days=9)))
        with closing(InfluxStore(self._credentials, PREFIX, 5000)) as store:
            store.replace("events", event_points(made, PREFIX))

    def alerts(self) -> dict[str, list[tuple[str, float]]]:
        """What fires: for each rule the analysis and the number."""
        write_dashboards(self.paths, self.config, {})
        ask = Asker(self._bucket, ago(days=1), ago(days=0))
        found = {
            rule["uid"].removeprefix("xom-prod-rule-"): firing(rule, ask) for rule in alert_rules(self.paths.grafana)
        }
        assert len(found) == 8
        return {name: of for name, of in found.items() if of}


@pytest.fixture
def planted(tmp_path: Path, bucket: Bucket) -> PlantedSite:
    return PlantedSite(tmp_path, bucket)


def test_a_healthy_site_is_silent(planted: PlantedSite) -> None:
    planted.results(10.0, 13.0, 10.1, 9.9, 20.0)
    for hours in (30, 2.2, 1.2, 0.2):
        planted.tick(hours, taken="+++++-")
    assert planted.alerts() == {}


def test_without_ticks_only_their_absence_is_reported(planted: PlantedSite) -> None:
    assert planted.alerts() == {"no-tick": [("", 30 * 24 * 60)]}
    planted.tick(4)
    ((_, minutes),) = planted.alerts()["no-tick"]
    assert 239 < minutes < 245


def test_runs_that_were_given_up_or_became_stale_since_yesterday_are_reported(planted: PlantedSite) -> None:
    planted.tick(30, {**HEALTHY, "gave up": 90})
    planted.tick(3)
    planted.tick(2, {**HEALTHY, "gave up": 5, "stale": 3})
    planted.tick(1, {**HEALTHY, "gave up": 4, "stale": 5})
    planted.tick(0.2, {**HEALTHY, "gave up": 6, "stale": 5})
    assert planted.alerts() == {"gave-up": [("kr83m", 5.0)], "waits": [("kr83m", 2.0)]}


def test_a_suspended_analysis_is_reported_until_it_goes_on(planted: PlantedSite) -> None:
    planted.tick(1, {**HEALTHY, "suspended": 7})
    assert planted.alerts() == {"suspended": [("kr83m", 7.0)]}
    planted.tick(0.2)
    assert planted.alerts() == {}


def test_many_failures_are_reported_and_few_runs_are_not(planted: PlantedSite) -> None:
    planted.tick(0.3, taken="--")
    assert planted.alerts() == {}
    planted.tick(0.2, taken="++++++")
    assert planted.alerts() == {"failures": [("kr83m", 25.0)]}


def test_open_alarms_are_reported_until_they_end_or_a_person_answers(planted: PlantedSite) -> None:
    planted.tick(0.2)
    planted.alarms(("kr83m", "ended", 3.0), ("kr83m", "acknowledged", None), ("rate", "muted", None))
    assert planted.alerts() == {}
    planted.alarms(("kr83m", "ended", 3.0), ("kr83m", "open", None), ("kr83m", "open", None), ("rate", "open", None))
    assert planted.alerts() == {"alarms": [("kr83m", 2.0), ("rate", 1.0)]}


@pytest.mark.parametrize(
    ("values", "fires"),
    [
        ((11.5, 10.0, 11.5), {"outside-warn": 2.0}),
        ((7.5, 8.5, 7.0), {"outside-warn": 3.0, "outside-error": 2.0}),
        ((7.5, 7.5, 10.0, 10.0, 20.0), {}),
    ],
)
def test_results_outside_limits_are_reported(
    planted: PlantedSite, values: tuple[float, ...], fires: dict[str, float]
) -> None:
    planted.tick(0.2)
    planted.results(*values)
    assert planted.alerts() == {name: [("kr83m", number)] for name, number in fires.items()}


def test_a_limit_of_one_side_and_results_that_are_limits(planted: PlantedSite) -> None:
    planted.tick(0.2)
    planted.results(-5.0, -5.0, variable="drift")
    planted.results(20.0, 20.0, variable="light_yield", limit="upper")
    assert planted.alerts() == {}
    planted.results(3.0, 3.0, variable="drift")
    assert planted.alerts() == {"outside-warn": [("kr83m", 2.0)]}

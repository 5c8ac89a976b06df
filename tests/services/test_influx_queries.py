"""The examples of queries in docs/points.md, asked of a real InfluxDB that XOM has filled."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.influx import Bucket
from support.factory import keep, key_of, outcome, result, tick_item, tick_summary
from support.verdicts import bands_text
from xomflow.core import times
from xomflow.core.paths import ROOT, Paths
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.publishing import self_monitoring
from xomflow.publishing.boards.attention import attention_points
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.boards.events import Event, event_points
from xomflow.publishing.boards.expected import Limits, expected_points
from xomflow.publishing.publish import publish
from xomflow.publishing.stores.influx_store import InfluxStore
from xomlib.files import write_atomically

EXAMPLES = {
    text.splitlines()[0].removeprefix("// "): text
    for text in re.findall(r"```flux\n(.*?)```", (ROOT / "docs/points.md").read_text(), re.DOTALL)
}


def ago(**span: int) -> str:
    return times.text(datetime.now(UTC) - timedelta(**span))


def runs() -> list[dict[str, Any]]:
    """Three runs of the last days, the second without a number."""
    results = [
        [result("drift", 1.0), result("light_yield", 10.0, data={"quality": "good"})],
        [result("drift", 1.1), result("light_yield", None, error=None, insufficient="too few")],
        [result("drift", 1.2), result("light_yield", 10.2, error=None)],
    ]
    facts = [{"start": ago(days=3 - at), "end": ago(days=3 - at, hours=-1), "tags": [f"tag{at}"]} for at in range(3)]
    numbers = range(52001, 52004)
    return [outcome(key_of(run), of, run=run_facts) for run, of, run_facts in zip(numbers, results, facts, strict=True)]


@pytest.fixture
def answer(tmp_path: Path, bucket: Bucket) -> Any:
    """Return the rows of an example's answer, of a bucket with everything that XOM writes."""
    paths = Paths(tmp_path / "work")
    paths.ticks.mkdir(parents=True)
    made = runs()
    keep(paths, *made)
    failed = {"start": ago(days=9), "class": "raised"}
    listed = [
        ListedKey.from_json({**tick_item("052004", "failed"), **failed}),
        ListedKey.from_json({**tick_item("052005", "gave up"), **failed}),
        ListedKey.from_json({**tick_item("052006", "waiting"), "start": ago(days=1)}),
    ]
    happened = [
        Event("science_run", "SR1", "", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        Event("version", "kr83m v1", "strax 2", ago(days=9), analysis="kr83m"),
        Event("version", "other v1", "strax 2", ago(days=9), analysis="other"),
    ]
    with closing(InfluxStore(bucket.credentials(tmp_path), "prod_", 5000)) as store:
        assert publish(paths, store, "prod_").problems == []
        store.replace("attention", attention_points(listed, "prod_", {}))
        store.replace("events", event_points(happened, "prod_"))
        series, third = SeriesId("kr83m", "v1", "all", "light_yield"), made[2]["run"]["start"]
        write_atomically(
            paths.bands("kr83m", "v1", "052"),
            bands_text({series: [Verdict("052003", third, 10.2, 10.0, 9.5, 10.5)]}),
        )
        publish_bands(paths, store, "prod_")
        store.replace("expected", expected_points({("kr83m", "v1", "light_yield"): Limits(9, 11)}, "prod_"))
        self_monitoring.publish(paths, store, "prod_", tick_summary(started=ago(minutes=5), ended=ago(minutes=4)))

    def ask(title: str) -> list[dict[str, Any]]:
        query = EXAMPLES[title].replace('bucket: "xom"', f'bucket: "{bucket.name}"')
        with InfluxDBClient(url=bucket.url, token=bucket.token, org=bucket.org) as client:
            return [row.values for table in client.query_api().query(query) for row in table.records]

    return ask


def test_every_example_is_right(answer: Any) -> None:
    rows = answer("A variable with the tags and the figure of its run, one row for each run.")
    seen = [(row["run_id"], row["value"], row["error"], row["quality"], row["run_tags"]) for row in rows]
    assert seen == [("052001", 10.0, 0.1, "good", "tag0"), ("052003", 10.2, None, "unchecked", "tag2")]
    assert rows[0]["figure"] == "figures/kr83m/v1/052/052001.overview.png"

    rows = answer("Seconds of computing for each analysis and day, in all measurements with results.")
    assert {row["_measurement"] for row in rows} == {"prod_kr83m"}
    assert sum(row["_value"] for row in rows) == 4.5

    rows = answer("The failing runs as a table, the most urgent first.")
    seen = [(row["run_id"], row["state"], row["class"]) for row in rows]
    assert seen == [("052005", "gave up", "raised"), ("052004", "failed", "raised")]

    rows = answer("Annotations of a panel of one analysis.")
    assert [(row["title"], row["tags"]) for row in rows] == [("SR1", "science_run"), ("kr83m v1", "version")]
    assert [row["timeEnd"] for row in rows] == [times.moment("2026-02-01T00:00:00Z"), rows[1]["_time"]]

    rows = answer("The limits of a variable.")
    assert {row["_field"]: row["_value"] for row in rows} == {"warn_low": 9, "warn_high": 11}

    (row,) = answer("Minutes since the last tick began: always one row, also if there was none in 30 days.")
    assert 4.9 < row["_value"] < 8

    rows = answer("The results of a variable with their bands.")
    assert sorted((row["value"], row["expected"], row["low"], row["high"]) for row in rows) == [
        (10.0, None, None, None),
        (10.2, 10.0, 9.5, 10.5),
    ]

    assert len(EXAMPLES) == 7

"""The mirror in a real InfluxDB: panels of the first XOM answer from it as from the first XOM's own points."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.influx import Bucket
from support.factory import keep, key_of, outcome, result
from xomflow.core.paths import Paths
from xomflow.publishing.mirror.influx_mirror import InfluxMirror
from xomflow.publishing.publish import Receipt, drop, publish, rebuild, verify
from xomflow.publishing.stores.influx_store import InfluxStore

START = 1790337600 * 10**9  # of the run in every outcome here, in nanoseconds
# What its panels ask: a variable over time, and all of an analysis side by side, as its own dblib does.
PANEL = """
from(bucket: "{bucket}")
    |> range(start: 2020-01-01T00:00:00Z, stop: 2200-01-01T00:00:00Z)
    |> filter(fn: (r) => r._measurement == "{measurement}" and r.analysis_name == "light_yield")
    |> filter(fn: (r) => r.analysis_version == "v0.1" and r.variable_name == "{variable}" and r._field == "{variable}")
    |> filter(fn: (r) => r.run_mode == "tpc_kr83m" and r.sr_tag == "_sr1_preliminary")
    |> group()
    |> sort(columns: ["_time"])
    |> keep(columns: ["_time", "_value"])
"""
TABLE = """
from(bucket: "{bucket}")
    |> range(start: -10000d, stop: 2200-01-01T00:00:00Z)
    |> filter(fn: (r) => r._measurement == "{measurement}")
    |> filter(fn: (r) => r.analysis_name == "light_yield")
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> keep(columns: ["_time", "analysis_name", "analysis_version", "variable_name", "{variable}", "runid", "chi2",
        "container", "peak_basics"])
    |> group()
    |> sort(columns: ["_time", "variable_name"])
"""


@dataclass
class Publisher:
    """Publishes to the store and to its mirror, as a tick does."""

    paths: Paths
    bucket: Bucket

    def stores(self) -> list[InfluxStore]:
        credentials = self.bucket.credentials(self.paths.work.parent)
        return [kind(credentials, "test_", 5000) for kind in (InfluxStore, InfluxMirror)]

    def __call__(self) -> list[Receipt]:
        return [self._with(store, publish) for store in self.stores()]

    def rebuild(self) -> list[Receipt]:
        return [self._with(store, rebuild) for store in self.stores()]

    def verify(self) -> list[str]:
        return [line for store in self.stores() for line in self._with(store, lambda *words: list(verify(*words)))]

    def drop(self, analysis: str) -> int:
        return drop(self.paths, self.stores(), analysis)

    def _with(self, store: InfluxStore, do: Any) -> Any:
        with closing(store):
            return do(self.paths, store, "test_")


@pytest.fixture
def published(tmp_path: Path, bucket: Bucket) -> Publisher:
    return Publisher(Paths(tmp_path / "work"), bucket)


def light_yield(number: int, value: float, version: str = "v0.1", **changes: Any) -> dict[str, Any]:
    results = [result("LYS1a", value, data={"chi2": 1.5}), result("LYS1b", value + 1, error=None, data={})]
    made_with = {**outcome()["provenance"], "software": "/images/xenonnt-2024.06.1.simg python3"}
    made_with["lineage"] = {"peak_basics": "abcdef"}
    return outcome(key_of(number, "light_yield", version), results, provenance=made_with, **changes)


def of_the_first_xom(number: int, variable: str, value: float, chi2: float | None) -> str:
    """A line as the first XOM wrote it, with the run and the comment as tags."""
    tags = f"analysis_name=light_yield,analysis_version=v0.1,variable_name={variable},xom_version=1.2,run_id={number},"
    tags += "container=xenonnt-2024.06.1.simg,run_mode=tpc_kr83m,sr_tag=_sr1_preliminary,daq_comment=a\\ comment"
    data = f",chi2={chi2}" if chi2 is not None else ""
    return f'own_xomdata,{tags} {variable}={value},runid={number}i{data},peak_basics="abcdef" {START + number}\n'


def ask(bucket: Bucket, query: str, measurement: str, variable: str = "LYS1a") -> list[dict[str, Any]]:
    text = query.format(bucket=bucket.name, measurement=measurement, variable=variable)
    with InfluxDBClient(url=bucket.url, token=bucket.token, org=bucket.org) as client:
        records = [record.values for table in client.query_api().query(text) for record in table.records]
    return [{name: one[name] for name in one if name not in ("result", "table")} for one in records]


def mirror(bucket: Bucket) -> list[tuple[str, int, float]]:
    """Variable, run and value of each point of the mirror."""
    points = (
        (dict(identity[1:-1]), fields) for identity, fields in bucket.points().items() if "xomdata" in identity[0]
    )
    return sorted((tags["variable_name"], fields["runid"], fields[tags["variable_name"]]) for tags, fields in points)


@pytest.mark.parametrize("query", [PANEL, TABLE], ids=["panel", "table"])
def test_a_panel_answers_from_the_mirror_as_from_the_first_xoms_own_points(
    published: Publisher, bucket: Bucket, query: str
) -> None:
    values = {52894: 8.5, 52895: 8.25, 52896: 8.75}
    keep(published.paths, *(light_yield(number, value) for number, value in values.items()))
    own = (
        (of_the_first_xom(one, "LYS1a", v, 1.5), of_the_first_xom(one, "LYS1b", v + 1, None))
        for one, v in values.items()
    )
    bucket.write("".join(line for lines in own for line in lines))
    published()
    answer = ask(bucket, query, "own_xomdata")
    assert len(answer) in (3, 6) and ask(bucket, query, "test_xomdata") == answer


def test_the_mirror_has_no_tag_that_grows_with_the_runs(published: Publisher, bucket: Bucket) -> None:
    keep(published.paths, *(light_yield(number, 8.5) for number in range(52894, 52900)))
    published()
    identities = {identity[:-1] for identity in bucket.points() if identity[0] == "test_xomdata"}
    assert len(identities) == 2, "a series for each variable"
    assert {name for name, _ in next(iter(identities))[1:]} == {
        "analysis_name",
        "analysis_version",
        "container",
        "run_mode",
        "sr_tag",
        "tag",
        "variable_name",
    }


def test_nothing_is_published_twice_and_the_store_has_what_the_outcomes_say(
    published: Publisher, bucket: Bucket
) -> None:
    keep(published.paths, light_yield(52894, 8.5))
    assert [receipt.points for receipt in published()] == [2, 2]
    assert [receipt.points for receipt in published()] == [0, 0]
    assert published.verify() == []


def test_a_point_that_goes_with_its_outcome_goes_in_the_mirror_too(published: Publisher, bucket: Bucket) -> None:
    keep(published.paths, light_yield(52894, 8.5), light_yield(52895, 8.25))
    published()
    published.paths.outcome(typed_key(52895)).unlink()
    published()
    assert mirror(bucket) == [("LYS1a", 52894, 8.5), ("LYS1b", 52894, 9.5)]
    assert published.verify() == []


def test_a_tag_of_a_science_run_that_changes_leaves_no_second_point(published: Publisher, bucket: Bucket) -> None:
    keep(published.paths, light_yield(52894, 8.5), light_yield(52895, 8.25))
    published()
    changed = {**light_yield(52894, 8.5)["run"], "tags": ["sr2_preliminary"]}
    keep(published.paths, light_yield(52894, 8.5, run=changed))
    published()
    assert len(mirror(bucket)) == 4
    assert [one["_value"] for one in ask(bucket, PANEL, "test_xomdata")] == [8.25]
    assert published.verify() == []


def test_what_is_lost_or_foreign_is_a_difference_and_rebuild_mends_it(published: Publisher, bucket: Bucket) -> None:
    keep(published.paths, light_yield(52894, 8.5))
    published()
    with InfluxDBClient(url=bucket.url, token=bucket.token, org=bucket.org) as client:
        client.delete_api().delete(
            "1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", '_measurement="test_xomdata"', bucket.name
        )
    bucket.write(of_the_first_xom(52894, "LYS1a", 1.0, None).replace("own_", "test_"))
    assert published.verify() == ["light_yield v0.1 run 052894, LYS1a, LYS1b: the store does not have it"]
    published.rebuild()
    assert published.verify() == []
    assert len(mirror(bucket)) == 3, "the point of the first XOM stays"


def test_results_that_were_taken_over_stand_beside_new_ones_of_the_same_version(
    published: Publisher, bucket: Bucket
) -> None:
    keep(published.paths, light_yield(52894, 8.5), light_yield(52894, 8.0, "history.v0.1"))
    published()
    found = [dict(identity[1:-1]) for identity in bucket.points() if identity[0] == "test_xomdata"]
    assert {(one["analysis_version"], one["tag"]) for one in found} == {("v0.1", "xom2"), ("v0.1", "history")}
    published.paths.outcome(typed_key(52894)).unlink()
    published()
    assert mirror(bucket) == [("LYS1a", 52894, 8.0), ("LYS1b", 52894, 9.0)]
    assert published.verify() == []


def test_an_analysis_that_is_removed_goes_from_the_mirror(published: Publisher, bucket: Bucket) -> None:
    keep(published.paths, light_yield(52894, 8.5), outcome(key_of(52894)))
    published()
    assert published.drop("light_yield") == 4
    assert [name for name, _, _ in mirror(bucket)] == ["light_yield"], "the variable of the other analysis"


def typed_key(number: int) -> Any:
    from xomflow.core.key import Key, run_id

    return Key("light_yield", "v0.1", run_id(number))

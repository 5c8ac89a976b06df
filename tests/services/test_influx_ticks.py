"""Whole ticks that publish to a real InfluxDB: results, late changes of documents, XOM's own health, the commands."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.influx import Bucket
from support.in_process import FastSite
from support.site import document

pytestmark = pytest.mark.slow

TIMES = ("start", "end")
SIZE = "xomlib.Xomresult(variable_name='number', variable_value=len(xomlib.runs())).save()"


@pytest.fixture
def at_influx(site: FastSite, bucket: Bucket) -> FastSite:
    """A site with an analysis that gives the run number, publishing to a bucket."""
    site.analysis("number", "xomlib.Xomresult(variable_name='number', variable_value=int(run_id)).save()")
    site.tree["store"] = {"kind": "influxdb", "credentials": str(bucket.credentials(site.folder))}
    return site


def results(bucket: Bucket) -> dict[int, dict[str, Any]]:
    """The fields of each run's point."""
    return {one["run"]: one for place, one in bucket.points().items() if place[0] == "test_number"}


def health(bucket: Bucket) -> list[dict[str, Any]]:
    """The fields of the point of each tick, in order."""
    return [one for place, one in bucket.points().items() if place[:2] == ("test_xom", ("analysis", "all"))]


def test_a_tick_publishes_its_results_and_how_it_went(at_influx: FastSite, bucket: Bucket) -> None:
    at_influx.runs([52001, 52002, document(52003, end=...)])
    done = at_influx.snakemake()
    assert done.returncode == 0, done.stderr
    assert {number: one["value"] for number, one in results(bucket).items()} == {52001: 52001.0, 52002: 52002.0}
    (tick,) = health(bucket)
    assert (tick["done"], tick["taken"], tick["failures"], tick["published"]) == (2, 2, 0, 2)
    assert 0 <= tick["duration_s"] < 300  # in whole seconds: a quick tick may begin and end in one


def test_a_tag_and_a_rate_that_come_later_reach_the_point(at_influx: FastSite, bucket: Bucket) -> None:
    at_influx.runs([document(52001, rate=...), 52002])
    at_influx.tick()
    before = bucket.points().keys()
    assert "rate_tpc" not in results(bucket)[52001]
    at_influx.runs([document(52001, tags=[{"name": "sr2"}], rate={"tpc": {"avg": 5.5}})])
    assert at_influx.tick_in_another_second().returncode == 0
    assert (results(bucket)[52001]["run_tags"], results(bucket)[52001]["rate_tpc"]) == ("sr2", 5.5)
    assert {place for place in bucket.points() if place[0] == "test_number"} == {
        place for place in before if place[0] == "test_number"
    }
    assert [tick["published"] for tick in health(bucket)] == [2, 1]


def test_of_groups_that_change_the_store_has_the_current_results_alone(at_influx: FastSite, bucket: Bucket) -> None:
    def hours(number: int, **changes: Any) -> dict[str, Any]:
        times = {name: {"$date": f"2026-09-01T{number - 52000 + late:02d}:00:00Z"} for late, name in enumerate(TIMES)}
        return document(number, **{"mode": "tpc_kr83m", **times, **changes})

    at_influx.analysis("number", SIZE, run_modes=["tpc_kr83m"], period={"gap": "2 h"}, excluded_tags=["bad"])
    at_influx.runs([hours(number) for number in (52002, 52003, 52006, 52007)])
    at_influx.tick()
    assert {run: one["value"] for run, one in results(bucket).items()} == {52002: 2.0, 52006: 2.0}
    at_influx.runs([hours(number) for number in (52001, 52004, 52005)])
    shutil.rmtree(at_influx.paths.ledger)
    at_influx.tick()
    assert {run: one["value"] for run, one in results(bucket).items()} == {52001: 7.0}
    at_influx.runs([hours(52001, tags=[{"name": "bad"}]), hours(52005, mode="tpc_bkg")])
    at_influx.tick()
    assert {run: one["value"] for run, one in results(bucket).items()} == {52002: 3.0, 52006: 2.0}
    for command in ("verify", "rebuild", "verify"):
        done = at_influx.xom(command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_store_that_is_away_for_a_tick_has_everything_after_the_next(at_influx: FastSite, bucket: Bucket) -> None:
    credentials = bucket.credentials(at_influx.folder, url="http://127.0.0.1:1")
    at_influx.runs([52001])
    done = at_influx.tick()
    assert done.returncode == 6
    assert done.stderr.count("does not answer: [Errno 111] Connection refused") == 1
    assert bucket.credentials(at_influx.folder) == credentials
    at_influx.runs([52002])
    assert at_influx.tick_in_another_second().returncode == 0
    assert sorted(results(bucket)) == [52001, 52002]
    assert [tick["published"] for tick in health(bucket)] == [0, 2]


def test_an_emptied_store_is_seen_and_filled_again(at_influx: FastSite, bucket: Bucket) -> None:
    at_influx.runs([52001, 52002])
    at_influx.tick()
    assert at_influx.xom("verify").stdout == "the store has the points of all outcomes\n"
    before = results(bucket)
    with InfluxDBClient(url=bucket.url, token=bucket.token, org=bucket.org) as client:
        client.delete_api().delete("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "", bucket=bucket.name)
    differs = at_influx.xom("verify")
    assert differs.returncode == 9
    assert differs.stdout.splitlines() == [
        "number v1 run 052001, number: the store does not have it",
        "number v1 run 052002, number: the store does not have it",
        "2 differences",
    ]
    rebuilt = at_influx.xom("rebuild")
    assert (rebuilt.returncode, rebuilt.stdout) == (0, "2 outcomes, 2 points are in the store\n")
    assert results(bucket) == before
    assert at_influx.xom("verify").returncode == 0


def test_commands_say_what_is_wrong_with_the_account(at_influx: FastSite) -> None:
    at_influx.runs([52001])
    at_influx.write_config()
    path = at_influx.folder / "xom_influxdb.json"
    path.chmod(0o644)
    for command in ("verify", "rebuild"):
        done = at_influx.xom(command)
        assert (done.returncode, done.stdout) == (6, "")
        assert done.stderr == f"store.credentials: {path} can be read by others; run: chmod 600 {path}\n"


def test_the_token_is_in_nothing_that_a_tick_leaves(at_influx: FastSite, bucket: Bucket) -> None:
    at_influx.runs([52001])
    assert at_influx.snakemake("--verbose").returncode == 0
    mine = at_influx.folder / "xom_influxdb.json"
    files = [path for path in at_influx.folder.rglob("*") if path.is_file() and path != mine]
    assert len(files) > 10
    assert [path for path in files if bucket.token.encode() in path.read_bytes()] == []


def test_a_trial_has_points_under_test_until_it_is_promoted(at_influx: FastSite, bucket: Bucket) -> None:
    def stored() -> set[tuple[str, str]]:
        tags = [(place[0], dict(place[1:-1])) for place in bucket.points()]
        return {(name, one["version"]) for name, one in tags if name.endswith("_number")}

    at_influx.tree["store"]["prefix"] = "prod_"
    at_influx.tree["analyses"]["number"]["trial"] = {"version": "v2"}
    at_influx.runs([52001])
    for _ in range(2):
        at_influx.tick()
    assert stored() == {("prod_number", "v1"), ("test_number", "v2")}
    assert at_influx.xom("verify").returncode == 0
    at_influx.xom("promote", "number", "v2", "--why", "it is better")
    at_influx.tick()
    assert stored() == {("prod_number", "v1"), ("prod_number", "v2")}
    assert at_influx.xom("verify").returncode == 0


def test_a_renamed_analysis_has_its_points_under_the_new_name_alone(at_influx: FastSite, bucket: Bucket) -> None:
    at_influx.runs([52001, 52002])
    at_influx.tick()
    at_influx.xom("drain", "--wait", "--why", "a better name")
    at_influx.analysis("count", "xomlib.Xomresult(variable_name='number', variable_value=int(run_id)).save()")
    del at_influx.tree["analyses"]["number"]
    done = at_influx.xom("rename", "number", "count")
    assert done.returncode == 0, done.stderr
    assert {place[0] for place in bucket.points() if place[0] in ("test_number", "test_count")} == {"test_count"}
    assert at_influx.xom("verify").returncode == 0

"""Bands on a real InfluxDB: they come, move and go run by run, and limits in the same measurement stay."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support.factory import keep, key_of, outcome, result
from support.verdicts import bands_text
from xomflow.core.paths import Paths
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.boards.expected import Limits, expected_points
from xomflow.publishing.publish import publish, verify
from xomflow.publishing.stores.influx_store import InfluxStore
from xomlib.files import write_atomically

LIMITS = {("kr83m", "v1", "a"): Limits(9, 11)}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def store(bucket: Bucket, tmp_path: Path) -> Any:
    with closing(InfluxStore(bucket.credentials(tmp_path), "test_", 5000)) as made:
        yield made


def judge(paths: Paths, analysis: str, group: str = "all", **expected: float) -> None:
    """Keep verdicts on the results of two variables; ``r52001=10`` is the expected value for this run."""

    def verdict(run: str, value: float) -> Verdict:
        hour = int(run[-2:])
        return Verdict(f"0{run[1:]}", f"2026-11-22T{hour:02d}:00:00Z", 10.1, value, value - 1, value + 1, 0.1)

    bands = {
        SeriesId(analysis, "v1", group, name): [verdict(run, value) for run, value in expected.items()] for name in "ab"
    }
    write_atomically(paths.bands(analysis, "v1", "052"), bands_text(bands))


def bands(bucket: Bucket) -> list[tuple[str, str, str, int, float]]:
    found = []
    for place, fields in bucket.points().items():
        tags = dict(place[1:-1])
        if tags.get("kind") == "band":
            names = ("analysis", "group", "variable")
            found.append((*(tags[name] for name in names), place[-1] % 1_000_000, fields["expected"]))
    return sorted(found)


def limits(bucket: Bucket) -> int:
    return sum(dict(place[1:-1]).get("kind") == "limits" for place in bucket.points())


def test_bands_come_move_and_go(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    judge(paths, "kr83m", r52001=10, r52002=11)
    judge(paths, "rate", r52001=5)
    publish_bands(paths, store, "test_")
    store.replace("expected", expected_points(LIMITS, "test_"))
    rate = [("rate", "all", name, 52001, 5.0) for name in "ab"]
    assert bands(bucket) == [
        *(("kr83m", "all", name, run, value) for name in "ab" for run, value in ((52001, 10.0), (52002, 11.0))),
        *rate,
    ]
    judge(paths, "kr83m", r52002=12, r52003=13)
    publish_bands(paths, store, "test_")
    assert bands(bucket) == [
        *(("kr83m", "all", name, run, value) for name in "ab" for run, value in ((52002, 12.0), (52003, 13.0))),
        *rate,
    ]
    judge(paths, "kr83m", "kr", r52002=12)
    publish_bands(paths, store, "test_")
    assert bands(bucket) == [*(("kr83m", "kr", name, 52002, 12.0) for name in "ab"), *rate]
    paths.bands("kr83m", "v1", "052").unlink()
    publish_bands(paths, store, "test_")
    assert (bands(bucket), limits(bucket)) == (rate, 1)


def test_limits_move_without_the_bands(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    judge(paths, "kr83m", r52001=10)
    publish_bands(paths, store, "test_")
    before = bands(bucket)
    for wanted in (LIMITS, {}):
        store.replace("expected", expected_points(wanted, "test_"))
        assert (bands(bucket), limits(bucket)) == (before, len(wanted))


def test_a_store_that_lost_them_gets_them_again_without_the_ledger(
    paths: Paths, store: InfluxStore, bucket: Bucket
) -> None:
    judge(paths, "kr83m", r52001=10)
    publish_bands(paths, store, "test_")
    before = bands(bucket)
    store._server.delete('_measurement="test_expected"', "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
    shutil.rmtree(paths.ledger / store.name)
    publish_bands(paths, store, "test_")
    assert bands(bucket) == before


def test_they_are_no_results(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    """A comparison of the store with the outcomes is not about them, and results that are republished leave them."""
    keep(paths, outcome(key_of(52001), [result("a")]))
    judge(paths, "kr83m", r52001=10)
    publish_bands(paths, store, "test_")
    assert publish(paths, store, "test_").problems == []
    assert list(verify(paths, store, "test_")) == []
    assert len(bands(bucket)) == 2

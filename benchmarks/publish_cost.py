"""What it costs to publish 100,000 results in one go, against posting the same lines ready-made.

    python benchmarks/publish_cost.py            needs `make services`, or XOM_TEST_INFLUX_URL and XOM_TEST_INFLUX_TOKEN

Three ways, each into an empty bucket of a real InfluxDB: the lines, ready in memory, posted with nothing else; XOM with
its index of the outcomes, as in every tick that finds new results; and XOM that has never read any of the outcomes.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import costs
import synthetic  # makes src/ and tests/ importable
import urllib3

from local_servers.influx import Bucket, InfluxAccess, InfluxServer
from support.factory import keep, key_of, outcome, result
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache
from xomflow.publishing.points import points_of
from xomflow.publishing.publish import publish
from xomflow.publishing.stores import line_protocol
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.rundb.run import run_of
from xomflow.rundb.run_metadata import RunMetadata

PREFIX = "test_"
BATCH = 5000
VARIABLES = ("light_yield", "charge_yield", "rate", "width")
FIRST = 10_000
RUNS = 60_000
BEGIN = 1_600_000_000  # seconds since 1970; one run starts every hour


def build(paths: Paths, results: int) -> None:
    for number in range(FIRST, FIRST + results // len(VARIABLES)):
        facts = {"start": times.text(times.from_epoch(BEGIN + 3600 * number))}
        keep(paths, outcome(key_of(number), [result(name) for name in VARIABLES], run=facts))


def post_ready_lines(bucket: Bucket, texts: list[str]) -> float:
    pool = urllib3.PoolManager()
    url = f"{bucket.url}/api/v2/write?org={bucket.org}&bucket={bucket.name}&precision=ns"
    begin = time.monotonic()
    for text in texts:
        answer = pool.request("POST", url, body=text.encode(), headers={"Authorization": f"Token {bucket.token}"})
        assert answer.status == 204, answer.data
    return time.monotonic() - begin


def publish_all(paths: Paths, bucket: Bucket, results: int) -> float:
    begin = time.monotonic()
    with contextlib.closing(InfluxStore(bucket.credentials(paths.work), PREFIX, BATCH)) as store:
        receipt = publish(paths, store, PREFIX)
    assert (receipt.points, receipt.problems) == (results, []), receipt
    return time.monotonic() - begin


def ready_lines(paths: Paths) -> list[str]:
    cache = OutcomeCache(paths)
    points = [
        point
        for shelf in cache.shelves()
        for outcome in cache.outcomes(shelf).values()
        for point in points_of(outcome, PREFIX)
    ]
    return [line_protocol.text(points[start : start + BATCH]) for start in range(0, len(points), BATCH)]


def facts_costs(paths: Paths, runs: int) -> list[tuple[str, float]]:
    """Return what keeping the facts of all runs takes: the first time, without any change, with one run changed."""
    documents = [run_of(synthetic.run_document(number)) for number in range(FIRST, FIRST + runs)]
    rows = []
    gc.disable()  # as discovery does
    for what in ("all are new", "nothing changed", "one run changed"):
        if what.startswith("one"):
            documents[0] = documents[0]._replace(tags=frozenset({"late"}))
        begin = time.monotonic()
        RunMetadata(paths).keep(documents)
        rows.append((what, time.monotonic() - begin))
    gc.enable()
    return rows


@contextlib.contextmanager
def server(folder: Path) -> Iterator[InfluxAccess]:
    url, token = os.environ.get("XOM_TEST_INFLUX_URL"), os.environ.get("XOM_TEST_INFLUX_TOKEN")
    if url and token:
        yield InfluxAccess(url, token)
        return
    own = InfluxServer(folder / "influx")
    try:
        own.start()
        yield own.access
    finally:
        own.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xom-publish-") as name, server(Path(name)) as access:
        paths = Paths(Path(name) / "work")
        costs.say(f"building {options.results} results")
        build(paths, options.results)
        time.sleep(2.1)  # until time stamps of folders tell changes apart
        texts = ready_lines(paths)
        size = sum(map(len, texts)) / 1e6
        ways: dict[str, list[float]] = {"ready lines": [], "XOM, outcomes known": [], "XOM, outcomes never read": []}
        for number in range(1, options.repeat + 1):
            with access.bucket() as bucket:
                ways["ready lines"].append(post_ready_lines(bucket, texts))
            with access.bucket() as bucket:
                ways["XOM, outcomes known"].append(publish_all(paths, bucket, options.results))
            shutil.rmtree(paths.cache)
            with access.bucket() as bucket:
                ways["XOM, outcomes never read"].append(publish_all(paths, bucket, options.results))
            costs.say(
                f"  {number}/{options.repeat} " + ", ".join(f"{way} {took[-1]:.2f} s" for way, took in ways.items())
            )
    base = min(ways["ready lines"])
    rows = [(way, min(took), sorted(took)[len(took) // 2], min(took) / base) for way, took in ways.items()]
    print(f"{options.results} results, {size:.0f} MB of lines, {costs.load()}\n")
    print(costs.table(["way", "least, s", "median, s", "ratio of the least"], rows))
    with tempfile.TemporaryDirectory(prefix="xom-facts-") as name:
        print("\n" + costs.table([f"facts of {RUNS} runs", "s"], facts_costs(Paths(Path(name)), RUNS)))


if __name__ == "__main__":
    main()

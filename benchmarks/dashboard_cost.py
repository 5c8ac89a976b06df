"""How long the dashboards and alert rules ask an InfluxDB with 100,000 results, query by query.

    python benchmarks/dashboard_cost.py     needs `make services`, or XOM_TEST_INFLUX_URL and XOM_TEST_INFLUX_TOKEN

Runs of 3.3 years, four hours each, with 14 variables and a band for each result; 90 days of hourly ticks of ten
analyses; 500 runs that need attention; 200 alarms. Each query is asked as Grafana asks it, for 90 days and for
everything, and compared with the plainest possible one, the values of one variable in the same time. The computing time
of the server depends less on what else the machine does than the time of an answer.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from publish_cost import server  # makes src/ and tests/ importable

from local_servers.influx import Bucket
from support.factory import key_of, outcome, result, settings, tick_item, tick_summary, typed
from support.grafana import Asker, alert_rules, boards, questions
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.grafana import write_tree
from xomflow.grafana.flux import points
from xomflow.grafana.site import Bucket as Store
from xomflow.outcomes.past.makers import Makers
from xomflow.publishing.boards.attention import attention_points
from xomflow.publishing.boards.events import Event, event_points
from xomflow.publishing.boards.expected import band_points, expected_points
from xomflow.publishing.point import Point
from xomflow.publishing.points import points_of
from xomflow.publishing.self_monitoring import points_of as points_of_tick
from xomflow.publishing.stores import line_protocol
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.boards import limits_of
from xomflow.workflow.ending.dashboards import site_of

PREFIX = "prod_"
VARIABLES = [f"variable_{at:02d}" for at in range(14)]
RUN_S = 4 * 3600
FIRST = 10_000
NAMES = [f"analysis_{at}" for at in range(10)]
BATCH = 5000


def results(runs: int, now: float) -> list[Point]:
    random.seed(1)
    made: list[Point] = []
    for at in range(runs):
        start, end = (times.text(times.from_epoch(int(now - RUN_S * (runs - at - more)))) for more in (0, 1))
        key = key_of(FIRST + at, NAMES[at % 2], "v1")
        of_run = [result(name, random.gauss(10, 0.1)) for name in VARIABLES]
        made += points_of(typed(outcome(key, of_run, run={"start": start, "end": end})), PREFIX, None, "https://x.org/")
        of_bands = Verdict(key.run, start, 10, 10, 9.7, 10.3, 0.5)
        made += band_points({SeriesId(key.analysis, "v1", "all", name): of_bands for name in VARIABLES}, PREFIX)
    return made


def others(config: ReportConfig, now: float) -> list[Point]:
    made: list[Point] = []
    counts = {name: {"done": 5000, "waiting": 3, "failed": 1} for name in NAMES}
    for hour in range(90 * 24):
        start, end = (times.text(times.from_epoch(int(now - 3600 * hour - 60 + more))) for more in (0, 30))
        made += points_of_tick(tick_summary(f"tick{hour}", started=start, ended=end, counts=counts, items=[]), PREFIX)
    keys = [tick_item(f"{FIRST + at:06d}", ["failed", "waiting", "gave up"][at % 3], NAMES[0]) for at in range(500)]
    listed = [ListedKey.from_json({**one, "start": one["since"]}) for one in keys]
    began = [times.text(times.from_epoch(int(now - 5 * 86_400 * (at + 1)))) for at in range(200)]
    alarms = [Event("alarm", f"change {at}", "", one, one, NAMES[at % 2], "ended") for at, one in enumerate(began)]
    made += event_points(alarms, PREFIX)
    return [*made, *attention_points(listed, PREFIX, {}), *expected_points(limits_of(config), PREFIX)]


def post(bucket: Bucket, made: list[Point]) -> None:
    for start in range(0, len(made), BATCH):
        bucket.write(line_protocol.text(made[start : start + BATCH]))


class Took(NamedTuple):
    """What a query took: seconds until the answer, the best of several; mean seconds of computing; rows."""

    seconds: float
    cpu: float
    rows: int
    name: str


def asked(ask: Asker, query: str, repeat: int, name: str = "") -> Took:
    best, rows, before = float("inf"), 0, server_cpu(ask.bucket)
    for _ in range(repeat):
        begin = time.perf_counter()
        answer = ask(query)
        best, rows = min(best, time.perf_counter() - begin), sum(len(frame.rows) for frame in answer)
    return Took(best, (server_cpu(ask.bucket) - before) / repeat, rows, name)


def server_cpu(bucket: Bucket) -> float:
    """Return the seconds that the server has computed; 0 where it is on another machine."""
    port = f"=127.0.0.1:{bucket.url.rpartition(':')[2]}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if port in (process / "cmdline").read_bytes():
                user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
                return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7150)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--shown", type=float, default=0.3, help="queries of at least so many seconds are printed")
    options = parser.parse_args()
    now = time.time()
    limits = {name: {"warn": [9.7, 10.3], "error": [9, 11]} for name in VARIABLES}
    named = {name: {"version": "v1", "limits": limits} for name in NAMES[:2]}
    named |= {name: {"version": "v1"} for name in NAMES[2:]}
    with (
        tempfile.TemporaryDirectory(prefix="xom-boards-") as folder,
        server(Path(folder)) as access,
        access.bucket() as bucket,
    ):
        paths = Paths(Path(folder) / "work")
        config = ReportConfig.of(settings(paths.work, analyses=named, store={"prefix": PREFIX}))
        made = {(name, "v1"): Makers(units=dict.fromkeys(VARIABLES, "PE")) for name in NAMES[:2]}
        write_tree(paths.grafana, site_of(paths, config, Store(bucket.url, bucket.org, bucket.name), made))
        made_points = results(options.runs, now)
        print(f"{options.runs * len(VARIABLES)} results, each with a band")
        post(bucket, made_points + others(config, now))
        for days in (90, 1300):
            ask = Asker(
                bucket,
                times.text(times.from_epoch(int(now - 86400 * days))),
                times.text(times.from_epoch(int(now))),
                days * 86_400_000 // 1000,
                {"version": "v1", "mode": ".*", "run": str(FIRST + options.runs - 10)},
            )
            plain = points(PREFIX + NAMES[0], ["value"], variable=VARIABLES[0])
            base = asked(ask, plain, options.repeat)
            print(f"\n{days} days: values of one variable {base.seconds * 1000:.0f} ms, {base.rows} rows")
            took = []
            for uid, board in boards(paths.grafana).items():
                for title, query in questions(board):
                    span = ask
                    if "Newest results" in title:  # its panel has its own time
                        span = Asker(bucket, "-30d", ask.stop, ask.window_ms, ask.chosen)
                    took.append(asked(span, query, options.repeat, f"{uid} {title}"))
            for rule in alert_rules(paths.grafana) if days == 90 else ():
                took.append(asked(ask, rule["data"][0]["model"]["query"], options.repeat, f"rule {rule['uid']}"))
            print("     s   plain   server")
            for one in sorted(took, reverse=True):
                if one.seconds >= options.shown:
                    ratio = one.seconds / base.seconds
                    print(f"{one.seconds:6.2f} {ratio:6.1f}x {one.cpu:6.2f} s {one.rows:7} rows  {one.name}")
            in_all = sum(one.seconds for one in took)
            print(
                f"{len(took)} queries, {in_all:.1f} s in all, the server computed {sum(one.cpu for one in took):.1f} s"
            )


if __name__ == "__main__":
    main()

"""Every query of the dashboards, asked of a real InfluxDB that XOM has filled."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support.effort import tries
from support.factory import keep, key_of, outcome, result, settings, tick_item, tick_summary
from support.grafana import Asker, Frame, alert_rules, boards, panel, questions
from support.verdicts import bands_text
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths
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

PREFIX = "prod_"
REPEATED = tries(5)
RUNS_UNTIL = datetime.now(UTC).replace(microsecond=0)  # read once: a run's band and its result have one start
KR83M, CAMPAIGN = "xom-prod-analysis-kr83m", "052001-0bea"


def ago(**span: float) -> str:
    return times.text((datetime.now(UTC) - timedelta(**span)).replace(microsecond=0))


def hours(number: int) -> dict[str, Any]:
    start = RUNS_UNTIL - timedelta(hours=number)
    return {"start": times.text(start), "end": times.text(start + timedelta(minutes=30))}


def outcomes() -> list[dict[str, Any]]:
    """Runs of two analyses and a campaign, with all that results can have and lack."""
    whole = [result("light_yield", 10.0, data={"quality": "good", "fit": "fine"}), result("drift", 1.0, unit="mm/us")]
    bare = [result("light_yield", 9.0, error=None, n=None), result("drift", None, insufficient="too few")]
    upper = [result("light_yield", 11.0, limit="upper"), result("drift", 1.1)]
    campaign = {**hours(30), "runs": ["052001", "052002"]}
    return [
        outcome(key_of(52001), whole, run=hours(30)),
        outcome(key_of(52002), bare, run=hours(20)),
        outcome(key_of(52003), upper, run={**hours(10), "mode": "tpc_x*"}),
        outcome(key_of(52001, version="v0"), [result("old", 3.0)], run=hours(30)),
        outcome(key_of(52001, "rate"), [result("a rate", 3.0, unit="Hz")], run=hours(30)),
        outcome(key_of(52009, "rate"), [result("a rate", 4.0, unit="Hz")], run=hours(30)),  # began in the same second
        outcome(Key("campaigns", "v1", CAMPAIGN), [result()], run=campaign),
    ]


def content(answer: list[Frame]) -> str:
    """Return what is in an answer, without the order of columns and the ends of the range."""
    rows = [
        (sorted(frame.labels.items()), sorted((name, str(value)) for name, value in row.items()))
        for frame in answer
        for row in frame.rows
    ]
    return json.dumps(sorted(rows))


def bands() -> dict[SeriesId, list[Verdict]]:
    """Bands of two of the three runs, and of another variable and version."""
    groups = {name: SeriesId("kr83m", "v1", name, "light_yield") for name in ("kr", "x")}
    return {
        groups["kr"]: [Verdict("052002", hours(20)["start"], 9.0, 10.0, 9.5, 10.5, -6.0)],
        groups["x"]: [Verdict("052003", hours(10)["start"], 11.0, 11.5, 10.5, 12.5, -1.5)],
        SeriesId("kr83m", "v1", "kr", "drift"): [Verdict("052003", hours(10)["start"], 1.1, 1.0, 0.9, 1.1, 3.0)],
    }


@pytest.fixture
def site(tmp_path: Path, bucket: Bucket) -> Paths:
    """A site whose bucket has everything that XOM writes, and whose tree is written."""
    paths = Paths(tmp_path / "work")
    paths.ticks.mkdir(parents=True)
    keep(paths, *outcomes())
    named = {name: {"version": "v1", "title": name.title()} for name in ("kr83m", "rate", "campaigns", "unborn")}
    store = {"kind": "influxdb", "credentials": str(bucket.credentials(tmp_path)), "prefix": PREFIX}
    config = settings(paths.work, analyses=named, store=store, page={"url": "https://xom.example.org/page/"})
    listed = [
        ListedKey.from_json({**tick_item("052004", "failed"), "start": ago(hours=9), "class": "raised"}),
        ListedKey.from_json({**tick_item("052005", "gave up"), "start": ago(hours=8), "class": "timeout"}),
        ListedKey.from_json({**tick_item("052006", "waiting"), "start": ago(hours=7)}),
    ]
    happened = [
        Event("science_run", "SR1", "", ago(days=3), ago(days=1)),
        Event("version", "kr83m v1", "strax 2", ago(hours=9), analysis="kr83m"),
        Event("version", "rate v1", "strax 2", ago(hours=9), analysis="rate"),
        Event("alarm", "The light yield rose.", "", ago(hours=20), ago(hours=15), "kr83m", "ended"),
        Event("alarm", "The light yield fell.", "", ago(hours=10), None, "kr83m", "open"),
    ]
    write_atomically(paths.bands("kr83m", "v1", "052"), bands_text(bands()))
    with closing(InfluxStore(bucket.credentials(tmp_path), PREFIX, 5000)) as open_store:
        assert publish(paths, open_store, PREFIX, page_url=config.page.url).problems == []
        open_store.replace("attention", attention_points(listed, PREFIX, {"kr83m": "calibration"}))
        open_store.replace("events", event_points(happened, PREFIX))
        publish_bands(paths, open_store, PREFIX)
        for minutes in (125, 65, 5):
            began = {"tick": f"tick{minutes}", "started": ago(minutes=minutes), "ended": ago(minutes=minutes - 1)}
            self_monitoring.publish(paths, open_store, PREFIX, tick_summary(**began))
    write_dashboards(paths, ReportConfig.of(config), by_method(look_at_makers(paths).found))
    return paths


@pytest.fixture
def ask(bucket: Bucket) -> Callable[..., Any]:
    chosen = {"version": "v1", "mode": ".*", "run": "52001"}
    return Asker(bucket, ago(days=7), ago(days=-1), 3_600_000, chosen)


def test_every_query_answers(site: Paths, ask: Any) -> None:
    silent = {
        (uid.removeprefix("xom-prod-"), title)
        for uid, board in boards(site.grafana).items()
        for title, query in questions(board)
        if not ask(query)
    }
    assert silent == {
        ("analysis-kr83m", "panel 'old'"),  # version v1 has no such variable
        ("analysis-campaigns", "panel 'Runs that need attention'"),
        ("analysis-rate", "panel 'Runs that need attention'"),
        ("analysis-unborn", "panel 'Newest results'"),
        ("analysis-unborn", "panel 'Runs that need attention'"),
        ("analysis-unborn", "choice 'version'"),
        ("analysis-campaigns", "annotation 'Alarms'"),
        ("analysis-rate", "annotation 'Alarms'"),
        ("analysis-unborn", "annotation 'Alarms'"),
        ("run", "panel 'What is missing, and why'"),
    }


@pytest.mark.slow
def test_the_same_query_has_the_same_answer_every_time(site: Paths, ask: Any) -> None:
    """InfluxDB orders columns differently each time, and what it does with a column may depend on its place."""
    asked = {query for board in boards(site.grafana).values() for _, query in questions(board)}
    asked |= {rule["data"][0]["model"]["query"] for rule in alert_rules(site.grafana)}
    asked = {query for query in asked if "now()" not in query}
    assert len(asked) > 40
    differs = [query for query in asked if len({content(ask(query)) for _ in range(REPEATED)}) > 1]
    assert differs == []


def test_a_panel_has_each_result_once_in_a_box_of_its_error(site: Paths, ask: Any) -> None:
    yields = panel(boards(site.grafana)[KR83M], "light_yield")["targets"][0]["query"]
    (frame,) = ask(yields)
    dots = [row for row in frame.rows if row["value"] is not None]
    seen = [(row["run_id"], row["value"], row["lo"], row["hi"], row["n"], row["quality"]) for row in dots]
    assert seen == [
        ("052001", 10.0, 9.9, 10.1, 512, "good"),
        ("052002", 9.0, 9.0, 9.0, 0, "unchecked"),
        ("052003", 11.0, 10.9, 11.1, 512, "unchecked"),
    ]
    corners = [(row["run_id"], row["lo"]) for row in frame.rows if row["value"] is None]
    box, end = [("052001", 9.9)] * 2, [("052002", None)]
    assert corners == [*box, *end, *[("052002", 9.0)] * 2, ("052003", None), *[("052003", 10.9)] * 2]
    assert list(frame.kinds.values()).count("string") == 2
    (frame,) = ask(yields, mode=r"tpc_x\*")
    assert {row["run_id"] for row in frame.rows} == {"052003"}
    (frame,) = ask(panel(boards(site.grafana)[KR83M], "old")["targets"][0]["query"], version="v0")
    assert [row["value"] for row in frame.rows if row["value"] is not None] == [3.0]


def test_a_panel_has_the_band_of_each_result_in_its_rows(site: Paths, ask: Any) -> None:
    (frame,) = ask(panel(boards(site.grafana)[KR83M], "light_yield")["targets"][0]["query"])
    names = ("run_id", "expected", "low", "high", "deviation")
    dots = [tuple(row[name] for name in names) for row in frame.rows if row["value"] is not None]
    first, second, third = (
        ("052001", *[None] * 4),
        ("052002", 10.0, 9.5, 10.5, -6.0),
        ("052003", 11.5, 10.5, 12.5, -1.5),
    )
    assert dots == [first, second, third]
    corners = [tuple(row[name] for name in names) for row in frame.rows if row["value"] is None]
    gaps = [("052002", None, None, None, -6.0), ("052003", None, None, None, -1.5)]
    assert corners == [first, first, gaps[0], second, second, gaps[1], third, third]
    (frame,) = ask(panel(boards(site.grafana)["xom-prod-analysis-rate"], "a rate")["targets"][0]["query"])
    assert "low" not in frame.kinds


def test_choices_are_the_versions_and_modes_that_there_are(site: Paths, ask: Any) -> None:
    queries = dict(questions(boards(site.grafana)[KR83M]))
    (frame,) = ask(queries["choice 'version'"])
    assert [row["_value"] for row in frame.rows] == ["v0", "v1"]
    (frame,) = ask(queries["choice 'mode'"])
    assert [row["_value"] for row in frame.rows] == ["tpc_kr83m", "tpc_x*"]


def test_the_board_of_a_run_has_what_is_known_of_it_and_nothing_of_others(site: Paths, ask: Any) -> None:
    board = boards(site.grafana)["xom-prod-run"]
    (frame,) = ask(panel(board, "Results of run ${run}")["targets"][0]["query"])
    seen = [(row["analysis"], row["version"], row["variable"], row["run_id"]) for row in frame.rows]
    assert seen == [
        ("campaigns", "v1", "light_yield", CAMPAIGN),
        ("kr83m", "v0", "old", "052001"),
        ("kr83m", "v1", "drift", "052001"),
        ("kr83m", "v1", "light_yield", "052001"),
        ("rate", "v1", "a rate", "052001"),
    ]
    details = panel(board, "The run, its figures, and how the results were made")["targets"][0]["query"]
    (frame,) = ask(details)
    assert sorted((row["analysis"], row["version"]) for row in frame.rows) == [
        ("campaigns", "v1"),
        ("kr83m", "v0"),
        ("kr83m", "v1"),
        ("rate", "v1"),
    ]
    assert all(row["figure_url"].startswith("https://xom.example.org/figures/") for row in frame.rows)
    missing = panel(board, "What is missing, and why")["targets"][0]["query"]
    (frame,) = ask(missing, run="52005")
    assert [(row["state"], row["class"]) for row in frame.rows] == [("gave up", "timeout")]
    for _, query in questions(board):
        if "${run" in query:
            assert ask(query, run="52999") == []


def test_operations_show_states_delays_and_what_needs_attention(site: Paths, ask: Any) -> None:
    board = boards(site.grafana)["xom-prod-operations"]

    def rows(title: str) -> list[Any]:
        return [row for frame in ask(panel(board, title)["targets"][0]["query"]) for row in frame.rows]

    (age,) = rows("Since the last tick")
    assert 4.9 < age["_value"] < 8
    assert len(rows("Time of a tick")) == 3
    assert [(row["run_id"], row["state"]) for row in rows("Runs that failed")] == [
        ("052005", "gave up"),
        ("052004", "failed"),
    ]
    assert [row["run_id"] for row in rows("Runs that wait")] == ["052006"]
    lags = ask(panel(board, "From the end of a run to its results")["targets"][0]["query"])
    assert {frame.labels["analysis"] for frame in lags} == {"kr83m", "rate", "campaigns"}
    assert {row["analysis"] for row in rows("Where the analyses are")} == {"kr83m"}


def test_annotations_of_an_analysis_are_its_events_and_those_of_all(site: Paths, ask: Any) -> None:
    found = {uid: dict(questions(board))["annotation 'Events'"] for uid, board in boards(site.grafana).items()}
    (frame,) = ask(found[KR83M])
    assert [row["title"] for row in frame.rows] == ["SR1", "kr83m v1"]
    began, ended = (datetime.fromisoformat(ago(days=days)) for days in (3, 1))
    (first, second) = frame.rows
    assert abs(first["_time"] - began) < timedelta(minutes=2)
    assert abs(int(first["timeEnd"]) / 1000 - ended.timestamp()) < 120
    assert abs(int(second["timeEnd"]) / 1000 - second["_time"].timestamp()) < 0.001
    (frame,) = ask(found["xom-prod-demonstrator"])
    assert {row["title"] for row in frame.rows} == {"SR1", "kr83m v1", "rate v1"}


def test_an_alarm_is_an_annotation_until_it_ends_or_until_now(site: Paths, ask: Any) -> None:
    found = {uid: dict(questions(board))["annotation 'Alarms'"] for uid, board in boards(site.grafana).items()}
    (frame,) = ask(found[KR83M])
    assert [row["title"] for row in frame.rows] == ["The light yield rose.", "The light yield fell."]
    ends = [datetime.fromtimestamp(int(row["timeEnd"]) / 1000, UTC) for row in frame.rows]
    for end, hours_ago in zip(ends, (15, 0), strict=True):
        assert abs(end - datetime.fromisoformat(ago(hours=hours_ago))) < timedelta(minutes=2)
    assert ask(found["xom-prod-analysis-rate"]) == []

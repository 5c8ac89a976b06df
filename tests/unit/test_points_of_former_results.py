"""Results of the first XOM become outcomes with a version of their own; what cannot is counted by its reason."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import run, settings
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import write_outcome
from xomflow.outcomes.model import Provenance, Resources, Result
from xomflow.outcomes.reading import read_outcome
from xomflow.publishing.mirror.xomdata import HISTORY, OWN
from xomflow.workflow.requests.moving import import_points
from xomflow.workflow.requests.moving.former_points import FormerPoint, former_points
from xomflow.workflow.requests.moving.import_points import History, history_of, read_history

SECOND = 1_000_000_000
START = 1_700_000_000
RUNS = {number: run(number) for number in (52001, 52002)}


def point(variable: str = "rate", value: Any = 5.0, number: int = 52001, at: int = START, **fields: Any) -> FormerPoint:
    tags = {"container": "xenonnt.simg", "xom_version": "v1.2"}
    return FormerPoint(
        "DQM-Rate", "v0.1", variable, at * SECOND, tags, {"runid": float(number), variable: value, **fields}
    )


def left_out(*points: FormerPoint) -> list[str]:
    return history_of(points, RUNS, "prod_xomdata").notes


def test_the_results_of_a_run_are_one_outcome_of_a_version_of_its_own() -> None:
    data = {"chi2": 1.5, "quality": "good", "peaks": "abcdefghij", "flag": True, "bad\nname": 1.0, "odd": math.nan}
    points = [
        point("width", 2.0, at=START + 5, variable_error=0.5),
        point("rate", 5.0, at=START, variable_error=-1.0, **data),
    ]
    (made,) = history_of(points, RUNS, "prod_xomdata").outcomes
    assert (made.key, made.status, made.attempt) == (Key("dqm_rate", "history.v0.1", "052001"), "done", 1)
    assert made.message == "taken over from prod_xomdata of the first XOM"
    assert (made.started, made.ended) == ("2023-11-14T22:13:25Z", "2023-11-14T22:13:25Z")
    rate = Result("rate", 5.0, None, "", None, None, None, {"chi2": 1.5, "flag": True, "quality": "good"})
    assert made.results == [rate, Result("width", 2.0, 0.5, "", None, None, None, {})]
    lineage = {"peaks": "abcdefghij"}
    assert made.provenance == Provenance(lineage, "xenonnt.simg", {"xomlib": "v1.2"}, None, "not known", None)
    assert (made.resources, made.figures, made.failure) == (Resources(0.0, None, None), [], None)
    assert made.run.number == 52001


def test_what_is_not_known_of_a_result_is_left_open() -> None:
    bare = replace(point(), tags={}, version="v 1/2", fields={"runid": 52002.0, "variable_value": 7.0})
    (made,) = history_of([bare], RUNS, "m").outcomes
    assert made.key == Key("dqm_rate", "history.v_1_2", "052002")
    assert (made.provenance.software, made.provenance.versions) == ("not known", {})
    (result,) = made.results
    assert (result.value, result.error, result.data) == (7.0, None, {})
    (unnamed,) = history_of([replace(bare, version="")], RUNS, "m").outcomes
    assert unnamed.key.version == "history.none"


@pytest.mark.parametrize(("error", "kept"), [(0.0, 0.0), (0.5, 0.5), (-0.1, None), (math.inf, None), ("0.5", None)])
def test_an_error_is_a_finite_number_of_at_least_zero(error: Any, kept: float | None) -> None:
    (made,) = history_of([point(variable_error=error)], RUNS, "m").outcomes
    assert made.results[0].error == kept


def test_of_several_results_of_a_run_and_variable_the_latest_counts() -> None:
    points = [point(value=1.0, at=START), point(value=3.0, at=START + 2), point(value=2.0, at=START + 1)]
    for order in (points, points[::-1]):
        made = history_of([*order, point(value=3.5, at=START + 2)], RUNS, "m")
        assert made.outcomes[0].results[0].value == 3.0
        assert made.notes == ["3 points are left out: an earlier result of the same run and variable"]
    two = history_of([point(number=52002), point("b"), point("a")], RUNS, "m")
    assert [(one.key.run, [result.variable for result in one.results]) for one in two.outcomes] == [
        ("052001", ["a", "b"]),
        ("052002", ["rate"]),
    ]
    assert two.notes == []


def test_what_has_no_place_is_counted_by_its_reason() -> None:
    assert left_out(replace(point(), analysis="")) == ["1 points are left out: their analysis has no usable name"]
    assert left_out(replace(point(), fields={"rate": 1.0})) == ["1 points are left out: they have no run"]
    assert left_out(point(number=52009), point(number=52008)) == [
        "2 points are left out: the run database does not have their run"
    ]
    numberless = [point(value="high"), point(value=math.nan), point(value=math.inf), point('a"b'), point("")]
    assert left_out(*numberless) == ["5 points are left out: they have no number"]
    assert left_out(point(value="high"), replace(point(), fields={})) == [
        "1 points are left out: they have no number",
        "1 points are left out: they have no run",
    ]


# --- what the server has ----------------------------------------------------------------------------------------------
class Server:
    """Answers like InfluxDB: a row for each field of a point."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self.asked: list[tuple[str, int, int]] = []
        self._rows = rows

    def rows(self, query: str, **values: Any) -> Iterator[dict[str, str]]:
        assert "range(start: time(v: start), stop: time(v: stop))" in query
        self.asked.append((values["measurement"], values["start"], values["stop"]))
        first = len(self.asked) == 1
        return iter(self._rows if first else ())

    def close(self) -> None:
        pass


def row(name: str, value: str, at: str = "2023-11-14T22:13:20Z", **tags: str) -> dict[str, str]:
    names = {"analysis_name": "kr", "analysis_version": "v1", "variable_name": "rate", **tags}
    own = {"": "", "result": "_result", "table": "0", "_measurement": "m", "_start": "x"}
    return {**own, **names, "empty": "", "_time": at, "_field": name, "_value": value}


def test_the_fields_of_a_point_are_joined_and_typed() -> None:
    rows = [row("rate", "5"), row("ok", "true"), row("bad", "false"), row("runid", "52001"), row("text", "5 Hz")]
    rows += [row("rate", "-.5e3", at="2023-11-14T22:13:21Z"), row("rate", "7.", container="b")]
    rows += [row("rate", "1", tag=OWN), row("rate", "1", tag=HISTORY), row("rate", "2", tag="another")]
    found = list(former_points(Server(*rows), "m", datetime(2020, 1, 2, tzinfo=UTC)))
    tags = {"analysis_name": "kr", "analysis_version": "v1", "variable_name": "rate"}
    time = START * SECOND
    fields = {"rate": 5.0, "ok": True, "bad": False, "runid": 52001.0, "text": "5 Hz"}
    assert found == [
        FormerPoint("kr", "v1", "rate", time, tags, fields),
        FormerPoint("kr", "v1", "rate", time + SECOND, tags, {"rate": -500.0}),
        FormerPoint("kr", "v1", "rate", time, {**tags, "container": "b"}, {"rate": 7.0}),
        FormerPoint("kr", "v1", "rate", time, {**tags, "tag": "another"}, {"rate": 2.0}),
    ]
    assert [one.value for one in found] == [5.0, -500.0, 7.0, 2.0]
    assert replace(found[0], variable="text").value is None


def test_all_days_until_tomorrow_are_asked_for_once() -> None:
    first, day = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=1)
    server = Server()
    assert list(former_points(server, "m", first + 25 * day)) == []
    edges = [int((first + days * day).timestamp()) * SECOND for days in (0, 10, 20, 26)]
    assert server.asked == [("m", *pair) for pair in itertools.pairwise(edges)]
    assert list(former_points(Server(), "m", first)) == []


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    """What is taken over where one of two outcomes is there already."""
    server = Server(
        *(row(name, text, run_id=number) for number in ("52001", "52002") for name, text in (("rate", "5"),))
    )
    rundb = type("RunDB", (), {"runs": lambda self, *span: type("Answer", (), {"runs": RUNS, "span": span})})
    monkeypatch.setattr(import_points, "read_credentials", lambda place: place)
    monkeypatch.setattr(import_points, "InfluxClient", lambda credentials: server)
    monkeypatch.setattr(import_points, "open_rundb", lambda block: rundb())
    config = settings(tmp_path)
    first = read_history(config, "m")
    assert [one.key.run for one in first.outcomes] == ["052001", "052002"] and first.notes == []
    assert History(first.outcomes[:1]).write(Paths(tmp_path)) == [
        "1 outcomes were written; the next tick publishes and shows them"
    ]
    server.asked.clear()
    yield read_history(config, "m")
    write_outcome(
        Paths(tmp_path).outcome(first.outcomes[0].key), replace(first.outcomes[0], ended="2024-01-01T00:00:00Z")
    )
    server.asked.clear()
    assert len(read_history(config, "m").outcomes) == 2, "one that has changed is taken over anew"


def test_what_is_there_already_is_not_written_again(imported: History, tmp_path: Path) -> None:
    assert [one.key.run for one in imported.outcomes] == ["052002"]
    assert imported.notes == ["1 outcomes are there already"]
    assert read_outcome(Paths(tmp_path).outcome(Key("kr", "history.v1", "052001"))).results[0].value == 5.0


def test_a_measurement_without_results_asks_no_run_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_points, "read_credentials", lambda place: place)
    monkeypatch.setattr(import_points, "InfluxClient", lambda credentials: Server())
    assert read_history(settings(tmp_path), "m") == History()

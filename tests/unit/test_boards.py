"""Points beside the results: what needs attention, what happened, what is expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.factory import key_of, outcome, result, settings, tick_item, typed
from xomflow.config.model import Analysis
from xomflow.core import times
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.boards.attention import attention_points
from xomflow.publishing.boards.events import Event, changes, event_points
from xomflow.publishing.boards.expected import Limits, expected_points
from xomflow.publishing.boards.uses import Use, Uses
from xomflow.publishing.point import Point
from xomflow.publishing.points import points_of
from xomflow.publishing.stores.store import OWN
from xomflow.workflow.documents import AnalysisTitle
from xomflow.workflow.ending.boards import of_decision

START = "2026-11-22T10:00:00Z"


def listed(run: str, state: str, **changes: Any) -> ListedKey:
    return ListedKey.from_json({**tick_item(run, state), "start": START, **changes})


# --- attention --------------------------------------------------------------------------------------------------------


def test_each_key_that_waits_or_failed_is_a_point_at_the_time_of_its_results() -> None:
    failed = listed(
        "052001", "failed", next_try="2026-11-22T13:00:00Z", reason="raised: no peak", **{"class": "raised"}
    )
    (point,) = attention_points([failed], "test_", {"kr83m": "jane@example.org", "other": "b"})
    (of_result,) = points_of(typed(outcome(key_of(52001), run={"start": START})), "test_")
    assert (point.measurement, point.time) == ("test_attention", of_result.time)
    assert point.tags == {"analysis": "kr83m", "version": "v1"}
    del point.fields["form"]
    assert point.fields == {
        "run": 52001,
        "run_id": "052001",
        "state": "failed",
        "urgency": 3,
        "class": "raised",
        "contact": "jane@example.org",
        "reason": "raised: no peak",
        "attempt": 1,
        "since": "2026-11-22T11:00:00Z",
        "next_try": "2026-11-22T13:00:00Z",
    }


def test_what_needs_nobody_is_no_point() -> None:
    states = {state: attention_points([listed("052001", state)], "test_", {}) for state in State}
    assert {state for state, points in states.items() if points} == {state for state in State if state.urgency}


def test_a_key_without_a_known_start_is_left_out_and_costs_no_other() -> None:
    old = ListedKey.from_json(tick_item("052001", "failed"))  # of a survey that an earlier version wrote
    assert [one.fields["run"] for one in attention_points([old, listed("052002", "stale")], "test_", {})] == [52002]


def test_half_characters_of_a_reason_are_replaced() -> None:
    (point,) = attention_points([listed("052001", "failed", reason="half \ud83d")], "test_", {})
    assert point.fields["reason"] == "half ?"


# --- events -----------------------------------------------------------------------------------------------------------

SHELF = Shelf("kr83m", "v1", "052")


def made(run: int, ended: str, software: str = "/opt/python", **packages: str) -> Any:
    provenance = {**outcome()["provenance"], "software": software, "versions": packages or {"strax": "2.2.3"}}
    return points_of(
        typed(outcome(key_of(run), [result("a"), result("b")], ended=ended, provenance=provenance)), "test_"
    )


@pytest.fixture
def uses(tmp_path: Path) -> Uses:
    return Uses(tmp_path / "uses.json")


def test_a_version_is_an_event_and_so_is_each_other_software(uses: Uses) -> None:
    points = {
        "052001": made(52001, "2026-09-25T14:00:02Z"),
        "052002": made(52002, "2026-09-25T13:00:00Z"),
        "052003": made(52003, "2026-09-26T00:00:00Z", strax="2.2.4", cutax="1.0"),
        "052004": made(52004, "2026-09-27T00:00:00Z", strax="2.2.4", cutax="1.0"),
        "052005": made(52005, "2026-09-28T00:00:00Z", "image"),
    }
    uses.note(SHELF, points)
    assert changes(uses.by_version()) == [
        Event("version", "kr83m v1", "/opt/python, strax 2.2.3", "2026-09-25T13:00:00Z", analysis="kr83m"),
        Event(
            "software",
            "kr83m v1: other software",
            "cutax none → 1.0, strax 2.2.3 → 2.2.4",
            "2026-09-26T00:00:00Z",
            analysis="kr83m",
        ),
        Event(
            "software",
            "kr83m v1: other software",
            "software /opt/python → image, cutax 1.0 → none, strax 2.2.4 → 2.2.3",
            "2026-09-28T00:00:00Z",
            analysis="kr83m",
        ),
    ]


def test_a_late_retry_with_known_software_is_no_event(uses: Uses) -> None:
    uses.note(SHELF, {"052001": made(52001, "2026-09-25T00:00:00Z"), "052002": made(52002, "2026-09-27T00:00:00Z")})
    uses.note(Shelf("kr83m", "v1", "053"), {"053001": made(53001, "2026-09-26T00:00:00Z", strax="3")})
    assert [event.kind for event in changes(uses.by_version())] == ["version", "software"]


def test_points_of_a_mirror_show_no_software(uses: Uses) -> None:
    uses.note(SHELF, {"052001": [Point("test_xomdata", {}, {"runid": 52001}, 0)]})
    assert (SHELF in uses, uses.by_version()) == (True, {("kr83m", "v1"): []})


def test_uses_are_kept_as_long_as_their_shelf_is_there(uses: Uses, tmp_path: Path) -> None:
    gone = Shelf("gone", "v1", "052")
    uses.note(SHELF, {"052001": made(52001, "2026-09-25T00:00:00Z"), "052002": []})
    uses.note(gone, {"052001": made(52001, "2026-09-25T00:00:00Z")})
    uses.keep([SHELF])
    again = Uses(tmp_path / "uses.json")
    assert (SHELF in again, gone in again) == (True, False)
    assert again.by_version() == {("kr83m", "v1"): [Use("2026-09-25T00:00:00Z", "/opt/python", {"strax": "2.2.3"})]}


@pytest.mark.parametrize("content", ["", "[]", "null", '{"a": []}', '{"a/b/c": [1]}', '{"a/b/c": [["", "", 1]]}'])
def test_damaged_uses_count_as_unknown(tmp_path: Path, content: str) -> None:
    (tmp_path / "uses.json").write_text(content)
    assert Uses(tmp_path / "uses.json").by_version() == {}


def test_a_folder_in_the_place_of_the_uses_costs_nothing(uses: Uses, tmp_path: Path) -> None:
    (tmp_path / "uses.json").mkdir()
    uses.note(SHELF, {"052001": made(52001, "2026-09-25T00:00:00Z")})
    uses.keep([SHELF])
    assert SHELF in Uses(tmp_path / "uses.json")


def test_an_event_is_a_point_at_its_start() -> None:
    (point,) = event_points([Event("science_run", "SR1", "", START, "2026-11-22T12:00:00Z")], "test_")
    assert (point.measurement, point.tags) == ("test_events", {"kind": "science_run", "analysis": "all"})
    assert times.from_epoch(point.time // 10**9) == times.moment(START)
    del point.fields["form"]
    assert point.fields == {"title": "SR1", "end": "2026-11-22T12:00:00Z", "duration_s": 7200.0}


def test_events_of_one_second_are_told_apart_and_always_at_the_same_time() -> None:
    happened = [Event("version", f"kr83m v{number}", "", START) for number in range(20)]
    points = event_points(happened, "test_")
    assert len({point.time for point in points}) == 20
    assert event_points(happened, "test_") == points


def test_an_event_without_a_readable_time_costs_no_other() -> None:
    happened = [Event("version", "a", "", "yesterday"), Event("version", "b", "", START, "tomorrow")]
    (point,) = event_points(happened, "test_")
    assert (point.fields["title"], "end" in point.fields) == ("b", False)


def test_a_decision_is_an_event_with_who_and_why() -> None:
    when, until = times.moment(START), times.moment("2026-12-01T00:00:00Z")
    runs = tuple(f"05200{number}" for number in range(5))
    one = Decision(Verb.ACCEPT, Subject("kr83m", "v1", runs), "shifter", when, "the disk is new", until)
    title = "accept kr83m v1 run 052000, 052001, 052002 and 2 more"
    assert of_decision(one) == Event(
        "decision", title, "shifter: the disk is new", START, "2026-12-01T00:00:00Z", "kr83m"
    )
    assert of_decision(Decision(Verb.ACCEPT, Subject(), "shifter", when, "so")).title == "accept"
    assert of_decision(Decision(Verb.ACCEPT, Subject(), "shifter", when, "so")).analysis == "all"


# --- what is expected -------------------------------------------------------------------------------------------------


def test_limits_are_points_without_a_time_of_their_own() -> None:
    limits = {("kr83m", "v1", "a"): Limits(9, 11, None, 12.5), ("kr83m", "v1", "b"): Limits()}
    (point,) = expected_points(limits, "test_")
    assert (point.measurement, point.time) == ("test_expected", 0)
    assert point.tags == {"kind": "limits", "analysis": "kr83m", "version": "v1", "variable": "a"}
    del point.fields["form"]
    assert point.fields == {"warn_low": 9.0, "warn_high": 11.0, "error_high": 12.5, "runs": 2, "of": 3}
    assert [type(value) for value in point.fields.values()] == [float] * 3 + [int] * 2


def test_limits_of_the_configuration_reach_the_points() -> None:
    block = Analysis.model_validate(
        {"version": "v1", "limits": {"a": {"warn": [9, 11], "error": [None, 12.5], "of": 5}}, "contact": "Jane"}
    )
    title = AnalysisTitle.from_json(AnalysisTitle.of("kr83m", block).to_json())
    assert (title.limits, title.contact) == ({"a": Limits(9, 11, None, 12.5, 2, 5)}, "Jane")
    assert {"limits", "contact"}.isdisjoint(AnalysisTitle.of("kr83m", Analysis(version="v1")).to_json())


def test_limits_that_never_alert_are_refused() -> None:
    for given in ({"runs": 4}, {"of": 1}, {"of": 51}, {"runs": 0}):
        with pytest.raises(ValueError, match=r"limits\.a"):
            Analysis.model_validate({"version": "v1", "limits": {"a": {"warn": [9, 11], **given}}})


@pytest.mark.parametrize("warn", [[11, 9], [1, 1], [1], [1, 2, 3], ["1", 2], 5, [float("nan"), 1]])
def test_limits_that_are_no_pair_of_rising_numbers_are_refused(warn: Any) -> None:
    with pytest.raises(ValueError, match=r"limits\.a\.warn"):
        Analysis.model_validate({"version": "v1", "limits": {"a": {"warn": warn}}})


@pytest.mark.parametrize("name", OWN)
def test_no_analysis_can_have_the_name_of_another_measurement(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is taken, an analysis needs another name"):
        settings(analyses={name: {"version": "v1"}})

"""drift: usual and awkward data have clear outcomes; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest

TIME = 1486.515 / 0.675  # us, from cathode to gate


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any]) -> Any:
    """Return what `drift_cases.py` prints."""
    return run_script("drift_cases")


def test_main_saves_the_velocity_and_both_edges_with_a_figure(found: Any) -> None:
    said = found["main"]
    assert said["raised"] is None
    truth = {"drift_velocity": 0.675, "gate_drift_time": 1.7, "cathode_drift_time": 1.7 + TIME}
    assert set(said["results"]) == {*truth, "selected_events"}
    for name, value in truth.items():
        result = said["results"][name]
        assert abs(result["value"] - value) < 3.5 * result["error"]
        assert result["data"]["quality"] == "good"
    assert said["results"]["drift_velocity"]["error"] < 5e-4
    assert said["results"]["drift_velocity"]["data"]["edge_width_us"] == pytest.approx(4.5, rel=0.5)
    assert said["figures"]


def test_the_interactions_of_the_mini_xenonnt_give_its_velocity_and_its_ends_back(found: Any) -> None:
    truth = {"drift_velocity": 0.66, "gate_drift_time": 1.7, "cathode_drift_time": 1.7 + 1480 / 0.66}
    for name, value in truth.items():
        result = found["mini"]["results"][name]
        assert abs(result["value"] - value) < 3.5 * result["error"]
        assert result["data"]["quality"] == "good"


def test_only_events_inside_the_cuts_count(found: Any) -> None:
    passed = found["selection"]["results"]["selected_events"]["data"]
    counts = [passed[f"passed_{cut}"] for cut in ("all", "drift_time", "radius_cm", "s1_area_pe", "s2_area_pe")]
    shares = [count / counts[0] for count in counts]
    assert shares == pytest.approx([1, 7 / 8, 5 / 8, 3 / 8, 1 / 8], abs=0.001)


def test_few_events_give_no_number(found: Any) -> None:
    said = found["few"]["results"]["drift_velocity"]
    assert said["insufficient"].endswith("events selected, 5000 needed")


@pytest.mark.parametrize(("case", "reason"), [("none", "fit failed: no event between"), ("uniform", "fit")])
def test_a_spectrum_without_an_edge_gives_no_good_number(found: Any, case: str, reason: str) -> None:
    said = found["no_edge"][case]["results"]["drift_velocity"]
    assert said.get("insufficient", "").startswith(reason) or said["data"]["quality"] == "poor"


def test_a_cathode_outside_the_range_gives_no_number(found: Any) -> None:
    """The largest fluctuation of a flat spectrum is no edge."""
    assert [reason for reason in found["too_slow"] if not reason.startswith("fit failed: no ")] == []


def test_an_edge_of_few_events_is_flagged_whatever_its_width_came_out_as(found: Any) -> None:
    data = found["few_at_the_edge"]["results"]["drift_velocity"]["data"]
    assert data["quality"] == "poor"
    assert "edge_events" in data["quality_reason"]


def test_an_edge_far_sharper_than_expected_is_flagged(found: Any) -> None:
    data = found["sharp"]["results"]["drift_velocity"]["data"]
    assert "edge_width_ratio" in data["quality_reason"]


def test_an_edge_far_wider_than_expected_is_flagged_until_it_is_expected(found: Any) -> None:
    said = {name: case["results"]["drift_velocity"]["data"] for name, case in found["wide"].items()}
    assert "edge_width_ratio" in said["unexpected"]["quality_reason"]
    assert said["expected"]["quality"] == "good"


def test_events_above_the_gate_are_flagged(found: Any) -> None:
    data = found["gas"]["results"]["gate_drift_time"]["data"]
    assert data["quality"] == "poor"
    assert "gate_spacing" in data["quality_reason"]
    assert found["gas"]["results"]["cathode_drift_time"]["data"]["quality"] == "good"


def test_the_systematic_error_covers_events_at_the_cathode(found: Any) -> None:
    """They look like a longer plateau: 0.2 % of the events are many statistical errors."""
    for name, truth in (("drift_velocity", 0.675), ("cathode_drift_time", 1.7 + TIME)):
        result = found["electrodes"]["cathode"]["results"][name]
        assert abs(result["value"] - truth) > 5 * result["error"]
        assert abs(result["value"] - truth) < 1.5 * result["data"]["systematic_error"] < 0.005 * truth


def test_events_at_the_gate_are_flagged(found: Any) -> None:
    said = {name: result["data"] for name, result in found["electrodes"]["gate"]["results"].items()}
    assert "gate_spacing" in said["gate_drift_time"]["quality_reason"]
    assert "gate_spacing" in said["drift_velocity"]["quality_reason"]
    assert said["cathode_drift_time"]["quality"] == "good"


@pytest.mark.parametrize("name", ["gate_to_cathode_cm", "cathode_us", "gate_events", "radius_cm", "cathode_share"])
def test_settings_that_cannot_be_are_refused_by_name(found: Any, name: str) -> None:
    assert name in str(found["settings"][name])

"""alpha: usual and awkward data have clear outcomes; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest

RATES = {"rate_rn222": 400 / 3600, "rate_po218": 360 / 3600}
NUMBERS = {"light_yield_rn222": 7.9, "light_yield_po218": 7.9, "charge_yield": 8.2, "electron_lifetime": 13.0}


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any]) -> Any:
    """Return what `alpha_cases.py` prints."""
    return run_script("alpha_cases")


def agrees(result: dict[str, Any], truth: float) -> bool:
    return bool(abs(result["value"] - truth) < 3.5 * result["error"] < truth)


def test_main_saves_rates_yields_and_lifetime_with_a_figure(found: Any) -> None:
    said = found["main"]
    assert said["raised"] is None
    assert set(said["results"]) == {*RATES, *NUMBERS, "inverse_lifetime", "resolution_s2", "selected_events"}
    for name, truth in (RATES | NUMBERS).items():
        assert agrees(said["results"][name], truth), name
        assert said["results"][name]["data"]["quality"] == "good"
    assert said["figures"]


def test_the_columns_of_areas_stand_in_the_data(found: Any) -> None:
    results = found["main"]["results"]
    assert results["light_yield_rn222"]["data"]["column"] == "cs1_wo_timecorr"
    assert results["inverse_lifetime"]["data"]["column"] == "cs2_w_bias_xy"


def test_electrons_and_gammas_at_the_same_s1_do_not_count(found: Any) -> None:
    assert agrees(found["electrons"]["results"]["rate_rn222"], RATES["rate_rn222"])


def test_only_the_fiducial_volume_counts(found: Any) -> None:
    passed = found["outside"]["results"]["selected_events"]["data"]
    shares = [passed[f"passed_{cut}"] / passed["passed_all"] for cut in ("s1_pe", "radius_cm", "z_cm")]
    assert shares == pytest.approx([1, 1 / 2, 1 / 4], abs=0.003)


def test_the_rate_is_that_of_the_live_time(found: Any) -> None:
    result = found["vetoes"]["results"]["rate_rn222"]
    assert agrees(result, 2000 / 3600)
    assert result["data"]["dead_fraction"] == pytest.approx(0.5, abs=1e-3)


def test_alphas_of_thoron_beside_the_lines_are_flagged(found: Any) -> None:
    for name in ("rate_po218", "light_yield_po218", "charge_yield"):
        said = found["thoron"]["results"][name]["data"]
        assert "skewness" in said["quality_reason"]


def test_alphas_of_po210_are_no_light_of_rn222_and_where_they_are_many_all_is_poor(found: Any) -> None:
    """In a fit without them a tenth moves the light yield by -0.4 %, and as many by -1.8 %."""
    some, many = (found["polonium"][name]["results"] for name in ("some", "many"))
    for name in ("light_yield_rn222", "light_yield_po218"):
        assert abs(some[name]["value"] - 7.9) < 3.5 * some[name]["error"] < 0.05
        assert some[name]["data"]["quality"] == "good"
    assert agrees(some["rate_rn222"], 2000 / 3600)
    for name in ("rate_rn222", "light_yield_rn222", "charge_yield", "inverse_lifetime"):
        assert "polonium_fraction" in many[name]["data"]["quality_reason"]


def test_other_lines_in_the_place_of_the_two_are_flagged(found: Any) -> None:
    for name in ("rate_rn222", "light_yield_po218", "charge_yield"):
        assert "light_ratio" in found["only_thoron"]["results"][name]["data"]["quality_reason"]


def test_data_that_are_missing_make_the_rates_poor_and_no_yield(found: Any) -> None:
    results = found["gap"]["results"]
    for name in RATES:
        assert results[name]["data"]["quality_reason"].startswith("silent_share")
    assert results["light_yield_rn222"]["data"]["quality"] == "good"


@pytest.mark.parametrize(
    ("case", "reason"), [("few", "needed"), ("none", "0 events selected, 100 needed"), ("no_lines", "fit failed")]
)
def test_without_lines_there_is_no_good_number(found: Any, case: str, reason: str) -> None:
    said = found[case]["results"]["rate_rn222"]
    assert reason in said.get("insufficient", "") or said["data"]["quality"] == "poor"


@pytest.mark.parametrize("name", ["search_pe", "radius_cm", "z_cm"])
def test_settings_that_cannot_be_are_refused_by_name(found: Any, name: str) -> None:
    assert name in str(found["settings"][name])

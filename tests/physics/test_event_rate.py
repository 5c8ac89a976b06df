"""event_rate: truths come back, counts are honest down to zero, awkward data have clear outcomes."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `event_rate_cases.py` prints."""
    return run_script("event_rate_cases")


def test_a_steady_rate_is_called_steady(cases: Any) -> None:
    assert 0.01 < cases["steady"] < 0.1


def test_interval_covers_at_small_counts_as_often_as_sums_of_poisson_terms_say(cases: Any) -> None:
    expected = {"0.3": 0.963, "1.0": 0.920, "3.0": 0.866, "10.0": 0.734}
    assert cases["coverage"] == pytest.approx(expected, abs=0.025)


def test_intervals_are_those_of_garwood(cases: Any) -> None:
    """Ends at which a Poisson sum has the probability 0.1587, found by bisection."""
    expected = [(0, 1.841), (2.086, 7.163), (90.017, 111.033)]
    assert [tuple(one) for one in cases["intervals"]] == [pytest.approx(one, abs=1e-3) for one in expected]


def test_zero_events_are_the_number_zero_with_an_error_and_a_limit(cases: Any) -> None:
    said = cases["zero_events"]["events"]
    assert said["variable_value"] == 0
    assert said["error"] == 1
    assert said["data"]["upper_limit_90"] == pytest.approx(2.3026, abs=1e-3)


def test_rate_of_a_handful_of_events_is_insufficient(cases: Any) -> None:
    said = cases["handful"]
    assert said["events"]["variable_value"] == 7
    assert said["rate"]["insufficient"] == "7 events in the run touch no veto, 10 needed"
    assert "variable_value" not in said["rate_high"]


def test_band_without_events_has_a_rate_of_zero(cases: Any) -> None:
    said = cases["no_energy"]
    assert said["rate_low"]["variable_value"] == 0
    assert said["rate_low"]["error"] > 0


def test_events_without_energy_count_and_are_reported(cases: Any) -> None:
    said = cases["no_energy"]["events"]
    assert said["variable_value"] == said["data"]["events_without_energy"] > 1000


def test_data_that_span_no_time_have_no_rate(cases: Any) -> None:
    assert cases["no_time"]["rate"]["insufficient"] == "the data span no time"


def test_results_do_not_depend_on_the_chunks(cases: Any) -> None:
    one, many = cases["pieces"]
    assert one == many


def test_counts_over_time_are_those_of_a_histogram(cases: Any) -> None:
    said = cases["over_time"]
    assert said["counts"] == said["expected"]
    assert said["end"] == 600


def test_step_in_the_rate_is_seen_by_the_test_of_constancy(cases: Any) -> None:
    assert cases["step"]["rate"]["data"]["constant_p_value"] < 1e-6
    assert cases["step"]["rate"]["data"]["quality_reason"].startswith("drift 0.1")


def test_a_gap_that_no_veto_explains_makes_rates_and_numbers_poor(cases: Any) -> None:
    for name in ("rate", "events", "rate_high"):
        data = cases["gap"]["data"][name]["data"]
        assert data["silent_share"] == pytest.approx(40 / 3600, rel=0.05)
        assert data["quality_reason"].startswith("silent_share 0.011")
    assert cases["gap"]["veto"]["rate"]["data"]["quality"] == "good"


def test_a_rate_without_the_events_that_fire_a_veto_is_poor(cases: Any) -> None:
    low, right = cases["fired"]["0.05"], cases["fired"]["0.0"]
    assert low["variable_value"] == pytest.approx(0.95 * 2, abs=3 * low["error"])
    assert low["data"]["quality_reason"].startswith("beside_vetoes 0.0")
    assert (right["data"]["quality"], right["data"]["beside_vetoes"]) == ("good", 0)


def test_clusters_scatter_by_their_size_also_across_bins_and_single_events_by_one(cases: Any) -> None:
    said = cases["clustering"]
    assert (said["fours"], said["across"]) == (pytest.approx(4, rel=0.4), pytest.approx(4, rel=0.4))
    assert 1 <= said["alone"] < 1.4
    assert said["even"] == said["none"] == 1


def test_only_a_gap_that_chance_and_vetoes_do_not_explain_is_silent(cases: Any) -> None:
    said = cases["silent_share"]
    assert said.pop("gap") == pytest.approx(20 / 2000, abs=2 / 2000)
    assert said.pop("clusters as single events") > 0.1
    assert said == dict.fromkeys(("vetoed", "low", "clusters", "nothing", "no bins"), 0)


def test_only_what_is_beyond_chance_is_too_much(cases: Any) -> None:
    assert cases["excess_share"] == [pytest.approx(0.0003, abs=1e-4), 0, 0]


def test_lower_limit_of_a_band_is_inside_and_the_upper_outside(cases: Any) -> None:
    assert cases["edges"] == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("case", "words"), [("inverted", "two rising"), ("three", "two rising"), ("name", "letters, digits")]
)
def test_wrong_band_is_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["bands"][case]


def test_main_saves_every_variable_of_the_configured_bands_and_a_figure(cases: Any) -> None:
    said = cases["main"]["bands"]
    assert said["raised"] is None
    assert list(said["results"]) == ["live_time", "events", "rate", "events_peak", "rate_peak"]
    assert said["figures"] == ["overview.png"]


# --- live time --------------------------------------------------------------------------------------------------------
def test_live_time_is_what_merged_vetoes_leave_and_hev_tag_takes_none(cases: Any) -> None:
    said = cases["corrected"]["live_time"]
    assert said["variable_value"] == pytest.approx(25)
    assert said["data"]["intervals"] == 2
    assert said["data"]["dead_fraction"] == pytest.approx(35 / 60)


def test_error_of_the_live_time_is_that_of_its_edges(cases: Any) -> None:
    said = cases["corrected"]["live_time"]
    assert said["error"] == pytest.approx((4 / 12) ** 0.5 * 10e-9)
    assert cases["no_vetoes"]["live_time"]["error"] == 0


def test_rate_is_that_outside_the_vetoes(cases: Any) -> None:
    said = cases["corrected"]["rate"]
    assert abs(said["variable_value"] - 20) < 3 * said["error"]
    assert said["error"] == pytest.approx((said["data"]["dispersion"] * (said["n"] + 1)) ** 0.5 / 25, rel=1e-6)


def test_the_time_inside_every_type_of_veto_is_no_live_time(cases: Any) -> None:
    """True 20 Hz outside; without the subtraction 10 Hz."""
    said = {name: found for name, found in cases["names"].items() if name != "muon_gate"}
    for name, found in said.items():
        assert found["live_time"]["variable_value"] == pytest.approx(30), name
        assert abs(found["rate"]["variable_value"] - 20) < 3 * found["rate"]["error"], name
        assert found["rate"]["data"]["quality"] == "good", name


def test_an_interval_of_unknown_type_makes_every_result_poor(cases: Any) -> None:
    found = cases["names"]["muon_gate"]
    reason = "neither in settings.vetoes nor in settings.marks: 6000 of type muon_gate"
    assert {name: one["data"]["quality"] for name, one in found.items()} == dict.fromkeys(found, "poor")
    assert all(reason in one["data"]["quality_reason"] for one in found.values())


def test_every_type_that_the_installed_straxen_makes_is_known(cases: Any) -> None:
    assert cases["installed"] == {"unknown": [], "not subtracted": []}


@pytest.mark.parametrize("share", ["0.15", "0.6"])
def test_rates_are_right_where_vetoes_hide_a_part_of_an_event(cases: Any, share: str) -> None:
    """True 20 Hz; events over the live time are -13 and -53 % off."""
    for name in ("rate", "rate_all"):
        said = cases["dead"][share][name]
        assert abs(said["variable_value"] - 20) < 3 * said["error"]
    assert cases["dead"]["0.6"]["rate"]["data"]["quality_reason"] == "dead_fraction 0.6 is above 0.5"


@pytest.mark.parametrize("rate", ["9.0", "60.0"])
def test_rate_is_right_where_events_merge(cases: Any, rate: str) -> None:
    """Without the correction: -2.4 % at 9 Hz (4 errors) and -15 % at 60 Hz."""
    for name in ("rate", "rate_all"):
        said = cases["merged"][rate][name]
        assert abs(said["variable_value"] - float(rate)) < 3.5 * said["error"], name
        assert said["data"]["quality"] == ("good" if rate == "9.0" else "poor")


def test_more_events_than_merging_allows_have_no_rate(cases: Any) -> None:
    assert "the events overlap: " in cases["crowded"]["rate"]["insufficient"]


def test_without_room_for_an_event_between_vetoes_there_is_no_rate(cases: Any) -> None:
    reason = cases["dead"]["0.9"]["rate_all"]["insufficient"]
    assert "events in the run touch no veto" in reason or "no time between two vetoes" in reason


def test_a_run_that_is_vetoed_throughout_has_no_rate(cases: Any) -> None:
    assert cases["no_live_time"]["live_time"]["variable_value"] == 0
    assert cases["no_live_time"]["rate"]["insufficient"] == "the run has no live time"


def test_a_veto_is_no_change_of_the_rate(cases: Any) -> None:
    assert cases["one_long_veto"]["rate"]["data"]["constant_p_value"] > 0.01


def test_without_vetoes_in_the_settings_nothing_is_read_or_corrected(cases: Any) -> None:
    said = cases["main"]["switched_off"]
    assert [name for name, _ in said["read"]] == ["event_info"]
    assert said["results"]["live_time"]["value"] == 60
    assert said["results"]["live_time"]["data"]["corrected"] is False


def test_main_corrects_the_live_time(cases: Any) -> None:
    said = cases["main"]["both"]
    assert said["raised"] is None
    assert said["results"]["live_time"]["value"] == pytest.approx(54)


def test_veto_intervals_of_half_the_run_are_broken_data(cases: Any) -> None:
    said = cases["main"]["half"]
    assert said["raised"] == "DataBroken: veto_intervals lack 30.0 s of the 60.0 s of data"
    assert said["results"] == {}


def test_a_missing_chunk_of_veto_intervals_is_broken_data(cases: Any) -> None:
    assert "veto_intervals of run 052894 cannot be read" in cases["main"]["broken"]["raised"]

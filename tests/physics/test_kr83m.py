"""kr83m: truths come back, errors are honest, awkward data have clear outcomes."""

from typing import Any

import pytest

YIELDS = [f"light_yield_{energy}_{kind}" for energy in ("9_4", "32_2") for kind in ("mean", "gauss")]
GAUSS = [name for name in YIELDS if name.endswith("gauss")]
UNBIASED = ["normal", "lowest", "skewed", "skewed_high"]


@pytest.mark.parametrize("variable", ["selected_events", *YIELDS])
@pytest.mark.parametrize("scenario", UNBIASED)
def test_pull_has_mean_zero_and_width_one(pulls: Any, scenario: str, variable: str) -> None:
    row = pulls["kr83m"][scenario][variable]
    assert row["numbers"] >= 200
    assert abs(row["mean"]) < 0.15
    assert 0.9 < row["width"] < 1.1


@pytest.mark.parametrize("variable", GAUSS)
def test_gauss_is_not_moved_by_background_under_the_line(pulls: Any, variable: str) -> None:
    row = pulls["kr83m"]["background"][variable]
    assert abs(row["mean"]) < 0.15
    assert 0.9 < row["width"] < 1.1


def test_mean_says_in_its_error_how_far_background_moves_it(pulls: Any) -> None:
    row = pulls["kr83m"]["background"]["light_yield_9_4_mean"]
    assert row["relative_bias"] > 0.015
    assert abs(row["mean"]) < 1.2
    assert row["width"] < 1.1


@pytest.mark.parametrize("variable", GAUSS)
def test_goodness_of_fit_is_fair_for_a_true_model(pulls: Any, variable: str) -> None:
    assert 0.01 < pulls["kr83m"]["normal"][variable]["small_p"] < 0.12


@pytest.mark.parametrize("case", ["kr_zero_events", "kr_one_event", "kr_no_s2"])
@pytest.mark.parametrize("variable", YIELDS)
def test_run_without_selected_events_is_insufficient(behaviours: Any, case: str, variable: str) -> None:
    said = behaviours[case][variable]
    assert said["insufficient"].endswith("selected, 50 needed")
    assert "variable_value" not in said


@pytest.mark.parametrize("variable", YIELDS)
def test_handful_of_events_is_insufficient(behaviours: Any, variable: str) -> None:
    assert behaviours["kr_few"][variable]["insufficient"] == "23 events selected, 50 needed"


def test_selected_events_are_a_number_without_any(behaviours: Any) -> None:
    said = behaviours["kr_zero_events"]["selected_events"]
    assert said["variable_value"] == 0
    assert said["error"] == 1


def test_nan_is_excluded_and_counted(behaviours: Any) -> None:
    clean, broken = (behaviours["kr_nan"][name]["selected_events"]["data"] for name in ("clean", "broken"))
    assert clean["passed_two_s1"] == clean["passed_finite"]
    assert 0.88 < broken["passed_finite"] / broken["passed_two_s1"] < 0.92


def test_cut_flow_never_grows(behaviours: Any) -> None:
    data = behaviours["kr_nan"]["broken"]["selected_events"]["data"]
    counts = [count for name, count in data.items() if name.startswith("passed_")]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == behaviours["kr_settings"]["cuts"] + 1


@pytest.mark.parametrize(
    ("case", "words"),
    [("kr_all_equal", "values are equal"), ("kr_uniform", "no line"), ("kr_two_lines", "no line")],
)
@pytest.mark.parametrize("kind", ["mean", "gauss"])
def test_spectrum_without_a_line_gives_no_number(behaviours: Any, case: str, words: str, kind: str) -> None:
    said = behaviours[case][f"light_yield_9_4_{kind}"]
    assert said["insufficient"].startswith("fit failed: ")
    assert words in said["insufficient"]


@pytest.mark.parametrize("case", ["kr_all_equal", "kr_uniform", "kr_two_lines"])
def test_one_bad_line_does_not_cost_the_other(behaviours: Any, case: str) -> None:
    assert behaviours[case]["light_yield_32_2_gauss"]["variable_value"] == pytest.approx(9.3, abs=0.2)


@pytest.mark.parametrize("variable", YIELDS)
def test_fit_that_does_not_converge_gives_no_number(behaviours: Any, variable: str) -> None:
    assert (
        behaviours["line_no_convergence"]["kr83m"][variable]["insufficient"] == "fit failed: no convergence (gave up)"
    )


def test_range_that_cuts_the_line_deeply_gives_no_number(behaviours: Any) -> None:
    for kind in ("mean", "gauss"):
        assert "cuts the line" in behaviours["kr_cut_range"]["far_cut"][f"light_yield_9_4_{kind}"]["insufficient"]


def test_range_that_cuts_the_line_a_little_does_not_bias_the_fit(behaviours: Any) -> None:
    assert abs(behaviours["kr_cut_range"]["mean"]) < 0.18
    assert 0.9 < behaviours["kr_cut_range"]["width"] < 1.1


def test_shift_of_the_mean_by_a_cut_is_known(behaviours: Any) -> None:
    assert behaviours["kr_cut_range"]["unexplained"] < 0.2  # PE, of a width of 14


def test_results_do_not_depend_on_the_chunks(behaviours: Any) -> None:
    one, many = behaviours["kr_pieces"]
    assert one == many


def test_unknown_setting_is_refused_with_the_nearest_name(behaviours: Any) -> None:
    assert "settings.delay_n" in behaviours["kr_settings"]["unknown"]
    assert behaviours["kr_settings"]["unknown"].endswith("the nearest is delay_ns")


def test_inverted_range_is_refused(behaviours: Any) -> None:
    assert "delay_ns is [2000, 750]" in behaviours["kr_settings"]["inverted"]


def test_cuts_can_be_opened_and_left_out(behaviours: Any) -> None:
    assert behaviours["kr_settings"]["open"] is None
    assert behaviours["kr_settings"]["no_top_fraction"] == behaviours["kr_settings"]["cuts"] - 1
    assert behaviours["kr_settings"]["both_top_fractions"] == behaviours["kr_settings"]["cuts"] + 1


def test_both_bounds_on_the_top_fraction_keep_what_lies_between(behaviours: Any) -> None:
    counts = behaviours["kr_settings"]["between"]
    assert counts["none"] == counts["both"] > 0
    assert counts["crossed"] == 0


def test_main_saves_all_variables_and_a_figure(behaviours: Any) -> None:
    said = behaviours["kr_main"]
    assert said["raised"] is None
    assert {result["variable"] for result in said["results"]} == {"selected_events", *YIELDS}
    assert said["figures"] == ["overview.png"]
    assert "success" in said["messages"][0]


@pytest.mark.parametrize("variable", GAUSS)
def test_goodness_of_fit_stands_in_the_data(behaviours: Any, variable: str) -> None:
    (said,) = [result for result in behaviours["kr_main"]["results"] if result["variable"] == variable]
    assert said["data"]["ndf"] > 0
    assert 0 <= said["data"]["p_value"] <= 1


def test_damaged_data_are_broken_data(behaviours: Any) -> None:
    said = behaviours["kr_main_broken"]
    assert said["raised"].startswith("DataBroken: event_info_double of run 052894 cannot be read")
    assert said["results"] == []


def test_bug_is_not_called_broken_data(behaviours: Any) -> None:
    assert behaviours["kr_main_bug"]["raised"].startswith("KeyError")


def test_event_info_with_distinct_channels_gives_the_same_results(behaviours: Any) -> None:
    said = behaviours["kr_main_alternative"]
    assert said["two"] == said["double"]


@pytest.mark.parametrize(("case", "words"), [("short", "do not have the same events"), ("long", "more events than")])
def test_data_types_with_different_rows_are_broken_data(behaviours: Any, case: str, words: str) -> None:
    said = behaviours["kr_main_alternative"][case]["raised"]
    assert said.startswith("DataBroken")
    assert words in said


def test_fitted_density_is_normalised_in_the_range(behaviours: Any) -> None:
    assert behaviours["line"]["area"] == pytest.approx(1, abs=1e-6)


def test_line_fit_scales_with_the_unit(behaviours: Any) -> None:
    assert behaviours["line"]["scaled"] == pytest.approx([1000 * x for x in behaviours["line"]["fit"]], rel=1e-6)


@pytest.mark.parametrize(
    ("case", "words"),
    [("empty", "0 events"), ("few", "9 events"), ("equal", "equal"), ("uniform", "no line"), ("edge", "")],
)
def test_line_fit_fails_in_words(behaviours: Any, case: str, words: str) -> None:
    assert behaviours["line_failures"][case].startswith("FitFailed: ")
    assert words in behaviours["line_failures"][case]


def test_half_life_comes_back_from_the_delay_window(behaviours: Any) -> None:
    assert abs(behaviours["decay"]["mean"]) < 0.18
    assert 0.9 < behaviours["decay"]["width"] < 1.1


def test_flat_delays_have_no_half_life(behaviours: Any) -> None:
    assert behaviours["decay"]["uniform"].startswith("FitFailed")

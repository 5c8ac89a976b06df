"""scada: numbers of the run with honest errors, and a parameter that fails costs the others nothing."""

import json
import re
from typing import Any

import pytest

KINDS = ("mean", "spread", "minimum", "maximum", "slope")


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `scada_cases.py` prints."""
    return run_script("scada_cases")


def reasons(said: Any, parameter: str) -> set[str]:
    """Why the variables of a parameter have no number."""
    return {said["results"][f"{parameter}_{kind}"]["insufficient"] for kind in KINDS}


# --- the server -------------------------------------------------------------------------------------------------------
def test_main_saves_five_variables_of_every_parameter_and_a_figure(cases: Any) -> None:
    said = cases["main"]
    assert said["raised"] is None
    assert list(said["results"]) == [f"{name}_{kind}" for name in ("pressure", "temperature") for kind in KINDS]
    assert {one["n"] for one in said["results"].values()} == {61}
    assert said["figures"] == ["overview.png"]
    assert said["read"] == []


def test_readings_on_a_straight_line_have_no_number_that_needs_an_error(cases: Any) -> None:
    for found in cases["exact_line"]:
        reasons = {found[kind]["insufficient"] for kind in ("mean", "spread", "slope")}
        assert reasons == {"all 61 readings lie on a straight line, so there is no scatter to take an error from"}
        assert found["maximum"]["variable_value"] == pytest.approx(60 / 7)


def test_readings_that_are_rounded_to_more_than_they_scatter_are_poor(cases: Any) -> None:
    for name in ("mean", "spread", "slope"):
        assert "step_over_spread 2." in cases["rounded"]["0.2"][name]["data"]["quality_reason"], name
        for fine in ("0.6", "fine"):
            assert cases["rounded"][fine][name]["data"]["step_over_spread"] < 1.9, (name, fine)


def test_one_log_in_and_one_question_for_each_parameter(cases: Any) -> None:
    log = cases["main"]["log"]
    assert len(log) == 3
    assert log[0] == "log-in"


def test_an_unknown_parameter_costs_the_others_nothing(cases: Any) -> None:
    said = cases["one_unknown"]
    assert said["raised"] is None
    assert said["results"]["pressure_mean"]["value"] is not None
    assert reasons(said, "gone") == {"XE1T.GONE: the slow-control server answers: There is no tag XE1T.GONE"}


def test_a_parameter_without_an_answer_costs_the_others_nothing(cases: Any) -> None:
    said = cases["one_unanswered"]
    assert said["results"]["temperature_mean"]["value"] is not None
    (reason,) = reasons(said, "pressure")
    assert "no answer of the slow-control server: a truncated answer" in reason


def test_a_server_that_answers_nothing_is_a_failure_that_is_tried_again(cases: Any) -> None:
    said = cases["nothing_answered"]
    assert said["raised"].startswith("DataBroken: slow control: XE1T.CRY_PT101_PCHAMBER_AI.PI: no answer")
    assert said["results"] == {}


def test_a_wrong_password_is_a_failure_and_appears_nowhere(cases: Any) -> None:
    said = cases["wrong_password"]
    assert said["raised"] == "JobError: slow control: the slow-control server refuses the log-in"
    assert said["log"] == ["log-in"]
    assert "wr0ng" not in json.dumps(said)


def test_an_account_that_others_can_read_is_a_failure(cases: Any) -> None:
    assert "can be read by others; run: chmod 600" in cases["open_account"]["raised"]


def test_a_run_of_long_ago_is_insufficient_and_not_asked_for(cases: Any) -> None:
    said = cases["old_run"]
    assert "older than 5 years" in reasons(said, "pressure").pop()
    assert said["log"] == []


def test_no_readings_are_insufficient(cases: Any) -> None:
    assert reasons(cases["no_readings"], "pressure") == {"XE1T.CRY_PT101_PCHAMBER_AI.PI: no readings during the run"}
    assert reasons(cases["only_nan"], "pressure") == {
        "XE1T.CRY_PT101_PCHAMBER_AI.PI: no readings during the run, 1 are no numbers"
    }


# --- the numbers ------------------------------------------------------------------------------------------------------
def test_a_line_comes_back(cases: Any) -> None:
    said = cases["line"]
    for kind, truth in (("mean", 5.3), ("spread", 0.01), ("slope", 3.6)):
        assert abs(said[kind]["variable_value"] - truth) < 4 * said[kind]["error"], kind
    assert said["slope"]["unit"] == "K/h"
    assert said["minimum"]["variable_value"] < 5.02 < 5.58 < said["maximum"]["variable_value"]
    assert "error" not in said["minimum"]


def test_readings_that_are_no_numbers_are_counted_and_left_out(cases: Any) -> None:
    said = cases["nan"]["mean"]
    assert said["n"] == 52
    assert said["data"]["not_numbers"] == 9
    assert abs(said["variable_value"] - 5) < 4 * said["error"]


def test_one_reading_has_extremes_and_nothing_else(cases: Any) -> None:
    said = cases["one_reading"]
    assert said["minimum"]["variable_value"] == said["maximum"]["variable_value"] == 5
    assert {said[kind]["insufficient"] for kind in ("mean", "spread", "slope")} == {"1 readings, 20 needed"}


def test_few_readings_are_insufficient(cases: Any) -> None:
    assert cases["few"]["slope"]["insufficient"] == "19 readings, 20 needed"


def test_equal_readings_have_a_mean_without_error_and_no_spread(cases: Any) -> None:
    said = cases["equal"]
    assert said["mean"]["variable_value"] == 7.25
    assert "error" not in said["mean"]
    assert said["spread"]["insufficient"] == said["slope"]["insufficient"] == "all 61 readings are equal"


def test_a_gap_does_not_move_the_mean_over_the_run(cases: Any) -> None:
    said = cases["gap"]["mean"]
    assert abs(said["variable_value"] - 8) < 4 * said["error"] < 0.05
    assert said["data"]["covered"] == pytest.approx(2 / 3, abs=0.01)
    assert said["data"]["longest_gap_s"] == 200


def test_readings_of_less_than_half_the_run_are_insufficient(cases: Any) -> None:
    assert cases["long_gap"]["mean"]["insufficient"] == "readings cover 40% of the run, 50% needed"
    assert "variable_value" in cases["long_gap"]["minimum"]


def test_readings_of_one_moment_have_no_slope(cases: Any) -> None:
    assert "too few for a line" in cases["bunched"]["slope"]["insufficient"]


def test_coverage_is_the_share_outside_gaps(cases: Any) -> None:
    said = cases["coverage"]
    assert said["all"] == 1
    assert said["hole"] == {"covered": pytest.approx(1 - 210 / 600), "longest_gap": 210}
    assert said["late"] == pytest.approx(0.5)
    assert said["none"] == {"covered": 0, "longest_gap": 600}
    assert said["one"] == 1


def test_what_is_too_little_for_a_line_is_refused(cases: Any) -> None:
    said = cases["line_refuses"]
    assert "3 readings within 2 s are too few" in said["few"]
    assert "9 readings within 0 s are too few" in said["one_time"]
    assert said["constant"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("none", "name the parameters"),
        ("name", "letters, digits"),
        ("block", "name: and unit:"),
        ("key", "name: and unit:"),
        ("unknown", "settings.parameter "),
    ],
)
def test_wrong_settings_are_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["settings"][case]


@pytest.mark.parametrize("n", ["60", "360", "3600"])
def test_readings_that_scatter_alike_are_no_number_or_flagged_where_their_errors_are_too_small(
    cases: Any, n: str
) -> None:
    """Correlated by 0.98: at 360 readings the pulls had the width 1.45 and 3.2 (spread), and no flag."""
    said = cases["alike"][n]
    assert said["good and off"] <= 0.01
    if n == "3600":
        assert said["good"] > 0.5
        assert said["width"] == pytest.approx(1, abs=0.25)  # of about 100 pulls
        return
    assert said["good"] < 0.02
    assert re.fullmatch(f"{n} readings scatter so much alike that they are worth .* ones, 10 needed", said["reason"])


def test_noise_over_a_slow_change_is_flagged(cases: Any) -> None:
    """Half of the variance correlated by 0.98, half white: the widths of the pulls were 4.3, without a flag."""
    said = cases["noise_over_slow"]
    assert said["good"] < 0.05
    assert said["good and off"] == 0

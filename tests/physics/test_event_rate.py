"""event_rate: truths come back, counts are honest down to zero, awkward data have clear outcomes."""

from typing import Any

import pytest

VARIABLES = [f"{kind}{band}" for kind in ("events", "rate") for band in ("", "_low", "_mid", "_high")]


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("scenario", ["normal", "high"])
def test_pull_has_mean_zero_and_width_one(pulls: Any, scenario: str, variable: str) -> None:
    row = pulls["event_rate"][scenario][variable]
    assert row["numbers"] == pulls["runs"]
    assert abs(row["mean"]) < 0.15
    assert 0.9 < row["width"] < 1.1


@pytest.mark.parametrize("variable", ["events", "rate", "events_high", "rate_high"])
def test_pull_stays_near_one_at_fifteen_events(pulls: Any, variable: str) -> None:
    row = pulls["event_rate"]["lowest"][variable]
    assert abs(row["mean"]) < 0.25
    assert 0.9 < row["width"] < 1.15


@pytest.mark.parametrize("variable", ["events_low", "rate_low", "events_mid", "rate_mid"])
def test_error_of_a_few_events_is_not_too_small(pulls: Any, variable: str) -> None:
    row = pulls["event_rate"]["lowest"][variable]
    assert row["events"] < 5
    assert abs(row["mean"]) < 0.4
    assert row["width"] < 1.2


def test_a_steady_rate_is_called_steady(pulls: Any) -> None:
    assert 0.01 < pulls["event_rate"]["high"]["rate"]["small_p"] < 0.1


def test_interval_covers_at_small_counts(pulls: Any) -> None:
    assert all(held > 0.67 for held in pulls["coverage"].values())


def test_zero_events_are_the_number_zero_with_an_error_and_a_limit(behaviours: Any) -> None:
    said = behaviours["rate_zero_events"]["events"]
    assert said["variable_value"] == 0
    assert said["error"] == 1
    assert said["data"]["upper_limit_90"] == pytest.approx(2.3026, abs=1e-3)


def test_rate_of_a_handful_of_events_is_insufficient(behaviours: Any) -> None:
    said = behaviours["rate_handful"]
    assert said["events"]["variable_value"] == 7
    assert said["rate"]["insufficient"] == "7 events in the run, 10 needed"
    assert "variable_value" not in said["rate_high"]


def test_band_without_events_has_a_rate_of_zero(behaviours: Any) -> None:
    said = behaviours["rate_no_energy"]
    assert said["rate_low"]["variable_value"] == 0
    assert said["rate_low"]["error"] > 0


def test_events_without_energy_count_and_are_reported(behaviours: Any) -> None:
    said = behaviours["rate_no_energy"]["events"]
    assert said["variable_value"] == said["data"]["events_without_energy"] > 1000


def test_data_that_span_no_time_have_no_rate(behaviours: Any) -> None:
    assert behaviours["rate_no_time"]["rate"]["insufficient"] == "the data span no time"


def test_results_do_not_depend_on_the_chunks(behaviours: Any) -> None:
    one, many = behaviours["rate_pieces"]
    assert one == many


def test_counts_over_time_are_those_of_a_histogram(behaviours: Any) -> None:
    said = behaviours["rate_over_time"]
    assert said["counts"] == said["expected"]
    assert said["end"] == 600


def test_step_in_the_rate_is_seen_by_the_test_of_constancy(behaviours: Any) -> None:
    assert behaviours["rate_step"]["rate"]["data"]["constant_p_value"] < 1e-6


def test_lower_limit_of_a_band_is_inside_and_the_upper_outside(behaviours: Any) -> None:
    assert behaviours["rate_edges"] == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("case", "words"), [("inverted", "two rising"), ("three", "two rising"), ("name", "letters, digits")]
)
def test_wrong_band_is_refused_in_words(behaviours: Any, case: str, words: str) -> None:
    assert words in behaviours["rate_bands"][case]


def test_main_saves_every_variable_of_the_configured_bands_and_a_figure(behaviours: Any) -> None:
    said = behaviours["rate_main"]
    assert said["raised"] is None
    assert [result["variable"] for result in said["results"]] == ["events", "rate", "events_peak", "rate_peak"]
    assert said["figures"] == ["overview.png"]

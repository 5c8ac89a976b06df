"""peak_rate: awkward data have clear outcomes; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest

BANDS = ["s1_small", "s1_large", "electrons", "s2_small", "s2_large", "unknown"]
RATES = ["rate", *(f"rate_{band}" for band in BANDS)]


@pytest.fixture(scope="session")
def cases(run_script: Callable[..., Any]) -> Any:
    """What `peaks_cases.py` prints."""
    return run_script("peaks_cases")


def test_main_saves_the_rate_of_every_band_and_a_figure(cases: Any) -> None:
    said = cases["peak"]
    assert said["raised"] is None
    assert list(said["results"]) == RATES
    assert said["figures"] == ["overview.png"]
    assert said["read"] == [
        ["veto_intervals", ["time", "endtime", "veto_type"]],
        ["peak_basics", ["time", "area", "type"]],
    ]


def test_results_do_not_depend_on_the_chunks(cases: Any) -> None:
    one, many = cases["peak_pieces"]
    assert one == many


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("peak_zero", "0 peaks in the run, 10 needed"),
        ("peak_one", "1 peaks in the run, 10 needed"),
        ("peak_short", "5 s of live time, 30 s needed"),
    ],
)
def test_run_with_too_little_is_insufficient(cases: Any, case: str, words: str) -> None:
    reasons = {name: result["insufficient"] for name, result in cases[case]["results"].items()}
    assert reasons == dict.fromkeys(RATES, words)


def test_empty_band_has_a_rate_of_zero_with_an_error_and_a_limit(cases: Any) -> None:
    said = cases["peak"]["results"]["rate_s2_small"]
    assert said["value"] == 0
    assert said["error"] == pytest.approx(1 / 60)
    assert said["data"]["upper_limit_90"] == pytest.approx(2.3026 / 60, abs=1e-4)


def test_bursts_make_the_error_larger(cases: Any) -> None:
    said = cases["peak"]["results"]
    assert said["rate_electrons"]["data"]["dispersion"] == pytest.approx(4, rel=0.6)
    assert said["rate_electrons"]["error"] > 1.5 * said["rate_electrons"]["n"] ** 0.5 / 60
    assert said["rate_unknown"]["data"]["dispersion"] < 1.6


def test_nan_is_in_no_band_but_does_no_harm(cases: Any) -> None:
    clean, broken = (cases[name]["results"]["rate"] for name in ("peak", "peak_nan"))
    assert broken["value"] == pytest.approx(0.75 * clean["value"], rel=0.01)


def test_identical_peaks_have_an_error_that_knows_it(cases: Any) -> None:
    said = cases["peak_all_equal"]["results"]["rate"]
    assert said["error"] > 0.5 * said["value"]


def test_step_in_the_rate_makes_the_quality_poor(cases: Any) -> None:
    assert cases["peak"]["results"]["rate"]["data"]["quality"] == "good"
    said = cases["peak_step"]["results"]["rate"]["data"]
    assert said["quality"] == "poor"
    assert said["quality_reason"].startswith("drift")


def test_rates_are_right_where_vetoes_hide_peaks(cases: Any) -> None:
    """10 Hz of each kind; over the time of the run it would be 4."""
    said = cases["peak_dead"]["results"]
    for band, true in (("s1_small", 10), ("electrons", 30), ("s2_large", 10), ("unknown", 10)):
        found = said[f"rate_{band}"]
        assert abs(found["value"] - true) < 3.5 * found["error"], band
        assert found["data"]["quality"] == "poor"
        assert found["data"]["quality_reason"].startswith("dead_fraction 0.6")


def test_a_gap_without_any_peak_makes_every_rate_poor(cases: Any) -> None:
    said = cases["peak_gap"]["results"]
    assert {name: one["data"]["quality"] for name, one in said.items()} == dict.fromkeys(RATES, "poor")
    assert said["rate"]["data"]["silent_share"] == pytest.approx(2 / 60, rel=0.5)


def test_the_rate_of_peaks_that_make_the_acquisition_busy_is_poor_and_others_are_good(cases: Any) -> None:
    said = cases["peak_fired"]
    assert said["rate_electrons"]["variable_value"] == pytest.approx(0.75 * 30, rel=0.1)
    assert said["rate_electrons"]["data"]["quality_reason"].startswith("beside_vetoes 0.3")
    alone = [said[f"rate_{name}"]["data"]["quality"] for name in ("s1_small", "s2_large", "unknown")]
    assert alone == ["good"] * 3


@pytest.mark.parametrize("number", ["20", "22"])
def test_every_number_of_a_type_counts(cases: Any, number: str) -> None:
    assert cases["peak_types"][number]["results"] == cases["peak_types"]["2"]["results"]


def test_a_type_that_is_not_known_is_counted_and_makes_every_rate_poor(cases: Any) -> None:
    said = cases["peak_types"]["7"]["results"]
    assert {name: one["data"]["quality"] for name, one in said.items()} == dict.fromkeys(RATES, "poor")
    assert said["rate"]["data"]["quality_reason"].endswith("of type 7")


def test_an_interval_of_unknown_type_makes_every_rate_poor(cases: Any) -> None:
    said = cases["unknown_veto"]["peak"]
    assert {name: one["data"]["quality"] for name, one in said.items()} == dict.fromkeys(RATES, "poor")


def test_missing_chunk_is_broken_data(cases: Any) -> None:
    assert cases["peak_broken"]["raised"].startswith("DataBroken: peak_basics of run")
    assert cases["peak_broken"]["results"] == {}


def test_lower_limit_of_a_band_is_inside_and_the_upper_outside(cases: Any) -> None:
    assert cases["peak_edges"] == {"": 4, "a": 1, "b": 1}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("inverted", "two rising"),
        ("three", "two rising"),
        ("type", "type, one of unknown, s1, s2"),
        ("no type", "needed are area and type"),
        ("name", "letters, digits"),
    ],
)
def test_wrong_band_is_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["peak_bands"][case]

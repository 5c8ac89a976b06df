"""busy: intervals are merged and counted under every firmware's names; awkward runs have clear outcomes."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `busy_cases.py` prints."""
    return run_script("busy_cases")


def test_a_run_without_intervals_is_zero_with_an_error(cases: Any) -> None:
    said = cases["none"]
    assert (said["busy_fraction"]["variable_value"], said["busy_intervals"]["variable_value"]) == (0, 0)
    assert said["busy_fraction"]["error"] == pytest.approx(0.002)  # as if there had been one of 2 ms in 1 s
    assert said["busy_intervals"]["error"] == 1


def test_one_interval_is_a_number_with_an_error(cases: Any) -> None:
    said = cases["one"]["busy_fraction"]
    assert said["variable_value"] == pytest.approx(0.001)
    assert said["error"] == pytest.approx(0.001 * 5**0.5, rel=0.01)  # with one of 2 ms beside it


def test_periodic_intervals_have_a_small_error_that_is_not_zero(cases: Any) -> None:
    said = cases["all_equal"]["busy_intervals"]
    assert said["variable_value"] == 100
    assert 0.1 < said["error"] < 10**0.5


def test_data_that_span_no_time_have_no_fraction(cases: Any) -> None:
    assert {one["insufficient"] for one in cases["no_time"].values()} == {"the data span no time"}


def test_overlapping_touching_and_nested_intervals_are_one(cases: Any) -> None:
    said = cases["merged"]
    assert said["busy_intervals"]["variable_value"] == 2
    assert said["busy_fraction"]["variable_value"] == pytest.approx(0.3)
    assert said["busy_fraction"]["data"]["longest_ms"] == pytest.approx(200)


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [("first_years", (2, 1)), ("9", (2, 1)), ("10", (1, 1)), ("10 with a tag", (1, 0))],
)
def test_names_of_every_firmware_are_known_and_hev_tag_is_no_veto(cases: Any, firmware: str, numbers: Any) -> None:
    said = cases["names"][firmware]
    assert tuple(said[f"{kind}_intervals"]["variable_value"] for kind in ("busy", "hev")) == numbers


def test_every_type_that_was_seen_is_reported(cases: Any) -> None:
    data = cases["names"]["10 with a tag"]["busy_fraction"]["data"]
    assert {name: n for name, n in data.items() if name.startswith("rows_")} == {
        "rows_LED_trg": 1,
        "rows_busy": 1,
        "rows_fractional_lifetime": 1,
        "rows_hev_tag": 1,
    }


def test_what_lies_outside_the_run_does_not_count(cases: Any) -> None:
    assert cases["outside"]["busy_fraction"]["variable_value"] == pytest.approx(0.1)


def test_a_run_that_is_vetoed_throughout_has_fraction_one(cases: Any) -> None:
    assert cases["whole_run"]["hev_fraction"]["variable_value"] == 1


def test_an_interval_without_length_is_none(cases: Any) -> None:
    assert cases["zero_length"]["busy_intervals"]["variable_value"] == 0


@pytest.mark.parametrize("what", ["fraction", "intervals"])
def test_errors_contain_a_rate_that_changes_within_the_run(cases: Any, what: str) -> None:
    """From gaps alone they are nearly those of a constant rate, and the results scatter by 1.24 times as much."""

    def mean_error(runs: list[dict[str, Any]]) -> float:
        every = [said[f"busy_{what}"] for said in runs]
        return float(sum(one["error"] / one["variable_value"] for one in every)) / len(every)

    errors = {name: mean_error(cases["changing"][name]) for name in ("constant", "changing")}
    assert errors["constant"] == pytest.approx(300**-0.5, rel=0.15)
    assert errors["changing"] > 1.25 * errors["constant"]


def test_intervals_that_are_missing_in_a_third_of_the_run_make_the_results_poor(cases: Any) -> None:
    for result in ("busy_fraction", "busy_intervals"):
        assert cases["changing"]["silent"][result]["data"]["quality_reason"].startswith("drift 0.")
    assert cases["changing"]["silent"]["hev_fraction"]["data"]["quality"] == "good"


def test_few_intervals_alike_are_good_and_one_that_is_far_longer_makes_the_fraction_poor(cases: Any) -> None:
    alike, longer, _ = cases["few_unlike"]
    assert {one["data"]["quality"] for one in alike.values()} == {"good"}
    assert longer["busy_fraction"]["data"]["effective_intervals"] < 2
    assert longer["busy_fraction"]["data"]["quality"] == "poor"
    assert longer["busy_intervals"]["data"]["quality"] == "good"


def test_few_groups_of_intervals_make_fraction_and_number_poor(cases: Any) -> None:
    groups = cases["few_unlike"][2]
    for result in ("busy_fraction", "busy_intervals"):
        assert groups[result]["data"]["quality_reason"].startswith("effective_intervals")


def test_results_do_not_depend_on_the_chunks(cases: Any) -> None:
    one, many = cases["pieces"]
    assert one == many


def test_an_interval_that_ends_before_it_starts_is_refused(cases: Any) -> None:
    assert "before its start at 200000000 ns" in cases["backwards"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("unknown", "settings.kind"),
        ("name", "letters, digits"),
        ("patterns", "a list of veto types"),
        ("length", "no length"),
    ],
)
def test_wrong_settings_are_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["settings"][case]


def test_main_saves_fraction_and_number_of_both_kinds_and_a_figure(cases: Any) -> None:
    said = cases["main"]
    assert said["raised"] is None
    assert list(said["results"]) == ["busy_fraction", "busy_intervals", "hev_fraction", "hev_intervals"]
    assert said["figures"] == ["overview.png"]


def test_only_the_needed_columns_are_read(cases: Any) -> None:
    assert cases["main"]["read"] == [["veto_intervals", ["time", "endtime", "veto_type"]]]


def test_a_missing_chunk_is_broken_data(cases: Any) -> None:
    assert cases["main_broken"]["raised"] == (
        "DataBroken: veto_intervals of run 052894 cannot be read: chunk 1 is not there"
    )
    assert cases["main_broken"]["results"] == {}


def test_time_inside_intervals_is_that_of_counting(cases: Any) -> None:
    assert cases["before"] == {"same": True, "empty": [0, 0], "disjoint": True}


def test_an_interval_of_unknown_type_makes_every_result_poor(cases: Any) -> None:
    for name, said in cases["names"].items():
        expected = "poor" if name == "another" else "good"
        assert {one["data"]["quality"] for one in said.values()} == {expected}, name
    assert cases["names"]["another"]["busy_fraction"]["data"]["quality_reason"].endswith("1 of type muon_gate")

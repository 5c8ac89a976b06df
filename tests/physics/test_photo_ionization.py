"""photo_ionization: awkward data have clear outcomes; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest

MEASURED = ["area_ratio", "electrons_per_primary"]


@pytest.fixture(scope="session")
def cases(run_script: Callable[..., Any]) -> Any:
    """What `peaks_cases.py` prints."""
    return run_script("peaks_cases")


def test_main_saves_all_variables_and_a_figure(cases: Any) -> None:
    said = cases["photo"]
    assert said["raised"] is None
    assert list(said["results"]) == ["primaries", *MEASURED]
    assert said["figures"] == ["overview.png"]


def test_each_data_type_is_read_once_with_the_columns_needed(cases: Any) -> None:
    read = sorted((target, len(columns)) for target, columns in cases["photo"]["read"])
    assert read == [("event_basics", 3), ("peak_basics", 3), ("veto_intervals", 3)]


@pytest.mark.parametrize("variable", ["primaries", *MEASURED])
def test_results_do_not_depend_on_the_chunks(cases: Any, variable: str) -> None:
    one, many = (said[variable] for said in cases["photo_pieces"])
    assert (one["value"], one["error"]) == pytest.approx((many["value"], many["error"]))


@pytest.mark.parametrize("variable", MEASURED)
@pytest.mark.parametrize(
    ("case", "n"), [("photo_zero", 0), ("photo_one", 1), ("photo_no_s2", 0), ("photo_crowded", None)]
)
def test_run_without_enough_s2s_is_insufficient(cases: Any, case: str, n: int | None, variable: str) -> None:
    said = cases[case]["results"]
    found = said["primaries"]["n"]
    assert n is None or found == n
    assert said[variable]["insufficient"] == f"{found} primaries selected, 100 needed"
    assert said["primaries"]["value"] == found


@pytest.mark.parametrize("variable", MEASURED)
@pytest.mark.parametrize("case", ["photo_no_electrons", "photo_all_equal"])
def test_nothing_behind_any_s2_has_no_error_and_so_no_number(cases: Any, case: str, variable: str) -> None:
    assert "no electron came after any" in cases[case]["results"][variable]["insufficient"]


def test_run_with_ramping_voltage_gives_no_number(cases: Any) -> None:
    for variable in MEASURED:
        assert cases["photo_ramping"]["results"][variable]["insufficient"].startswith("fit failed: it changes within")


def test_nan_counts_as_neither_s2_nor_electron(cases: Any) -> None:
    clean, broken = (cases[name]["results"] for name in ("photo", "photo_nan"))
    assert broken["primaries"]["n"] == pytest.approx(0.9 * clean["primaries"]["n"], rel=0.05)
    assert broken["area_ratio"]["value"] < 0.85 * clean["area_ratio"]["value"]


def test_event_with_a_second_large_s2_is_not_used(cases: Any) -> None:
    clean, merged = (cases[name]["results"]["primaries"]["n"] for name in ("photo", "photo_merged"))
    assert merged == pytest.approx(clean / 2, rel=0.1)


@pytest.mark.parametrize("data_type", ["event_basics", "peak_basics", "veto_intervals"])
def test_missing_chunk_is_broken_data(cases: Any, data_type: str) -> None:
    said = cases["photo_broken"][data_type]
    assert said["raised"].startswith(f"DataBroken: {data_type} of run")
    assert said["results"] == {}


@pytest.mark.parametrize("share", ["0.03", "0.15"])
def test_ratio_is_right_where_vetoes_hide_electrons(cases: Any, share: str) -> None:
    """Without dropping the S2s whose windows touch a veto: -9.3 % at 15 %."""
    said = cases["photo_dead"][share]
    assert abs(said["value"] - said["truth"]) < 3 * said["error"]
    assert said["error"] < 0.03 * said["truth"]
    assert said["data"]["dead_fraction"] == pytest.approx(float(share), rel=0.1)


def test_without_windows_between_vetoes_there_is_no_ratio(cases: Any) -> None:
    assert cases["photo_dead"]["0.6"]["insufficient"].endswith("primaries selected, 100 needed")


def test_electrons_count_under_every_number_that_straxen_gives_an_s2(cases: Any) -> None:
    plain, far, wide, other = (said["results"]["area_ratio"] for said in cases["photo_types"])
    assert plain == far == wide
    assert plain["data"]["quality"] == "good"
    assert other["value"] == pytest.approx(plain["value"] / 2, rel=0.1)
    assert other["data"]["quality"] == "poor"
    assert "types that settings.types does not have" in other["data"]["quality_reason"]
    assert other["data"]["quality_reason"].endswith("of type 7")


def test_an_interval_of_unknown_type_makes_the_ratio_poor(cases: Any) -> None:
    said = cases["unknown_veto"]["photo"]
    assert {name: one["data"]["quality"] for name, one in said.items()} == dict.fromkeys(said, "poor")
    assert said["area_ratio"]["data"]["quality_reason"].endswith("1 of type gate")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("empty", "names of types with their numbers"),
        ("text", "a list of straxen's numbers"),
        ("twice", "the number 1 2 times"),
        ("no s2", "the type s2 is needed"),
    ],
)
def test_wrong_types_are_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["types_settings"][case]


def test_wrong_settings_are_refused_in_words(cases: Any) -> None:
    said = cases["photo_settings"]
    assert "settings.signal_ns is [5, 2]" in said["signal_ns"]
    assert "begins within signal_ns" in said["side_band_ns"]
    assert "settings.quality.steady_p_value" in said["quality"]
    assert "settings.windows" in said["windows"]


def test_so_many_electrons_that_they_overlap_make_the_ratio_poor(cases: Any) -> None:
    """At a ratio of 0.05 to 0.1, straxen's peaks lack 2 to 5 % of the electrons."""
    data = cases["photo_strong"]["results"]["area_ratio"]["data"]
    assert data["quality_reason"] == f"mean_electrons {data['mean_electrons']:.3g} is above 10"


def test_quality_follows_the_configured_limits(cases: Any) -> None:
    assert cases["photo"]["results"]["area_ratio"]["data"]["quality"] == "good"
    assert cases["photo_crowded"]["results"]["primaries"]["data"]["quality"] == "poor"
    data = cases["photo_quality"]["results"]["area_ratio"]["data"]
    assert data["quality"] == "poor"
    assert data["quality_reason"].startswith("background_per_primary 0.")

"""muon_veto and neutron_veto: awkward runs have clear outcomes, and ordinary channels are not called odd."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `veto_cases.py` prints."""
    return run_script("veto_cases")


def test_no_events_are_a_rate_of_zero_and_nothing_else(cases: Any) -> None:
    said = cases["zero_events"]
    assert (said["events"]["variable_value"], said["rate"]["variable_value"]) == (0, 0)
    assert said["rate"]["error"] == pytest.approx(1 / 60)
    assert said["mean_area"]["insufficient"] == "0 events, 10 needed"
    assert said["area_q50"]["insufficient"] == "0.0 of 0 events expected beyond it, 3 needed"
    assert said["silent_channels"]["insufficient"] == "the median channel has 0 hits, 94 needed"


def test_one_event_has_a_rate_and_no_mean(cases: Any) -> None:
    said = cases["one_event"]
    assert said["events"]["variable_value"] == 1
    assert {name for name, one in said.items() if "insufficient" in one} == {
        "mean_hits", "mean_channels", "mean_area", "area_q10", "area_q50", "area_q90", "position_spread",
    }  # fmt: skip


def test_a_gap_without_events_makes_rate_and_number_poor(cases: Any) -> None:
    for name in ("rate", "events"):
        assert cases["gap"][name]["data"]["quality_reason"].startswith("silent_share 0.0")
    assert cases["gap"]["mean_hits"]["data"]["quality"] == "good"


def test_equal_events_have_no_mean_with_an_error_of_zero(cases: Any) -> None:
    said = cases["all_equal"]
    for name in ("mean_hits", "mean_area", "area_q50", "position_spread"):
        assert said[name]["insufficient"].startswith("all "), name


def test_events_without_area_count_and_spoil_nothing_else(cases: Any) -> None:
    clean, broken = cases["nan"]["clean"], cases["nan"]["broken"]
    assert broken["mean_area"]["data"]["events_without_area"] == 5
    assert broken["events"]["variable_value"] == clean["events"]["variable_value"] + 5
    for name in ("mean_area", "area_q10", "position_spread"):
        assert broken[name]["variable_value"] == clean[name]["variable_value"]


def test_data_that_span_no_time_have_no_rate(cases: Any) -> None:
    assert cases["no_time"]["rate"]["insufficient"] == "the data span no time"


def test_results_do_not_depend_on_the_chunks(cases: Any) -> None:
    one, many = cases["pieces"]
    assert one == many


def test_silent_and_loud_channels_are_named(cases: Any) -> None:
    said = cases["channels"]["odd"]
    assert (said["silent_channels"]["variable_value"], said["loud_channels"]["variable_value"]) == (2, 1)
    assert said["silent_channels"]["data"]["channels"] == "2017 2030"
    assert said["loud_channels"]["data"]["channels"] == "2063"


def test_too_few_hits_judge_no_channel(cases: Any) -> None:
    said = cases["channels"]["few_hits"]
    assert said["silent_channels"]["insufficient"] == "the median channel has 90 hits, 94 needed"


def test_many_channels_are_counted_and_listed_shortly(cases: Any) -> None:
    said = cases["channels"]["many"]["silent_channels"]
    assert said["variable_value"] == 30
    assert said["data"]["channels"].endswith("2019 and 10 more")


def test_with_most_channels_dead_nothing_is_judged(cases: Any) -> None:
    assert "insufficient" in cases["channels"]["most_dead"]["silent_channels"]


@pytest.mark.parametrize("kind", ["false_silent", "false_loud"])
@pytest.mark.parametrize("case", ["alike", "different", "least", "odd"])
def test_ordinary_channels_are_rarely_called_odd(cases: Any, case: str, kind: str) -> None:
    assert cases["false_alarms"][case][kind] <= 0.01


def test_a_dead_and_a_loud_channel_are_always_found(cases: Any) -> None:
    assert (cases["false_alarms"]["odd"]["silent"], cases["false_alarms"]["odd"]["loud"]) == (1, 1)


@pytest.mark.parametrize("kind", ["silent", "loud"])
def test_channels_at_the_limits_give_the_promised_false_alarms(cases: Any, kind: str) -> None:
    assert 0 < cases["worst_channels"][kind] <= 0.006  # 30 of 120 channels at the limit: 0.25 %


def test_monitor_and_hitlets_give_the_same_hits(cases: Any) -> None:
    one, other = cases["hits"]["direct"]
    assert one == other
    assert sum(one) < 5000
    assert cases["hits"]["monitor"]["results"] == cases["hits"]["hitlets"]["results"]


def test_the_hitlets_are_not_read_where_there_is_a_monitor(cases: Any) -> None:
    assert {name for name, _ in cases["hits"]["monitor"]["read"]} == {
        "events_nv", "event_positions_nv", "online_monitor_nv",
    }  # fmt: skip


def test_main_saves_every_variable_and_a_figure(cases: Any) -> None:
    said = cases["muon_main"]["good"]
    assert said["raised"] is None
    assert list(said["results"]) == [
        "events", "rate", "mean_hits", "mean_channels", "mean_area", "area_q25", "area_q50", "area_q75",
        "silent_channels", "loud_channels",
    ]  # fmt: skip
    assert said["figures"] == ["overview.png"]


def test_every_number_has_a_quality_and_a_rate_that_changes_is_poor(cases: Any) -> None:
    good, poor = cases["pieces"][0], cases["stopped"]
    assert {one["data"]["quality"] for one in good.values() if "insufficient" not in one} == {"good"}
    assert poor["rate"]["data"]["quality_reason"].startswith("drift")
    assert poor["mean_area"]["data"]["quality_reason"].startswith("share_without_area 0.0219 is above")


def test_a_missing_chunk_is_broken_data(cases: Any) -> None:
    assert cases["muon_main"]["broken"]["raised"].startswith("DataBroken: events_mv of run 052894 cannot be read")
    assert cases["muon_main"]["broken"]["results"] == {}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("quantile", "between 0 and 1"),
        ("alarm", "false_alarm"),
        ("limits", "1 has to lie"),
        ("unknown", "settings.silent"),
    ],
)
def test_wrong_settings_are_refused_in_words(cases: Any, case: str, words: str) -> None:
    assert words in cases["settings"][case]


def test_the_median_of_a_symmetric_sample_is_its_centre(cases: Any) -> None:
    assert cases["quantile"]["symmetric"] == pytest.approx(3)
    assert cases["quantile"]["one"] == {"value": 3.0, "error": 0.0}
    assert cases["quantile"]["empty"] == "ValueError: a quantile of no values"


def test_a_quantile_of_a_large_sample_is_the_one_of_its_order(cases: Any) -> None:
    found, plain, error = cases["quantile"]["large"]
    assert error < 0.15
    assert found == pytest.approx(plain, abs=0.1 * error)


def test_a_mean_of_counts_is_that_of_the_values(cases: Any) -> None:
    assert cases["mean"]["counted"] == pytest.approx(cases["mean"]["one by one"], rel=1e-14)
    assert cases["mean"]["one value"] == "FitFailed: all 4 values are equal (2)"


def test_a_sample_with_something_that_is_no_number_has_no_mean(cases: Any) -> None:
    assert cases["mean"]["not a number"].startswith("FitFailed: ")


def test_a_large_sample_has_the_mean_and_the_deviation_of_numpy(cases: Any) -> None:
    found = cases["mean"]["large"]
    assert {name: found[name] for name in ("mean", "deviation")} == pytest.approx(cases["mean"]["numpy"], rel=1e-12)

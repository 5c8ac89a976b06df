"""daq_rate: the numbers of the run document, for every detector that took part."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `daq_rate_cases.py` prints."""
    return run_script("daq_rate_cases")


def test_mean_and_maximum_of_every_detector_are_those_of_the_document(cases: Any) -> None:
    assert {name: one["value"] for name, one in cases["all"]["results"].items()} == {
        "mean_muon_veto": 1.5,
        "max_muon_veto": 3.0,
        "mean_neutron_veto": 6.125,
        "max_neutron_veto": 12.25,
        "mean_tpc": 20.25,
        "max_tpc": 40.5,
    }


def test_no_data_are_read_and_there_is_a_figure(cases: Any) -> None:
    assert cases["all"]["read"] == []
    assert cases["all"]["figures"] == ["overview.png"]


def test_a_detector_without_rate_is_insufficient_and_costs_the_others_nothing(cases: Any) -> None:
    said = cases["one_missing"]["results"]
    assert said["mean_tpc"]["value"] == 20.25
    assert said["max_muon_veto"]["value"] == 2.0
    assert said["mean_muon_veto"]["insufficient"] == "the run document has no mean rate of muon_veto"


def test_zero_is_a_rate(cases: Any) -> None:
    assert cases["zero"]["results"]["mean_tpc"]["value"] == 0


def test_there_is_no_error_where_the_document_has_none(cases: Any) -> None:
    assert {one["error"] for one in cases["all"]["results"].values()} == {None}


def test_an_unknown_setting_is_refused(cases: Any) -> None:
    assert "settings.units" in cases["settings"]["raised"]


def test_a_mean_above_the_highest_rate_makes_the_results_poor(cases: Any) -> None:
    assert cases["all"]["results"]["mean_tpc"]["data"]["quality"] == "good"
    data = cases["contradiction"]["results"]["mean_tpc"]["data"]
    assert data["quality"] == "poor"
    assert data["quality_reason"] == "the run document has a mean rate of tpc of 20.25 above its highest of 12"


def test_a_rate_below_zero_makes_the_results_poor(cases: Any) -> None:
    data = cases["negative"]["results"]["mean_tpc"]["data"]
    assert data["quality_reason"] == "the run document has a rate of tpc of -1.5, below zero"

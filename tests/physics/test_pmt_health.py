"""pmt_health: silent and loud PMTs are found, from either data type; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any]) -> Any:
    """Return what `pmt_health_cases.py` prints."""
    return run_script("pmt_health_cases")


def test_main_names_silent_and_loud_pmts_and_gives_the_rate_with_a_figure(found: Any) -> None:
    said = found["main"]
    assert said["raised"] is None
    results = said["results"]
    assert (results["silent_channels"]["value"], results["silent_channels"]["data"]["channels"]) == (2, "117 118")
    assert (results["loud_channels"]["value"], results["loud_channels"]["data"]["channels"]) == (2, "333 334")
    assert results["hit_rate"]["value"] == pytest.approx(20, rel=0.05)
    assert results["hit_rate"]["data"]["quality"] == "good"
    assert said["figures"]


def test_ordinary_pmts_are_zero_and_not_absent(found: Any) -> None:
    results = found["ordinary"]["results"]
    assert (results["silent_channels"]["value"], results["loud_channels"]["value"]) == (0, 0)


def test_with_few_hits_no_pmt_is_called_silent(found: Any) -> None:
    results = found["few"]["results"]
    assert "108 needed" in results["silent_channels"]["insufficient"]
    assert results["hit_rate"]["value"] == pytest.approx(0.1, rel=0.5)


def test_a_run_without_hits_has_a_rate_of_zero_and_no_count(found: Any) -> None:
    results = found["nothing"]["results"]
    assert results["hit_rate"]["value"] == 0 < results["hit_rate"]["error"]
    assert "insufficient" in results["silent_channels"]


def test_the_rate_is_that_of_the_live_time(found: Any) -> None:
    result = found["vetoes"]["results"]["hit_rate"]
    assert result["value"] == pytest.approx(20, rel=0.05)
    assert result["data"]["dead_fraction"] == pytest.approx(0.5, abs=1e-3)


def test_a_chunk_without_any_hit_makes_the_rate_poor(found: Any) -> None:
    results = found["empty_chunk"]["results"]
    assert results["hit_rate"]["data"]["quality_reason"].startswith("silent_share 0.0333")
    assert results["silent_channels"]["data"]["channels"] == "117 118"


def test_damaged_data_are_no_result(found: Any) -> None:
    assert found["broken"]["raised"].startswith("DataBroken") and not found["broken"]["results"]


def test_hits_count_by_their_distance_and_area(found: Any) -> None:
    said = found["hits"]
    assert said["alone"] == [0, 1, 2]
    assert (said["close"], said["far"]) == ([0, 3], [0, 1, 2, 3])
    assert (said["areas"], said["none"]) == ([1, 2, 4], [])


def test_lone_hits_are_counted_as_straxen_counts_them(found: Any) -> None:
    assert found["both_sources"]["same"] and found["both_sources"]["n"] > 5000


def test_without_the_monitor_lone_hits_are_read(found: Any) -> None:
    said = found["main_hits"]
    assert ["lone_hits", ["time", "length", "dt", "channel", "area"]] in said["read"]
    data = said["results"]["silent_channels"]["data"]
    assert (data["channels"], data["source"]) == ("117 118", "lone_hits")


@pytest.mark.parametrize("name", ["silent", "loud"])
def test_ordinary_pmts_are_rarely_named(found: Any, name: str) -> None:
    assert found["false_alarms"][name] <= 0.03


@pytest.mark.parametrize("name", ["silent_below", "false_alarm", "hit_area"])
def test_settings_that_cannot_be_are_refused_by_name(found: Any, name: str) -> None:
    assert name in str(found["settings"][name])

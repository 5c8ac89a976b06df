"""Rates of events that straxen makes one if they are close, also where vetoes hide some of them."""

from typing import Any

import pytest

TOO_MANY = "ValueError: 200 groups a second are more than events that merge within 0.003 s can make"


@pytest.fixture(scope="session")
def cases(run_script: Any) -> Any:
    """Return what `merged_events_cases.py` prints."""
    return run_script("merged_events_cases")


def test_the_rate_is_that_whose_groups_were_seen(cases: Any) -> None:
    assert cases["alone"]["rate"] == pytest.approx(40)
    assert cases["alone"]["merged"] == pytest.approx(cases["alone"]["expected"])


@pytest.mark.parametrize("rate", ["1.0", "40.0", "200.0"])
def test_groups_beside_a_veto_stand_for_fewer_events(cases: Any, rate: str) -> None:
    said = cases["hidden"][rate]
    assert [said["rate"], said["sum"]] == pytest.approx([float(rate)] * 2)
    assert said["weights"] == pytest.approx([float(rate)] * 50)


def test_without_a_window_every_group_is_an_event(cases: Any) -> None:
    assert cases["no_window"] == pytest.approx([0.75, 0.0, (0.5**2 + 0.25**2) ** 0.5])


def test_more_groups_than_merging_allows_are_refused(cases: Any) -> None:
    assert cases["too_many"] == TOO_MANY


def test_errors_are_those_of_poisson_numbers_of_groups(cases: Any) -> None:
    for bias, width in cases["errors"]:
        assert bias == pytest.approx(1, abs=0.005)
        assert width == pytest.approx(1, abs=0.06)

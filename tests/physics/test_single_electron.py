"""single_electron: usual and awkward data have clear outcomes; the truths are in test_truths.py."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any]) -> Any:
    """Return what `single_electron_cases.py` prints."""
    return run_script("single_electron_cases")


def test_main_saves_gain_and_spread_with_a_figure(found: Any) -> None:
    said = found["main"]
    assert (said["raised"], set(said["results"])) == (None, {"small_s2s", "gain", "spread"})
    gain, spread = said["results"]["gain"], said["results"]["spread"]
    assert abs(gain["value"] - 31.2) < 3.5 * gain["error"] < 2
    assert abs(spread["value"] - 5.6 / 31.2) < 3.5 * spread["error"]
    assert gain["data"]["quality"] == "good"
    assert said["figures"]


def test_few_electrons_give_no_number(found: Any) -> None:
    assert found["few"]["results"]["gain"]["insufficient"].endswith("small S2s, 200 needed")


@pytest.mark.parametrize(
    ("case", "reason"), [("none", "0 small S2s"), ("uniform", "fit failed: no"), ("equal", "fit failed: at least")]
)
def test_areas_without_a_line_give_no_number(found: Any, case: str, reason: str) -> None:
    said = found["no_line"][case]
    assert said["gain"] is None
    assert said["reason"].startswith(reason)


def test_pairs_are_not_taken_for_one_electron(found: Any) -> None:
    assert abs(found["pairs"]["gain"] - 31.2) < 0.5


@pytest.mark.parametrize("case", ["photons", "noise", "others"])
def test_the_systematic_error_covers_lines_and_noise_that_are_not_as_the_fit_takes_them(found: Any, case: str) -> None:
    said = found["unlike"][case]
    assert abs(said["gain"] - 31.2) > 3 * said["error"]
    assert abs(said["gain"] - 31.2) < 2 * said["shift"] < 1.5


def test_the_systematic_error_is_small_where_the_line_is_as_the_fit_takes_it(found: Any) -> None:
    assert found["unlike"]["usual"]["shift"] < 3 * found["unlike"]["usual"]["error"]


@pytest.mark.parametrize("name", ["types", "search_pe", "range_factors"])
def test_settings_that_cannot_be_are_refused_by_name(found: Any, name: str) -> None:
    assert f"settings.{name}" in str(found["settings"][name])

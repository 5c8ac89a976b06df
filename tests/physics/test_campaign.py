"""kr83m_campaign: taking runs together is as good as combining them, and never something else."""

from collections.abc import Callable
from typing import Any

VARIABLES = [
    *(f"light_yield_{line}_{kind}" for line in ("9_4", "32_2", "41_6") for kind in ("mean", "gauss")),
    *(f"{name}_{sample}" for name in ("charge_yield_41_6", "inverse_lifetime") for sample in ("double", "merged")),
]


def test_a_campaign_equals_the_combination_of_its_runs(run_script: Callable[..., Any]) -> None:
    found = {name: differences for name, differences in run_script("campaign_cases").items() if name in VARIABLES}
    assert {name: len(differences) for name, differences in found.items()} == dict.fromkeys(VARIABLES, 10)
    assert {name: most for name, one in found.items() if (most := max(map(abs, one))) >= 0.5} == {}
    assert {name: mean for name, one in found.items() if (mean := abs(sum(one)) / 10) >= 0.1} == {}


def test_the_systematic_error_of_a_campaign_contains_that_its_runs_differ_more_than_their_errors(
    run_script: Callable[..., Any],
) -> None:
    """Nine runs that differ by 3.9 give their mean to 1.3; one that is 30 away to 3.3, not to a third."""
    found = run_script("campaign_cases")["scatter"]
    errors = {name: data["systematic_error"] for name, data in found.items()}
    assert errors["alike"] < 0.45
    assert 1.0 < errors["apart"] < 1.7
    assert 3.0 < errors["away"] < 3.7
    assert found["one"] == {"systematic_error": 0.2}

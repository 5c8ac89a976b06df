"""kr83m_campaign: taking runs together is as good as combining them, and never something else."""

from collections.abc import Callable
from typing import Any

import pytest

VARIABLES = [
    *(f"light_yield_{line}_{kind}" for line in ("9_4", "32_2", "41_6") for kind in ("mean", "gauss")),
    *(f"{name}_{sample}" for name in ("charge_yield_41_6", "inverse_lifetime") for sample in ("double", "merged")),
]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_campaign_equals_the_combination_of_its_runs(analysis_says: Callable[..., Any], variable: str) -> None:
    apart = analysis_says("campaign_cases")[variable]
    assert len(apart) == 20
    assert max(map(abs, apart)) < 0.5
    assert abs(sum(apart)) / len(apart) < 0.1

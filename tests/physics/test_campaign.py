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

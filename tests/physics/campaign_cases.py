"""Campaigns against the combination of their runs, as JSON: how far apart they are, in standard deviations.

And what the scatter between runs does to systematic errors.
"""

import json
from typing import Any

import analysis_scripts
import numpy as np
from study import load_truths

CAMPAIGNS = 10
script = analysis_scripts.load("kr83m_campaign")


def scatter() -> dict[str, Any]:
    """Return results of campaigns of nine runs with errors of 1: alike, 4 apart, one 30 away, all but one without."""
    rng = np.random.default_rng(3)
    usual = rng.normal(100, 1, 9)
    away = np.append(usual[:8], 130.0)
    few = [[{"variable_name": "x", "insufficient": "few"}]] * 8
    return {
        "alike": taken([number(value) for value in usual]),
        "apart": taken([number(value) for value in usual + rng.permutation(np.linspace(-6, 6, 9))]),
        "away": taken([number(value) for value in away]),
        "one": taken([*few, number(100.0)]),
    }


def number(value: float) -> list[dict[str, Any]]:
    return [{"variable_name": "x", "variable_value": value, "error": 1.0}]


def taken(runs: list[list[dict[str, Any]]]) -> dict[str, Any]:
    whole = [{"variable_name": "x", "variable_value": 100.0, "error": 1 / 3, "data": {"systematic_error": 0.2}}]
    (result,) = script.with_scatter(whole, runs)
    return dict(result["data"])


def main() -> None:
    """Print the differences of each variable over the campaigns."""
    campaign = load_truths("kr83m_campaign")
    told = [campaign.difference(np.random.default_rng(seed)) for seed in range(CAMPAIGNS)]
    print(json.dumps({name: [one[name] for one in told] for name in told[0]} | {"scatter": scatter()}))


if __name__ == "__main__":
    main()

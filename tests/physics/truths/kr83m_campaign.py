"""kr83m_campaign: several simulated runs taken together, against the truth and against the runs one by one."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import simulation as sim
from numpy.random import Generator
from study import Results, Scenario, load_truths

RUNS = 4
TRUTH = sim.KrTruth(decays=12_000)


def analysed(events: Sequence[Any]) -> Results:
    """Return the results of runs taken together."""
    return load_truths("kr83m").of_chunks(itertools.chain.from_iterable(sim.as_chunks(one) for one in events))


def combined(singles: Sequence[Results]) -> dict[str, float]:
    """Return the mean of each variable over runs, weighted by one over the variance."""
    found: dict[str, list[tuple[float, float]]] = {}
    for result in itertools.chain.from_iterable(singles):
        if result.get("error") and result.get("variable_value") is not None:
            found.setdefault(result["variable_name"], []).append((result["variable_value"], result["error"]))
    means = {}
    for name, values in found.items():
        weights = [1 / error**2 for _, error in values]
        means[name] = sum(value * weight for (value, _), weight in zip(values, weights, strict=True)) / sum(weights)
    return means


def against_truth(rng: Generator) -> tuple[Results, dict[str, float]]:
    """Simulate and analyse one campaign."""
    true = {"charge_yield_41_6_double": TRUTH.charge_yield, "charge_yield_41_6_merged": TRUTH.charge_yield}
    for suffix, light_yield in zip(("32_2", "9_4"), TRUTH.light_yields, strict=True):
        true |= {f"light_yield_{suffix}_{kind}": light_yield for kind in ("mean", "gauss")}
    true |= {f"inverse_lifetime_{kind}": 1 / TRUTH.lifetime for kind in ("double", "merged")}
    return analysed([sim.kr83m_events(rng, TRUTH) for _ in range(RUNS)]), true


def difference(rng: Generator) -> dict[str, float]:
    """Return how far a campaign is from the combination of its runs, in standard deviations of the campaign."""
    events = [sim.kr83m_events(rng, TRUTH) for _ in range(RUNS)]
    singles = combined([analysed([one]) for one in events])
    told = {}
    for result in analysed(events):
        name = result["variable_name"]
        if name in singles and not name.startswith(("selected", "electron_lifetime")):
            told[name] = (result["variable_value"] - singles[name]) / result["error"]
    assert all(math.isfinite(value) for value in told.values())
    return told


SCENARIOS = [
    Scenario("campaign", f"{RUNS} runs of 12,000 decays taken together", against_truth, runs=1000, fast_runs=0)
]

"""Pulls of both analyses over many simulated runs, as JSON; needs the analysis environment.

``python tests/physics/pulls.py [--runs 300] [--seed 1]``
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.random import Generator

sys.path.insert(0, str(Path(__file__).parent))
import analysis_scripts
import simulation as sim

from xomphysics.counting import poisson_interval
from xomphysics.selection import CutFlow

Run = Callable[[Generator], tuple[list[dict[str, Any]], dict[str, float]]]

KR_SCENARIOS = {
    "normal": sim.KrTruth(decays=20_000),
    "lowest": sim.KrTruth(decays=2_200),  # 54 selected on average, 50 needed
    "skewed": sim.KrTruth(decays=20_000, response=sim.SKEWED),
    "skewed_high": sim.KrTruth(decays=60_000, response=sim.SKEWED),
    "background": sim.KrTruth(decays=20_000, background=0.05),
}
RATE_SCENARIOS = {"normal": (20.0, 60.0), "lowest": (0.5, 40.0), "high": (50.0, 600.0)}  # Hz, s
BANDS = {"low": (1.0, 10.0), "mid": (10.0, 50.0), "high": (50.0, 3000.0)}


def kr83m_run(kr83m: ModuleType, truth: sim.KrTruth) -> Run:
    """Return one simulated run's results and truths."""
    settings = kr83m.DEFAULTS
    volume = (settings["radius_cm"][1], settings["z_cm"], settings["delay_ns"])
    truths = {"selected_events": sim.expected_selected(truth, *volume)}
    for suffix, light_yield in zip(("32_2", "9_4"), truth.light_yields, strict=True):
        truths |= {f"light_yield_{suffix}_{kind}": light_yield for kind in ("mean", "gauss")}

    def run(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        flow = CutFlow(kr83m.cuts(settings))
        decays = kr83m.collect(sim.as_chunks(sim.kr83m_events(rng, truth)), flow, settings["s1_columns"])
        return kr83m.results(decays, flow, *kr83m.analyse(decays, settings)), truths

    return run


def event_rate_run(event_rate: ModuleType, rate: float, seconds: float) -> Run:
    """Return one simulated run's results and truths."""
    missing = 0.02
    shares = {f"_{name}": (1 - missing) * (min(high, 200) - max(low, 2)) / 198 for name, (low, high) in BANDS.items()}
    truths = {f"rate{name}": rate * share for name, share in {"": 1.0, **shares}.items()}
    truths |= {f"events{name[4:]}": value * seconds for name, value in truths.items()}

    def run(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        data = sim.as_chunks(sim.background_events(rng, rate, seconds, missing), seconds)
        return event_rate.results(event_rate.count(data, BANDS, "e_ces"), 10), truths

    return run


def pulls(run: Run, runs: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return mean and width of the pull, and what else the results carry, per variable."""
    rng = np.random.default_rng(seed)
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(runs):
        said, truths = run(rng)
        for result in said:
            row = found.setdefault(result["variable_name"], {"pull": [], "bias": [], "p": [], "none": [], "n": []})
            row["n"].append(result["n"])
            row["none"].append(float("insufficient" in result))
            if "insufficient" in result:
                continue
            truth = truths[result["variable_name"]]
            row["pull"].append((result["variable_value"] - truth) / result["error"])
            row["bias"].append(result["variable_value"] / truth - 1)
            row["p"] += [result["data"][key] for key in ("p_value", "constant_p_value") if key in result["data"]]
    return {name: summary(row) for name, row in found.items()}


def summary(row: dict[str, list[float]]) -> dict[str, Any]:
    """Return the numbers of one variable over the runs."""
    pull = np.array(row["pull"])
    return {
        "numbers": len(pull),
        "without": int(sum(row["none"])),
        "mean": float(pull.mean()),
        "width": float(pull.std(ddof=1)),
        "relative_bias": float(np.mean(row["bias"])),
        "events": float(np.mean(row["n"])),
        "small_p": float(np.mean(np.array(row["p"]) < 0.05)) if row["p"] else None,
    }


def coverage(seed: int, runs: int = 4000) -> dict[str, float]:
    """Return how often the 68.3 % interval of a count holds the truth, at small means."""
    rng = np.random.default_rng(seed)
    held = {}
    for mean in (0.3, 1.0, 3.0, 10.0):
        intervals = [poisson_interval(int(n)) for n in rng.poisson(mean, runs)]
        held[str(mean)] = float(np.mean([low <= mean <= high for low, high in intervals]))
    return held


def main() -> None:
    """Print all tables as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kr83m, event_rate = analysis_scripts.load("kr83m"), analysis_scripts.load("event_rate")
    rest = (options.runs, options.seed)
    document: dict[str, Any] = {
        "runs": options.runs,
        "kr83m": {name: pulls(kr83m_run(kr83m, truth), *rest) for name, truth in KR_SCENARIOS.items()},
        "event_rate": {name: pulls(event_rate_run(event_rate, *of), *rest) for name, of in RATE_SCENARIOS.items()},
        "coverage": coverage(options.seed),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()

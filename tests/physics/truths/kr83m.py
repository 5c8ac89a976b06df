"""kr83m: yields, lifetimes and numbers of decays of simulated runs."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import simulation as sim
from numpy.random import Generator
from study import Known, Results, Scenario, Simulate

from xomphysics.kr83m.estimates import estimate
from xomphysics.kr83m.results import results
from xomphysics.kr83m.selection import DEFAULTS, collect, double_cuts, merged_cuts
from xomphysics.reading.selection import CutFlow


def analysed(events: Any, settings: dict[str, Any] = DEFAULTS, pieces: int = 3) -> Results:
    """Return the results of events."""
    return of_chunks(sim.as_chunks(events, pieces=pieces), settings)


def of_chunks(chunks: Iterable[Any], settings: dict[str, Any] = DEFAULTS) -> Results:
    """Return the results of the chunks of one or of several runs."""
    flows = CutFlow(double_cuts(settings)), CutFlow(merged_cuts(settings))
    double, merged = collect(chunks, *flows, settings)
    return results(estimate(double, merged, settings), *flows, settings)


def truths(truth: sim.KrTruth) -> dict[str, float]:
    """Return the true value of every variable."""
    volume = (DEFAULTS["radius_cm"][1], DEFAULTS["z_cm"])
    true = {"selected_events": sim.expected_selected(truth, *volume, DEFAULTS["delay_ns"])}
    true["delay_half_life"] = sim.HALF_LIFE
    if not truth.flat:
        true["selected_events_merged"] = sim.expected_selected(truth, *volume, (0, sim.SPLIT))
    yields = (*truth.light_yields, truth.merged_light_yield)
    for suffix, light_yield in zip(("32_2", "9_4", "41_6"), yields, strict=True):
        true |= {f"light_yield_{suffix}_{kind}": light_yield for kind in ("mean", "gauss")}
    first, second = (sim.s1_width(y * e) for y, e in zip(truth.light_yields, sim.ENERGIES, strict=True))
    areas = [y * e for y, e in zip(truth.light_yields, sim.ENERGIES, strict=True)]
    if truth.response == sim.SYMMETRIC:
        true |= {"resolution_32_2": first / areas[0], "resolution_9_4": second / areas[1]}
        true |= {"resolution_41_6": float(np.hypot(first, second) / sum(areas))}
    for kind in ("double", "merged"):
        true[f"charge_yield_41_6_{kind}"] = truth.charge_yield
        true[f"electron_lifetime_{kind}"] = truth.lifetime
        true[f"inverse_lifetime_{kind}"] = 1 / truth.lifetime
    return true


def runs_of(truth: sim.KrTruth, judged: str = "") -> Simulate:
    """Return what simulates and analyses one run; ``judged`` is a pattern that the variables judged have."""
    true = {name: value for name, value in truths(truth).items() if re.search(judged, name)}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        return analysed(sim.kr83m_events(rng, truth)), true

    return run


SKEWED_TAU = (
    "1/tau is unbiased; tau and its error move together, so the mean pull is minus the relative error of 1/tau"
    " (low_68 and high_68 in the data are the interval of 1/tau)"
)
SKEWED_S2 = "a Gaussian or Student's t sits below the mean of a skewed response"
LINES = "(light_yield|resolution)_(9_4|32_2)|selected_events$"
JUDGED = "yield|inverse|delay|selected"  # 1/tau instead of tau, whose pulls are known
AT_MERGED = "(light_yield|resolution)_41_6|selected_events_merged"

SCENARIOS = [
    Scenario(
        "normal",
        "12,000 decays",
        runs_of(sim.KrTruth(decays=12_000)),
        known={"electron_lifetime_double": Known(SKEWED_TAU, -0.12, 1.03)},
    ),
    Scenario(
        "least decays",
        "2,200 decays: 54 double, 50 needed",
        runs_of(sim.KrTruth(decays=2_200), LINES),
        fast_runs=60,
    ),
    Scenario(
        "least double S2",
        "4,400 decays: 109 double, 100 needed",
        runs_of(sim.KrTruth(decays=4_400), "(charge_yield|inverse).*double"),
        fast_runs=0,
    ),
    Scenario(
        "few double",
        "8,800 decays: 218 double",
        runs_of(sim.KrTruth(decays=8_800), "lifetime_double"),
        fast_runs=0,
        known={"electron_lifetime_double": Known(SKEWED_TAU, -0.12, 1.04)},
    ),
    Scenario("least merged", "120 decays: 55 merged, 50 needed", runs_of(sim.KrTruth(decays=120), AT_MERGED)),
    Scenario(
        "least merged S2",
        "240 decays: 109 merged, 100 needed",
        runs_of(sim.KrTruth(decays=240), "(charge_yield|inverse).*merged"),
    ),
    Scenario(
        "few merged",
        "480 decays: 218 merged",
        runs_of(sim.KrTruth(decays=480), "lifetime_merged"),
        known={"electron_lifetime_merged": Known(SKEWED_TAU, -0.12, 1.02)},
    ),
    Scenario(
        "60 ms",
        "12,000 decays, 60 ms lifetime",
        runs_of(sim.KrTruth(decays=12_000, lifetime=60.0), "inverse|charge"),
        runs=1000,
        fast_runs=30,
    ),
    Scenario(
        "skewed",
        "12,000 decays, skewed response (skewness 0.15 and 0.25 of S1, 0.3 of S2)",
        runs_of(sim.KrTruth(decays=12_000, response=sim.SKEWED)),
        fast_runs=0,
        known={
            "electron_lifetime_double": Known(SKEWED_TAU, -0.13, 1.05),
            "charge_yield_41_6_merged": Known(SKEWED_S2, -0.16, 1.0),
        },
    ),
    Scenario(
        "background",
        "12,000 decays, 5 % of the second S1s uniform, single sites flat from 2 to 200 keV (20 % of the decays)",
        runs_of(sim.KrTruth(decays=12_000, background=0.05, flat=0.2)),
        fast_runs=30,
        known={"electron_lifetime_double": Known(SKEWED_TAU, -0.12, 1.03)},
    ),
    Scenario(
        "afterpulses",
        "12,000 decays, afterpulses of some PE behind 30 % of the S1s",
        runs_of(sim.KrTruth(decays=12_000, afterpulses=0.3), JUDGED),
        runs=1000,
        fast_runs=60,
    ),
    Scenario(
        "tailed",
        "12,000 decays, a tenth of all areas scatter twice as far",
        runs_of(sim.KrTruth(decays=12_000, response=sim.TAILED), JUDGED),
        runs=1000,
        fast_runs=60,
        flags=True,
    ),
]

"""Truths all over the range that a detector may have: one axis at a time, and mixtures.

In many cells the truth is not what the analyses take for granted. A number is then right, or flagged, or not given.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import simulation as sim
from numpy.random import Generator
from study import Results, Scenario, load_truths

RUNS, LARGE_RUNS = 200, 17  # of 15 to 18 numbers: 3,000 a cell, and 300 where a run has 100,000 decays or more
RATE_RUNS = 430  # of 7 to 9 numbers
SMALL_RUNS = 400  # of runs that have about eight numbers each
BASE = sim.KrTruth(decays=12_000)
kr83m = load_truths("kr83m")


def yields(light_yield: float) -> tuple[float, float]:
    """Return both light yields (PE/keV) where their mean over the energy is about ``light_yield``."""
    return 0.97 * light_yield, 1.1 * light_yield


def krypton(name: str, what: str, truth: sim.KrTruth, runs: int = RUNS) -> Scenario:
    """Return a cell of kr83m."""
    true = {key: value for key, value in kr83m.truths(truth).items() if _is_asked(key, truth)}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        return kr83m.analysed(sim.kr83m_events(rng, truth)), true

    return Scenario(name, what, run, runs, fast_runs=0, flags=True)


def _is_asked(variable: str, truth: sim.KrTruth) -> bool:
    """Return whether the truth of a variable is known: counts and widths include what is beside krypton or cut away."""
    if variable.startswith("selected"):
        cut = truth.charge_yield * np.exp(-2.2 / truth.lifetime) < 80  # S2s of some depth are below settings.s2_area_pe
        return not (truth.background or truth.falling or truth.flat or cut)
    return not (variable.startswith("resolution") and (truth.wrong_map or truth.drift))


def mixture(rng: Generator) -> sim.KrTruth:
    """Return a truth from anywhere in the ranges."""
    share = rng.uniform(0, 0.2) * rng.dirichlet((1, 1, 1))
    return sim.KrTruth(
        decays=float(np.exp(rng.uniform(np.log(300), np.log(100_000)))),
        light_yields=yields(rng.uniform(4, 20)),
        charge_yield=rng.uniform(50, 250),
        lifetime=float(np.exp(rng.uniform(np.log(0.5), np.log(60)))),
        response=str(rng.choice((sim.SYMMETRIC, sim.SKEWED))),
        background=share[0],
        falling=share[1],
        flat=share[2],
        drift=rng.uniform(-0.01, 0.01),
        distortion=rng.uniform(-0.05, 0.05),
        wrong_map=rng.uniform(0, 0.03),
    )


def mixed(rng: Generator) -> tuple[Results, dict[str, float]]:
    """Make and analyse one run of a mixture."""
    truth = mixture(rng)
    true = {key: value for key, value in kr83m.truths(truth).items() if _is_asked(key, truth)}
    return kr83m.analysed(sim.kr83m_events(rng, truth)), true


def rates(share: float) -> Callable[[Generator], tuple[Results, dict[str, float]]]:
    """Return what makes and analyses signals, a share of whose time is hidden by busy intervals of 1 ms."""
    event_rate, peak_rate, electrons = (load_truths(name) for name in ("event_rate", "peak_rate", "photo_ionization"))
    veto = event_rate.Renewal(max(share, 1e-3) * 1000, 0.001)
    parts = (
        event_rate.hidden("", "", 20, 120, veto).simulate,
        peak_rate.runs_of(10.0, 100.0, share),
        electrons.runs_of(electrons.Truth(1000.0), share),
    )

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        said, true = [], {}
        for i, part in enumerate(parts):
            results, truths = part(rng)
            said += [result | {"variable_name": f"{i} {result['variable_name']}"} for result in results]
            true |= {f"{i} {key}": value for key, value in truths.items()}
        return said, true

    return run


def _cells() -> list[Scenario]:
    cells = [krypton("usual", "12,000 decays, 13 ms, 155 PE/keV of charge, 9.3 and 10.5 PE/keV of light", BASE)]
    for ms in (0.5, 1, 2, 5, 30, 60):
        cells.append(krypton(f"lifetime {ms:g} ms", "", replace(BASE, lifetime=ms)))
    for charge in (50, 100, 200, 250):
        cells.append(krypton(f"charge yield {charge} PE/keV", "", replace(BASE, charge_yield=charge)))
    for light in (4, 6, 8, 12, 16, 20):
        cells.append(krypton(f"light yield {light} PE/keV", "", replace(BASE, light_yields=yields(light))))
    for percent in (5, 10, 20):
        falling = replace(BASE, falling=percent / 100)
        cells.append(krypton(f"falling background {percent} %", "of the second S1s are accidental", falling))
        flat = replace(BASE, background=percent / 100, flat=percent / 100)
        cells.append(krypton(f"flat background {percent} %", "of the second S1s, and of single sites", flat))
    for decays in (300, 1000, 3000, 30_000):
        few = SMALL_RUNS if decays <= 1000 else RUNS
        cells.append(krypton(f"{decays:,} decays", "", replace(BASE, decays=decays), few))
    for decays in (100_000, 400_000):
        cells.append(krypton(f"{decays:,} decays", "", replace(BASE, decays=decays), LARGE_RUNS))
    cells.append(krypton("skewed response", "skewness 0.15, 0.25, 0.3", replace(BASE, response=sim.SKEWED)))
    cells.append(krypton("gain drifts", "1 % over the run", replace(BASE, drift=0.01)))
    for percent in (-5, 5):
        field = replace(BASE, distortion=percent / 100)
        cells.append(krypton(f"charge yield {percent:+d} %", "over the depth: the field is not uniform", field))
    cells.append(krypton("wrong map", "of S1s, by up to 3 %", replace(BASE, wrong_map=0.03)))
    for percent in (0, 15, 30, 60):
        name = f"dead time {percent} %"
        what = "rates of events and peaks, delayed electrons"
        cells.append(Scenario(name, what, rates(percent / 100), RATE_RUNS, fast_runs=0, flags=True))
    cells.append(
        Scenario("mixtures", "of all of this, 300 to 100,000 decays", mixed, SMALL_RUNS, fast_runs=0, flags=True)
    )
    return cells


SCENARIOS = _cells()

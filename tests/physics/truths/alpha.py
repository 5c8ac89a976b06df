"""Truths of `alpha`: two lines in the S1s, S2s that get lost, background, vetoes that hide events."""

import analysis_scripts
import numpy as np
import simulation as sim
from numpy.random import Generator
from study import Known, Results, Scenario, Simulate

from xomphysics.reading.intervals import Intervals
from xomphysics.reading.live_time import Vetoes
from xomphysics.reading.selection import CutFlow

script = analysis_scripts.load("alpha")
SETTINGS = script.DEFAULTS
EVENT = np.dtype([("time", "i8"), ("endtime", "i8"), *((name, "f4") for name in script.columns(SETTINGS)[2:])])
SECONDS = 3600.0
THORON = (6288.1, 6778.3)  # keV: alphas of Rn-220 and Po-216
PO210 = 5304.33  # keV
LENGTH = 4_600_000  # ns, of an event


def events_of(
    rng: Generator,
    alphas: float,
    light_yield: float = 7.9,
    lifetime: float = 13.0,
    charge_yield: float = 8.2,
    width: float = 0.02,
    flat: float = 0.0,
    polonium: float = 0.9,
    skewness: float = 0.0,
    thoron: float = 0.0,
    po210: float = 0.0,
) -> np.ndarray:
    """Return the events of a run, in the order of time; all but ``flat`` are alphas.

    Parameters
    ----------
    alphas, polonium
        Mean number of those of Rn-222, and of Po-218 over it.
    light_yield, charge_yield
        PE/keV.
    lifetime
        ms.
    width
        Of the S1 lines, relative.
    skewness
        Of the S1 lines, about.
    thoron
        Alphas of Rn-220, and of Po-216, over those of Rn-222.
    po210
        Alphas of Po-210 over those of Rn-222.
    flat
        Events at any S1 between 30 and 60 kPE, over those of Rn-222.
    """
    numbers = [rng.poisson(alphas * share) for share in (1.0, polonium, thoron, thoron, po210, flat)]
    energy = np.repeat([*script.ENERGIES.values(), *THORON, PO210, 5700.0], numbers)
    found = np.zeros(len(energy), EVENT)
    found["time"] = rng.integers(0, int(SECONDS * 1e9) - LENGTH, len(energy))
    found["endtime"] = found["time"] + LENGTH
    drift = rng.uniform(0.2e6, 2.0e6, len(energy))
    found["drift_time"], found["r"], found["z"] = drift, 30.0, -70.0
    s1 = light_yield * energy * (1 + width * _scatter(rng, skewness, len(energy)))
    other = np.arange(len(energy)) >= sum(numbers[:5])
    s1[other] = rng.uniform(3e4, 6e4, other.sum())
    mean = charge_yield * energy * np.exp(-drift / (1e6 * lifetime))
    found["cs1_wo_timecorr"] = s1
    found["cs2_w_bias_xy"] = rng.normal(mean, np.sqrt(16.45 * mean + (0.05 * mean) ** 2))
    return np.sort(found, order="time")


def _scatter(rng: Generator, skewness: float, n: int) -> np.ndarray:
    """Return numbers of mean zero and width one, normal or log-normal; the analysis takes another distribution."""
    if not skewness:
        return rng.normal(0, 1, n)
    s = abs(skewness) / 3
    drawn = np.expm1(rng.normal(-(s**2) / 2, s, n)) / np.sqrt(np.expm1(s**2))
    return np.copysign(1.0, skewness) * drawn


def runs_of(
    alphas: float, dead: float = 0.0, light_yield: float = 7.9, lifetime: float = 13.0, **others: float
) -> Simulate:
    """Return what simulates and analyses a run, of which a share ``dead`` is vetoed; see `events_of`."""

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        found = events_of(rng, alphas, light_yield, lifetime, **others)
        vetoes = Vetoes()
        if dead:
            starts = np.arange(0, int(SECONDS * 1e9), 200_000_000)
            ends = starts + int(dead * 200_000_000)
            vetoes = Vetoes(Intervals(starts, ends, 0, int(SECONDS * 1e9)))
        flow = CutFlow(script.cuts(SETTINGS))
        alpha = script.collect(sim.as_chunks(found, SECONDS), flow, vetoes, SETTINGS)
        rates = {"rate_rn222": alphas / SECONDS, "rate_po218": others.get("polonium", 0.9) * alphas / SECONDS}
        truths = {f"light_yield_{name}": light_yield for name in script.ENERGIES} | rates
        truths |= {"inverse_lifetime": 1 / lifetime, "charge_yield": others.get("charge_yield", 8.2)}
        return script.results(script.measure(alpha, SETTINGS), alpha, flow, SETTINGS), truths

    return run


NONE = "a share of Po-210 below zero is none, so on average some of the lower tail of Rn-222 is taken for it"
LESS = "the share of Po-210 is held near zero: some of it is taken for Rn-222"
MIXED = "alphas in the tail of the line of Rn-222 are taken for Po-218, and their charge yields for 9 % less"


def known(
    rate: tuple[float, float] = (-0.17, 0.95),
    light: tuple[float, float] = (0.29, 0.85),
    upper: tuple[float, float] | None = None,
    why: str = NONE,
    **others: Known,
) -> dict[str, Known]:
    """Return known biases: mean and width of the pulls of rate and light yield of Rn-222, and of the other yield."""
    found = {"rate_rn222": Known(why, *rate), "light_yield_rn222": Known(why, *light)} | others
    return found | ({"light_yield_po218": Known(why, *upper)} if upper else {})


SCENARIOS = [
    Scenario("normal", "400 alphas of Rn-222 and 360 of Po-218", runs_of(400), known=known()),
    Scenario("least", "80 and 72", runs_of(80), fast_runs=100, known=known((-0.15, 1.0), (0.21, 0.92))),
    Scenario("many", "5000 and 4500", runs_of(5000), runs=1000, fast_runs=40, known=known()),
    Scenario(
        "dim",
        "5.5 PE/keV, lines 2.5 % wide",
        runs_of(400, light_yield=5.5, width=0.025),
        runs=1000,
        fast_runs=0,
        known=known((-0.36, 0.82), (0.37, 0.8), (0.3, 0.95)),
    ),
    Scenario(
        "flat",
        "10 % other events at any S1",
        runs_of(400, flat=0.2),
        runs=1000,
        fast_runs=60,
        known=known(light=(0.33, 0.78), upper=(0.25, 0.95)),
    ),
    Scenario(
        "few po218",
        "30 % as many of Po-218",
        runs_of(400, polonium=0.3),
        runs=1000,
        fast_runs=60,
        known=known((-0.13, 0.93), (0.1, 0.85), charge_yield=Known(MIXED, -0.1, 1.0)),
    ),
    Scenario("short", "lifetime 2 ms", runs_of(400, lifetime=2.0), runs=1000, fast_runs=60, known=known()),
    Scenario(
        "skewed",
        "5000 and 4500, skewness 0.3 of the lines",
        runs_of(5000, skewness=0.3),
        runs=1000,
        fast_runs=20,
        known={"charge_yield": Known(MIXED, -0.5, 1.0)},
    ),
    Scenario(
        "po210",
        "a tenth as many of Po-210",
        runs_of(400, po210=0.1),
        runs=1000,
        fast_runs=60,
        known=known((0.2, 0.97), (-0.15, 1.0), why=LESS, charge_yield=Known(MIXED, -0.31, 1.0)),
    ),
    Scenario("dead", "20 % of the run vetoed", runs_of(500, dead=0.2), runs=1000, fast_runs=60, known=known()),
]

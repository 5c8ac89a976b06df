"""Truths of `peak_rate`: peaks that come alone and peaks that come in bursts."""

import analysis_scripts
import numpy as np
import renewal
import simulation as sim
from numpy.random import Generator
from renewal import Renewal
from study import Known, Results, Scenario, Simulate

from xomphysics.reading.intervals import Veto
from xomphysics.reading.live_time import Vetoes

script = analysis_scripts.load("peak_rate")
TYPES = script.DEFAULTS["types"]
BANDS = script.parse_bands(script.DEFAULTS["bands"], TYPES)
PEAK = np.dtype([("time", "i8"), ("area", "f4"), ("type", "i1")])
PER_BURST = 3.0
FEW = "few peaks: the error follows the count, so downward fluctuations pull harder, more so those of bursts"
ALONE = {"s1_small": (1, 2.0, 10.0), "s2_large": (2, 2000.0, 9000.0), "unknown": (0, 1.0, 40.0)}  # type, areas (PE)


def simulated(rng: Generator, rate: float, seconds: float) -> np.ndarray:
    """Return the peaks of a run: each kind of `ALONE` at ``rate`` (Hz), and bursts of electrons at that rate."""
    parts = []
    for kind, low, high in ALONE.values():
        parts.append(_peaks(rng.uniform(0, seconds, rng.poisson(rate * seconds)), kind, low, high, rng))
    bursts = rng.uniform(0, seconds, rng.poisson(rate * seconds))
    times = np.repeat(bursts, rng.poisson(PER_BURST, len(bursts)))
    parts.append(_peaks(np.minimum(times + rng.uniform(0, 2e-3, len(times)), seconds * (1 - 1e-12)), 2, 20, 50, rng))
    return np.sort(np.concatenate(parts), order="time")


def _peaks(times: np.ndarray, kind: int, low: float, high: float, rng: Generator) -> np.ndarray:
    peaks = np.zeros(len(times), PEAK)
    peaks["time"], peaks["type"], peaks["area"] = (
        (times * 1e9).astype(np.int64),
        kind,
        rng.uniform(low, high, len(times)),
    )
    return peaks


def runs_of(rate: float, seconds: float, hidden: float = 0.0) -> Simulate:
    """Return what simulates and analyses one run, a share of whose time is hidden by busy intervals of 1 ms."""
    truths = {f"rate_{name}": rate for name in ALONE}
    truths |= {"rate_electrons": rate * PER_BURST, "rate": rate * (len(ALONE) + PER_BURST)}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        peaks, vetoes = simulated(rng, rate, seconds), Vetoes()
        if hidden:
            busy = renewal.rows(rng, Renewal(hidden * 1000, 0.001), seconds, "busy")
            peaks = peaks[sim.outside(peaks["time"], busy)]
            vetoes = Vetoes.of(Veto(busy, 0, int(seconds * 1e9)), script.DEFAULTS)
        tally = script.count(sim.as_chunks(peaks, seconds), BANDS, TYPES, vetoes)
        return script.results(tally, script.DEFAULTS), truths

    return run


SCENARIOS = [
    Scenario("normal", "10 Hz of each kind and of bursts of 3 electrons, 300 s", runs_of(10.0, 300.0), fast_runs=100),
    Scenario("busy", "the same, 60 % of the time hidden, 1 ms each", runs_of(10.0, 300.0, 0.6), fast_runs=60),
    Scenario("low", "0.5 Hz, 120 s", runs_of(0.5, 120.0)),
    Scenario(
        "least",
        "0.5 Hz, 30 s: 90 peaks in the least time",
        runs_of(0.5, 30.0),
        known={
            "rate": Known(FEW, -0.13, 1.09),
            "rate_electrons": Known(FEW, -0.20, 1.16),
            "rate_s1_small": Known(FEW, -0.11, 0.98),
            "rate_s2_large": Known(FEW, -0.11, 0.98),
            "rate_unknown": Known(FEW, -0.11, 0.98),
        },
    ),
]

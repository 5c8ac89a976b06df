"""Truths of `peak_rate`: peaks that come alone and peaks that come in bursts."""

from typing import Any

import analysis_scripts
import numpy as np
import renewal
import simulation as sim
from numpy.random import Generator
from renewal import Renewal
from study import Known, Results, Scenario, Simulate

from xomphysics.reading.live_time import Vetoes

script = analysis_scripts.load("peak_rate")
TYPES = script.DEFAULTS["types"]
BANDS = script.parse_bands(script.DEFAULTS["bands"], TYPES)
PEAK = np.dtype([("time", "i8"), ("area", "f4"), ("type", "i1")])
PER_BURST = 3.0
FEW = "few peaks: the error follows the count, so downward fluctuations pull harder, more so those of bursts"
ALONE = {"s1_small": (1, 2.0, 10.0), "s2_large": (2, 2000.0, 9000.0), "unknown": (0, 1.0, 40.0)}  # type, areas (PE)


def simulated(
    rng: Generator, rate: float, seconds: float, per_burst: float = PER_BURST, long: float = 2e-3, som: bool = False
) -> np.ndarray:
    """Return the peaks of a run: each kind of `ALONE` at ``rate`` (Hz), and bursts of electrons at that rate.

    A burst has ``per_burst`` electrons on average within ``long`` seconds. With ``som`` the S1s have the types 1 and 3
    of straxen's self-organizing map, and the S2s 2, 20 and 22.
    """
    parts = []
    for kind, low, high in ALONE.values():
        parts.append(_peaks(rng.uniform(0, seconds, rng.poisson(rate * seconds)), kind, low, high, rng))
    bursts = rng.uniform(0, seconds, rng.poisson(rate * seconds))
    times = np.repeat(bursts, rng.poisson(per_burst, len(bursts)))
    parts.append(_peaks(np.minimum(times + rng.uniform(0, long, len(times)), seconds * (1 - 1e-12)), 2, 20, 50, rng))
    peaks = np.sort(np.concatenate(parts), order="time")
    for kind, kinds in {1: (1, 3), 2: (2, 20, 22)}.items() if som else ():
        which = peaks["type"] == kind
        peaks["type"][which] = rng.choice(kinds, np.count_nonzero(which))
    return peaks


def _peaks(times: np.ndarray, kind: int, low: float, high: float, rng: Generator) -> np.ndarray:
    peaks = np.zeros(len(times), PEAK)
    peaks["time"], peaks["type"], peaks["area"] = (
        (times * 1e9).astype(np.int64),
        kind,
        rng.uniform(low, high, len(times)),
    )
    return peaks


def runs_of(rate: float, seconds: float, hidden: float = 0.0, per_burst: float = PER_BURST, **more: Any) -> Simulate:
    """Return what simulates and analyses one run, a share of whose time is hidden by busy intervals of 1 ms."""
    truths = {f"rate_{name}": rate for name in ALONE}
    truths |= {"rate_electrons": rate * per_burst, "rate": rate * (len(ALONE) + per_burst)}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        peaks, vetoes = simulated(rng, rate, seconds, per_burst, **more), Vetoes()
        if hidden:
            busy = renewal.rows(rng, Renewal(hidden * 1000, 0.001), seconds, "busy")
            peaks = peaks[sim.outside(peaks["time"], busy)]
            vetoes = Vetoes.of(sim.as_chunks(busy, seconds, 1), script.DEFAULTS)
        tally = script.count(sim.as_chunks(peaks, seconds), BANDS, TYPES, vetoes)
        return script.results(tally, script.DEFAULTS), truths

    return run


def fired(rate: float, seconds: float, share: float) -> Simulate:
    """Return what simulates and analyses a run in which a busy of 1 ms begins 0.5 ms after a share of the bursts."""
    truths = {f"rate_{name}": rate for name in ALONE}
    truths |= {"rate_electrons": rate * PER_BURST, "rate": rate * (len(ALONE) + PER_BURST)}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        peaks = simulated(rng, rate, seconds)
        electrons = peaks["time"][(peaks["type"] == 2) & (peaks["area"] < 60)]
        first = electrons[np.diff(electrons, prepend=-(10**9)) > 2_000_000]
        begin = first[rng.random(len(first)) < share] + 500_000
        busy = np.zeros(len(begin), renewal.ROWS)
        busy["time"], busy["endtime"], busy["veto_type"] = begin, begin + 1_000_000, "busy"
        peaks = peaks[sim.outside(peaks["time"], busy)]
        vetoes = Vetoes.of(sim.as_chunks(busy, seconds, 1), script.DEFAULTS)
        tally = script.count(sim.as_chunks(peaks, seconds), BANDS, TYPES, vetoes)
        return script.results(tally, script.DEFAULTS), truths

    return run


SCENARIOS = [
    Scenario("normal", "10 Hz of each kind and of bursts of 3 electrons, 300 s", runs_of(10.0, 300.0), fast_runs=100),
    Scenario("busy", "the same, 60 % of the time hidden, 1 ms each", runs_of(10.0, 300.0, 0.6), fast_runs=30),
    Scenario(
        "trains",
        "10 Hz of each kind and of trains of 20 electrons within 20 ms, 300 s",
        runs_of(10.0, 300.0, per_burst=20.0, long=20e-3),
        runs=1000,
        fast_runs=60,
    ),
    Scenario(
        "types",
        "types 1 and 3 (S1), 2, 20 and 22 (S2) of the map",
        runs_of(10.0, 120.0, som=True),
        runs=1000,
        fast_runs=60,
    ),
    Scenario(
        "fired",
        "10 Hz of each kind and of bursts of 3 electrons, busy behind half of the bursts",
        fired(10.0, 300.0, 0.5),
        runs=1000,
        fast_runs=40,
        flags=True,
    ),
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

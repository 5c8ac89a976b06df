"""Truths of `photo_ionization`: electrons behind S2s, in proportion to their area, over a flat background."""

from dataclasses import dataclass

import analysis_scripts
import numpy as np
import renewal
import simulation as sim
from numpy.random import Generator
from renewal import Renewal
from scipy.special import ndtr
from study import Results, Scenario, Simulate

from xomphysics.photo_ionization import add_up
from xomphysics.reading.live_time import Vetoes

script = analysis_scripts.load("photo_ionization")
WINDOWS = script.windows(script.DEFAULTS)
FIRST, LAST = 2.0e4, 2.194e6  # ns after the S2 in which its electrons come
GAIN, SPREAD = 31.2, 5.6  # PE
EVENT = np.dtype([("time", "i8"), ("s2_center_time", "i8"), ("s2_area", "f4"), ("alt_s2_area", "f4")])
PEAK = np.dtype([("time", "i8"), ("center_time", "i8"), ("area", "f4"), ("type", "i1")])


@dataclass(frozen=True)
class Truth:
    """A run: S2s (number, mean area in PE), area ratio, rate of single electrons that belong to nothing (Hz).

    Trains of ``train`` electrons on average, within 20 ms, begin at ``train_rate`` (Hz) and belong to nothing either.
    With ``som`` the electrons have the types that straxen's self-organizing map gives: 20, 22 and 2 (a third each).
    """

    s2s: float
    area: float = 7000.0
    ratio: float = 0.0095
    background: float = 10.0
    rate: float = 5.0
    train_rate: float = 0.0
    train: float = 0.0
    som: bool = False

    @property
    def seconds(self) -> float:
        """Length of the run."""
        return self.s2s / self.rate


def simulated(rng: Generator, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Return events and peaks of one run, each sorted by time."""
    n = rng.poisson(truth.s2s)
    events = np.zeros(n, EVENT)
    events["time"] = np.sort(rng.uniform(0, truth.seconds * 1e9, n)).astype(np.int64)
    events["s2_center_time"] = events["time"]
    events["s2_area"], events["alt_s2_area"] = rng.uniform(0.3, 1.7, n) * truth.area, np.nan
    delayed = rng.poisson(truth.ratio * events["s2_area"] / GAIN)
    times = np.repeat(events["time"], delayed) + rng.uniform(FIRST, LAST, delayed.sum())
    lone = rng.uniform(0, truth.seconds * 1e9, rng.poisson(truth.background * truth.seconds))
    if truth.train_rate:
        begin = rng.uniform(0, truth.seconds * 1e9, rng.poisson(truth.train_rate * truth.seconds))
        trains = np.repeat(begin, rng.poisson(truth.train, len(begin)))
        trains += rng.exponential(5e6, len(trains))
        lone = np.append(lone, trains[trains < truth.seconds * 1e9])
    peaks = np.zeros(len(times) + len(lone), PEAK)
    peaks["time"] = np.sort(np.concatenate([times, lone])).astype(np.int64)
    peaks["center_time"] = peaks["time"]
    peaks["type"] = rng.choice((2, 20, 22), len(peaks)) if truth.som else 2
    peaks["area"] = rng.normal(GAIN, SPREAD, len(peaks))
    return events, peaks


def truths(truth: Truth) -> dict[str, float]:
    """Return the true values: what falls into the window and into the range of areas."""
    window = (WINDOWS.signal[1] - WINDOWS.signal[0] - (WINDOWS.signal[1] - LAST)) / (LAST - FIRST)
    a, b = ((limit - GAIN) / SPREAD for limit in WINDOWS.small_area)
    inside = float(ndtr(b) - ndtr(a))
    area = inside + SPREAD / GAIN * float(np.exp(-(a**2) / 2) - np.exp(-(b**2) / 2)) / np.sqrt(2 * np.pi)
    alone = np.exp(-2 * truth.rate * WINDOWS.reach / 1e9) * (1 - 2 * WINDOWS.reach / 1e9 / truth.seconds)
    return {
        "primaries": truth.s2s * float(alone),
        "area_ratio": truth.ratio * window * area,
        "electrons_per_primary": truth.ratio * truth.area / GAIN * window * inside,
    }


def runs_of(truth: Truth, hidden: float = 0.0) -> Simulate:
    """Return what simulates and analyses one run, a share of whose time is hidden by busy intervals of 1 ms."""

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        (events, peaks), vetoes, true = simulated(rng, truth), Vetoes(), truths(truth)
        if hidden:
            busy = renewal.rows(rng, Renewal(hidden * 1000, 0.001), truth.seconds, "busy")
            vetoes = Vetoes.of(sim.as_chunks(busy, truth.seconds, 1), script.DEFAULTS)
            events, peaks = (table[sim.outside(table["time"], busy)] for table in (events, peaks))
            del true["primaries"]
        chunks = sim.as_chunks(events, truth.seconds), sim.as_chunks(peaks, truth.seconds, 4)
        sums = add_up(*chunks, WINDOWS, script.DEFAULTS["types"], vetoes)
        return script.results(sums, WINDOWS, script.DEFAULTS), true

    return run


SCENARIOS = [
    Scenario("normal", "1000 S2s of 7000 PE, electrons at 10 Hz beside", runs_of(Truth(1000.0))),
    Scenario(
        "background", "1000 S2s, electrons at 300 Hz beside", runs_of(Truth(1000.0, background=300.0)), fast_runs=60
    ),
    Scenario(
        "none", "1000 S2s without delayed electrons", runs_of(Truth(1000.0, ratio=0.0, background=100.0)), fast_runs=0
    ),
    Scenario("busy", "3000 S2s, 15 % of the time hidden, 1 ms each", runs_of(Truth(3000.0), 0.15), fast_runs=30),
    Scenario(
        "trains",
        "1000 S2s, trains of 20 electrons within 20 ms at 2 Hz beside",
        runs_of(Truth(1000.0, train_rate=2.0, train=20.0)),
        fast_runs=60,
    ),
    Scenario(
        "types", "electrons have the types 2, 20 and 22 of the map", runs_of(Truth(1000.0, som=True)), fast_runs=60
    ),
    Scenario("least", "115 S2s: 108 used, 100 needed", runs_of(Truth(115.0))),
]

"""Truths of `pmt_health`: PMTs of known rates, some silent or loud, in vetoed time and in both data types."""

from collections.abc import Mapping

import analysis_scripts
import numpy as np
import simulation as sim
from numpy.random import Generator
from study import Results, Scenario, Simulate

from xomphysics.reading.intervals import Intervals
from xomphysics.reading.live_time import Vetoes

script = analysis_scripts.load("pmt_health")
SETTINGS = script.DEFAULTS
MONITOR = np.dtype([("time", "i8"), ("endtime", "i8"), (script.COLUMN, "i8", script.CHANNELS)])
HIT = np.dtype([("time", "i8"), ("length", "i4"), ("dt", "i2"), ("channel", "i2"), ("area", "f4")])
ODD = {117: 0.0, 118: 0.01, 333: 20.0, 334: 300.0}
PLAIN = {117: 0.0, 333: 20.0, 334: 300.0}  # so far off that few hits show it
PERIOD = 200_000_000  # ns, from veto to veto


def rates_of(rng: Generator, rate: float, scatter: float, odd: Mapping[int, float]) -> np.ndarray:
    """Return the rate of each channel (Hz): ``rate``, scattered by a share, times a factor for the odd ones."""
    rates = rate * rng.uniform(1 - scatter, 1 + scatter, script.CHANNELS)
    for channel, factor in odd.items():
        rates[channel] = rate * factor
    return rates


def monitor_rows(counts: np.ndarray, seconds: float) -> np.ndarray:
    """Return rows of ``online_peak_monitor`` of pieces of the run, shape (pieces, channels)."""
    rows = np.zeros(len(counts), MONITOR)
    edges = np.linspace(0, seconds * 1e9, len(counts) + 1).astype(np.int64)
    rows["time"], rows["endtime"], rows[script.COLUMN] = edges[:-1], edges[1:], counts
    return rows


def lone_hits(rng: Generator, rates: np.ndarray, seconds: float) -> np.ndarray:
    """Return hits of 200 ns in the order of time; their areas are flat from 0 to 300."""
    numbers = rng.poisson(rates * seconds)
    hits = np.zeros(numbers.sum(), HIT)
    hits["channel"] = np.repeat(np.arange(script.CHANNELS), numbers)
    hits["time"] = rng.integers(0, int(seconds * 1e9) - 200, len(hits))
    hits["length"], hits["dt"], hits["area"] = 20, 10, rng.uniform(0, 300, len(hits))
    return np.sort(hits, order="time")


def runs_of(
    rate: float, seconds: float, scatter: float = 0.3, dead: float = 0.0, odd: Mapping[int, float] = ODD
) -> Simulate:
    """Return what simulates and analyses a run of which a share ``dead`` is vetoed."""

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        rates = rates_of(rng, rate, scatter, odd)
        rows = monitor_rows(rng.poisson(rates * seconds * (1 - dead) / 3, (3, script.CHANNELS)), seconds)
        vetoes = Vetoes()
        if dead:
            starts = np.arange(0, int(seconds * 1e9), PERIOD)
            vetoes = Vetoes(Intervals(starts, starts + int(dead * PERIOD), 0, int(seconds * 1e9)))
        tally = script.count(sim.as_chunks(rows, seconds), script.MONITOR, vetoes, SETTINGS)
        truths = {"hit_rate": float(np.delete(rates, list(odd)).mean())}
        return script.results(tally, SETTINGS), truths

    return run


def runs_of_hits(rate: float, seconds: float) -> Simulate:
    """Return what simulates and analyses a run of which only ``lone_hits`` are there."""

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        rates = np.full(script.CHANNELS, rate)
        hits = lone_hits(rng, rates, seconds)
        tally = script.count(sim.as_chunks(hits, seconds), script.HITS, Vetoes(), SETTINGS)
        gap = (SETTINGS["hit_gap_ns"] + 200) / 1e9
        counted = 2 / 3 * np.exp(-2 * gap * rates.sum())
        return script.results(tally, SETTINGS), {"hit_rate": float(rate * counted)}

    return run


def runs_of_clusters(rate: float, seconds: float, chunks: int, share: float, size: float) -> Simulate:
    """Return what simulates and analyses a run, a share of whose hits come in clusters, in any channels."""

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        mean = rate * script.CHANNELS * seconds / chunks
        alone = rng.poisson(mean * (1 - share) / script.CHANNELS, (chunks, script.CHANNELS))
        together = [rng.poisson(size, rng.poisson(mean * share / size)).sum() for _ in range(chunks)]
        counts = alone + rng.multinomial(together, np.full(script.CHANNELS, 1 / script.CHANNELS))
        found = sim.as_chunks(monitor_rows(counts, seconds), seconds, chunks)
        tally = script.count(found, script.MONITOR, Vetoes(), SETTINGS)
        return script.results(tally, SETTINGS), {"hit_rate": rate}

    return run


SCENARIOS = [
    Scenario("normal", "20 Hz, 30 % different, in 600 s; 2 silent and 2 loud", runs_of(20.0, 600.0)),
    Scenario("least", "150 hits in a channel; 1 silent and 2 loud", runs_of(0.5, 300.0, odd=PLAIN)),
    Scenario("dead", "40 % of the run vetoed", runs_of(20.0, 600.0, dead=0.4)),
    Scenario("lone_hits", "counted in lone_hits: 15 kHz in all channels", runs_of_hits(30.0, 5.0), 300, 20),
    Scenario("clusters", "20 Hz, 30 % in clusters of five, in 60 chunks", runs_of_clusters(20.0, 600.0, 60, 0.3, 5.0)),
]

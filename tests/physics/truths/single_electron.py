"""Truths of `single_electron`: areas of electrons behind S2s, over noise that falls with the area, and pairs."""

import analysis_scripts
import numpy as np
import simulation as sim
from numpy.random import Generator
from study import Known, Results, Scenario, Simulate, load_truths

from xomphysics.photo_ionization import add_up, windows
from xomphysics.reading.live_time import Vetoes

script = analysis_scripts.load("single_electron")
electrons = load_truths("photo_ionization")
SETTINGS = script.DEFAULTS
THRESHOLD = 10.0  # PE: straxen's s2_min_area
WINDOWS = windows({**SETTINGS, "electron_area_pe": [limit / 2 for limit in SETTINGS["search_pe"]]})


def runs_of(s2s: float, gain: float = 31.2, noise: float = 0.0, pairs: float = 0.0, spread: float = 0.18) -> Simulate:
    """Return what simulates and analyses a run; ``noise`` and ``pairs`` are shares of the small S2s."""
    truth = electrons.Truth(s2s)

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        events, peaks = electrons.simulated(rng, truth)
        areas = rng.normal(gain, spread * gain, len(peaks))
        two = rng.random(len(peaks)) < pairs
        areas[two] += rng.normal(gain, spread * gain, two.sum())
        other = rng.random(len(peaks)) < noise
        areas[other] = 3 + rng.exponential(20, other.sum())
        peaks["area"] = areas
        peaks = peaks[areas >= THRESHOLD]
        chunks = sim.as_chunks(events, truth.seconds), sim.as_chunks(peaks, truth.seconds, 4)
        sums = add_up(*chunks, WINDOWS, SETTINGS["types"], Vetoes(), keep=True)
        found = script.measure(np.concatenate([np.zeros(0), *sums.areas]), SETTINGS)
        return script.results(found, sums, SETTINGS), {"gain": gain, "spread": spread}

    return run


LESS = {
    "spread": Known(
        "a background below zero is none, so on average some of the line's tails are taken for it", -0.19, 1.0
    )
}
MORE = {"spread": Known("pairs reach into the range, so more of the tails is taken for background", -0.3, 1.0)}
CUT_AT = "below 10 PE, 2.8 sigma below the line, there are no S2s: a part of the line above is taken for background"
CUT = {"gain": Known(CUT_AT, 0.14, 1.0), "spread": Known(CUT_AT, -0.29, 1.0)}

SCENARIOS = [
    Scenario("normal", "1000 S2s of 7000 PE with two electrons each", runs_of(1000.0), known=LESS),
    Scenario("least", "110 S2s: 220 electrons, 200 needed", runs_of(110.0), fast_runs=100, known=LESS),
    Scenario("small gain", "20 PE, and no S2 below 10 PE", runs_of(1000.0, 20.0), runs=1000, fast_runs=0, known=CUT),
    Scenario("large gain", "45 PE", runs_of(1000.0, 45.0), runs=1000, fast_runs=0, known=LESS),
    Scenario("noise", "10 % of the small S2s are noise, falling by e in 20 PE", runs_of(1000.0, noise=0.1), runs=1000),
    Scenario("pairs", "1 % are two electrons", runs_of(1000.0, pairs=0.01), runs=1000, fast_runs=60, known=MORE),
]

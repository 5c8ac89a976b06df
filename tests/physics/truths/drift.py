"""Truths of `drift`: drift times between a sharp gate and a cathode that is not everywhere at one depth."""

import analysis_scripts
import numpy as np
from numpy.random import Generator
from study import Known, Results, Scenario, Simulate

from xomphysics.reading.selection import CutFlow

script = analysis_scripts.load("drift")
SETTINGS = script.DEFAULTS
EVENT = np.dtype([(name, "f4") for name in script.COLUMNS])
UNFLAGGED = "1 % are not flagged: those in which the edge is found far too narrow"
SHARP = "the edge is 0.6 times as wide as expected, which moves it by a tenth of its error"
LONGEST = 2600.0  # us, of drift times of accidental pairs


def events_of(
    rng: Generator,
    events: float,
    gate: float = 1.7,
    velocity: float = 0.675,
    spread: float = 4.5,
    accidental: float = 0.0,
    falling: float = 0.0,
) -> np.ndarray:
    """Return the events of a run, all of which are selected.

    Parameters
    ----------
    events
        Mean number.
    gate, velocity, spread
        Drift time from the gate (us), velocity (mm/us), standard deviation of the drift times from the cathode (us).
    accidental
        Share of events whose drift time is anything.
    falling
        Relative change of the number of events from gate to cathode.
    """
    n = rng.poisson(events)
    time = 10 * SETTINGS["gate_to_cathode_cm"] / velocity
    share = rng.uniform(0, 1.1, 2 * n)
    keep = (share * time < time + rng.normal(0, spread, 2 * n)) & (rng.random(2 * n) < 1 - falling * share)
    times = gate + (share * time)[keep][:n]
    other = rng.random(len(times)) < accidental
    times[other] = rng.uniform(0, LONGEST, other.sum())
    found = np.zeros(len(times), EVENT)
    found["drift_time"], found["r"] = 1e3 * times, 30.0
    found["s1_area"], found["s2_area"] = 400.0, 6000.0
    return found


def runs_of(
    events: float,
    gate: float = 1.7,
    velocity: float = 0.675,
    spread: float = 4.5,
    expected: float = SETTINGS["edge_width_us"],
    **others: float,
) -> Simulate:
    """Return what simulates and analyses a run, whose edge is ``expected`` to be so wide (us); see `events_of`."""
    settings = SETTINGS | {"edge_width_us": expected}

    def run(rng: Generator) -> tuple[Results, dict[str, float]]:
        flow = CutFlow(script.cuts(SETTINGS))
        found = events_of(rng, events, gate, velocity, spread, **others)
        times = found["drift_time"][flow.select(found)].astype(float) / 1e3
        length = 10 * SETTINGS["gate_to_cathode_cm"]
        truths = {"drift_velocity": velocity, "gate_drift_time": gate, "cathode_drift_time": gate + length / velocity}
        return script.results(script.measure(times, settings), flow, settings), truths

    return run


SCENARIOS = [
    Scenario("normal", "10,000 events, the cathode's edge 4.5 us wide", runs_of(1e4)),
    Scenario("least", "7,000 events: 16 at the edge, 15 needed", runs_of(7000), fast_runs=100),
    Scenario("many", "200,000 events", runs_of(2e5), runs=1000, fast_runs=60),
    Scenario(
        "fast",
        "1.3 mm/us, edge 3 us wide, 5 expected",
        runs_of(2e4, velocity=1.3, spread=3),
        runs=1000,
        fast_runs=0,
        known={"drift_velocity": Known(SHARP, 0.1, 1.0), "cathode_drift_time": Known(SHARP, -0.1, 1.0)},
    ),
    Scenario("wide", "edge 15 us wide, 15 expected", runs_of(1e4, spread=15, expected=15), runs=1000, fast_runs=60),
    Scenario(
        "unexpected",
        "edge 15 us wide, 5 expected",
        runs_of(1e4, spread=15),
        runs=1000,
        fast_runs=60,
        flags=True,
        known={"drift_velocity": Known(UNFLAGGED, -2.0, 0.5), "cathode_drift_time": Known(UNFLAGGED, 2.0, 0.5)},
    ),
    Scenario("accidental", "10 % accidental pairs", runs_of(1e4, accidental=0.1), runs=1000, fast_runs=60),
    Scenario("falling", "10 % fewer events at the cathode", runs_of(1e4, falling=0.1), runs=1000, fast_runs=60),
]

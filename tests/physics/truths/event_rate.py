"""Truths of `event_rate`: constant rates, flat spectra, a known share of the time vetoed."""

from collections.abc import Mapping
from typing import Any

import analysis_scripts
import bursts
import numpy as np
import renewal
import simulation as sim
from numpy.random import Generator
from renewal import Renewal
from study import Known, Scenario

from xomphysics.reading.live_time import Vetoes

event_rate = analysis_scripts.load("event_rate")
BANDS = {"low": (1.0, 10.0), "mid": (10.0, 50.0), "high": (50.0, 3000.0)}  # keV
MISSING = 0.02  # share of the events without energy
SAMPLE = 10  # ns
FEW = (
    "few events: the error follows the count, so downward fluctuations pull harder (computed: -0.22 at 2 to 3 expected)"
)

Biases = Mapping[str, tuple[float, float]]  # by suffix of the band: mean and width of the pull


def vetoed(rng: Generator, process: Renewal, seconds: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return rows as recorded, true starts and ends as one array of shape (2, intervals) (ns), and true time (s)."""
    rows = renewal.rows(rng, process, seconds, "busy")
    rows = rows[(rows["time"] > 0) & (rows["endtime"] < seconds * 1e9)]
    true = np.array([rows["time"], rows["endtime"]]) + rng.random((2, len(rows)))
    phase = rng.random()
    for name, times in zip(("time", "endtime"), true, strict=True):
        rows[name] = (np.floor(times / SAMPLE + phase) - phase) * SAMPLE
    return rows, true, float((true[1] - true[0]).sum() / 1e9)


def scenario(
    name: str, what: str, rate: float, seconds: float, veto: Renewal, few: Biases | None = None, last: float = 0.0
) -> Scenario:
    """Return a scenario of runs with ``rate`` (Hz) outside the veto intervals and nothing inside.

    A run may end within a veto that lasts ``last`` seconds until then.
    """
    shares = {f"_{band}": (1 - MISSING) * (min(high, 200) - max(low, 2)) / 198 for band, (low, high) in BANDS.items()}
    rates = {f"rate{band}": rate * share for band, share in {"": 1.0, **shares}.items()}

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        rows, true, dead = vetoed(rng, veto, seconds - last)
        if last:
            rows = np.append(rows, np.array([((seconds - last) * 1e9, seconds * 1e9, "hev")], rows.dtype))
            true, dead = np.append(true, [[(seconds - last) * 1e9], [seconds * 1e9]], axis=1), dead + last
        events = sim.background_events(rng, rate, seconds, MISSING)
        before = np.searchsorted(true[0], events["time"], side="right") - 1
        events = events[(before < 0) | (events["time"] > np.append(true[1], np.inf)[before])]
        vetoes = Vetoes.of(sim.as_chunks(rows, seconds, 1), event_rate.DEFAULTS)
        tally = event_rate.count(sim.as_chunks(events, seconds), BANDS, "e_ces", vetoes)
        truths = {f"events{key[4:]}": value * (seconds - dead) for key, value in rates.items()} | rates
        return event_rate.results(tally, event_rate.DEFAULTS), truths | {"live_time": seconds - dead}

    known = {f"{what}{band}": Known(FEW, *pull) for band, pull in (few or {}).items() for what in ("rate", "events")}
    return Scenario(name=name, what=what, simulate=simulate, runs=4000, fast_runs=150, known=known)


def hidden(
    name: str, what: str, rate: float, seconds: float, veto: Renewal, runs: int = 2000, fast_runs: int = 60
) -> Scenario:
    """Return a scenario in which the vetoes hide S1s and S2s, not events: most events near a veto lose their energy."""

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        rows = renewal.rows(rng, veto, seconds, "busy")
        events = sim.triggered_events(rng, rate, seconds, rows)
        vetoes = Vetoes.of(sim.as_chunks(rows, seconds, 1), event_rate.DEFAULTS)
        tally = event_rate.count(sim.as_chunks(events, seconds), {"high": BANDS["high"]}, "e_ces", vetoes)
        return event_rate.results(tally, event_rate.DEFAULTS), {"rate": rate, "rate_high": rate * 150 / 198}

    return Scenario(name=name, what=what, simulate=simulate, runs=runs, fast_runs=fast_runs)


def in_bursts(name: str, what: str, rate: float, seconds: float, how: bursts.Bursts) -> Scenario:
    """Return a scenario in which a part of the events comes in bursts."""

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        times = bursts.times(rng, rate, seconds, how)
        events = np.zeros(len(times), sim.EVENT)
        events["time"], events["endtime"], events["e_ces"] = times, times + 1, rng.uniform(2, 200, len(times))
        tally = event_rate.count(sim.as_chunks(events, seconds), {"high": BANDS["high"]}, "e_ces", Vetoes())
        truths = {"rate": rate, "rate_high": rate * 150 / 198}
        return event_rate.results(tally, event_rate.DEFAULTS), truths | {"events": rate * seconds}

    return Scenario(name=name, what=what, simulate=simulate, runs=4000, fast_runs=150)


SCENARIOS = [
    scenario(
        "normal",
        "1200 events in 60 s, 2 % vetoed",
        20,
        60,
        Renewal(10, 0.002, spread=True),
        few={"_low": (-0.07, 1.03)},
    ),
    scenario("high", "30,000 events in 600 s, 40 % vetoed", 50 / 0.6, 600, Renewal(4, 0.1, spread=True)),
    scenario(
        "lowest",
        "20 events in 40 s, 1 % vetoed",
        0.5,
        40,
        Renewal(5, 0.002, spread=True),
        few={"": (-0.11, 1.02), "_low": (-0.15, 0.63), "_mid": (-0.23, 1.04), "_high": (-0.11, 1.02)},
    ),
    scenario(
        "ends vetoed", "20 Hz, 2 % vetoed and the last 20 of 60 s", 20, 60, Renewal(10, 0.002, spread=True), last=20.0
    ),
    in_bursts(
        "bursts", "10 Hz for 1800 s, 30 % of it in bursts of four in 0.2 s", 10, 1800, bursts.Bursts(0.3, 4.0, 0.2)
    ),
    hidden("busy 15 %", "20 Hz of signals, 15 % of the time hidden, 1 ms each", 20, 300, Renewal(150, 0.001)),
    # 1.8 million vetoes a run take 3 s.
    hidden("busy 60 %", "20 Hz of signals, 60 % of the time hidden, 1 ms each", 20, 3000, Renewal(600, 0.001), 60, 0),
]

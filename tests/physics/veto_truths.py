"""Scenarios of both veto detectors."""

from typing import Any

import analysis_scripts
import bursts
import veto_events as sim
from numpy.random import Generator
from simulation import as_chunks
from study import Known, Scenario

from xomphysics.vetoes import tally as veto

FEW_COUNTS = "few events: the error follows the count, so downward fluctuations pull harder"
FEW = "few events: the error of the mean comes from the same few values, which have a skewed distribution"
BIASES = {
    "events": Known(FEW_COUNTS, -0.09, 1.0),
    "rate": Known(FEW_COUNTS, -0.09, 1.0),
    "mean_area": Known(FEW, -0.05, 1.06),
    "position_spread": Known(FEW, -0.10, 1.03),
}

FEW_BURSTS = "few bursts: the error follows their number and size, so downward fluctuations pull harder"
BIASES_OF_BURSTS = {name: Known(FEW_BURSTS, -0.15, 1.1) for name in ("events", "rate")}


def scenario(
    analysis: str,
    name: str,
    what: str,
    rate: float,
    seconds: float,
    few: bool = False,
    fast_runs: int = 150,
    how: bursts.Bursts | None = None,
) -> Scenario:
    """Return a scenario of runs with events at ``rate`` (Hz), of which a part may come in bursts."""
    script = analysis_scripts.load(analysis)
    truths = {
        "events": rate * seconds,
        "rate": rate,
        "mean_hits": sim.MEAN_HITS,
        "mean_channels": 0.9 * sim.MEAN_HITS,
        "mean_area": sim.MEAN_HITS * sim.PE_PER_HIT,
        "position_spread": sim.SPREAD_SHAPE * sim.SPREAD_SCALE,
    }
    truths |= {f"area_q{100 * p:02.0f}": sim.area_quantile(p) for p in script.DEFAULTS["area_quantiles"]}

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        events = sim.events(rng, rate, seconds, how)
        if not script.DETECTOR.positions:
            events = events[["time", "area", "n_hits", "n_contributing_pmt"]]
        tally = veto.tally_events(as_chunks(events, seconds, 3))
        tally.channels = sim.by_channel(rng, script.DETECTOR.channels, sim.Channels(300.0))
        return veto.results(tally, script.DETECTOR, script.DEFAULTS), truths

    known = BIASES if few else BIASES_OF_BURSTS if how and rate * seconds < 1000 else {}
    return Scenario(name=name, what=what, simulate=simulate, runs=3000, fast_runs=fast_runs, known=known)

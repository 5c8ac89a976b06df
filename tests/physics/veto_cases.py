"""What muon_veto and neutron_veto do with awkward data, and how often channels are named, as JSON.

Needs the analysis environment.
"""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import veto_events as sim
from fake_run import DataCorrupted, attempt, chunk, run_main
from simulation import as_chunks

from xomphysics.fits.mean import sample_mean
from xomphysics.pmt_channels import find_odd_channels, minimum_median
from xomphysics.quantiles import quantile
from xomphysics.vetoes import tally as veto
from xomphysics.vetoes.figure import draw

muon_veto, neutron_veto = analysis_scripts.load("muon_veto"), analysis_scripts.load("neutron_veto")
HITS = np.full(120, 1000)


def said(events: np.ndarray, seconds: float = 60.0, pieces: int = 3, hits: Any = HITS) -> dict[str, Any]:
    """Return the results of neutron_veto by variable; draws the figure as well."""
    tally = veto.tally_events(as_chunks(events, seconds, pieces))
    tally.channels = np.asarray(hits)
    draw(tally, neutron_veto.DETECTOR, neutron_veto.DEFAULTS, "052894").canvas.draw()
    every = veto.results(tally, neutron_veto.DETECTOR, neutron_veto.DEFAULTS)
    return {result["variable_name"]: result for result in every}


def events(rate: float = 10.0, seconds: float = 60.0) -> np.ndarray:
    """Return the events of a run."""
    return sim.events(np.random.default_rng(4), rate, seconds)


def named(n: int, channels: sim.Channels, runs: int = 2000) -> dict[str, float]:
    """Return in which share of runs silent and loud channels are named, wrongly or at all."""
    rng = np.random.default_rng(8)
    counts = {"false_silent": 0, "false_loud": 0, "silent": 0, "loud": 0}
    for _ in range(runs):
        odd = find_odd_channels(sim.by_channel(rng, n, channels), 0.1, 5.0, 0.01)
        counts["false_silent"] += bool(set(odd.silent) - set(channels.dead))
        counts["false_loud"] += bool(set(odd.loud) - set(channels.loud))
        counts["silent"] += set(channels.dead) <= set(odd.silent)
        counts["loud"] += set(channels.loud) <= set(odd.loud)
    return {name: number / runs for name, number in counts.items()}


def case_zero_events() -> Any:
    return said(events()[:0], hits=np.zeros(120, dtype=int))


def case_gap() -> Any:
    """100 Hz for 300 s, without those of 3 s."""
    found = events(100.0, 300.0)
    return said(found[(found["time"] < 100e9) | (found["time"] > 103e9)], 300.0)


def case_one_event() -> Any:
    return said(events()[:1])


def case_stopped() -> Any:
    found = events()
    found["area"][::50] = np.nan
    return said(found[found["time"] < 40e9])


def case_all_equal() -> Any:
    found = events()
    for name in ("n_hits", "n_contributing_pmt", "area", *sim.COLUMNS):
        found[name] = 5
    return said(found)


def case_nan() -> Any:
    found = events()
    clean = said(found[5:])
    found["area"][:5] = np.nan
    found["angle"][:5] = np.nan
    return {"clean": clean, "broken": said(found)}


def case_no_time() -> Any:
    return said(events()[:0], seconds=0.0, pieces=1)


def case_pieces() -> Any:
    return [said(events(), pieces=pieces) for pieces in (1, 9)]


def case_channels() -> Any:
    hits = HITS.copy()
    hits[[17, 30]], hits[63] = [0, 5], 20_000
    many = HITS.copy()
    many[:30] = 0
    return {
        "odd": said(events(), hits=hits),
        "few_hits": said(events(), hits=np.full(120, 90)),
        "many": said(events(), hits=many),
        "most_dead": said(events(), hits=np.where(np.arange(120) < 70, 0, 1000)),
    }


def case_false_alarms() -> Any:
    return {
        "alike": named(120, sim.Channels(300.0)),
        "different": named(120, sim.Channels(300.0, scatter=0.8)),
        "least": named(84, sim.Channels(minimum_median(84, 0.1, 0.01) + 10)),
        "odd": named(120, sim.Channels(300.0, dead=(17,), loud=(63,))),
    }


def case_worst_channels() -> Any:
    """Ordinary channels at the very limits: the false alarms are what was promised, not more."""
    rng = np.random.default_rng(9)
    false = {"silent": 0, "loud": 0}
    for _ in range(4000):
        hits = rng.poisson(1000, 120)
        hits[:30], hits[30:60] = rng.poisson(100, 30), rng.poisson(5000, 30)
        odd = find_odd_channels(hits, 0.1, 5.0, 0.01)
        false["silent"] += bool(len(odd.silent))
        false["loud"] += bool(len(odd.loud))
    return {name: number / 4000 for name, number in false.items()}


def case_hits() -> Any:
    """Both sources of the channels' hits say the same."""
    rng = np.random.default_rng(2)
    hitlets = np.zeros(5000, [("time", "i8"), ("channel", "i2")])
    hitlets["time"] = np.sort(rng.integers(0, 60 * 10**9, 5000))
    hitlets["channel"] = rng.integers(1995, 2120, 5000)  # some of another detector
    parts = as_chunks(hitlets, 60.0, 4)
    monitor = []
    for part in parts:
        rows = np.zeros(1, [("time", "i8"), ("hitlets_nv_per_channel", "i8", 120)])
        rows["hitlets_nv_per_channel"][0] = np.histogram(part.data["channel"], 120, (2000, 2120))[0]
        monitor.append(chunk(rows, part.start, part.end))
    data = {"events_nv": as_chunks(events()), "event_positions_nv": as_chunks(events())}
    return {
        "monitor": run_main(neutron_veto, {**data, "online_monitor_nv": monitor}),
        "hitlets": run_main(neutron_veto, {**data, "hitlets_nv": parts}),
        "direct": [
            veto.hits_of_hitlets(parts, 2000, 120).tolist(),
            veto.hits_of_monitor(monitor, "hitlets_nv_per_channel", 120).tolist(),
        ],
    }


def case_muon_main() -> Any:
    found = events()[["time", "area", "n_hits", "n_contributing_pmt"]]
    hitlets = np.zeros(10, [("time", "i8"), ("channel", "i2")])
    data = {"events_mv": as_chunks(found), "hitlets_mv": as_chunks(hitlets)}
    broken = {**data, "events_mv": [as_chunks(found)[0], DataCorrupted("chunk 1 is not there")]}
    return {"good": run_main(muon_veto, data), "broken": run_main(muon_veto, broken)}


def case_settings() -> Any:
    wrong = {
        "quantile": {"area_quantiles": [0.5, 1.0]},
        "alarm": {"false_alarm": 0},
        "limits": {"silent_below": 2.0},
        "unknown": {"silent": 0.1},
    }
    return {
        name: attempt(lambda settings=settings: veto.check(muon_veto.merge(muon_veto.DEFAULTS, settings)))
        for name, settings in wrong.items()
    }


LARGE = np.random.default_rng(5).gamma(2, 10, 200_001)


def case_quantile() -> Any:
    return {
        "one": quantile([3.0], 0.5).__dict__,
        "symmetric": quantile([1.0, 2.0, 3.0, 4.0, 5.0], 0.5).value,
        "empty": attempt(lambda: quantile([], 0.5)),
        "large": [quantile(LARGE, 0.9).value, float(np.quantile(LARGE, 0.9)), quantile(LARGE, 0.9).error],
    }


def case_mean() -> Any:
    values, times = np.array([0, 1, 2, 5]), np.array([3, 0, 4, 2])
    return {
        "counted": vars(sample_mean(values, times)),
        "one by one": vars(sample_mean(np.repeat(values, times))),
        "one value": attempt(lambda: sample_mean(values, [0, 0, 4, 0])),
        "not a number": attempt(lambda: sample_mean([1.0, float("nan"), 2.0])),
        "large": vars(sample_mean(LARGE)),
        "numpy": {"mean": float(LARGE.mean()), "deviation": float(LARGE.std(ddof=1))},
    }


if __name__ == "__main__":
    cases.print_all(globals())

"""What pmt_health does with usual and awkward data, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import simulation as sim
from fake_run import DataCorrupted, run_main
from study import load_truths

from xomphysics.pmt_channels import find_odd_channels

script = analysis_scripts.load("pmt_health")
truths = load_truths("pmt_health")
VETO = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "<U9")])
SECONDS = 600.0


def main(rates: Any, vetoes: Any = None, data: Any = None, **settings: Any) -> Any:
    """Return what the script's ``main`` does with a run of PMTs of these rates."""
    rng = np.random.default_rng(3)
    rows = truths.monitor_rows(rng.poisson(np.asarray(rates) * SECONDS / 3, (3, script.CHANNELS)), SECONDS)
    every = {"online_peak_monitor": sim.as_chunks(rows, SECONDS)} if data is None else data
    intervals = np.zeros(0, VETO) if vetoes is None else vetoes
    return run_main(script, {**every, "veto_intervals": sim.as_chunks(intervals, SECONDS, 1)}, **settings)


def rates(rate: float = 20.0, odd: Any = None) -> np.ndarray:
    return truths.rates_of(np.random.default_rng(5), rate, 0.3, truths.ODD if odd is None else odd)


def case_main() -> Any:
    return main(rates())


def case_ordinary() -> Any:
    return main(rates(odd={}))


def case_few() -> Any:
    return main(rates(0.1))


def case_nothing() -> Any:
    return main(rates(0.0))


def case_vetoes() -> Any:
    """A busy interval of 0.1 s in each 0.2 s; nothing is recorded within."""
    rows = np.zeros(3000, VETO)
    rows["time"] = np.arange(3000) * 200_000_000 + 1
    rows["endtime"], rows["veto_type"] = rows["time"] + 100_000_000, "busy"
    return main(rates() / 2, rows)


def case_empty_chunk() -> Any:
    """One of 30 chunks has no hit."""
    rows = truths.monitor_rows(np.random.default_rng(3).poisson(rates() * SECONDS / 30, (30, script.CHANNELS)), SECONDS)
    rows[script.COLUMN][7] = 0
    return main(rates(), data={"online_peak_monitor": sim.as_chunks(rows, SECONDS, 30)})


def case_broken() -> Any:
    return main(rates(), data={"online_peak_monitor": [DataCorrupted("chunk 0 is not there")]})


def hits(*times: int, area: float = 100.0) -> np.ndarray:
    """Return lone hits of 200 ns in channels 0, 1, 2 ... that begin at times in ns."""
    found = np.zeros(len(times), truths.HIT)
    found["time"], found["channel"] = times, np.arange(len(times))
    found["length"], found["dt"], found["area"] = 20, 10, area
    return found


def counted(found: np.ndarray) -> list[int]:
    return np.flatnonzero(script.hits_of_hits(found, script.DEFAULTS)).tolist()


def case_hits() -> Any:
    areas = hits(*range(0, 500_000, 100_000))
    areas["area"] = [49, 50, 250, 251, 100]
    return {
        "alone": counted(hits(0, 100_000, 200_000)),
        "close": counted(hits(0, 100_000, 115_200, 300_000)),  # 15,000 ns from the end of the one to the other
        "far": counted(hits(0, 100_000, 115_201, 300_000)),
        "areas": counted(areas),
        "none": counted(hits()),
    }


def case_both_sources() -> Any:
    """straxen's own OnlinePeakMonitor beside the count in lone_hits."""
    import strax
    import straxen

    rng = np.random.default_rng(6)
    found = truths.lone_hits(rng, rates(30.0), 1.0)
    full = np.zeros(len(found), strax.hit_dtype)
    for name in truths.HIT.names or ():
        full[name] = found[name]
    plugin = straxen.OnlinePeakMonitor()
    plugin.config = {name: option.default for name, option in plugin.takes_config.items()} | {"n_tpc_pmts": 494}
    plugin.dtype = plugin.infer_dtype()
    peaks = np.zeros(0, [("area", "f4"), ("range_50p_area", "f4"), ("area_fraction_top", "f4")])
    straxens = plugin.compute(peaks, full, 0, 10**9)[script.COLUMN][0]
    return {"same": bool(np.array_equal(straxens, script.hits_of_hits(found, script.DEFAULTS))), "n": straxens.sum()}


def case_main_hits() -> Any:
    found = truths.lone_hits(np.random.default_rng(7), rates(1.0), SECONDS)
    return main(rates(), data={"lone_hits": sim.as_chunks(found, SECONDS)})


def case_false_alarms() -> Any:
    """Shares of runs of ordinary channels in which one is named."""
    rng = np.random.default_rng(8)
    found = [find_odd_channels(rng.poisson(rates(30.0, odd={}) * 100), 0.1, 5.0, 0.01) for _ in range(500)]
    return {name: np.mean([bool(len(getattr(odd, name))) for odd in found]) for name in ("silent", "loud")}


def case_settings() -> Any:
    wrong = {"silent_below": 2.0, "false_alarm": 0, "hit_area": [5, 1]}
    return {name: main(rates(), **{name: value})["raised"] for name, value in wrong.items()}


if __name__ == "__main__":
    cases.print_all(globals())

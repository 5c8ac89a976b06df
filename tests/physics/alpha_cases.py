"""What alpha does with usual and awkward data, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import simulation as sim
from fake_run import run_main
from study import load_truths

script = analysis_scripts.load("alpha")
truths = load_truths("alpha")
VETO = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "<U9")])


def events(alphas: float = 400, **others: Any) -> Any:
    return truths.events_of(np.random.default_rng(9), alphas, **others)


def main(found: Any, vetoes: Any = None, **settings: Any) -> Any:
    """Return what the script's ``main`` does with events and vetoes."""
    intervals = np.zeros(0, VETO) if vetoes is None else vetoes
    data = {"event_info": sim.as_chunks(found, truths.SECONDS)}
    data["veto_intervals"] = sim.as_chunks(intervals, truths.SECONDS, 1)
    return run_main(script, data, **settings)


def case_main() -> Any:
    return main(events())


def case_electrons() -> Any:
    """As many events with the S2s of electrons, at the lines."""
    alphas, others = events(), events()
    others["cs2_w_bias_xy"] *= 40
    return main(np.sort(np.concatenate([alphas, others]), order="time"))


def case_outside() -> Any:
    found = events()
    found["r"][::2], found["z"][1::4] = 65, -2
    return main(found)


def case_vetoes() -> Any:
    """A busy interval of 0.1 s in each 0.2 s."""
    rows = np.zeros(18_000, VETO)
    rows["time"] = np.arange(18_000) * 200_000_000 + 1
    rows["endtime"], rows["veto_type"] = rows["time"] + 100_000_000, "busy"
    return main(events(2000), rows)


def case_thoron() -> Any:
    """A tenth as many alphas of Rn-220 and Po-216 beside the lines."""
    return main(events(5000, thoron=0.1))


def case_polonium() -> Any:
    """Many alphas, a fifth as many of Po-210 as of Rn-222; and as many."""
    return {name: main(events(2000, po210=share)) for name, share in (("some", 0.2), ("many", 1.0))}


def case_only_thoron() -> Any:
    """Twenty times as many alphas of Rn-220 and Po-216, which look like the lines at another light yield."""
    return main(events(100, thoron=20.0))


def case_gap() -> Any:
    """An hour of which 200 s are missing."""
    found = events()
    return main(found[(found["time"] < 1000e9) | (found["time"] > 1200e9)])


def case_few() -> Any:
    return main(events(30))


def case_no_lines() -> Any:
    found = events(800)
    found["cs1_wo_timecorr"] = np.random.default_rng(10).uniform(2e4, 9e4, len(found))
    return main(found)


def case_none() -> Any:
    return main(events(0.0))


def case_settings() -> Any:
    wrong = {"search_pe": [5, 1], "radius_cm": [5], "z_cm": [0, -5]}
    return {name: main(events(30), **{name: value})["raised"] for name, value in wrong.items()}


if __name__ == "__main__":
    cases.print_all(globals())

"""What drift does with usual and awkward data, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import simulation as sim
from fake_run import run_main
from study import load_truths

from mini_xenonnt import detector
from mini_xenonnt.simulation import background

script = analysis_scripts.load("drift")
truths = load_truths("drift")


def main(events: Any, **settings: Any) -> Any:
    """Return what the script's ``main`` does with events."""
    whole = np.zeros(len(events), [("time", "i8"), *((name, "f4") for name in script.COLUMNS)])
    for name in script.COLUMNS:
        whole[name] = events[name]
    return run_main(script, {"event_info": sim.as_chunks(whole)}, **settings)


def events(number: float = 2e4, **others: Any) -> Any:
    return truths.events_of(np.random.default_rng(7), number, **others)


def case_main() -> Any:
    return main(events())


def case_selection() -> Any:
    found = events()
    found["r"][::4] = 65
    found["s1_area"][1::4] = 10
    found["s2_area"][2::4] = 100
    found["drift_time"][3::8] = np.nan
    return main(found)


def case_few() -> Any:
    return main(events(1000))


def case_no_edge() -> Any:
    out = {}
    for name, times in (("none", np.full(6000, 5e5)), ("uniform", np.random.default_rng(8).uniform(0, 5e6, 40_000))):
        found = np.resize(events(), len(times))
        found["drift_time"] = times
        out[name] = main(found)
    return out


def case_sharp() -> Any:
    return main(events(1e4, spread=0.5))


def case_few_at_the_edge() -> Any:
    return main(events(5300, spread=7))


def case_wide() -> Any:
    """An edge three times as wide as expected, and one as wide as expected then."""
    found = events(spread=15)
    return {"unexpected": main(found), "expected": main(found, edge_width_us=15)}


def case_gas() -> Any:
    """Events above the gate, apart from the others."""
    found = events(gate=20)
    found["drift_time"][:8] = np.linspace(100, 2000, 8)
    return main(found)


def with_peak(share: float, place: float, width: float, number: float = 1e4) -> Any:
    """Return events, and a share more of them about a drift time (us)."""
    found = events(number)
    more = np.resize(found, int(share * len(found))).copy()
    more["drift_time"] = 1e3 * np.abs(np.random.default_rng(12).normal(place, width, len(more)))
    return np.concatenate([found, more])


def case_electrodes() -> Any:
    """Events at the cathode, and at the gate."""
    cathode = 1.7 + 1486.515 / 0.675
    return {"cathode": main(with_peak(0.002, cathode, 4.5, 2e5)), "gate": main(with_peak(0.004, 2.2, 0.5))}


def case_too_slow() -> Any:
    """Electrons from the cathode that come after the range in which it is looked for: reasons of twenty runs."""
    found = [truths.events_of(np.random.default_rng([13, i]), 1e4, velocity=0.45) for i in range(20)]
    return [script.measure(one["drift_time"].astype(float) / 1e3, script.DEFAULTS).reason for one in found]


def case_mini() -> Any:
    """Interactions of the mini-XENONnT, as it draws them."""
    truth = {"event_rate": 20.0, "electron_lifetime": 13.0, "drift_velocity": 0.66, "response_skewness": 0.0}
    found = background.single_sites(np.random.default_rng(11), truth, 0, 10**12)
    s1, s2 = found[: len(found) // 2], found[len(found) // 2 :]
    drawn = np.resize(events(100), len(s1))
    drawn["drift_time"] = s2["center"] - s1["center"]
    return main(drawn, gate_to_cathode_cm=detector.HEIGHT)


def case_settings() -> Any:
    wrong = {
        "gate_to_cathode_cm": 0,
        "cathode_us": [3000, 1000],
        "gate_events": 1,
        "radius_cm": [5],
        "cathode_share": 1,
    }
    return {name: main(events(1000), **{name: value})["raised"] for name, value in wrong.items()}


if __name__ == "__main__":
    cases.print_all(globals())

"""What single_electron does with usual and awkward data, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import simulation as sim
from fake_run import run_main
from study import load_truths

script = analysis_scripts.load("single_electron")
electrons = load_truths("photo_ionization")


def main(s2s: float, **settings: Any) -> Any:
    """Return what the script's ``main`` does with a run of so many S2s."""
    truth = electrons.Truth(s2s)
    events, peaks = electrons.simulated(np.random.default_rng(3), truth)
    data = {
        "event_basics": sim.as_chunks(events, truth.seconds),
        "peak_basics": sim.as_chunks(peaks, truth.seconds, 4),
    }
    return run_main(script, data, vetoes=[], **settings)


def of(areas: Any) -> dict[str, Any]:
    """Return what is measured in areas: gain and spread, or the reason."""
    found = script.measure(np.asarray(areas, dtype=float), script.DEFAULTS)
    script.draw(found, "Run 052894").canvas.draw()
    if found.fit is None:
        return {"gain": None, "reason": found.reason}
    return {"gain": found.fit.mean, "error": found.fit.mean_error, "shift": found.shifts[0], "reason": found.reason}


def case_main() -> Any:
    return main(1000.0)


def case_few() -> Any:
    return main(30.0)


def case_no_line() -> Any:
    rng = np.random.default_rng(4)
    return {"none": of([]), "uniform": of(rng.uniform(0, 106, 3000)), "equal": of(np.full(500, 31.0))}


def case_pairs() -> Any:
    rng = np.random.default_rng(5)
    one = rng.normal(31.2, 5.6, 5000)
    return of(np.concatenate([one, rng.normal(62.4, 7.9, 1000)]))


def case_unlike() -> Any:
    """Lines that are no Gaussian on an exponential: Poisson photons, noise of 10 to 18 PE, other S2s of 17 PE."""
    rng = np.random.default_rng(6)
    n = 20_000
    photons = rng.poisson(31.2 / 1.2, n)
    photons += rng.binomial(photons, 0.2)  # some photons free two electrons in a PMT
    one, noise, others = rng.normal(31.2, 5.6, n), rng.uniform(10, 18, n), rng.normal(17, 3, n)
    few = rng.random(n) < 0.1
    return {
        "photons": of(rng.normal(photons, 0.4 * np.sqrt(photons))),
        "noise": of(np.where(few, noise, one)),
        "others": of(np.where(few & (noise < 14), others, one)),
        "usual": of(one),
    }


def case_settings() -> Any:
    wrong = {"types": {"s1": [1]}, "search_pe": [50, 10], "range_factors": [0, 1]}
    return {name: main(30.0, **{name: value})["raised"] for name, value in wrong.items()}


if __name__ == "__main__":
    cases.print_all(globals())

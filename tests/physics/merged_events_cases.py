"""Rates of events that are one if they are close, also where vetoes hide some of them, as JSON."""

from typing import Any

import cases
import numpy as np
from fake_run import attempt

from xomphysics.poisson import without_merging

WINDOW, RATE = 0.003, 40.0  # s, Hz


def case_alone() -> Any:
    found = without_merging(np.full(100, RATE * np.exp(-RATE * WINDOW) / 100), WINDOW)
    return {"rate": found.rate, "merged": found.merged, "expected": 1 - np.exp(-RATE * WINDOW)}


def case_hidden() -> Any:
    """As many groups as are seen at a rate where a neighbour is hidden for 0 to 3 ms."""
    hidden, said = np.linspace(0, WINDOW, 50), {}
    for rate in (1.0, 40.0, 200.0):
        found = without_merging(rate * np.exp(-rate * (WINDOW - hidden)) / len(hidden), WINDOW, hidden)
        said[str(rate)] = {"rate": found.rate, "sum": found.weights.sum(), "weights": (found.weights * 50).tolist()}
    return said


def case_no_window() -> Any:
    found = without_merging([0.5, 0.25], 0.0)
    return [found.rate, found.merged, found.error(np.array([True, True]), 0.0)]


def case_too_many() -> Any:
    return attempt(lambda: without_merging(np.full(200, 1.0), WINDOW))


def case_errors() -> Any:
    """Mean rate and spread over mean error, of Poisson numbers of groups, for a share of them."""
    rng, seconds, said = np.random.default_rng(1), 100.0, []
    for hidden, share in ((0.0, 1.0), (0.0, 0.3), (0.002, 1.0), (0.002, 0.3)):
        mean = RATE * np.exp(-RATE * (WINDOW - hidden)) * seconds
        rates, errors = [], []
        for n, other in rng.poisson([mean * share, mean * (1 - share)], (2000, 2)):
            some = np.arange(n + other) < n
            found = without_merging(np.full(n + other, 1 / seconds), WINDOW, np.full(n + other, hidden))
            rates.append(found.weights[some].sum())
            errors.append(found.error(some, 0.0))
        said.append([np.mean(rates) / (RATE * share), np.std(rates) / np.mean(errors)])
    return said


if __name__ == "__main__":
    cases.print_all(globals())

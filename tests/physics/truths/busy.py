"""Truths of `busy`: fractions and numbers of renewal processes of known rate and length."""

from typing import Any

import analysis_scripts
import numpy as np
import renewal
from numpy.random import Generator
from renewal import Renewal
from simulation import as_chunks
from study import Known, Scenario

busy = analysis_scripts.load("busy")
FEW = (
    "few intervals: the error follows their number and lengths, so downward fluctuations pull harder (as for counts), "
    "and the spread of lengths and rates is poorly known"
)


def few(*pulls: tuple[float, float]) -> dict[str, Known]:
    """Return the known biases of fraction and number of busy, then of hev, from mean and width of each pull."""
    names = [f"{kind}_{what}" for kind in ("busy", "hev") for what in ("fraction", "intervals")]
    return {name: Known(FEW, *pull) for name, pull in zip(names, pulls, strict=True)}


def in_stretches(rng: Generator, process: Renewal, seconds: float, stretch: float, name: str) -> np.ndarray:
    """Return rows of intervals whose rate differs by half from one stretch of time (s) to the next."""
    rates = process.rate * rng.gamma(4, 1 / 4, int(seconds / stretch))
    counts = rng.poisson(rates * stretch)
    starts = np.sort((np.repeat(np.arange(len(rates)), counts) + rng.random(counts.sum())) * stretch)
    found = np.zeros(len(starts), renewal.ROWS)
    found["time"], found["endtime"] = 1e9 * starts, np.minimum(starts + process.length, seconds) * 1e9
    found["veto_type"] = name
    return found


def changing(name: str, what: str, seconds: float, process: Renewal, stretch: float) -> Scenario:
    """Return a scenario of busy intervals that do not overlap often, with the same mean rate in all runs."""

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        found = in_stretches(rng, process, seconds, stretch, "busy")
        truths = {"busy_fraction": process.fraction, "busy_intervals": process.rate * seconds}
        return busy.results(busy.collect(as_chunks(found, seconds, 3)), busy.DEFAULTS), truths

    known = {name: Known(FEW, -0.09, 1.06) for name in ("busy_fraction", "busy_intervals")}
    return Scenario(name=name, what=what, simulate=simulate, runs=4000, fast_runs=150, flags=True, known=known)


def scenario(
    name: str, what: str, seconds: float, busy_: Renewal, hev: Renewal, known: dict[str, Known] | None = None
) -> Scenario:
    """Return a scenario of runs of ``seconds`` with two kinds of veto."""
    truths = {}
    for kind, process in (("busy", busy_), ("hev", hev)):
        truths |= {f"{kind}_fraction": process.fraction, f"{kind}_intervals": process.rate * seconds}

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        found = renewal.in_order(renewal.rows(rng, busy_, seconds, "busy"), renewal.rows(rng, hev, seconds, "hev"))
        return busy.results(busy.collect(as_chunks(found, seconds, 3)), busy.DEFAULTS), truths

    return Scenario(
        name=name,
        what=what,
        simulate=simulate,
        runs=4000,
        fast_runs=150,
        known=known or {},
    )


SCENARIOS = [
    scenario("normal", "250 busy and 200 HE intervals in 600 s", 600, Renewal(250 / 600, 0.0012), Renewal(1 / 3, 0.01)),
    scenario(
        "dense", "busy for 20 % of the time, in lengths that vary, HE for 30 %", 600,
        Renewal(2.0, 0.1, spread=True), Renewal(3.0, 0.1),
    ),
    scenario(
        "grouped", "busy in bursts, HE nearly periodic, 600 each", 600,
        Renewal(1.0, 0.0012, gaps="bursts"), Renewal(1.0, 0.01, gaps="regular"),
    ),
    scenario(
        "few", "20 busy intervals whose lengths vary, 20 HE", 600,
        Renewal(1 / 30, 0.0012, spread=True), Renewal(1 / 30, 0.01),
        known=few((-0.25, 1.10), (-0.12, 1.01), (-0.11, 1.01), (-0.11, 1.01)),
    ),
    scenario(
        "least", "3 busy intervals whose lengths vary, 3 HE", 600,
        Renewal(1 / 200, 0.0012, spread=True), Renewal(1 / 200, 0.01),
        known=few((-0.30, 0.86), (-0.22, 1.00), (-0.23, 0.99), (-0.23, 0.99)),
    ),
    changing(
        "changing", "300 busy intervals, at a rate that differs by half from 10 s to 10 s", 600,
        Renewal(0.5, 0.0005), 10.0,
    ),
]  # fmt: skip

"""Truths of `busy`: fractions and numbers of renewal processes of known rate and length."""

from typing import Any

import analysis_scripts
import renewal
from numpy.random import Generator
from renewal import Renewal
from simulation import as_chunks
from study import Known, Scenario

busy = analysis_scripts.load("busy")
FEW = (
    "few intervals: the error follows their number and lengths, so downward fluctuations pull harder (as for counts), "
    "and the spread of the lengths is poorly known"
)


def few(*pulls: tuple[float, float]) -> dict[str, Known]:
    """Return the known biases of fraction and number of busy, then of hev, from mean and width of each pull."""
    names = [f"{kind}_{what}" for kind in ("busy", "hev") for what in ("fraction", "intervals")]
    return {name: Known(FEW, *pull) for name, pull in zip(names, pulls, strict=True)}


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
        known=few((-0.29, 1.21), (-0.13, 1.08), (-0.12, 1.09), (-0.12, 1.09)),
    ),
    scenario(
        "least", "3 busy intervals whose lengths vary, 3 HE", 600,
        Renewal(1 / 200, 0.0012, spread=True), Renewal(1 / 200, 0.01),
        known=few((-0.65, 1.41), (-0.20, 1.03), (-0.21, 1.01), (-0.21, 1.01)),
    ),
]  # fmt: skip

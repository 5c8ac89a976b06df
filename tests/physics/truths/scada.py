"""Truths of `scada`: a straight line with scatter, independent or not, and with a gap."""

from typing import Any

import analysis_scripts
import numpy as np
from numpy.random import Generator
from study import Known, Scenario

from xomphysics.slow_control_client import Readings

scada = analysis_scripts.load("scada")
MEAN, SPREAD, SLOPE = 1.92, 0.002, 0.01  # bar, bar, bar/h
ALIKE = Known(
    "few readings that scatter alike (lag-one correlation 0.5): their correlation is poorly known", -0.19, 1.14
)


def scenario(
    name: str,
    what: str,
    seconds: float,
    period: float,
    correlation: float = 0.0,
    gap: float = 0.0,
    flags: bool = False,
    step: float = 0.0,
    **known: Known,
) -> Scenario:
    """Return a scenario of runs of ``seconds`` with a reading every ``period``, a share ``gap`` of them missing.

    With a ``step`` the sensor rounds, and the mean lies 0.3 steps above one of its values.
    """
    mean = MEAN + 0.3 * step
    truths = {"x_mean": mean, "x_spread": SPREAD, "x_slope": SLOPE}
    parameters = {"x": {"name": "X", "unit": "bar"}}
    settings = {**scada.DEFAULTS, "parameters": parameters}

    def simulate(rng: Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
        times = np.arange(rng.uniform(0, period), seconds, period)
        scatter = rng.normal(0, 1, len(times))
        for i in range(1, len(times)) if correlation else ():
            scatter[i] = correlation * scatter[i - 1] + np.sqrt(1 - correlation**2) * scatter[i]
        values = mean + SLOPE / 3600 * (times - seconds / 2) + SPREAD * scatter
        values = np.round(values / step) * step if step else values
        seen = (times < seconds / 4) | (times > seconds * (1 / 4 + gap))
        answer = scada.Answer("bar", Readings(times[seen].tolist(), values[seen].tolist()))
        return scada.results({"x": answer}, 0.0, seconds, settings), truths

    full = 800 if correlation else 3000
    fast = 60 if flags else 150
    return Scenario(name=name, what=what, simulate=simulate, runs=full, fast_runs=fast, flags=flags, known=known)


SCENARIOS = [
    scenario("normal", "an hour, a reading every 10 s", 3600, 10),
    scenario("gap", "the same, 40 % of the run without readings", 3600, 10, gap=0.4),
    scenario("alike", "the same, neighbouring readings correlated by 0.5", 3600, 10, correlation=0.5),
    scenario("few", "600 s, a reading every 17 s", 600, 17),
    scenario("lowest", "21 readings; 20 are needed", 210, 10),
    scenario("slow", "30 hours, a reading every 10 s, correlated by 0.98", 108_000, 10, correlation=0.98, flags=True),
    scenario(
        "coarse", "ten minutes, a reading every 2 s, rounded to five times the scatter", 600, 2, step=0.01, flags=True
    ),
    scenario("few alike", "60 readings, correlated by 0.5", 600, 10, correlation=0.5, x_spread=ALIKE),
]

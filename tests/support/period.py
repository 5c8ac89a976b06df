"""The facts of a made-up week: two analyses, a step in one variable, a bad run, rare calibrations, a decision."""

from __future__ import annotations

import random
from datetime import timedelta

from support.factory import NOW
from xomflow.core import times
from xomflow.core.state import State
from xomflow.core.verdicts import Alarm, Kind, Mark, SeriesId, Verdict
from xomflow.reports.facts import Change, Facts, Missing, OfAnalysis, Period, Point, Remarkable, Series

WEEK = Period(NOW - timedelta(days=7), NOW)
BEGIN = NOW - timedelta(days=28)
STEP = NOW - timedelta(days=2)


def points(
    seed: int, every: timedelta, mean: float, sigma: float, step: float = 0.0, mode: str = "tpc_bkg", group: str = "all"
) -> list[Point]:
    """Results around a mean with their verdicts; after the step they are off by so many sigma."""
    draw, found, start, number = random.Random(seed), list[Point](), BEGIN, 50_000 + seed
    while start < NOW:
        number += 1
        value = draw.gauss(mean + (step * sigma if start >= STEP else 0.0), sigma)
        mark = Mark.NONE
        if number % 200 == 0:
            value, mark = mean + 9 * sigma, Mark.OUTLIER
        deviation = round((value - mean) / sigma / 0.05) * 0.05
        verdict = Verdict(f"{number:06}", times.text(start), value, mark=mark)
        if start > BEGIN + timedelta(days=3):  # there is enough history
            verdict = verdict._replace(expected=mean, low=mean - 3 * sigma, high=mean + 3 * sigma, deviation=deviation)
        found.append(Point(verdict.run, start, value, sigma * draw.uniform(0.6, 1.0), mode, group, verdict))
        start += every * draw.uniform(0.7, 1.3)
    return found


def facts(site: str = "/home/xom/work on a machine") -> Facts:
    """Return the facts of a week."""
    hourly, daily = timedelta(hours=1), timedelta(hours=33)
    light = points(1, daily, 10.24, 0.06, step=-5.0, mode="tpc_kr83m", group="kr83m")
    rate = points(2, hourly, 3.1e-3, 2e-4)
    dead = points(3, hourly, 0.021, 0.001, mode="tpc_bkg")
    other = [*points(4, timedelta(hours=50), 0.055, 0.002, mode="tpc_ambe", group="ambe")]
    kr83m = Series("light_yield_9_4", "Light yield at 9.4 keV", "PE/keV", light)
    rates = Series("rate", "Event rate", "Hz", rate)
    deads = Series("dead_fraction", "Dead time", "", sorted([*dead, *other], key=lambda one: one.start))
    series = SeriesId("kr83m", "v3", "kr83m", "light_yield_9_4")
    sentence = (
        "light_yield_9_4 fell from 10.24 to 9.91 PE/keV (4.9 sigma, -3.2 %) with run 050019; 2 of the last 2 runs "
        "agree; 9 other variables of kr83m moved too"
    )
    alarm = Alarm("kr83m-1", Kind.STEP, (series,), "050019", times.text(STEP), "050020", sentence, contact="Jane Doe")
    marks = [
        Remarkable("event_rate", "rate", "Hz", one.verdict)
        for one in rate
        if one.verdict and one.verdict.mark and WEEK.has(one.start)
    ]
    states = {State.DONE: 4211, State.WAITING: 3, State.FAILED: 1}
    return Facts(
        site,
        WEEK,
        [
            OfAnalysis("kr83m", "v3", "Kr83m calibration", "Jane Doe", 5, 0, 4100.0, {State.DONE: 61}, [kr83m]),
            OfAnalysis("event_rate", "v3", "Event rate", "", 168, 1, 91_000.0, states, [rates, deads]),
        ],
        [alarm],
        marks,
        [
            Missing(State.FAILED, 1, "event_rate", "050731", "raised: KeyError: 'e_ces' <in> the data"),
            Missing(State.WAITING, 3, "kr83m", "050733", "event_info is not at this site (it is on tape)"),
        ],
        [Change(NOW - timedelta(days=5), "veto run 050522", "jane: a pump was off & the field too")],
        1003,
        5400.0,
        ["analyses.scada is suspended, its last 10 attempts on different runs failed alike"],
    )

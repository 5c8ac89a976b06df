"""The facts of a made-up week: two analyses, a step in one variable, a bad run, rare calibrations, a decision.

    python tests/support/period.py

writes the golden files of reports anew, after a change of their form.
"""

from __future__ import annotations

import random
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("src", "tests")]

from support.factory import NOW
from xomflow.core import times
from xomflow.core.state import State
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, Mark, SeriesId, Verdict
from xomflow.reports.digest import digest_text, digest_title
from xomflow.reports.facts import Change, Facts, Missing, OfAnalysis, Period, Point, Remarkable, Series
from xomflow.reports.week import week_page

GOLDEN = Path(__file__).resolve().parents[1] / "data/reports"
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
        ["analyses.scada is suspended, its last 10 attempts on different runs failed in the same way"],
    )


# --- few results, of which every number can be seen -------------------------------------------------------------------
def _few_points() -> list[Point]:
    """Return results of two modes: with and without error, judgement and marks, and a gap between the first bands."""
    rows: list[tuple[float, str, float, float | None, float | None, Mark]] = [
        (-20.0, "tpc_bkg", 10.0, 0.5, 10.0, Mark.NONE),
        (-19.0, "tpc_bkg", 10.4, None, 10.0, Mark.NONE),
        (-18.0, "tpc_kr83m", 11.0, 0.25, None, Mark.NONE),
        (-7.0, "tpc_bkg", 9.5, 0.5, 10.1, Mark.NONE),
        (-6.5, "tpc_kr83m", 11.5, 0.0, None, Mark.NONE),
        (-3.0, "tpc_bkg", 13.0, 0.5, 10.1, Mark.OUTLIER),
        (-2.0, "tpc_bkg", 10.1, 0.5, 10.2, Mark.MUTED),
        (-1.0, "tpc_bkg", 7.0, 0.5, 10.2, Mark.BAD_RUN),
        (-0.5, "tpc_bkg", 10.25, 0.5, 10.2, Mark.NONE),
    ]
    found = []
    for number, (days, mode, value, error, expected, mark) in enumerate(rows, start=52001):
        start, run = NOW + timedelta(days=days), f"{number:06}"
        verdict = None
        if expected is not None:
            deviation = round((value - expected) / 0.5, 2)
            verdict = Verdict(
                run, times.text(start), value, expected, expected - 1.5, expected + 1.5, deviation, mark=mark
            )
        found.append(Point(run, start, value, error, mode, "all" if verdict else "", verdict))
    return found


def few_facts() -> Facts:
    """Return facts of a week with few results and one of everything."""
    few = _few_points()
    level = Series("level", "Level <of> light", "PE", few)
    single = Series("single", "Single", "", few[:1])
    empty = Series("empty", "Empty", "Hz", ())
    series = SeriesId("kr83m", "v3", "all", "level")
    went_on = Alarm("kr83m-1", Kind.STEP, (series,), "052006", _day(-3.0), "052008", "it rose", contact="Jane Doe")
    over = Alarm(
        *("kr83m-2", Kind.DRIFT, (series,), "052001", _day(-20.0), "052003", "it drifted"),
        ended=_day(-1.0),
        how_ended=HowEnded.EXPECTED,
        reason="jane: a new source",
        state=AlarmState.ENDED,
    )
    marked = [Remarkable("kr83m", "level", "PE", one.verdict) for one in few if one.verdict and one.verdict.mark]
    unknown = Remarkable("kr83m", "single", "", Verdict("052010", _day(-1.5), 0.5, mark=Mark.OUTLIER))
    return Facts(
        "/home/xom/work & more",
        WEEK,
        [
            OfAnalysis(
                *("kr83m", "v3", "Kr83m", "Jane", 5, 2, 7200.0),
                {State.DONE: 1061, State.READY: 0, State.FAILED: 2},
                [level, single, empty],
            ),
            OfAnalysis("rate", "v1", "Rate", "", 0, 1, 359.0),
            OfAnalysis("none", "v1", "None at all", ""),
        ],
        [over, went_on],
        [*marked, unknown],
        [
            Missing(State.GAVE_UP, 2, "kr83m", "052020", "raised: it broke"),
            Missing(State.STALE, 1, "rate", "052021", "no\n  data"),
        ],
        [
            Change(NOW - timedelta(days=5), "veto run 052002", "jane: a pump"),
            Change(NOW - timedelta(days=4), "pause rate", ""),
        ],
        168,
        3600.0,
        ["a job is held"],
    )


def _day(days: float) -> str:
    return times.text(NOW + timedelta(days=days))


def golden(begin: datetime = NOW - timedelta(days=21)) -> dict[str, str]:
    """Return the reports of these facts, by the name of their golden file; without the style, a file of its own."""
    facts = few_facts()
    page = re.sub("<style>.*</style>", "", week_page(facts, begin), flags=re.DOTALL)
    return {"week.html": page, "digest.txt": f"{digest_title(facts)}\n\n{digest_text(facts)}\n"}


if __name__ == "__main__":
    for name, text in golden().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")

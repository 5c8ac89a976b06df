"""Whole sites made up for the page: many variables with bands and alarms; nothing here is physics."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from page_outcomes import iso, outcome, result, status, write_page

from xomflow import page
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, Mark, SeriesId, Verdict

SHELF = "052"
STEP_FROM = 0.9  # part of the runs after which one variable is lower


def planted(now: datetime, runs: int, analyses: int, variables: int, seed: int = 3) -> Iterator[dict[str, Any]]:
    """Outcomes of analyses in runs of two modes whose values lie far apart; the first variable of the first steps."""
    dice = random.Random(seed)
    for i in range(runs):
        start = now - timedelta(hours=1.2 * (runs - i))
        kr = i % 9 < 2
        run = {"mode": "tpc_kr83m" if kr else "background_stable"}
        for a in range(analyses):
            results = [_planted_result(dice, a, v, i, runs, kr) for v in range(variables)]
            key = {"analysis": f"analysis_{a:02d}"}
            yield outcome(52000 + i, results, start=start, run=run, key=key, figures=["overview.png"])


def _planted_result(dice: random.Random, a: int, v: int, i: int, runs: int, kr: bool) -> dict[str, Any]:
    middle = (100.0 if kr and a == 1 else 10.0) + v
    lower = 0.6 if (a, v) == (0, 0) and i > STEP_FROM * runs else 0.0
    poor = (a, v) == (2, 1) and i % 7 == 3
    data: dict[str, Any] = {"quality": "poor" if poor else "good", "chi2_ndf": 1.03217}
    if poor:
        data["quality_reason"] = "misfit is 0.2, above 0.15"
    value = middle - lower + dice.gauss(0, 0.1) + (0.9 if poor else 0)
    return result(f"variable_{v:02d}", value, error=0.1, unit="PE/keV" if v == 0 else "Hz", n=900 + v, data=data)


def verdicts_of(outcomes: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[SeriesId, list[Verdict]]]:
    """Verdicts on planted results by shelf: what is expected is the middle, once there are ten results."""
    found: dict[tuple[str, str, str], dict[SeriesId, list[Verdict]]] = {}
    for one in outcomes:
        key, run = one["key"], one["run"]
        group = "kr" if run["mode"] == "tpc_kr83m" else "background"
        for made in one["results"]:
            series = SeriesId(key["analysis"], key["version"], group, made["variable"])
            bands = found.setdefault((key["analysis"], key["version"], key["run"][:3]), {}).setdefault(series, [])
            bands.append(_verdict(one, made, len(bands)))
    return found


def _verdict(one: dict[str, Any], made: dict[str, Any], before: int) -> Verdict:
    run, value = one["key"]["run"], made["value"]
    if before < 10:
        return Verdict(run, one["run"]["start"], value)
    middle = (100.0 if value > 70 else 10.0) + int(made["variable"][-2:])
    deviation = round((value - middle) / 0.105 / 0.05) * 0.05
    mark = Mark.OUTLIER if abs(deviation) > 4.6 else Mark.NONE
    return Verdict(run, one["run"]["start"], value, middle, middle - 0.315, middle + 0.315, deviation, mark)


def planted_alarms(outcomes: list[dict[str, Any]], contact: str = "jane@example.org") -> list[Alarm]:
    """An open step, and an older one that has returned."""
    first = [one for one in outcomes if one["key"]["analysis"] == "analysis_00"]
    began, old = first[int(STEP_FROM * len(first)) + 1], first[len(first) // 3]
    series = SeriesId("analysis_00", "v1", "background", "variable_00")
    run = began["key"]["run"]
    words = "variable_00 fell from 10.00 to 9.40 PE/keV (5.9 sigma, -6.0 %) with run {}; 4 of the last 4 runs agree."
    return [
        Alarm(
            *("step-1", Kind.STEP, (series,), run, began["run"]["start"], run, words.format(run)),
            **{"before": 10.0, "after": 9.4, "unit": "PE/keV", "sigma": -5.9, "relative": -0.06, "contact": contact},
        ),
        Alarm(
            *("step-0", Kind.STEP, (series._replace(variable="variable_01"),), old["key"]["run"]),
            *(old["run"]["start"], old["key"]["run"], "variable_01 rose from 11.0 to 11.3 Hz."),
            ended=first[len(first) // 2]["run"]["start"],
            how_ended=HowEnded.RETURNED,
            state=AlarmState.ENDED,
            sigma=5.0,
        ),
    ]


def write_site(folder: Path, now: datetime, runs: int, analyses: int, variables: int, **told: Any) -> None:
    """Write a page of planted results with bands, alarms, titles and events."""
    outcomes = list(planted(now, runs, analyses, variables))
    titles = {
        f"analysis_{a:02d}": {
            "title": f"Analysis {a}",
            "documentation": "https://example.org/docs",
            "contact": "jane@example.org",
            "main": ["variable_00", "variable_01"],
            "variables": {"variable_00": {"title": "Light yield", "help": "Falls when the field rises."}},
            "limits": {"variable_02": {"warn_low": 11.5, "error_low": 11.0}},
        }
        for a in range(analyses)
    }
    events = [
        {"kind": "version", "title": "analysis_00 v1", "text": "strax 2.2.3", "start": iso(now - timedelta(days=99))},
        {"kind": "decision", "title": "veto run 052004", "text": "jane: high voltage was off", "start": iso(now)},
    ]
    counts = {f"analysis_{a:02d}": {"version": "v1", "states": {"done": runs, "waiting": 3}} for a in range(analyses)}
    write_page(folder, outcomes, None)
    for key, bands in verdicts_of(outcomes).items():
        page.write_bands(folder, *key, bands, "planted")
    page.write_index(folder, [(f"analysis_{a:02d}", "v1", SHELF) for a in range(analyses)])
    page.write_alarms(folder, planted_alarms(outcomes))
    of_all = [{"end": None, "analysis": "all", **one} for one in events]
    science = [{"name": "SR1", "start": outcomes[len(outcomes) // 2]["run"]["start"], "end": None}]
    made = {"titles": titles, "events": of_all, "science_runs": science, "counts": counts}
    page.write_status(folder, status(now, **{**made, **told}))

"""Mean, spread, extremes and slope of slow-control parameters over a run.

Reads no strax data; requests one parameter after the other from the slow-control server. See docs/analyses/scada.md.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import xomlib
from xomphysics import figures, quality
from xomphysics import slow_control_client as client
from xomphysics.settings import merge
from xomphysics.time_series import Constant, Coverage, Line, coverage, fit_line, step

DEFAULTS: dict[str, Any] = {
    "credentials": "~/.xenon_config",  # section [scada], as straxen reads it
    "parameters": {},  # {name of the variables: {name: ..., unit: ...}}
    "minimum_readings": 20,  # for mean, spread and slope
    "minimum_covered": 0.5,  # of the run that is not in a gap
    "minimum_independent": 10,  # independent readings with the information of all
    "timeout_s": 20,
    "tries": 3,
    "wait_s": 1,
    "total_s": 300,
    "quality": {  # limits of a good result
        "independent_readings": [30, None],
        "readings_for_spread": [60, None],  # more: the spread follows the correlation more than mean and slope do
        "slow_scatter": [None, 1.0],
        "step_over_spread": [None, 1.9],
    },
}
KINDS = ("mean", "spread", "minimum", "maximum", "slope")
HOUR = 3600.0


@dataclass(frozen=True)
class Answer:
    """The readings of one parameter, or the reason why there are none."""

    unit: str
    readings: client.Readings
    reason: str = ""
    again: bool = False  # whether a later try may succeed


def check(settings: dict[str, Any]) -> None:
    """Check the parameters and the limits of the settings.

    Raises
    ------
    ValueError
        If there is no parameter, one has no name, or a limit of the quality is no pair.
    """
    quality.check(settings["quality"])
    if not settings["parameters"]:
        raise ValueError("settings.parameters is empty; name the parameters to ask for")
    for name, block in settings["parameters"].items():
        if not str(name).isidentifier():
            raise ValueError(f"settings.parameters has {name!r}; a name has only letters, digits and underscore")
        if not isinstance(block, dict) or not set(block) <= {"name", "unit"} or not isinstance(block.get("name"), str):
            raise ValueError(f"settings.parameters.{name} is {block!r}; name: and unit: are needed")


def ask(settings: dict[str, Any], start: float, end: float) -> dict[str, Answer]:
    """Return the answers for all parameters; a failure of one does not affect the others.

    Raises
    ------
    xomlib.JobError
        If the account cannot be used.
    xomlib.DataBroken
        If there is no answer for any parameter.
    """
    timeout, wait, total = (float(settings[key]) for key in ("timeout_s", "wait_s", "total_s"))
    retries = client.RetryPolicy(timeout, int(settings["tries"]), wait, total)
    answers = {}
    try:
        server = client.SlowControlClient(client.read_account(xomlib.path(settings["credentials"])), retries)
        for name, block in settings["parameters"].items():
            answers[name] = _asked(server, block, start, end)
    except client.AccountError as error:
        raise xomlib.JobError(f"slow control: {error}") from None
    if all(answer.again for answer in answers.values()):
        raise xomlib.DataBroken(f"slow control: {next(iter(answers.values())).reason}")
    return answers


def _asked(server: client.SlowControlClient, block: dict[str, str], start: float, end: float) -> Answer:
    unit = block.get("unit", "")
    try:
        readings = server.values(block["name"], start, end)
    except (client.NoValues, client.NoAnswer) as error:
        return Answer(unit, client.Readings(), f"{block['name']}: {error}", isinstance(error, client.NoAnswer))
    if readings.values:
        return Answer(unit, readings)
    lost = f", {readings.unreadable} are no numbers" if readings.unreadable else ""
    return Answer(unit, readings, f"{block['name']}: no readings during the run{lost}")


def results(answers: dict[str, Answer], start: float, end: float, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`, for every parameter."""
    out = [result for name, answer in answers.items() for result in _of_one(name, answer, start, end, settings)]
    return quality.judged(out, settings["quality"])


def _of_one(name: str, answer: Answer, start: float, end: float, settings: dict[str, Any]) -> list[dict[str, Any]]:
    times, values = answer.readings.times, answer.readings.values
    blank = {kind: {"variable_name": f"{name}_{kind}", "unit": answer.unit, "n": len(values)} for kind in KINDS}
    blank["slope"]["unit"] = f"{answer.unit}/h"
    if not values:
        return [one | {"insufficient": answer.reason} for one in blank.values()]
    out: dict[str, dict[str, Any]] = {
        "minimum": {"variable_value": min(values)},
        "maximum": {"variable_value": max(values)},
    }
    seen = coverage(times, start, end)
    line, lack = _line(times, values, start, end, seen, settings)
    if line is not None:
        out["mean"] = {"variable_value": line.middle, "error": line.middle_error}
        out["spread"] = {"variable_value": line.spread, "error": line.spread_error}
        out["slope"] = {"variable_value": line.slope * HOUR, "error": line.slope_error * HOUR}
        scatter = _scatter(line, values)
        out["spread"]["data"] = {"readings_for_spread": line.independent, **scatter}
        out["slope"]["data"] = {"independent_readings": line.independent, **scatter}
    elif max(values) == min(values) and not lack:
        out["mean"] = {"variable_value": values[0]}
        lack = f"all {len(values)} readings are equal"
    data: dict[str, Any] = {"covered": seen.covered, "longest_gap_s": seen.longest_gap}
    data |= {"not_numbers": answer.readings.unreadable}
    if line:
        data |= {"correlation": line.correlation, "independent_readings": line.independent}
        data |= _scatter(line, values)
    out["mean"] = out.get("mean", {"insufficient": lack}) | {"data": data}
    return [blank[kind] | out.get(kind, {"insufficient": lack}) for kind in KINDS]


def _scatter(line: Line, values: list[float]) -> dict[str, float]:
    """Return what every number from a line has in its data."""
    return {"slow_scatter": line.slow_scatter, "step_over_spread": step(values) / line.spread}


def _line(
    times: list[float], values: list[float], start: float, end: float, seen: Coverage, settings: dict[str, Any]
) -> tuple[Line | None, str]:
    """Return the line through readings, or None and why there is none; no reason: all readings are equal."""
    if len(values) < settings["minimum_readings"]:
        return None, f"{len(values)} readings, {settings['minimum_readings']} needed"
    if seen.covered < settings["minimum_covered"]:
        return None, f"readings cover {seen.covered:.0%} of the run, {settings['minimum_covered']:.0%} needed"
    try:
        line = fit_line(times, values, start, end)
    except Constant:
        return None, ""
    except ValueError as error:
        return None, str(error)
    if line.independent < settings["minimum_independent"]:
        alike = f"{len(values)} readings scatter so much alike that they are worth"
        return None, f"{alike} {line.independent:.1f} independent ones, {settings['minimum_independent']} needed"
    return line, ""


def draw(answers: dict[str, Answer], start: float, end: float, run_id: str) -> Figure:
    """Draw the readings of every parameter over the run."""
    n = len(answers)
    height = 0.9 + 1.9 * n
    figure = figures.new_figure(f"Run {run_id}: slow control", 9.0, height)
    panels = np.atleast_1d(figure.subplots(n, 1))
    figure.subplots_adjust(left=0.1, right=0.98, top=1 - 0.75 / height, bottom=0.55 / height, hspace=0.75)
    for axes, (name, answer) in zip(panels, answers.items(), strict=True):
        values = np.array(answer.readings.values)
        figures.style(axes, "", answer.unit, f"{name}, {len(values)} readings")
        axes.set_xlim(0, end - start)
        if not len(values):
            figures.say_empty(axes, answer.reason)
            continue
        seconds = np.array(answer.readings.times) - start
        axes.plot(seconds, values, ".", ms=3, color=figures.INK)
        axes.ticklabel_format(axis="y", useOffset=False)
        try:
            line = fit_line(answer.readings.times, values, start, end)
        except (Constant, ValueError):
            continue
        ends = np.array([0, end - start])
        axes.plot(ends, line.middle + line.slope * (ends - ends.mean()), color=figures.BLUE, lw=1.2)
        figures.note(axes, [f"{line.middle:.6g} ± {line.middle_error:.1g} {answer.unit}"], y=1.16)
    panels[-1].set_xlabel("time since the start of the run [s]", color=figures.INK, fontsize=9)
    return figure


def window(facts: dict[str, Any]) -> tuple[float, float]:
    """Return start and end of the run (seconds since 1970)."""
    start, end = (datetime.fromisoformat(facts[key].replace("Z", "+00:00")).timestamp() for key in ("start", "end"))
    return start, end


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    start, end = window(xomlib.run())
    answers = ask(settings, start, end)
    for result in results(answers, start, end, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(answers, start, end, run_id))
    answered = sum(bool(answer.readings.values) for answer in answers.values())
    xomlib.xom_message(success=True, text=f"{answered} of {len(answers)} parameters have readings")


if __name__ == "__main__":
    xomlib.cli(main)

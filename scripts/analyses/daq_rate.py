"""Mean and highest data rate of each detector, as recorded in the run document by the data acquisition.

Reads no strax data. See docs/analyses/daq_rate.md.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import xomlib
from xomphysics import figures, quality
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {"unit": "MB/s"}
KINDS = {"mean": "rate", "max": "rate_max"}  # prefix of the variable -> entry of the run's metadata


def results(facts: dict[str, Any], unit: str) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`, for every detector that took part.

    The document has no errors of the rates, so the results have none.
    """
    out: list[dict[str, Any]] = []
    for detector in facts["detectors"]:
        for kind, entry in KINDS.items():
            result = {"variable_name": f"{kind}_{detector}", "unit": unit}
            value = facts[entry].get(detector)
            missing = {"insufficient": f"the run document has no {kind} rate of {detector}"}
            out.append(result | (missing if value is None else {"variable_value": value}))
    return quality.judged(out, {}, *(_contradiction(facts, detector) for detector in facts["detectors"]))


def _contradiction(facts: dict[str, Any], detector: str) -> str:
    mean, most = rates = [facts[entry].get(detector) for entry in KINDS.values()]
    if negative := [rate for rate in rates if rate is not None and rate < 0]:
        return f"the run document has a rate of {detector} of {negative[0]:g}, below zero"
    if mean is None or most is None or mean <= most:
        return ""
    return f"the run document has a mean rate of {detector} of {mean:g} above its highest of {most:g}"


def draw(facts: dict[str, Any], unit: str, run_id: str) -> Figure:
    """Draw mean and highest rate of each detector."""
    figure = figures.new_figure(f"Run {run_id}: DAQ rate", 8.0, 1.8 + 0.6 * max(len(facts["detectors"]), 1))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.17, right=0.97, top=0.8, bottom=0.28)
    rows = np.arange(len(facts["detectors"]))
    for name, shift, colour in (("mean", -0.18, figures.BLUE), ("max", 0.18, figures.ORANGE)):
        rates = [facts[KINDS[name]].get(detector, 0.0) for detector in facts["detectors"]]
        axes.barh(rows + shift, rates, height=0.34, color=colour, label=name)
        for row, rate in zip(rows + shift, rates, strict=True):
            axes.text(rate, row, f" {rate:.4g}", va="center", fontsize=8, color=figures.INK)
    axes.set_yticks(rows, facts["detectors"])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    figures.style(axes, f"rate [{unit}]", "", f"{facts['mode']}")
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    unit = merge(DEFAULTS, xomlib.settings())["unit"]
    facts = xomlib.run()
    out = results(facts, unit)
    for result in out:
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(facts, unit, run_id))
    xomlib.xom_message(success=True, text=f"{len(facts['rate'])} of {len(facts['detectors'])} detectors have a rate")


if __name__ == "__main__":
    xomlib.cli(main)

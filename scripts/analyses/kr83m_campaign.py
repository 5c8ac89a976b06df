"""The analysis kr83m over all runs of one calibration campaign together, and how much its runs differ.

See docs/analyses/kr83m_campaign.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import xomlib
from xomphysics.kr83m.analysis import analyse_chunks
from xomphysics.kr83m.estimates import estimate
from xomphysics.kr83m.results import results
from xomphysics.kr83m.selection import DEFAULTS, collect, columns, double_cuts, merged_cuts, read
from xomphysics.reading.selection import CutFlow
from xomphysics.settings import merge

Results = list[dict[str, Any]]


def chunks_of(st: Any, runs: Sequence[str], settings: dict[str, Any], alone: list[Results]) -> Iterator[Any]:
    """Yield the chunks of all runs, one run in memory at a time; append the results of each alone to ``alone``."""
    if len(runs) == 1:  # its results are those of all
        yield from read(st, runs[0], columns(settings))
        return
    for run in runs:
        data = list(read(st, run, columns(settings)))
        alone.append(of_run(data, settings))
        yield from data


def of_run(data: Iterable[Any], settings: dict[str, Any]) -> Results:
    """Return the results of one run alone, from its chunks."""
    flows = CutFlow(double_cuts(settings)), CutFlow(merged_cuts(settings))
    return results(estimate(*collect(data, *flows, settings), settings), *flows, settings)


def with_scatter(campaign: Results, runs: Sequence[Results]) -> Results:
    """Return the results of a campaign, whose systematic errors contain that its runs differ.

    Parameters
    ----------
    campaign, runs
        Results as keywords of `xomlib.Xomresult`: of all runs together, and of each alone. Counts are left as they are.
    """
    return [result | {"data": {**result.get("data", {}), **_scatter(result, runs)}} for result in campaign]


def _scatter(result: dict[str, Any], runs: Sequence[Results]) -> dict[str, float]:
    """Return the scatter between runs beyond their errors, and the systematic error with that of the mean of so many.

    The scatter's variance is that of R. DerSimonian and N. Laird (Control. Clin. Trials 7 (1986) 177).
    """
    same = [one for run in runs for one in run if one["variable_name"] == result["variable_name"]]
    found = np.array([(one["variable_value"], one["error"]) for one in same if "insufficient" not in one])
    if result["variable_name"].startswith("selected") or "insufficient" in result or len(found) < 2:
        return {}
    values, weights = found[:, 0], found[:, 1] ** -2
    total = float(weights.sum())
    chi2 = float(weights @ (values - weights @ values / total) ** 2)
    squares = float((weights**2).sum()) / total
    scatter = float(np.sqrt(max(chi2 - (len(values) - 1), 0.0) / (total - squares)))
    of_mean = scatter * (squares / total) ** 0.5  # over the square root of the number of runs, if these are alike
    systematic = float(np.hypot(result.get("data", {}).get("systematic_error", 0.0), of_mean))
    return {"scatter_of_runs": scatter} | ({"systematic_error": systematic} if systematic else {})


def main(run_id: str) -> None:
    """Analyse one campaign."""
    runs, missing = xomlib.runs(), xomlib.run().get("runs_missing", [])
    st, settings = xomlib.context(), merge(DEFAULTS, xomlib.settings())
    title = f"Campaign {run_id}, {len(runs)} runs: Kr-83m"
    alone: list[Results] = []
    found = analyse_chunks(chunks_of(st, runs, settings, alone), settings, title)
    campaign = {"runs": len(runs), "runs_missing": len(missing), "complete": not missing}
    for result in with_scatter(found.results, alone):
        xomlib.Xomresult(**{**result, "data": {**result["data"], **campaign}}).save()
    xomlib.figure("overview", found.figure)
    left_out = f"; without {', '.join(missing)}" if missing else ""
    xomlib.xom_message(success=True, text=f"{len(runs)} runs, {found.words}{left_out}")


if __name__ == "__main__":
    xomlib.cli(main)

"""The same as kr83m over all runs of one calibration campaign: several runs that follow each other, taken together.

One pass over all runs, a chunk at a time, in the order of the runs. See docs/analyses/kr83m_campaign.md.
"""

import itertools

import xomlib
from xomphysics import quality
from xomphysics.kr83m.estimates import estimate
from xomphysics.kr83m.figure import draw
from xomphysics.kr83m.results import results
from xomphysics.kr83m.selection import DEFAULTS, collect, columns, double_cuts, merged_cuts, read
from xomphysics.selection import CutFlow
from xomphysics.settings import merge


def main(run_id: str) -> None:
    """Analyse one campaign."""
    settings, runs = merge(DEFAULTS, xomlib.settings()), xomlib.runs()
    quality.check(settings["quality"])
    flows = CutFlow(double_cuts(settings)), CutFlow(merged_cuts(settings))
    st = xomlib.context()
    chunks = itertools.chain.from_iterable(read(st, run, columns(settings)) for run in runs)
    double, merged = collect(chunks, *flows, settings)
    print(*(flow.table() for flow in flows), sep="\n\n")
    found = estimate(double, merged, settings)
    missing = xomlib.run().get("runs_missing", [])
    of_campaign = {"runs": len(runs), "runs_missing": len(missing), "complete": not missing}
    for result in results(found, *flows, settings):
        xomlib.Xomresult(**{**result, "data": {**result.get("data", {}), **of_campaign}}).save()
    title = f"Campaign {run_id}, {len(runs)} runs: Kr-83m"
    xomlib.figure("overview", draw(title, double, merged, flows, found, settings["delay_ns"]))
    left_out = f"; without {', '.join(missing)}" if missing else ""
    said = f"{len(runs)} runs, {flows[0].selected} double and {flows[1].selected} merged events selected{left_out}"
    xomlib.xom_message(success=True, text=said)


if __name__ == "__main__":
    xomlib.cli(main)

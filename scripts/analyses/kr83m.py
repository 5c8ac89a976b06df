"""Light yield, charge yield and electron lifetime from Kr-83m decays with two S1s or one.

One pass over ``event_info_double`` (or the two data types it is made of), a chunk at a time; what is kept are a few
numbers per selected decay. See docs/analyses/kr83m.md for the formulas and the source of every number.
"""

import xomlib
from xomphysics import quality
from xomphysics.kr83m.estimates import estimate
from xomphysics.kr83m.figure import draw
from xomphysics.kr83m.results import results
from xomphysics.kr83m.selection import DEFAULTS, collect, columns, double_cuts, merged_cuts, read
from xomphysics.selection import CutFlow
from xomphysics.settings import merge


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    quality.check(settings["quality"])
    flows = CutFlow(double_cuts(settings)), CutFlow(merged_cuts(settings))
    double, merged = collect(read(xomlib.context(), run_id, columns(settings)), *flows, settings)
    print(*(flow.table() for flow in flows), sep="\n\n")
    found = estimate(double, merged, settings)
    for result in results(found, *flows, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(f"Run {run_id}: Kr-83m", double, merged, flows, found, settings["delay_ns"]))
    said = f"{flows[0].selected} double and {flows[1].selected} merged of {flows[0].total} events selected"
    xomlib.xom_message(success=True, text=said)


if __name__ == "__main__":
    xomlib.cli(main)

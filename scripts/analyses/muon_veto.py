"""Rate, hits, area and channels of the muon veto. See docs/analyses/muon_veto.md."""

from typing import Any

import xomlib
from xomphysics.settings import merge
from xomphysics.vetoes import tally as veto
from xomphysics.vetoes.figure import draw

# Names and numbers as in straxen's channel map.
DETECTOR = veto.Detector("muon veto", "events_mv", "online_monitor_mv", "hitlets_mv", 1000, 84)
DEFAULTS: dict[str, Any] = {**veto.DEFAULTS, "area_quantiles": [0.25, 0.5, 0.75]}


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    veto.check(settings)
    tally = veto.read(xomlib.context(), run_id, DETECTOR)
    for result in veto.results(tally, DETECTOR, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, DETECTOR, settings, run_id))
    xomlib.xom_message(success=True, text=f"{tally.events} events, {tally.channels.sum()} hits")


if __name__ == "__main__":
    xomlib.cli(main)

"""The analysis kr83m over all runs of one calibration campaign together.

See docs/analyses/kr83m_campaign.md.
"""

import xomlib
from xomphysics.kr83m.analysis import analyse


def main(run_id: str) -> None:
    """Analyse one campaign."""
    runs, missing = xomlib.runs(), xomlib.run().get("runs_missing", [])
    title = f"Campaign {run_id}, {len(runs)} runs: Kr-83m"
    found = analyse(xomlib.context(), runs, xomlib.settings(), title)
    campaign = {"runs": len(runs), "runs_missing": len(missing), "complete": not missing}
    for result in found.results:
        xomlib.Xomresult(**{**result, "data": {**result.get("data", {}), **campaign}}).save()
    xomlib.figure("overview", found.figure)
    left_out = f"; without {', '.join(missing)}" if missing else ""
    xomlib.xom_message(success=True, text=f"{len(runs)} runs, {found.words}{left_out}")


if __name__ == "__main__":
    xomlib.cli(main)

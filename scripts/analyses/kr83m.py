"""Light yield, charge yield and electron lifetime from Kr-83m decays with two S1s or one.

One pass over ``event_info_double`` (or the two data types it is made of), a chunk at a time; a few numbers per selected
decay are kept. See docs/analyses/kr83m.md for the formulas and the source of every number.
"""

import xomlib
from xomphysics.kr83m.analysis import analyse


def main(run_id: str) -> None:
    """Analyse one run."""
    found = analyse(xomlib.context(), [run_id], xomlib.settings(), f"Run {run_id}: Kr-83m")
    for result in found.results:
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", found.figure)
    xomlib.xom_message(success=True, text=found.words)


if __name__ == "__main__":
    xomlib.cli(main)

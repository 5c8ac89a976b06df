"""A script gets the same metadata of its run in a tick, warm or cold, and by hand."""

from __future__ import annotations

import json
import os

import pytest

from support.by_hand import try_script
from support.site import Site, document

SAYS = """
run = xomlib.run()
xomlib.Xomresult(
    variable_name="mean", variable_value=run["rate"]["tpc"],
    data={"max": run["rate_max"]["tpc"], "start": run["start"], "mode": run["mode"]},
).save()
"""


@pytest.mark.parametrize("warm", [False, True])
def test_in_a_tick_and_by_hand_the_metadata_are_the_same(site: Site, warm: bool) -> None:
    site.runs([document(52001, rate={"tpc": {"avg": 1.5, "max": 2.5}})])
    site.tree["warm_start"] = {"enabled": warm, "least_jobs": 1, "preload": []}
    site.analysis("says", SAYS)
    tick = site.tick()
    assert tick.returncode == 0, tick.stderr
    outcome = site.outcome("says", 52001)
    assert outcome["run"]["rate_max"] == {"tpc": 2.5}
    (said,) = outcome["results"]
    assert (said["value"], said["data"]) == (1.5, {"max": 2.5, "start": "2026-09-01T01:00:00Z", "mode": "tpc_bkg"})
    script = next(site.folder.rglob("scripts/analyses/says.py"))
    with script.open("a") as file:
        print("\nxomlib.cli(main)", file=file)
    done = try_script([str(script), "052001"], site.folder, os.environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"] == [said]

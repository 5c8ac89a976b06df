"""``xom.py why`` answers the question that nobody answers: why is this run not processed?"""

from __future__ import annotations

import subprocess
import sys

from support.site import Site, document


def why(site: Site, number: int) -> str:
    site.write_config()
    done = subprocess.run(
        [sys.executable, "-m", "xomflow", "why", str(number)],
        cwd=site.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_names_the_state_or_the_reason_for_each_analysis(site: Site) -> None:
    site.runs([document(52001, mode="tpc_bkg", tags=[{"name": "_bad"}])])
    site.analysis("any", "pass")
    site.analysis("krypton", "pass", run_modes=["tpc_kr83m"])
    site.analysis("strict", "pass", excluded_tags=["bad"])
    assert why(site, 52001).splitlines() == [
        "any v1 run 052001: ready: all needed data can be read",
        "krypton v1 run 052001: not selected: its mode is tpc_bkg",
        "strict v1 run 052001: not selected: it is tagged bad",
    ]


def test_a_run_that_is_going_on_and_one_not_transferred(site: Site) -> None:
    site.runs([document(52001, end=None), document(52002, status="eb_ready_to_upload")])
    site.analysis("any", "pass")
    assert "not selected: the run is not finished" in why(site, 52001)
    assert "not selected: its status is eb_ready_to_upload" in why(site, 52002)


def test_a_run_that_nobody_knows_and_one_that_nobody_understands(site: Site) -> None:
    site.runs([document(52001, detectors=5)])
    site.analysis("any", "pass")
    assert why(site, 52009) == "the run database has no run 52009\n"
    assert why(site, 52001) == "run document 52001: detectors is 5, a list of texts is needed\n"

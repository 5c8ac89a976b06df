"""``xom.py why`` answers the question that nobody answers: why is this run not processed?"""

from __future__ import annotations

import shutil

from support import fake_strax
from support.in_process import FastSite
from support.site import document


def why(site: FastSite, number: int) -> str:
    done = site.xom("why", str(number))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_names_the_state_or_the_reason_for_each_analysis(site: FastSite) -> None:
    site.runs([document(52001, mode="tpc_bkg", tags=[{"name": "_bad"}])])
    site.analysis("any", "pass")
    site.analysis("krypton", "pass", run_modes=["tpc_kr83m"])
    site.analysis("strict", "pass", excluded_tags=["bad"])
    assert why(site, 52001).splitlines() == [
        "any v1 run 052001: ready: all needed data can be read",
        "krypton v1 run 052001: not selected: its mode is tpc_bkg",
        "strict v1 run 052001: not selected: it is tagged bad",
    ]


def test_a_run_that_is_going_on_and_one_not_transferred(site: FastSite) -> None:
    site.runs([document(52001, end=None), document(52002, status="eb_ready_to_upload")])
    site.analysis("any", "pass")
    assert "not selected: the run is not finished" in why(site, 52001)
    assert "not selected: its status is eb_ready_to_upload" in why(site, 52002)


def test_a_run_that_nobody_knows_and_one_that_nobody_understands(site: FastSite) -> None:
    site.runs([document(52001, detectors=5)])
    site.analysis("any", "pass")
    assert why(site, 52009) == "the run database has no run 52009\n"
    assert why(site, 52001) == "run document 52001: detectors is 5, a list of texts is needed\n"


READS = "import strax\nlist(strax.Context(xomlib.settings()['data']).get_iter(run_id, 'events'))\n"


def test_a_type_that_is_read_and_not_needed_is_named_and_if_it_is_not_there_the_author_is_told(site: FastSite) -> None:
    data = site.folder / "data"
    data.mkdir()
    (data / "052001-events-abcdefghij").write_text("one two")
    package = site.folder / "strax"
    package.mkdir()
    shutil.copy(fake_strax.__file__, package / "__init__.py")
    site.runs([52001, 52002])
    good = "xomlib.Xomresult(variable_name='n', variable_value=1).save()"
    site.analysis("reads", READS + good, settings={"data": str(data)})
    assert site.tick().returncode != 0
    assert site.outcome("reads", 52001)["provenance"]["lineage"] == {"events": "abcdefghij"}
    assert why(site, 52001) == (
        "reads v1 run 052001: done: the outcome is there; warning: the script reads events, which analyses.reads.needs "
        "lacks: add it, so that runs wait for it\n"
    )
    (record,) = site.failures("reads", 52002)
    assert record["failure"]["class"] == "setup"
    assert record["failure"]["message"] == "needs lacks events, which the script reads: events is nowhere"

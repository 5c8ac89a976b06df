"""`xom site-check`: all analyses on one run, what would be published, and a line for each that does not work."""

from __future__ import annotations

import json

import pytest

from support.in_process import FastSite

GOOD = """
data = {'quality': 'poor', 'quality_reason': 'drift 0.2 is above 0.1', 'column': 'cs2_w_bias_xy'}
xomlib.Xomresult(variable_name='rate', variable_value=1.5, error=0.1, unit='Hz', n=7, data=data).save()
xomlib.Xomresult(variable_name='yield', insufficient='3 events').save()
xomlib.xom_message(success=True)
"""


@pytest.fixture
def place(site: FastSite) -> FastSite:
    site.runs([52801])
    site.analysis("answer", GOOD)
    return site


def test_what_would_be_published_has_quality_and_column(place: FastSite) -> None:
    done = place.xom("site-check", "52801", "--save", str(place.folder / "checked"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "analysis  variable  value           error  unit  n  quality                       column",
        "answer    rate      1.5             0.1    Hz    7  poor: drift 0.2 is above 0.1  cs2_w_bias_xy",
        "answer    yield     none: 3 events",
    ]
    assert done.stdout.splitlines()[-1] == f"results and figures are in {place.folder}/checked"
    assert (place.folder / "checked/answer-052801/results.json").exists()


def test_the_software_is_printed(place: FastSite) -> None:
    (line,) = [line for line in place.xom("site-check", "52801").stdout.splitlines() if line.startswith("software: ")]
    assert "python 3." in line


def test_an_analysis_that_fails_is_one_line_with_its_class_and_costs_the_others_nothing(place: FastSite) -> None:
    place.analysis("broken", "raise KeyError('no such column')")
    done = place.xom("site-check", "52801")
    assert done.returncode == 7
    assert [line for line in done.stdout.splitlines() if line.startswith("broken")] == [
        "broken: failed: raised: KeyError: 'no such column' (broken.py, line 5)"
    ]
    assert "answer    rate" in done.stdout


def test_runs_that_ticks_would_not_take_are_tried_all_the_same(place: FastSite) -> None:
    place.analysis("other", GOOD, run_modes=["tpc_kr83m"])
    done = place.xom("site-check", "52801")
    assert "other     rate" in done.stdout
    assert "other: a tick would not take this run: its mode is " in done.stdout


def test_analyses_of_campaigns_are_passed_over(place: FastSite) -> None:
    place.analysis("whole", GOOD, period={"gap": "12 h"})
    done = place.xom("site-check", "52801")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("whole")] == [
        "whole: not tried: it combines several runs: xom try whole CAMPAIGN"
    ]


def test_programs_get_json(place: FastSite) -> None:
    place.analysis("whole", GOOD, period={"gap": "12 h"})
    answer, whole = json.loads(place.xom("site-check", "52801", "--json").stdout)
    assert (answer["analysis"], answer["failure"], answer["passed_over"], answer["not_taken"]) == (
        "answer",
        None,
        "",
        "",
    )
    assert answer["document"]["results"][0]["variable"] == "rate"
    assert answer["versions"]["xomlib"]
    passed_over = "it combines several runs: xom try whole CAMPAIGN"
    assert whole == {"analysis": "whole", "failure": None, "passed_over": passed_over, "not_taken": ""}


def test_software_that_makes_no_attempt_is_the_failure_of_each_analysis(place: FastSite) -> None:
    python = place.folder / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    place.tree["software"][0]["interpreter"] = str(python)
    place.analysis("other", GOOD, run_modes=["tpc_kr83m"])
    done = place.xom("site-check", "52801", "--json")
    assert done.returncode == 7
    why = f"{python} made no attempt, it ended with exit status 3 and the reason above"
    answer, other = json.loads(done.stdout)
    assert answer == {"analysis": "answer", "failure": ["setup", why], "passed_over": "", "not_taken": ""}
    assert (other["failure"], "its mode is" in other["not_taken"]) == (["setup", why], True)


def test_a_run_without_software_is_refused(place: FastSite) -> None:
    place.tree["software"][0]["max_run"] = 52800
    place.tree["software_may_have_holes"] = True
    done = place.xom("site-check", "52801")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "config.yaml: no software is configured for run 52801\n"


def test_what_is_no_run_is_refused_in_one_sentence(place: FastSite) -> None:
    done = place.xom("site-check", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "run id 'x' is not a number" in done.stderr


def test_a_run_that_the_run_database_does_not_have_is_refused_at_once(place: FastSite) -> None:
    done = place.xom("site-check", "99999")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "run 099999 is not in file " in line
    assert line.endswith("runs.jsonl: give the number of a run that is there, with data")


def test_a_run_whose_document_cannot_be_read_is_tried_all_the_same(place: FastSite) -> None:
    (place.folder / "runs.jsonl").write_text('{"number": 52801}\n')
    assert "answer    rate" in place.xom("site-check", "52801").stdout


def test_a_check_leaves_no_trace_in_the_site(place: FastSite) -> None:
    place.write_config()
    before = {path: path.stat().st_mtime_ns for path in place.folder.rglob("*") if path.is_file()}
    place.xom("site-check", "52801")
    assert {path: path.stat().st_mtime_ns for path in place.folder.rglob("*") if path.is_file()} == before

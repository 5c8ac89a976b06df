"""`xom backfill`: old runs beside the timer, after all others and few at a time, also those outside min_run."""

from __future__ import annotations

import json
import signal

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core.exit_code import ExitCode
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Verb

BODY = "xomlib.Xomresult(variable_name='answer', variable_value=float(run_id)).save()"
WHY = ("--why", "the yearly check")
OLD = range(51001, 51007)


@pytest.fixture
def begun(site: FastSite) -> FastSite:
    """A site that has analysed two runs, and selects none of the older ones."""
    site.runs([*OLD, 52001, 52002])
    site.analysis("good", BODY, min_run=52000)
    assert site.tick().returncode == 0
    assert site.done("good") == {52001, 52002}
    return site


def order(site: FastSite, *words: str) -> str:
    done = site.xom("backfill", "good", *words, *WHY)
    assert done.returncode == 0, done.stderr
    return done.stdout


def claimed(site: FastSite) -> set[int]:
    return {int(run) for _, run in site.claimed()}


def test_old_runs_are_done_a_few_at_a_time_and_new_ones_go_first(begun: FastSite) -> None:
    said = order(begun, "51001-51006", "--at-once", "2", "--nice", "77")
    assert "6 keys to be analysed after all others, 2 at a time" in said
    assert "with a tick every 1.0 h, and 0.0 core hours: a run takes" in said
    assert begun.pending() == {("good", "051006"), ("good", "051005")}
    begun.runs([52003])
    assert begun.tick().returncode == 0
    claims = json.loads(begun.ticks()[-1].claims.read_text())
    assert [run for _, _, run, _ in claims] == ["052003", "051006", "051005"]
    jobs = json.loads(begun.ticks()[-1].jobs("good").read_text())["runs"]
    assert {run: job.get("nice") for run, job in jobs.items() if run < "052"} == {"051005": 77, "051006": 77}
    status = begun.xom("status").stdout
    assert "backfill of good v1 by " in status
    assert "2 of 6 runs done, 4 ready; about 2.0 h more" in status
    assert "the oldest ready run" not in status
    for expected in ({51004, 51003}, {51002, 51001}, set()):
        assert begun.tick_in_another_second().returncode == 0
        assert claimed(begun) == expected
    assert begun.done("good") == {*OLD, 52001, 52002, 52003}
    assert "backfill" not in begun.xom("status").stdout
    assert begun.xom("verify").returncode == 0


def test_a_backfill_takes_no_place_from_the_runs_of_a_tick(begun: FastSite) -> None:
    begun.tree["max_jobs_per_tick"] = 2
    order(begun, "51001-51006", "--at-once", "3")
    begun.runs([52003, 52004, 52005])
    assert begun.pending() == {("good", f"0{run}") for run in (52003, 52005, 51006, 51005, 51004)}


def test_what_is_not_selected_for_another_reason_or_done_is_passed_over_and_named(begun: FastSite) -> None:
    begun.runs([document(51007, tags=[{"name": "bad"}]), document(51008, end=...)])
    begun.tree["selection"] = {"excluded_tags": ["bad"], "min_run": 51003}
    said = order(begun, "51001-51008", "52001", "59999", "--dry-run")
    assert "4 keys to be analysed after all others" in said
    assert "passed over: 4 that are not selected, such as 051008: the run is not finished" in said
    assert "passed over: 1 that are done" in said
    assert "59999 names no run that the run database has" in said
    assert read_decisions(begun.paths).made == ()


def test_a_withdrawn_backfill_leaves_what_is_done_and_takes_no_more(begun: FastSite) -> None:
    order(begun, "51001-51006", "--at-once", "2")
    begun.tick()
    (made,) = read_decisions(begun.paths).made
    assert begun.xom("withdraw", made.name, "--why", "enough").returncode == 0
    assert begun.pending() == set()
    assert begun.done("good") == {51005, 51006, 52001, 52002}
    assert begun.xom("verify").returncode == 0
    assert "not selected: run number 51001 is outside 52000 to today" in begun.xom("why", "51001").stdout


def test_why_names_the_backfill_and_its_reason(begun: FastSite) -> None:
    order(begun, "51001")
    assert "ready: all needed data can be read; taken last, in a backfill of " in begun.xom("why", "51001").stdout
    assert "the yearly check" in begun.xom("why", "51001").stdout


def test_a_run_in_a_backfill_already_is_passed_over(begun: FastSite) -> None:
    order(begun, "51001-51003")
    assert "passed over: 3 that are in a backfill already" in order(begun, "51001-51004")
    done = begun.xom("backfill", "good", "51001-51004", *WHY)
    assert done.returncode == ExitCode.USAGE
    assert "no run of good is left to analyse: nothing was done" in done.stderr


def test_failed_runs_of_a_backfill_are_tried_again_as_usual(begun: FastSite) -> None:
    begun.analysis("good", f"if run_id == '051006':\n    raise ValueError('broken')\n{BODY}", min_run=52000)
    order(begun, "51001-51006", "--at-once", "6")
    assert begun.tick().returncode == ExitCode.FAILED_RUNS
    status = begun.xom("status").stdout
    assert "5 of 6 runs done, 1 failed; about 1.0 h more" in status


def test_of_campaigns_those_that_are_pending_can_be_put_last(site: FastSite) -> None:
    site.runs([51001, 51002, 52001, 52002])
    site.analysis("good", BODY, period={"gap": "2 h"}, min_run=51500)
    (pending,) = site.pending()
    assert pending[1].startswith("052001-")
    done = site.xom("backfill", "good", f"@good/{pending[1]}", "51001", *WHY)
    assert "1 key to be analysed after all others" in done.stdout
    assert (
        "51001 names no campaign of good that is to be done; its campaigns have runs within its min_run" in done.stdout
    )
    assert site.pending() == {pending}


def test_a_kill_leaves_the_order_complete_or_absent(begun: FastSite) -> None:
    kills = 0
    while begun.killed_command(kills + 1, "backfill", "good", "51001-51006", *WHY).returncode == -signal.SIGKILL:
        kills += 1
        made = read_decisions(begun.paths)
        assert made.problems == ()
        assert all(one.what is Verb.BACKFILL and len(one.subject.runs) == 6 for one in made.made)
        if made.made:
            break
    assert kills > 1
    assert len(read_decisions(begun.paths).made) == 1

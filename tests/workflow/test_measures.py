"""`xom slow`, `xom outdated` and `xom du`: what takes time and space, and what is out of date."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core.key import Key
from xomflow.jobs.run_lock import hold_run, release_run, write_owner
from xomflow.outcomes.past.makers import Maker
from xomflow.workflow.requests.looking.outdated import Today, differences

PICTURE = """
xomlib.figure("picture", b"\\x89PNG\\r\\n\\x1a\\n" + b"x" * 4992)
xomlib.Xomresult(variable_name="answer", variable_value=1).save()
"""
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


def asked(site: FastSite, *words: str) -> Any:
    done = site.xom(*words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def took(site: FastSite, number: int, seconds: float) -> None:
    """Let an outcome have taken so long."""
    place = site.paths.outcome(Key("moody", "v1", f"0{number}"))
    content = json.loads(place.read_text())
    content["resources"]["wall_s"] = seconds
    place.write_text(json.dumps(content))
    os.utime(place.parent)


@pytest.fixture
def site(site: FastSite) -> FastSite:
    """A site with three results of one analysis."""
    site.analysis("moody", GOOD)
    site.runs([document(number) for number in (52001, 52002, 52100)])
    assert site.tick().returncode == 0
    return site


def test_slow_lists_the_longest_results_and_what_runs_now_against_what_is_expected(site: FastSite) -> None:
    for number, seconds in ((52001, 10.0), (52002, 40.0), (52100, 10.0)):
        took(site, number, seconds)
    key = Key("moody", "v1", "052003")
    lock = hold_run(site.paths, key)
    write_owner(lock, key, 1, "some tick", 60.0)
    found = asked(site, "slow", "--most", "2")
    release_run(site.paths, key, lock)
    (analysis,) = found["analyses"]
    assert (analysis["runs"], analysis["expected_s"], analysis["mean_s"], analysis["wall_s"]) == (3, 10.0, 20.0, 60.0)
    assert [(one["run"], one["ratio"]) for one in found["done"]] == [("052002", 4.0), ("052001", 1.0)]
    assert [(one["run"], one["expected_s"]) for one in found["running"]] == [("052003", 10.0)]
    lines = site.xom("slow").stdout.splitlines()
    assert lines[1].split() == ["moody", "v1", "3", "10", "s", "20", "s", "1", "min", "0", "s"]
    assert lines[4].split() == ["052002", "moody", "v1", "40", "s", "4.0", "times"]


def test_results_of_another_script_or_other_settings_are_counted_with_the_newest_of_them(site: FastSite) -> None:
    assert asked(site, "outdated")[0]["outdated"] == 0
    script = site.folder / "extra/scripts/analyses/moody.py"
    script.write_text(script.read_text() + "# edited\n")
    site.runs([52200])
    assert site.tick().returncode == 0
    (one,) = asked(site, "outdated")
    assert one == {
        **{"analysis": "moody", "version": "v1", "results": 4, "outdated": 3, "such as": "052100"},
        **{"lineage": 0, "software": 0, "script": 3, "settings": 0},
    }
    site.tree["analyses"]["moody"]["settings"] = {"cut": 2}
    assert [(one["run"], one["differs in"]) for one in asked(site, "outdated", "--runs")] == [
        ("052200", "settings"),
        *((run, "script, settings") for run in ("052100", "052002", "052001")),
    ]


def test_what_made_a_result_is_compared_with_the_software_of_its_own_run(site: FastSite) -> None:
    before = site.tree["software"][0]["interpreter"]
    other = site.folder / "python"
    other.symlink_to(before)
    site.tree["software"] = [{"interpreter": before, "max_run": 52001}, {"interpreter": str(other), "min_run": 52002}]
    (one,) = asked(site, "outdated")
    assert (one["outdated"], one["software"], one["such as"]) == (2, 2, "052100")


def test_unknown_parts_do_not_differ() -> None:
    today = Today("s2", "t", "here", {"peaks": "x"}, {"strax": "2.0"})
    assert differences(Maker("", "", "here"), today) == set(), "older outcomes have no digests"
    assert differences(Maker("s2", "t", "here", (("events", "y"),), (("numpy", "1"),)), today) == set()
    assert differences(Maker("s2", "t", "here", (("peaks", "y"),), (("strax", "2.0"),)), today) == {"lineage"}
    assert differences(Maker("s2", "t", "here", (), (("strax", "1.9"),)), today) == {"software"}
    assert differences(Maker("s1", "u", "there"), today) == {"script", "settings", "software"}
    assert differences(Maker("s2", "t", "there", (), (("strax", "2.0"),)), today) == set(), "another path to the same"
    assert differences(Maker("s1", "u", "there"), None) == set(), "no tick would make it"


def test_files_are_counted_by_analysis_and_kind_with_what_a_year_adds(site: FastSite) -> None:
    site.analysis("painter", PICTURE)
    site.analysis("broken", "raise ValueError('odd')")
    assert site.tick().returncode == 7
    found = {(one["analysis"], one["kind"]): one for one in asked(site, "du")}
    counted = {place: one["files"] for place, one in found.items() if place[0]}
    assert counted == {
        **{("moody", "outcomes"): 3, ("moody", "logs"): 3},
        **{("painter", "outcomes"): 3, ("painter", "figures"): 3, ("painter", "logs"): 3},
        **{("broken", "failure records"): 3, ("broken", "logs"): 6},
    }
    figures = found["painter", "figures"]
    assert 3 * 5000 <= figures["size"] <= 3 * 8192
    years = 99 / 24 / 365.25  # from the start of run 52001 to that of run 52100
    assert figures["files_a_year"] == pytest.approx(3 / years)
    assert found["", "all"]["files"] == sum(one["files"] for place, one in found.items() if place != ("", "all"))
    assert found["broken", "logs"]["files_a_year"] is None
    assert site.xom("du", "--exact").returncode == 0

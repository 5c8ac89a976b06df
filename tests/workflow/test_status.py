"""`xom status` shows where everything stands; one mistake is one line, however many runs it concerns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite

BROKEN = """
if int(run_id) < 52004:
    raise ValueError(f"no peak in run {run_id}, best {int(run_id) / 7}")
if run_id == "052004":
    raise KeyError("odd")
xomlib.Xomresult(variable_name="answer", variable_value=1).save()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with three runs that fail alike, one that fails otherwise, and one that is done."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.analysis("moody", BROKEN)
    site.runs(range(52001, 52006))
    assert site.tick().returncode == 7
    return site


@pytest.fixture
def site(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def listed(site: FastSite, *words: str) -> Any:
    done = site.xom("status", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_runs_that_failed_alike_are_one_line_with_the_newest_of_them(site: FastSite) -> None:
    lines = site.xom("status").stdout.splitlines()
    states = dict(zip(lines[0].replace("gave up", "gave_up").split(), lines[1].split(), strict=True))
    assert list(states) == ["analysis", "done", "failed"], "the others have no run"
    assert (states["done"], states["failed"]) == ("1", "4")
    assert lines[3].split()[:5] == ["state", "runs", "analysis", "such", "as"]
    assert lines[4].split()[:4] == ["failed", "3", "moody", "052003"]
    assert "raised: ValueError: no peak in run 052003, best 7429" in lines[4]
    assert lines[5].split()[:4] == ["failed", "1", "moody", "052004"]
    assert lines[6:] == []


def test_a_tick_groups_them_too(site: FastSite) -> None:
    lines = site.tick().stderr.splitlines()
    (line,) = [line for line in lines if "no peak" in line]
    assert line.split(maxsplit=1)[1].startswith(
        "3 runs of moody, such as 052003: raised: ValueError: no peak in run 052003"
    )


def test_each_run_by_itself_and_only_some_runs(site: FastSite) -> None:
    rows = listed(site, "--run", "--failed")["not_done"]
    assert [(row["run"], row["state"], row["analysis"]) for row in rows] == [
        (f"0{number}", "failed", "moody") for number in (52004, 52003, 52002, 52001)
    ]
    assert rows[0]["reason"] == "raised: KeyError: 'odd' (moody.py, line 9)"
    assert rows[0]["log"].endswith("052004.attempt-1.log")
    assert [row["run"] for row in listed(site, "--run", "52002-52003")["not_done"]] == ["052003", "052002"]
    assert listed(site, "--waiting")["not_done"] == []
    counts = listed(site)["counts"]["moody"]
    assert {state: number for state, number in counts.items() if number} == {"done": 1, "failed": 4}


def test_what_is_asked_for_and_does_not_exist_is_a_sentence(site: FastSite) -> None:
    assert site.xom("status", "--waiting").stdout == "none of the runs waits\n"
    assert site.xom("status", "--failed", "--waiting", "52005").stdout == "none of the runs failed or waits\n"


def test_one_mistake_of_the_configuration_is_one_line_not_one_for_each_run(site: FastSite) -> None:
    site.tree["analyses"]["moody"]["needs"] = ["nothing_has_this"]
    site.runs(range(52006, 52020))
    done = site.xom("status")
    assert done.returncode == 3
    waiting = [line for line in done.stdout.splitlines() if line.startswith("waiting") or line.startswith("stale")]
    assert len(waiting) == 1
    assert waiting[0].split()[1] == "14"

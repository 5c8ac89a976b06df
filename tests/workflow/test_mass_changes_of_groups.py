"""A tick stops before many groups of runs lose their results, or are made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core.exit_code import ExitCode

COUNT = "xomlib.Xomresult(variable_name='n', variable_value=1).save()"
FIRST = range(52001, 52025, 4)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with six groups of two runs, with results."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.analysis("camp", COUNT, period={"gap": "36 h"}, excluded_tags=["bad"])
    for first in FIRST:
        retag(site, first, [])
        retag(site, first + 1, [])
    assert site.tick().returncode == 0
    assert len(current(site)) == 6
    return site


@pytest.fixture
def grouped(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def retag(site: FastSite, number: int, tags: list[str]) -> None:
    hours = [{"$date": f"2026-08-{number - 52000:02d}T{hour:02d}:00:00Z"} for hour in (0, 1)]
    site.runs([document(number, start=hours[0], end=hours[1], tags=[{"name": tag} for tag in tags])])


def current(site: FastSite) -> list[list[str]]:
    found = sorted((site.work / "outcomes/camp").glob("*/*/??????-????.json"))
    return [json.loads(path.read_text())["run"]["runs"] for path in found]


def stops_until_accepted(site: FastSite, words: str) -> None:
    before = current(site)
    for told in (site.tick(), site.tick(), site.xom("status")):
        assert told.returncode == ExitCode.WAITS_FOR_PERSON
        assert words in told.stdout + told.stderr
    assert current(site) == before
    assert site.xom("accept", "--why", "meant").returncode == 0
    done = site.tick()
    assert done.returncode == ExitCode.OK, done.stderr
    assert "it has ended: " in done.stderr


def test_many_groups_that_lose_a_run_are_not_superseded_at_once(grouped: FastSite) -> None:
    for first in FIRST:
        retag(grouped, first + 1, ["bad"])
    stops_until_accepted(grouped, "6 of 6 results are no longer what they were: 6 of groups that lost a run")
    assert current(grouped) == [[f"{first:06d}"] for first in FIRST]


def test_many_groups_that_change_are_not_made_anew_at_once(grouped: FastSite) -> None:
    grouped.tree["analyses"]["camp"]["period"]["gap"] = "90 h"
    stops_until_accepted(grouped, "6 of 6 results are no longer what they were: 6 of groups that changed")
    assert len(current(grouped)) == 1


def test_a_few_groups_may_change_and_lose_runs_without_a_word(grouped: FastSite) -> None:
    retag(grouped, FIRST[0] + 1, ["bad"])
    retag(grouped, FIRST[1] + 2, [])
    retag(grouped, FIRST[2] + 2, [])
    done = grouped.tick()
    assert done.returncode == 0, done.stderr
    assert sorted(map(len, current(grouped))) == [1, 2, 2, 2, 3, 3]


def test_groups_that_wait_for_their_new_results_stop_no_later_tick(grouped: FastSite) -> None:
    """They changed a few at a time; what was left to later ticks before is no change of this one."""
    grouped.tree["max_jobs_per_tick"] = 1
    for first in FIRST:
        retag(grouped, first + 2, [])
        done = grouped.tick()
        assert done.returncode in (ExitCode.OK, ExitCode.FAILED_RUNS), done.stderr


def test_groups_of_runs_that_can_no_longer_be_read_keep_their_results(grouped: FastSite) -> None:
    """As data that the site purged after the analysis; a group that is done is not even marked."""
    before = current(grouped)
    grouped.tree["analyses"]["camp"]["needs_document"] = ["rate"]
    file = grouped.folder / "runs.jsonl"
    documents = [{**json.loads(line), "rate": {}} for line in file.read_text().splitlines()]
    file.write_text("".join(f"{json.dumps(one)}\n" for one in documents))
    assert grouped.tick().returncode == 0
    assert current(grouped) == before


def test_one_acceptance_is_for_one_thing(grouped: FastSite) -> None:
    del grouped.documents[FIRST[0]]
    for first in FIRST[1:]:
        retag(grouped, first + 1, ["bad"])
    said = grouped.xom("accept", "--why", "meant").stdout.splitlines()
    assert "to accept: camp v1: 5 of 6 results" in said[0]
    assert said[1].startswith("not accepted: 1 runs are gone from the run database, such as 052001")
    assert len(list(grouped.paths.decisions.glob("*.json"))) == 1
    assert grouped.tick().returncode == 0
    assert current(grouped)[0] == ["052001", "052002"]

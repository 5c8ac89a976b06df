"""An analysis over a period in whole ticks: it waits, goes on without, and a late run makes a new revision."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.in_process import FastSite
from support.site import Site, document
from xomflow.core.key import Key, group_id
from xomflow.outcomes.files import superseded_path

SUM = """
runs = xomlib.runs()
missing = xomlib.run()["runs_missing"]
said = {"names": ",".join(runs), "missing": len(missing)}
xomlib.Xomresult(variable_name="runs", variable_value=len(runs), data=said).save()
"""
NOW = datetime.now(UTC)


def at(number: int, hours_ago: float, mode: str = "tpc_kr83m", **changes: Any) -> dict[str, Any]:
    start = NOW - timedelta(hours=hours_ago)
    moments = {"start": start, "end": start + timedelta(minutes=50)}
    times = {name: {"$date": f"{moment:%Y-%m-%dT%H:%M:%SZ}"} for name, moment in moments.items()}
    return document(number, mode=mode, **{**times, **changes})


@pytest.fixture
def campaigns(site: FastSite) -> FastSite:
    site.analysis("sums", SUM, run_modes=["tpc_kr83m"], period={"gap": "5 h", "wait": "10 d"})
    return site


def results(site: Site, version: str = "v1") -> dict[str, dict[str, Any]]:
    """What counts as done: names of the runs and number of missing ones, by group."""
    found = {}
    for path in site.paths.shelves("sums", version).glob("*/*.json"):
        if ".failed-" not in path.name and ".superseded" not in path.name:
            (result,) = json.loads(path.read_text())["results"]
            found[path.stem] = result["data"]
    return found


def test_a_group_is_done_once_with_all_its_runs(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 39), at(52003, 38, "tpc_bkg"), at(52004, 37), at(52005, 20)])
    pending = {run for _, run in campaigns.pending()}
    assert pending == {group_id([52001, 52002]), group_id([52004]), group_id([52005])}
    done = campaigns.tick()
    assert done.returncode == 0, done.stderr
    assert results(campaigns) == {
        group_id([52001, 52002]): {"names": "052001,052002", "missing": 0},
        group_id([52004]): {"names": "052004", "missing": 0},
        group_id([52005]): {"names": "052005", "missing": 0},
    }
    assert campaigns.pending() == set()


def test_an_open_group_waits(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 3), at(52002, 2)])
    assert campaigns.tick().returncode == 0
    assert results(campaigns) == {}
    assert "its period is open until" in campaigns.ticks()[-1].run_list("sums").read_text()
    campaigns.runs([at(52003, 1, "tpc_bkg")])
    assert campaigns.tick().returncode == 0
    assert list(results(campaigns)) == [group_id([52001, 52002])]


def test_it_waits_for_a_run_that_is_not_there_yet_and_then_goes_on_without(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 39, status="transferring"), at(52003, 38)])
    assert campaigns.tick().returncode == 0
    assert results(campaigns) == {}
    assert (
        "1 of 3 runs cannot be read: 052002: its status is transferring"
        in campaigns.ticks()[-1].run_list("sums").read_text()
    )
    campaigns.tree["analyses"]["sums"]["period"]["wait"] = "1 h"
    assert campaigns.tick().returncode == 0
    assert results(campaigns) == {group_id([52001, 52003]): {"names": "052001,052003", "missing": 1}}
    assert campaigns.pending() == set()


def test_a_late_run_makes_a_new_revision_that_takes_the_place_of_the_old_one(campaigns: FastSite) -> None:
    campaigns.tree["analyses"]["sums"]["period"]["wait"] = "1 h"
    campaigns.runs([at(52001, 40), at(52002, 39, status="transferring")])
    campaigns.tick()
    store = campaigns.paths.store / "test/sums/v1/052.lp"
    assert store.read_text().count("\n") == 1
    campaigns.runs([at(52002, 39)])
    assert {run for _, run in campaigns.pending()} == {group_id([52001, 52002])}
    assert campaigns.tick().returncode == 0
    assert results(campaigns) == {group_id([52001, 52002]): {"names": "052001,052002", "missing": 0}}
    assert store.read_text().count("\n") == 1
    assert group_id([52001, 52002]) in store.read_text()
    assert len(list(campaigns.paths.outcomes.rglob("*.superseded.json"))) == 1
    assert campaigns.pending() == set()


def test_failures_of_a_group_are_tried_again(campaigns: FastSite) -> None:
    campaigns.tree["retries"] = {"attempts": 2, "first_wait": "0 s"}
    campaigns.analysis("sums", "raise ValueError('no')", run_modes=["tpc_kr83m"], period={"gap": "5 h"})
    campaigns.runs([at(52001, 40)])
    assert campaigns.tick().returncode == 7
    assert campaigns.tick().returncode == 7
    assert campaigns.tick().returncode == 0
    names = sorted(path.name.split(".")[1].split("-")[1] for path in campaigns.paths.outcomes.rglob("*.failed-*"))
    assert names == ["1", "2"]


def test_why_speaks_of_the_group_that_a_run_belongs_to(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 39, status="transferring")])
    said = campaigns.xom("why", "52001").stdout
    words = "waiting: 1 of 2 runs cannot be read: 052002: its status is transferring"
    assert f"sums v1 run {group_id([52001, 52002])}: {words}" in said


def test_a_document_that_cannot_be_understood_does_not_replace_what_was_done(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 39)])
    campaigns.tick()
    before = results(campaigns)
    campaigns.runs([at(52002, 39, start=...)])
    assert campaigns.tick().returncode == 0
    assert results(campaigns) == before
    assert "cannot be understood, and they may belong: 052002" in campaigns.ticks()[-1].run_list("sums").read_text()
    campaigns.runs([at(52002, 39)])
    assert campaigns.pending() == set()


def test_a_group_waits_for_entries_of_the_documents_of_all_its_runs(campaigns: FastSite) -> None:
    campaigns.tree["analyses"]["sums"]["needs_document"] = ["rate", "source"]
    campaigns.runs([at(52001, 40), at(52002, 39, rate=...)])
    assert campaigns.tick().returncode == 0
    waits = "1 of 2 runs cannot be read: 052002: waiting for the rate in the run document"
    assert waits in campaigns.ticks()[-1].run_list("sums").read_text()
    campaigns.runs([at(52002, 39)])
    assert campaigns.tick().returncode == 0
    assert list(results(campaigns)) == [group_id([52001, 52002])]


@pytest.mark.parametrize(
    "wrong", [{"number": "52002?"}, {"number": -1}, {"number": None}, {"tags": "bad"}, {"mode": ...}, {"end": "soon"}]
)
def test_a_member_whose_document_cannot_be_understood_holds_its_group_back(
    campaigns: FastSite, wrong: dict[str, Any]
) -> None:
    documents = [at(52001, 40), at(52002, 39), at(52003, 38)]
    campaigns.runs([documents[0], documents[2]])
    lines = (campaigns.folder / "runs.jsonl").read_text()
    odd = {name: value for name, value in {**documents[1], **wrong}.items() if value is not ...}
    (campaigns.folder / "runs.jsonl").write_text(lines + json.dumps(odd) + "\n")
    assert campaigns.pending() == set()


def test_why_shows_all_results_of_a_group_and_which_is_current(campaigns: FastSite) -> None:
    campaigns.tree["selection"] = {"excluded_tags": ["bad"]}
    campaigns.runs([at(52001, 40), at(52002, 39), at(52003, 38)])
    campaigns.tick()
    campaigns.runs([at(52003, 38, tags=[{"name": "bad"}])])
    whole, rest = group_id([52001, 52002, 52003]), group_id([52001, 52002])
    lost = f"sums v1 result {whole} of 3 runs: superseded: the analysis no longer takes run 052003"
    assert lost in campaigns.xom("why", "52001").stdout
    campaigns.tick()
    said = campaigns.xom("why", "52001").stdout.splitlines()
    assert said[-2:] == sorted([lost, f"sums v1 result {rest} of 2 runs: current"])
    assert campaigns.xom("why", "52003").stdout.splitlines() == [
        "sums v1 run 052003: not selected: it is tagged bad",
        lost,
    ]
    campaigns.runs([at(52003, 38)])
    assert campaigns.pending() == set()
    campaigns.tick()
    assert results(campaigns).keys() == {whole}


def shown(site: FastSite) -> tuple[list[str], str]:
    """The ids of groups in the local store, and what the page's data have."""
    points = "".join(path.read_text() for path in (site.paths.store / "test/sums").rglob("*.lp"))
    page = "".join(path.read_text() for path in sorted((site.paths.page / "data/sums").rglob("*.js")))
    return sorted(set(re.findall(r'run_id="([^"]+)"', points))), re.sub("(?m)^//.*", "", page)  # without times of files


def test_store_and_page_show_a_grown_group_as_it_was_and_say_so_until_it_is_done(campaigns: FastSite) -> None:
    campaigns.runs([at(52002, 40), at(52003, 39)])
    campaigns.tick()
    old, new = group_id([52002, 52003]), group_id([52001, 52002, 52003])
    campaigns.runs([at(52001, 41, status="transferring")])
    campaigns.tick()
    ids, page = shown(campaigns)
    assert ids == [old]
    assert (old in page, "it stays until there is a result with run 052001 too" in page) == (True, True)
    campaigns.runs([at(52001, 41)])
    campaigns.tick()
    ids, page = shown(campaigns)
    assert ids == [new]
    assert (old in page, new in page, "it stays until" in page) == (False, True, False)


def test_without_the_kept_groups_verify_and_rebuild_agree_with_a_tick(campaigns: FastSite) -> None:
    campaigns.runs([at(52002, 40), at(52003, 39), at(52007, 20)])
    campaigns.tick()
    campaigns.runs([at(52001, 41), at(52007, 20, "tpc_bkg")])
    campaigns.tick()
    before = shown(campaigns)
    for command in ("verify", "rebuild", "verify"):
        campaigns.paths.groups.unlink()
        done = campaigns.xom(command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert shown(campaigns) == before
        campaigns.tick()
        assert shown(campaigns) == before


def test_a_member_whose_document_is_not_json_holds_its_group_back(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52003, 38)])
    file = campaigns.folder / "runs.jsonl"
    first, last = file.read_text().splitlines()
    file.write_text("\n".join([first, json.dumps(at(52002, 39))[:-9], last, ""]))
    assert campaigns.pending() == set()


def test_the_document_of_a_superrun_of_its_runs_holds_no_group_back(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 39)])
    with (campaigns.folder / "runs.jsonl").open("a") as file:
        file.write(json.dumps({**at(52001, 40), "number": None, "name": "_sr1_kr83m"}) + "\n")
    assert campaigns.pending() == {("sums", group_id([52001, 52002]))}


def test_an_analysis_that_gets_or_loses_its_period_goes_on_with_what_is_done(campaigns: FastSite) -> None:
    one = "xomlib.Xomresult(variable_name='runs', variable_value=1).save()"
    campaigns.runs([at(52001, 40), at(52002, 39)])
    campaigns.analysis("sums", one, run_modes=["tpc_kr83m"])
    campaigns.tick()
    assert shown(campaigns)[0] == ["052001", "052002"]
    campaigns.analysis("sums", SUM, run_modes=["tpc_kr83m"], period={"gap": "5 h"})
    campaigns.tick()
    assert shown(campaigns)[0] == [group_id([52001, 52002])]
    campaigns.analysis("sums", one, run_modes=["tpc_kr83m"])
    assert campaigns.pending() == set()
    campaigns.tick()
    assert shown(campaigns)[0] == ["052001", "052002"]


def test_single_runs_take_the_place_of_groups_of_one_run_and_the_tick_has_done_them(campaigns: FastSite) -> None:
    campaigns.runs([at(52001, 40), at(52002, 20)])
    campaigns.tick()
    assert shown(campaigns)[0] == [group_id([52001]), group_id([52002])]
    one = "xomlib.Xomresult(variable_name='runs', variable_value=1).save()"
    campaigns.analysis("sums", one, run_modes=["tpc_kr83m"])
    done = campaigns.tick()
    assert "this tick: 2 of 2 runs done" in done.stderr
    assert shown(campaigns)[0] == ["052001", "052002"]


def test_a_part_of_a_group_that_split_is_done_though_its_result_waits_for_that_of_the_other(
    campaigns: FastSite,
) -> None:
    campaigns.tree["max_jobs_per_tick"] = 1
    campaigns.runs([at(52001, 40), at(52003, 38)])
    campaigns.tick()
    campaigns.runs([at(52002, 39, "tpc_bkg")])
    done = campaigns.tick()
    assert "this tick: 1 of 1 runs done" in done.stderr
    assert shown(campaigns)[0] == [group_id([52001, 52003])]
    campaigns.tick()
    assert shown(campaigns)[0] == [group_id([52001]), group_id([52003])]


def test_a_group_whose_id_is_that_of_other_runs_waits_in_words_and_costs_no_result(campaigns: FastSite) -> None:
    assert group_id([52001, 52604]) == group_id([52001, 52647]) == "052001-3197"
    campaigns.tree["selection"] = {"excluded_tags": ["bad"]}
    campaigns.runs([at(52001, 40), at(52604, 39), at(52700, 20)])
    assert campaigns.tick().returncode == 0
    outcome = campaigns.paths.outcome(Key("sums", "v1", "052001-3197"))
    before = outcome.read_text()
    campaigns.runs([at(52604, 39, tags=[{"name": "bad"}]), at(52647, 38)])
    assert campaigns.tick().returncode == 0
    waits = "the outcome 052001-3197 has other runs (052001, 052604): raise the version, or put one into except_runs"
    assert waits in campaigns.ticks()[-1].run_list("sums").read_text()
    assert superseded_path(outcome).read_text() == before
    campaigns.tree["analyses"]["sums"]["version"] = "v2"
    assert campaigns.tick().returncode == 0
    (again,) = [one for one in results(campaigns, "v2").values() if one["names"] == "052001,052647"]
    assert again["missing"] == 0

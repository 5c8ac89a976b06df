"""The pending work is kept as long as nothing changed, and comes back equal when it is thrown away."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.site import Site, document
from xomflow.config.load import load_configuration
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, run_id
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.planning.pending.find import find_pending, load_pending
from xomflow.planning.pending.work import PendingWork
from xomflow.rundb.database import FileRunDB
from xomflow.rundb.shelves import Shelf, Shelves


class CountingRunDB(FileRunDB):
    """A file of documents that counts how often it is digested, and notes which shelves are read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.looks = 0
        self.read: list[str] = []

    def shelves(self, min_run: int, max_run: int | None) -> Shelves:
        self.looks += 1
        found = super().shelves(min_run, max_run)

        def read(names: Collection[str]) -> dict[str, Shelf]:
            self.read += sorted(names)
            return found.read(names)

        return SimpleNamespace(digests=found.digests, read=read)  # type: ignore[return-value]


@pytest.fixture
def world(site: Site) -> tuple[Site, Config, CountingRunDB]:
    """Three runs, two of them done, one of those left failed before; nothing changed for a while."""
    site.runs([52001, 52002, 52003])
    site.analysis("good", "pass")
    site.tree["work"] = str(site.work)
    site.tree["analysis_folders"] = [str(site.folder / "extra")]
    site.tree["science_runs"] = [{"name": "SR0", "min_run": 52001, "max_run": 52002}]
    site.write_config()
    for number in (52001, 52002):
        put(site, f"{run_id(number)}.json")
    put(site, "052003.failed-1-raised-1700000000.json")
    settle(site)
    return site, load_configuration(site.folder / "config.yaml"), CountingRunDB(site.folder / "runs.jsonl")


def put(site: Site, name: str) -> None:
    path = site.paths.outcome(Key("good", "v1", name[:6])).with_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def settle(site: Site) -> None:
    """Let everything have changed an hour ago, each at a time of its own."""
    folders = [path for path in site.paths.outcomes.rglob("*") if path.is_dir()]
    for age, path in enumerate([site.folder / "runs.jsonl", *folders]):
        os.utime(path, (time.time() - 3600 - age, time.time() - 3600 - age))


def pending(found: PendingWork) -> list[int]:
    return [run.number for run in found.analyses["good"].pending]


def test_it_says_what_is_left(world: tuple[Site, Config, CountingRunDB]) -> None:
    _, config, rundb = world
    found = load_pending(config, rundb, may_write=True)
    assert pending(found) == [52003]
    assert found.analyses["good"].done == 2
    assert [failure.kind for failure in found.analyses["good"].failures["052003"]] == ["raised"]
    assert [one.name for one in found.science_runs] == ["SR0"]


def test_a_second_look_reads_no_documents_and_finds_the_same(world: tuple[Site, Config, CountingRunDB]) -> None:
    _, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    assert load_pending(config, rundb, may_write=True) == first
    assert (rundb.looks, rundb.read) == (1, ["052"])


def test_only_the_shelf_of_a_changed_document_is_read_again(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    site.runs([51001, 53001])
    load_pending(config, rundb, may_write=True)
    rundb.read.clear()
    site.runs([document(53001, tags=[{"name": "late"}])])
    assert pending(load_pending(config, rundb, may_write=True)) == [53001, 52003, 51001]
    assert rundb.read == ["053"]


def test_a_trial_needs_no_second_look_at_the_documents(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, _, rundb = world
    site.tree["analyses"]["good"]["trial"] = {"version": "v2"}
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    found = load_pending(config, rundb, may_write=True)
    assert ([run.number for run in found.analyses["good+v2"].pending], pending(found)) == (
        [52003, 52002, 52001],
        [52003],
    )
    assert (rundb.looks, rundb.read) == (1, ["052"])
    assert load_pending(config, rundb, may_write=True) == found
    assert (rundb.looks, rundb.read) == (1, ["052"])


def test_a_changed_folder_reads_no_document(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    put(site, "052003.json")
    assert pending(load_pending(config, rundb, may_write=True)) == []
    assert rundb.read == ["052"]


def test_what_is_kept_of_a_run_and_damaged_is_read_again(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    place = site.paths.run_metadata("052")
    place.write_text(place.read_text().replace('"rest"', '"lost"'))
    assert load_pending(config, rundb, may_write=True) == first
    assert load_pending(config, rundb, may_write=True) == first
    assert "rest" in place.read_text()


def test_runs_on_another_line_than_it_seems_are_found(world: tuple[Site, Config, CountingRunDB]) -> None:
    """The first number in a line need not be that of the run."""
    site, config, rundb = world
    odd = {"before": {"number": 17}, **document(52004)}
    with (site.folder / "runs.jsonl").open("a") as file:
        file.write(json.dumps(odd) + "\n")
    for _ in range(2):
        assert pending(load_pending(config, rundb, may_write=True)) == [52004, 52003]
    odd |= {"mode": "other", "status": "raw"}
    site.documents[17] = odd
    site.runs([])
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]


def test_thrown_away_it_comes_back_equal(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    (site.paths.cache / "inventory.json").unlink()
    assert load_pending(config, rundb, may_write=True) == first
    assert rundb.read == ["052", "052"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"common": 1}'])
def test_a_broken_one_is_taken_anew(world: tuple[Site, Config, CountingRunDB], content: str) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    (site.paths.cache / "inventory.json").write_text(content)
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]


def test_a_dry_run_keeps_nothing(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=False)
    assert not site.paths.cache.exists()


def test_a_new_document_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.runs([52004])
    assert pending(load_pending(config, rundb, may_write=True)) == [52004, 52003]


def test_a_new_outcome_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    put(site, "052003.json")
    assert pending(load_pending(config, rundb, may_write=True)) == []


def test_an_outcome_that_went_away_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.paths.outcome(Key("good", "v1", "052001")).unlink()
    assert pending(load_pending(config, rundb, may_write=True)) == [52003, 52001]


def test_another_selection_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.tree["selection"] = {"max_run": 52002}
    site.write_config()
    other = load_configuration(site.folder / "config.yaml")
    assert pending(load_pending(other, rundb, may_write=True)) == []


def test_an_outcome_that_came_just_now_does_not_hide_the_next_one(world: tuple[Site, Config, CountingRunDB]) -> None:
    """Within the resolution of a time stamp a folder may change twice and look the same."""
    site, config, rundb = world
    put(site, "052003.failed-2-raised-1700000001.json")
    folder = site.paths.outcome(Key("good", "v1", "052003")).parent
    then = time.time()
    os.utime(folder, (then, then))
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]
    put(site, "052003.json")
    os.utime(folder, (then, then))
    assert pending(load_pending(config, rundb, may_write=True)) == []


def test_documents_whose_changes_cannot_be_told_cheaply_are_digested_every_time(
    world: tuple[Site, Config, CountingRunDB],
) -> None:
    _, config, rundb = world
    rundb.fingerprint = lambda *ends: ""  # type: ignore[method-assign]
    load_pending(config, rundb, may_write=True)
    load_pending(config, rundb, may_write=True)
    assert (rundb.looks, rundb.read) == (2, ["052"])


def test_a_run_that_was_given_up_is_not_missed_any_more(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    del site.documents[52003]
    site.runs([])
    assert load_pending(config, rundb, may_write=True).unseen == {52003}
    subject = Subject(runs=("052003",))
    write_decision(site.paths, Decision(Verb.ACCEPT, subject, "me", times.now(), "gone"))
    found = load_pending(config, rundb, may_write=True)
    assert (found.unseen, pending(found)) == (frozenset(), [])


def test_a_run_database_without_runs_is_said(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    runs = site.folder / "runs.jsonl"
    runs.write_text("")
    found = find_pending(config, rundb)
    assert found.warnings == [f"the run database has no run from number 0 on: file {runs}"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run_modes": ["tpc_krypton", "tpc_bk"]}, ", none has the mode 'tpc_krypton'"),
        ({"run_modes": ["tpc_bk"]}, ", none has the mode 'tpc_bk'; did you mean 'tpc_bkg'?"),
        ({"detectors": ["tcp"]}, ", none has the detector 'tcp'; did you mean 'tpc'?"),
        ({"min_run": 60000}, ""),
        ({"run_modes": ["tpc_k*"], "period": {"gap": "12 h"}}, ", none has the mode 'tpc_k*'"),
    ],
)
def test_an_analysis_that_selects_no_run_at_all_is_named(site: Site, changes: dict[str, Any], words: str) -> None:
    site.runs([52001, 52002])
    site.analysis("astray", "pass", **changes)
    site.tree["work"] = str(site.work)
    site.tree["analysis_folders"] = [str(site.folder / "extra")]
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    (said,) = find_pending(config, CountingRunDB(site.folder / "runs.jsonl")).warnings
    assert said.startswith(f"analyses.astray selects none of the 2 runs{words}")

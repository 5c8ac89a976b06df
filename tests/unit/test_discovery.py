"""What discovery asks and writes, without Snakemake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support import factory
from support.batch import FakeBatchSystem
from support.site import Site
from xomflow.core.paths import TickPaths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Backfill
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.outcomes.files import Failure, failures_of
from xomflow.planning.decide import KeyState
from xomflow.planning.items import Item
from xomflow.planning.progress import in_progress
from xomflow.planning.progress.claims import hold_tick
from xomflow.planning.standing import Standing
from xomflow.planning.survey import Survey
from xomflow.slurm.batch_system import BatchJob
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow import discover
from xomflow.workflow.survey_document import SurveyDocument
from xomlib.files import dump_json, read_json


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> FakeBatchSystem:
    fake = FakeBatchSystem()
    for module in (in_progress, discover):
        monkeypatch.setattr(module, "open_batch_system", lambda config: fake)
    return fake


def test_discovery_asks_the_batch_system_once_and_settles_what_it_answers(
    site: Site, batch: FakeBatchSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = (52001, 52002, 52003)
    site.runs(numbers)
    site.analysis("good", "pass")
    tick, keys = TickPaths(site.paths.tick("tick")), [factory.key_of(number, "good") for number in numbers]
    key, vanished, working = keys
    tree = {**site.tree, "work": str(site.work)}
    tree["rundb"] = {"kind": "file", "file": str(site.folder / "runs.jsonl")}
    tree["analysis_folders"] = [str(site.folder / "extra")]
    gone, there = (Submission(one, 1, "20261122T120000-host-5", factory.NOW, "17") for one in (key, working))
    submissions.note(site.paths, gone)
    submissions.note(site.paths, there)
    batch.known[there.label] = BatchJob("17", "Slurm job 17 is running")
    for one in (vanished, working):
        with hold_run(site.paths, one) as lock:  # closed without being removed, as by a kill
            write_owner(lock, one, 1, "20261122T120000-host-5")
    monkeypatch.setattr(discover, "units_that_hide_crashes", lambda: ["a unit hides crashes"])
    with hold_tick(tick):
        dump_json(tick.settings, {"configuration": tree, "wrong": {}})
        discover.discover(tick)
    assert read_json(tick.survey)["problems"][-1] == "a unit hides crashes"
    assert batch.listed == 1
    assert [[failure.kind for failure in failures_of(site.paths, one)] for one in keys] == [["lost"], ["lost"], []]
    assert submissions.noted(site.paths) == {working: there}


def test_no_run_is_taken_while_the_disk_refuses_what_the_chosen_runs_write(site: Site) -> None:
    paths = site.paths
    for place in (paths.all_figures, paths.drafts):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to("nowhere/at/all")  # that is only seen by writing
    failed = Failure(1, "disk", factory.NOW)
    one = Item(factory.KEY, factory.run(52894), KeyState(State.READY, "ready", 2), (failed,), False)

    def refused(*chosen: Item, **how: bool) -> list[str]:
        troubles = discover.disk_troubles(paths, Survey(chosen=list(chosen)), **how)
        assert all(said.endswith("; no runs are taken while this lasts") for said in troubles)
        return [Path(said.partition(":")[0].partition(" ")[0]).name for said in troubles]

    assert refused(one) == [paths.drafts.name, paths.all_figures.name]
    for failures in ((), (replace(failed, kind="raised"),)):
        assert refused(replace(one, failures=failures)) == [paths.drafts.name], "only some analyses make figures"
    assert (refused(one, may_write=False), refused()) == ([], [])


def test_old_runs_and_backfills_let_other_jobs_go_first(tmp_path: Path) -> None:
    config = factory.settings(tmp_path, analyses={"kr83m": {"version": "v1"}}, slurm={"nice_if_old": 9})
    one = Item(factory.KEY, factory.run(52894), KeyState(State.READY, "ready", 2), (), False)
    words = Reason("kim: a test")
    cases = [
        (one, 0),
        (replace(one, is_old=True), 9),
        (replace(one, backfill=Backfill("a", 5, 0, words)), 9),
        (replace(one, backfill=Backfill("a", 5, 7, words)), 7),
    ]
    for item, nice in cases:
        assert discover.limits_of(config, item).nice == nice


def test_a_job_has_the_lineage_of_what_its_analysis_needs_and_is_warm_only_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(*asked: Any) -> Any:
        assert asked[-1], "strax is not asked about no types"
        return SimpleNamespace(hashes=dict.fromkeys(asked[-1], "abcdefghij"))

    monkeypatch.setattr(discover, "open_context_probe", lambda *_, **__: SimpleNamespace(describe=describe))
    chosen = [Item(factory.KEY, factory.run(52894), KeyState(State.READY, "ready", 1), (), False)]
    lineages = []
    for needs, enabled in (([], True), (["event_info"], False)):
        analyses = {"kr83m": {"version": "v1", "needs": needs}}
        config = factory.settings(tmp_path, analyses=analyses, warm_start={"enabled": enabled, "least_jobs": 1})
        jobs = discover.describe_jobs(config, "kr83m", chosen)
        assert (jobs.needs, jobs.warm.enabled) == (needs, enabled)
        lineages.append(jobs.runs["052894"].lineage)
    assert lineages == [{}, {"event_info": "abcdefghij"}]


def test_of_what_is_ready_and_was_ordered_the_survey_has_what_its_tick_leaves(tmp_path: Path) -> None:
    state = KeyState(State.READY, "ready", 2)
    taken, left = (Item(factory.key_of(n), factory.run(n), state, (), False) for n in (52001, 52002))
    orders = tuple(
        Decision(Verb.RETRY, Subject("kr83m", "v1", (one.key.run,), attempts=(1,)), "kim", factory.NOW, "a new lamp")
        for one in (taken, left)
    )
    of_backfill = Item(
        factory.key_of(52000), factory.run(52000), state, (), False, backfill=Backfill("a", 5, 0, Reason("kim: a test"))
    )
    suspended = ["kr83m is suspended", "all is"]
    survey = Survey(
        items={"kr83m": [taken, left, of_backfill]},
        chosen=[taken],
        standing=Standing(orders),
        for_person=suspended,
        ended_by={suspended[0]: [left.key], suspended[1]: []},
    )
    found = discover.survey_document(survey, factory.settings(tmp_path), [])
    assert replace(SurveyDocument.from_json(found.to_json()), config=found.config) == found
    assert [one.key for one in found.listed] == [taken.key]
    assert [one.run for one in found.oldest_ready.values()] == [left.key.run], "a backfill may wait"
    unfinished = replace(left, run=factory.run(52002, end=None))
    assert [one.since for one in discover.oldest_ready([unfinished]).values()] == [left.run.start]
    (sentence,) = found.decisions
    assert sentence.startswith("retry kr83m v1 run 052002: kim")

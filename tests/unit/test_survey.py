"""The survey: what of everything a tick works on, with fakes for the run database and the contexts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import NOW, failed, keep, keep_failure, key_of, outcome, run, settings
from support.site import document
from xomflow.core.errors import ContextError
from xomflow.core.key import Key, group_id, run_id
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import WAITINGS
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs.batches.batch_file import Batch, write_batch
from xomflow.jobs.run_lock import LockOwner, hold_run, release_run, write_owner
from xomflow.outcomes.files import Failure, digest_of, failure_path
from xomflow.planning.progress import in_progress
from xomflow.planning.progress.claims import hold_tick
from xomflow.planning.progress.in_progress import InProgress
from xomflow.planning.progress.unclear import Unclear
from xomflow.planning.queue import middle
from xomflow.planning.queue.share import share
from xomflow.planning.survey import NOTHING_MORE, Shown, Survey, take_survey
from xomflow.rundb.query import RunQuery, read_documents
from xomflow.rundb.shelves import AnsweredShelves
from xomflow.slurm.status import SubmissionStatus
from xomflow.slurm.submitting.submissions import Submission
from xomflow.storage.context_probe import ContextDescription
from xomflow.storage.data_directory import DataDirectory
from xomflow.workflow.discover import limits_of
from xomlib.files import dump_json

FAILURE = Failure(1, "raised", NOW - timedelta(days=3))


class Documents:
    """A run database in memory."""

    def __init__(self, *documents: Any) -> None:
        self._documents = documents
        self.asked: list[tuple[int, int | None]] = []

    def runs(self, min_run: int, max_run: int | None) -> RunQuery:
        self.asked.append((min_run, max_run))
        return read_documents(self._documents, min_run, max_run)

    def shelves(self, min_run: int, max_run: int | None) -> AnsweredShelves:
        return AnsweredShelves(self.runs(min_run, max_run))

    @property
    def place(self) -> str:
        return "memory"

    def fingerprint(self, min_run: int, max_run: int | None) -> str:
        return ""

    def data_of(self, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
        return {}


class Probe:
    """Contexts whose data lie in one folder, but for those that are broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self, program: Any, context: Any, types: Any) -> ContextDescription:
        if context.function == "broken:context":
            raise ContextError("broken:context under /opt/python: it broke")
        return ContextDescription(dict.fromkeys(types, "aaaaaaaaaa"), (DataDirectory((), (), str(self._folder)),), {})


def survey(
    work: Path,
    *documents: Any,
    now: datetime = NOW,
    shown: Shown = NOTHING_MORE,
    rule_errors: dict[str, str] | None = None,
    **changes: Any,
) -> Survey:
    configured = settings(work, **changes)
    database, probe = Documents(*documents), Probe(work / "data")
    return take_survey(configured, database, probe, now, False, rule_errors, shown)  # type: ignore[arg-type]


def documents(*numbers: int) -> list[dict[str, Any]]:
    return [document(number) for number in numbers]


def chosen(found: Survey) -> list[str]:
    return [f"{item.key.analysis} {item.run.number}" for item in found.chosen]


def analyses(**blocks: dict[str, Any]) -> dict[str, Any]:
    return {name: {"version": "v1", **block} for name, block in blocks.items()}


def states(found: Survey, analysis: str = "kr83m") -> dict[int, str]:
    return {item.run.number: item.state.name for item in found.items[analysis]}


def data(work: Path, number: int, name: str) -> None:
    folder = work / "data" / f"{number:06d}-{name}-aaaaaaaaaa"
    folder.mkdir(parents=True)
    (folder / f"{name}-aaaaaaaaaa-metadata.json").write_text(json.dumps({"writing_ended": 1.0}))


# --- what is chosen ---------------------------------------------------------------------------------------------------


def test_the_newest_come_first(tmp_path: Path) -> None:
    assert chosen(survey(tmp_path, *documents(52002, 52010, 52001))) == ["kr83m 52010", "kr83m 52002", "kr83m 52001"]


def test_the_limit_holds_for_each_analysis(tmp_path: Path) -> None:
    found = survey(
        tmp_path,
        *documents(*range(52000, 52010)),
        max_jobs_per_tick=2,
        analyses=analyses(a={}, b={"max_jobs_per_tick": 3}, c={"min_run": 52009}),
    )
    assert chosen(found) == ["a 52009", "b 52009", "c 52009", "a 52000", "b 52008", "b 52000"]
    assert found.counts["a"]["ready"] == 10


def test_what_is_not_due_does_not_use_up_the_limit(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    recent = Failure(1, "raised", NOW - timedelta(minutes=1))
    keep_failure(failure_path(paths, key_of(52009), recent), failed(key_of(52009)))
    keep(paths, outcome(key_of(52008)))
    found = survey(tmp_path, *documents(*range(52000, 52010)), max_jobs_per_tick=2)
    assert chosen(found) == ["kr83m 52007", "kr83m 52000"]


def test_a_tick_that_leaves_ready_runs_names_the_oldest_of_them(tmp_path: Path) -> None:
    found = survey(tmp_path, *documents(*range(52000, 52010)), max_jobs_per_tick=2, analyses=analyses(a={}, b={}))
    assert found.warnings == [
        f"analyses.{name}: max_jobs_per_tick, which is 2, does not keep up: 8 ready runs are left to later ticks, "
        "the oldest, 052001, ended at 2026-09-01T01:50:00Z"
        for name in "ab"
    ]
    assert survey(tmp_path, *documents(52000, 52001), max_jobs_per_tick=2).warnings == []


def test_what_is_in_progress_counts_for_the_bounds_over_all_ticks_and_versions(tmp_path: Path) -> None:
    paths, tick = Paths(tmp_path), TickPaths(Paths(tmp_path).tick("20260925T120000-host-1"))
    by_bound = {"max_running": 6, "analyses": analyses(a={"max_running": 2}, b={})}
    runs = documents(*range(52000, 52010))
    assert chosen(survey(tmp_path, *runs, **by_bound)) == [
        *("a 52009", "b 52009", "a 52000", "b 52008", "b 52007", "b 52000")
    ]
    with hold_tick(tick), hold_run(paths, Key("b", "v0", "052001")) as lock:
        write_owner(lock, Key("b", "v0", "052001"), 1, "tick", 60)
        dump_json(tick.claims, [["a", "v1", "052009", 1], ["b", "v1", "052009", 1], ["b", "v1", "052008", 1]])
        found = survey(tmp_path, *runs, **by_bound)
    assert chosen(found) == ["a 52000", "b 52000"]
    assert [sentence.partition(":")[0] for sentence in found.warnings] == [
        "analyses.a",
        "max_running, which is 6, leaves no more to analyses.b",
    ]
    assert found.warnings[0].startswith("analyses.a: max_running, which is 2, is reached: 8 ready runs are left")


def test_old_runs_leave_a_tenth_of_what_may_be_in_progress_to_newer_ones(tmp_path: Path) -> None:
    new = document(52900, end={"$date": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"})
    found = survey(tmp_path, *documents(*range(52000, 52040)), max_running=20)
    assert len(found.chosen) == 18
    found = survey(tmp_path, *documents(*range(52000, 52040)), new, max_running=20)
    assert chosen(found)[0] == "kr83m 52900"
    assert [item.is_old for item in found.chosen] == [False, *[True] * 17]
    nice = [limits_of(settings(tmp_path, slurm={"nice_if_old": 50}), item).nice for item in found.chosen[:2]]
    assert nice == [0, 50]


def test_very_many_ready_runs_are_counted_and_change_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    for number in (52003, 52007, 52011, 52012, 52019):
        keep_failure(failure_path(paths, key_of(number), FAILURE), failed(key_of(number)))
    vetoed = Subject(runs=("052006", "052010"))
    write_decision(paths, Decision(Verb.VETO, vetoed, "kim", NOW - timedelta(days=1), "a valve"))
    with hold_run(paths, key_of(52009)) as lock:
        write_owner(lock, key_of(52009), 1, "tick")
        for limit in (1, 2, 3, 12):
            found = []
            for most in (2, 1000):
                monkeypatch.setattr(middle, "MOST_READY", most)
                found.append(survey(tmp_path, *documents(*range(52000, 52020)), max_jobs_per_tick=limit))
            few, whole = found
            assert (few.chosen, few.counts, few.warnings) == (whole.chosen, whole.counts, whole.warnings)
            assert [item for item in whole.undone if item.state.name != "ready"] == [
                item for item in few.undone if item.state.name != "ready"
            ]
            assert whole.only_counted["kr83m"].total() == 0
            assert few.only_counted["kr83m"] == {"ready": len(whole.undone) - len(few.undone)}
            assert (few.only_counted["kr83m"].total() > 0) == (limit < 12)


def test_of_very_many_that_wait_the_newest_and_the_oldest_are_listed_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middle, "MOST_WAITING", 2)
    for number in range(52000, 52020, 3):  # these can be read: 7 are ready
        data(tmp_path, number, "event_info")
    keep_failure(failure_path(Paths(tmp_path), key_of(52010), FAILURE), failed(key_of(52010)))
    arguments = {"stale_after": "30 d", "analyses": analyses(kr83m={"needs": ["event_info"]})}
    few = survey(tmp_path, *documents(*range(52000, 52020)), **arguments)
    whole = survey(tmp_path, *documents(*range(52000, 52020)), shown=Shown(all_waiting=True), **arguments)
    listed = [item.run.number for item in few.undone if item.state.name in WAITINGS]
    assert listed == [52019, 52017, 52010, 52002, 52001]
    assert (few.counts, few.chosen, few.warnings) == (whole.counts, whole.chosen, whole.warnings)
    assert few.counts["kr83m"]["stale"] + few.counts["kr83m"]["waiting"] == 13
    assert few.only_counted["kr83m"].total() == 8
    assert [item for item in whole.undone if item.run.number in listed] == [
        item for item in few.undone if item.run.number in listed
    ]
    one = survey(tmp_path, *documents(*range(52000, 52020)), shown=Shown(frozenset({"052008"})), **arguments)
    assert states(one)[52008] == states(whole)[52008]


def test_runs_that_wait_in_a_backfill_are_counted_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middle, "MOST_WAITING", 1)
    ids = tuple(f"{number:06d}" for number in range(52000, 52008))
    subject = Subject("kr83m", "v1", ids, most=5)
    decision = Decision(Verb.BACKFILL, subject, "kim", NOW - timedelta(days=1), "more")
    write_decision(Paths(tmp_path), decision)
    found = survey(tmp_path, *documents(*range(52000, 52012)), analyses=analyses(kr83m={"needs": ["event_info"]}))
    assert len(found.undone) == 4
    assert [counts.total() for counts in found.backfills.values()] == [8]
    assert not any("taken last" in item.state.reason for item in found.undone)


def test_a_finished_run_is_counted_and_not_listed(tmp_path: Path) -> None:
    keep(Paths(tmp_path), outcome(key_of(52001)))
    found = survey(tmp_path, *documents(52001, 52002))
    assert states(found) == {52002: "ready"}
    assert (found.counts["kr83m"]["done"], found.counts["kr83m"]["ready"]) == (1, 1)


def test_only_a_raised_version_does_a_finished_run_anew(tmp_path: Path) -> None:
    keep(Paths(tmp_path), outcome(key_of(52001)))
    for changes in ({}, {"settings": {"new": 1}}, {"time_limit": "1 h"}, {"needs": []}):
        assert chosen(survey(tmp_path, *documents(52001), analyses=analyses(kr83m=changes))) == []
    raised = analyses(kr83m={"version": "v2"})
    assert chosen(survey(tmp_path, *documents(52001), analyses=raised)) == ["kr83m 52001"]


def test_before_a_result_is_made_again_its_failures_count_no_more(tmp_path: Path) -> None:
    paths, key = Paths(tmp_path), key_of(52001)
    keep_failure(failure_path(paths, key, FAILURE), failed(key))
    keep(paths, outcome(key, attempt=2))
    again = Subject("kr83m", "v1", ("052001",), (digest_of(paths.outcome(key)),))
    write_decision(paths, Decision(Verb.REDO, again, "kim", NOW - timedelta(days=1), "a valve"))
    (item,) = survey(tmp_path, *documents(52001)).chosen
    assert (item.state.attempt, item.failures) == (3, ())


@pytest.mark.parametrize("years", [-50, 50])
def test_no_clock_makes_a_finished_run_pending(tmp_path: Path, years: int) -> None:
    keep(Paths(tmp_path), outcome(key_of(52001)))
    assert chosen(survey(tmp_path, *documents(52001), now=NOW + timedelta(days=365 * years))) == []


def test_runs_that_are_not_selected_are_neither_listed_nor_counted(tmp_path: Path) -> None:
    messy = document(52002, tags=[{"name": "_messy"}])
    found = survey(tmp_path, document(52001, end=None), messy, selection={"excluded_tags": ["messy"]})
    assert found.items["kr83m"] == []
    assert found.counts["kr83m"].total() == 0


def test_the_run_database_is_asked_for_the_configured_range(tmp_path: Path) -> None:
    database = Documents()
    configured = settings(tmp_path, selection={"min_run": 5, "max_run": 7})
    take_survey(configured, database, Probe(tmp_path), NOW)  # type: ignore[arg-type]
    assert database.asked == [(5, 7)]


def test_a_document_that_cannot_be_understood_costs_only_itself(tmp_path: Path) -> None:
    found = survey(tmp_path, document(52001, mode=5), document(52002))
    assert chosen(found) == ["kr83m 52002"]
    assert found.warnings == ["run document 52001: mode is 5, a text is needed"]


def test_foreign_files_are_reported_and_left(tmp_path: Path) -> None:
    keep(Paths(tmp_path), outcome(key_of(52001)))
    foreign = Paths(tmp_path).outcome(key_of(52001)).with_name("notes.txt")
    foreign.touch()
    assert survey(tmp_path, *documents(52001)).foreign == [foreign]
    assert foreign.exists()


# --- data -------------------------------------------------------------------------------------------------------------


def test_a_run_waits_until_its_data_can_be_read(tmp_path: Path) -> None:
    blocks = analyses(kr83m={"needs": ["event_info"]})
    data(tmp_path, 52001, "event_info")
    found = survey(tmp_path, *documents(52001, 52002), analyses=blocks, now=datetime(2026, 9, 3, tzinfo=UTC))
    assert states(found) == {52001: "ready", 52002: "waiting"}
    reasons = {item.run.number: item.state.reason for item in found.items["kr83m"]}
    assert reasons[52002].startswith(
        "waiting for event_info: nothing of the run can be read here, event_info is not at this site"
    )


def test_what_waits_for_long_is_stale_and_still_looked_at(tmp_path: Path) -> None:
    blocks = analyses(kr83m={"needs": ["event_info"]})
    assert states(survey(tmp_path, *documents(52001), analyses=blocks)) == {52001: "stale"}
    data(tmp_path, 52001, "event_info")
    assert states(survey(tmp_path, *documents(52001), analyses=blocks)) == {52001: "ready"}


def test_an_analysis_that_needs_no_data_asks_no_context(tmp_path: Path) -> None:
    found = survey(tmp_path, *documents(52001), context={"function": "broken:context"})
    assert (chosen(found), found.configuration_errors) == (["kr83m 52001"], [])


def test_a_broken_context_stops_its_own_analysis_only(tmp_path: Path) -> None:
    data(tmp_path, 52001, "event_info")
    needs = ["event_info"]
    blocks = analyses(a={"needs": needs, "context": {"function": "broken:context"}}, b={"needs": needs})
    found = survey(tmp_path, *documents(52001), analyses=blocks)
    assert chosen(found) == ["b 52001"]
    assert found.configuration_errors == ["analyses.a: broken:context under /opt/python: it broke"]
    assert found.items["a"][0].state.reason.startswith("the data that it needs are unknown: broken:context")


def test_a_mistake_that_analyses_share_is_said_once(tmp_path: Path) -> None:
    blocks = analyses(a={"needs": ["peaks"]}, b={"needs": ["peaks"]}, c={"needs": []})
    found = survey(tmp_path, *documents(52001), analyses=blocks, context={"function": "broken:context"})
    assert found.configuration_errors == ["analyses.a, analyses.b: broken:context under /opt/python: it broke"]


def test_an_analysis_whose_rule_file_is_broken_waits_and_stops_no_other(tmp_path: Path) -> None:
    errors = {"a": "analyses.a: its rule file has no rule"}
    found = survey(tmp_path, *documents(52001), analyses=analyses(a={}, b={}), rule_errors=errors)
    assert (chosen(found), found.configuration_errors) == (["b 52001"], ["analyses.a: its rule file has no rule"])
    assert found.items["a"][0].state.reason.startswith("its rule file must be fixed: analyses.a: its rule")


def test_a_run_without_software_waits(tmp_path: Path) -> None:
    software = [{"interpreter": "/opt/python", "max_run": 52001}]
    now = datetime(2026, 9, 3, tzinfo=UTC)
    found = survey(tmp_path, *documents(52001, 52002), software=software, software_may_have_holes=True, now=now)
    assert states(found) == {52001: "ready", 52002: "waiting"}


# --- others at work ---------------------------------------------------------------------------------------------------


def test_what_a_live_tick_claims_is_left_to_it(tmp_path: Path) -> None:
    files = TickPaths(Paths(tmp_path).tick("other"))
    dump_json(files.claims, [["kr83m", "v1", "052001", 1]])
    with hold_tick(files):
        found = survey(tmp_path, *documents(52001, 52002))
        assert (chosen(found), states(found)[52001]) == (["kr83m 52002"], "running")
    assert chosen(survey(tmp_path, *documents(52001, 52002))) == ["kr83m 52002", "kr83m 52001"]


def test_the_claims_of_a_live_tick_do_not_count_for_another_version(tmp_path: Path) -> None:
    files = TickPaths(Paths(tmp_path).tick("other"))
    dump_json(files.claims, [["kr83m", "v1", "052001", 1]])
    with hold_tick(files):
        found = survey(tmp_path, *documents(52001), analyses=analyses(kr83m={"version": "v2"}))
        assert chosen(found) == ["kr83m 52001"]


def test_a_claim_whose_attempt_has_failed_claims_nothing_any_more(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    files = TickPaths(paths.tick("other"))
    dump_json(files.claims, [["kr83m", "v1", "052001", 1]])
    keep_failure(failure_path(paths, key_of(52001), FAILURE), failed(key_of(52001)))
    with hold_tick(files):
        found = survey(tmp_path, *documents(52001))
    assert chosen(found) == ["kr83m 52001"]
    assert found.chosen[0].state.attempt == 2


def test_a_run_whose_lock_is_held_is_running(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    lock = hold_run(paths, key_of(52001))
    write_owner(lock, key_of(52001), 2, "tick")
    found = survey(tmp_path, *documents(52001))
    release_run(paths, key_of(52001), lock)
    assert states(found) == {52001: "running"}
    assert found.items["kr83m"][0].state.reason.startswith("attempt 2 runs at ")


def test_a_process_that_vanished_counts_as_a_lost_attempt(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    lock = hold_run(paths, key_of(52001))
    write_owner(lock, key_of(52001), 1, "tick")
    lock.close()
    found = survey(tmp_path, *documents(52001), now=datetime.now(UTC) + timedelta(seconds=5))
    assert [failure.kind for failure in found.chosen[0].failures] == ["lost"]
    assert found.chosen[0].state.attempt == 2


def test_a_tick_takes_few_runs_that_were_lost_of_all_analyses_together(tmp_path: Path) -> None:
    numbers, blocks = range(52001, 52008), {name: {"version": "v1"} for name in ("one", "two")}
    paths = Paths(tmp_path)
    for name, lost in (("one", numbers[:4]), ("two", numbers[:5])):
        for number in lost:
            key = Key(name, "v1", f"{number:06d}")
            failed = failure_path(paths, key, Failure(1, "lost", NOW - timedelta(hours=1)))
            failed.parent.mkdir(parents=True, exist_ok=True)
            failed.touch()
    found = survey(tmp_path, *documents(*numbers), analyses=blocks)
    taken = [(item.key.analysis, item.is_lost) for item in found.chosen]
    assert Counter(taken) == {("one", True): 4, ("one", False): 3, ("two", True): 1, ("two", False): 2}


def owner(held: bool, attempt: int = 1) -> LockOwner:
    return LockOwner(attempt, "tick", "node01", 5, NOW, held)


def submission(working: str = "", kind: str = "", attempt: int = 2) -> SubmissionStatus:
    return SubmissionStatus(Submission(key_of(52001), attempt, "some tick", NOW, "17"), working, kind)


def test_a_lost_attempt_is_counted_once() -> None:
    key, lost = key_of(52001), Failure(2, "lost", NOW)
    for known, found in (([FAILURE], [FAILURE, lost]), ([FAILURE, lost], [FAILURE, lost])):
        assert InProgress(owners={key: owner(False, 2)}).failures(key, known, NOW) == found
    for left in (owner(False, 1), owner(True, 2)):
        assert InProgress(owners={key: left}).failures(key, [FAILURE], NOW) == [FAILURE]
    assert InProgress().failures(key, [FAILURE], NOW) == [FAILURE]


def test_how_slurm_ended_a_job_counts_and_not_what_it_left() -> None:
    key, ended = key_of(52001), Failure(2, "node_failed", NOW)
    at_work = InProgress(owners={key: owner(False, 2)}, submissions={key: submission(kind="node_failed")})
    assert at_work.failures(key, [FAILURE], NOW) == [FAILURE, ended]
    assert at_work.failures(key, [FAILURE, ended], NOW) == [FAILURE, ended]


def test_what_was_submitted_counts_unless_it_ended_with_a_file_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working, silent, told = (key_of(52001 + n) for n in range(3))
    known = {working: submission(working="Slurm job 17 runs"), silent: submission(kind="lost"), told: submission()}
    monkeypatch.setattr(in_progress, "statuses", lambda *_: known)
    found = in_progress.read_in_progress(settings(tmp_path), NOW)
    assert (found.submissions.keys(), found.asked) == ({working, silent}, known)


def test_a_job_that_is_held_waits_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = replace(submission(working="Slurm job 17 is held"), held="it is held")
    monkeypatch.setattr(in_progress, "statuses", lambda *_: {key_of(52001): held})
    (sentence,) = survey(tmp_path, *documents(52001)).for_person
    assert sentence.startswith("Slurm job 17 of kr83m v1 run 052001 waits for a person, it is held: scontrol release")


def test_a_run_whose_submission_cannot_be_read_waits(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.submissions.mkdir(parents=True)
    (paths.submissions / "kr83m+v1+052001.json").write_text("{")
    found = survey(tmp_path, *documents(52001, 52002))
    assert (states(found), chosen(found)) == ({52001: "running", 52002: "ready"}, ["kr83m 52002"])
    assert found.items["kr83m"][1].state.reason.startswith("a job may work on it, but ")
    (sentence,) = found.warnings
    assert sentence.endswith("; its run waits; delete this file once no job works on the run")


def test_the_runs_of_a_batch_whose_submission_cannot_be_read_wait(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    write_batch(TickPaths(paths.tick("tick")), Batch("first", (key_of(52001), key_of(52003)), 1, 60.0))
    paths.submissions.mkdir(parents=True)
    for name in ("tick+first", "tick+second", "odd"):
        (paths.submissions / f"{name}.json").write_text("{")
    found = survey(tmp_path, *documents(52001, 52002, 52003))
    assert states(found) == {52001: "running", 52002: "ready", 52003: "running"}
    assert len(found.warnings) == 3


def test_a_job_that_slurm_will_start_again_has_lost_nothing() -> None:
    key = key_of(52001)
    at_work = InProgress(
        owners={key: owner(False, 2)}, submissions={key: submission(working="Slurm job 17 is pending")}
    )
    assert at_work.failures(key, [FAILURE], NOW) == [FAILURE]
    assert at_work.describe(key, [FAILURE]) == "Slurm job 17 is pending"


def test_who_works_on_a_key() -> None:
    key = key_of(52001)
    assert InProgress().describe(key, []) == ""
    assert InProgress({key: ("x", 1)}).describe(key, []) == "claimed by tick x"
    assert InProgress({key: ("x", 1)}).describe(key, [FAILURE]) == ""
    assert InProgress({key: ("x", 2)}).describe(key, [FAILURE]) == "claimed by tick x"
    both = InProgress({key: ("x", 1)}, {key: owner(True)})
    assert both.describe(key, []) == "attempt 1 runs at node01, process 5"
    assert InProgress(owners={key: owner(False)}).describe(key, []) == ""
    over = InProgress(owners={key: owner(True)}, submissions={key: submission(kind="node_failed")})
    assert over.describe(key, []) == "attempt 1 runs at node01, process 5"


def test_what_is_worked_on_is_known_by_key_and_by_analysis() -> None:
    held, left, slurm, ended, claimed = (key_of(52001 + n) for n in range(5))
    known = InProgress(
        {claimed: ("x", 1)},
        {held: owner(True), left: owner(False)},
        {slurm: submission(working="Slurm job 17 runs"), ended: submission(kind="node_failed")},
        Unclear({("kr83m", "052009"): "a file"}, {"rate": "a file"}),
        {slurm: submission(working="Slurm job 17 runs")},
    )
    assert known.working() == {held, slurm}
    assert known.runs_of("kr83m") == {"052001", "052002", "052003", "052005", "052009"}
    assert (known.runs_of("other"), known.runs_of("rate")) == ({"052009"}, None)
    assert known.describe(key_of(52009), []) == "a file"
    gone = InProgress({}, {}, {key_of(52009): submission(kind="node_failed")}, known.unclear)
    assert gone.describe(key_of(52009), []) == ""


@pytest.mark.parametrize(
    ("apart", "limit", "backfilled", "all_waiting", "ready", "waiting"),
    [
        (set(), 1, set(), False, [53, 54], [59, 60]),
        (set(), 4, set(), False, [], [59, 60]),
        (set(), 1, set(), True, [53, 54], []),
        ({53, 59}, 1, set(), False, [54], [60]),
        (set(), 1, {50, 51, 52, 53, 54, 55, 56}, False, [53], [59, 60]),
        (set(), 1, {53, 54}, False, [], [59, 60]),
        (None, 1, set(), False, [], []),
    ],
)
def test_of_each_queue_so_many_of_the_newest_and_of_the_oldest_are_listed(
    monkeypatch: pytest.MonkeyPatch,
    apart: set[int] | None,
    limit: int,
    backfilled: set[int],
    all_waiting: bool,
    ready: list[int],
    waiting: list[int],
) -> None:
    monkeypatch.setattr(middle, "MOST_READY", 3)
    monkeypatch.setattr(middle, "MOST_WAITING", 1)
    undone = [run(number) for number in reversed(range(50, 62))]  # 58 to 61 wait, 50 to 57 are ready
    lacking, ids = {run_id(number) for number in range(58, 62)}, [one.id for one in undone]

    def named(numbers: set[int]) -> set[str]:
        return set(map(run_id, numbers))

    listed, found = middle.without_middle(
        undone, lacking, None if apart is None else named(apart), limit, named(backfilled), all_waiting
    )
    assert [[one.number for one in some] for some in (found.ready, found.waiting)] == [ready[::-1], waiting[::-1]]
    assert [one.id for one in listed] == [one for one in ids if int(one) not in {*ready, *waiting}]
    assert middle.without_middle(undone[:2], lacking, set(), 1)[0] == undone[:2]


# --- in all cases -----------------------------------------------------------------------------------------------------

finished = st.sets(st.integers(52000, 52015))


@given(there=finished, done=finished, limit=st.integers(1, 20))
@effort(max_examples=40)
def test_what_is_chosen_are_the_newest_and_some_of_the_oldest_that_are_ready(
    tmp_path_factory: pytest.TempPathFactory, there: set[int], done: set[int], limit: int
) -> None:
    work = tmp_path_factory.mktemp("work")
    keep(Paths(work), *(outcome(key_of(number)) for number in done))
    found = survey(work, *documents(*there), max_jobs_per_tick=limit)
    assert [item.run.number for item in found.chosen] == share(sorted(there - done, reverse=True), limit)
    assert found.counts["kr83m"]["done"] == len(there & done)
    assert all(item.run == run(item.run.number) for item in found.chosen)


def test_a_survey_writes_nothing(tmp_path: Path) -> None:
    keep(Paths(tmp_path), outcome(key_of(52001)))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    survey(tmp_path, *documents(52001, 52002), analyses=analyses(kr83m={"needs": ["event_info"]}))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(("most", "running", "trials"), [(10, 0, 1), (3, 0, 1), (2, 0, 0), (4, 1, 1), (3, 1, 0)])
def test_a_trial_takes_what_others_leave_and_no_run_that_a_tick_takes_already(
    tmp_path: Path, most: int, running: int, trials: int
) -> None:
    paths, block = Paths(tmp_path), {"kr83m": {"version": "v1", "trial": {"version": "v2"}}}
    keep(paths, outcome(key_of(52004)))
    with hold_tick(tick := TickPaths(paths.tick("20260925T120000-host-1"))):
        dump_json(tick.claims, [["kr83m", "v1", "052003", 1]][:running])
        runs = documents(52001, 52002, 52003, 52004)
        found = survey(tmp_path, *runs, analyses=block, max_running=most, max_jobs_per_tick=2)
    taken = [f"{item.key.version} {item.run.number}" for item in found.chosen]
    published = ["v1 52002", "v1 52001"] if running else ["v1 52003", "v1 52001"]
    assert taken == [*published, "v2 52004"][: 2 + trials]
    assert {name: len(items) for name, items in found.items.items()} == {"kr83m": 3, "kr83m+v2": 4}


def test_what_is_only_counted_waits_or_is_stale_by_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middle, "MOST_WAITING", 1)
    runs = documents(*range(52001, 52007))
    for one, hours in zip(runs, (300, 200, 100, 10, 5, 1), strict=True):
        end = NOW - timedelta(hours=hours)
        one |= {"start": {"$date": (end - timedelta(days=9)).isoformat()}, "end": {"$date": end.isoformat()}}
    found = survey(tmp_path, *runs, analyses=analyses(kr83m={"needs": ["event_info"]}), stale_after="48 h")
    assert states(found) == {52006: "waiting", 52001: "stale"}
    assert found.only_counted["kr83m"] == Counter({"stale": 2, "waiting": 2})


# --- analyses over a period -------------------------------------------------------------------------------------------
def campaigns(*numbers: int) -> list[dict[str, Any]]:
    """A kr83m run of each of these numbers, each in a campaign of its own if others are between them."""
    made = [document(number, mode="tpc_kr83m") for number in numbers]
    return made + [document(number + 1, mode="tpc_rn220") for number in numbers if number + 1 not in numbers]


PERIOD = analyses(kr83m={"needs": ["event_info"], "run_modes": ["tpc_kr83m"], "period": {"gap": "12 h", "wait": "2 d"}})


def test_a_campaign_whose_result_has_all_that_can_be_read_is_done(tmp_path: Path) -> None:
    for number in (52001, 52005):
        data(tmp_path, number, "event_info")
    facts = run(52001)._replace(members=(52001,), missing=(52002,)).as_dict()
    keep(Paths(tmp_path), outcome(Key("kr83m", "v1", group_id([52001])), run=facts))
    found = survey(tmp_path, *campaigns(52001, 52002, 52005), analyses=PERIOD)
    assert [item.key.run for item in found.chosen] == [group_id([52005])]
    assert found.counts["kr83m"] == Counter(ready=1, done=1)


def test_a_campaign_of_a_run_that_goes_on_waits(tmp_path: Path) -> None:
    running = document(52001, mode="tpc_kr83m", end=None)
    found = survey(tmp_path, running, analyses=PERIOD, now=datetime(2026, 9, 1, 2, tzinfo=UTC))
    assert [item.state.name for item in found.items["kr83m"]] == ["waiting"]


def test_all_campaigns_that_wait_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middle, "MOST_WAITING", 1)
    found = survey(tmp_path, *campaigns(*range(52000, 52010, 2)), analyses=PERIOD)
    assert (len(found.items["kr83m"]), found.only_counted["kr83m"].total()) == (5, 0)

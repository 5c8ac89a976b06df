"""The failure records of attempts that could not write one themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support import factory
from support.batch import FakeBatchSystem
from support.jobs import analysis_jobs, run_job
from xomflow.config.model import Retries
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.description import write_jobs
from xomflow.jobs.ends.lost import record_lost, record_unstarted
from xomflow.jobs.run_lock import hold_run, lock_owners, write_owner
from xomflow.outcomes.files import failures_of
from xomflow.slurm.asked import statuses as statuses_of
from xomflow.slurm.settle import settle
from xomflow.slurm.status import SubmissionStatus
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission

KEY = factory.KEY
GIVEN = Submission(KEY, 1, "20261122T120000-host-5", factory.NOW, "17")
STUCK = SubmissionStatus(GIVEN, kind="node_failed", message="a node could not start it", to_cancel="17")


def test_only_what_snakemake_calls_failed_is_called_not_started(tmp_path: Path) -> None:
    paths, tick = Paths(tmp_path), TickPaths(tmp_path / "ticks" / "one")
    keys = [factory.key_of(number) for number in (52001, 52002)]
    write_jobs(tick, keys[0].analysis, analysis_jobs({key.run: run_job() for key in keys}))
    record_unstarted(paths, Retries(), tick, dict.fromkeys(keys, 1), {keys[0]}, ())
    assert [failure.kind for failure in failures_of(paths, keys[0])] == ["not_started"]
    assert failures_of(paths, keys[1]) == []


def lost_kinds(paths: Paths, key: Key) -> list[str]:
    return [failure.kind for failure in failures_of(paths, key)]


def test_a_process_that_vanished_is_lost_unless_the_batch_system_may_have_its_job(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    for number in (52001, 52002, 52003):
        key = factory.key_of(number)
        with hold_run(paths, key) as lock:  # closed without being removed, as by a kill
            write_owner(lock, key, 1, "tick")
    submitted, lost, held = (factory.key_of(number) for number in (52001, 52002, 52003))
    with hold_run(paths, held) as lock:
        write_owner(lock, held, 1, "tick")
        record_lost(paths, Retries(), {submitted})
    assert [lost_kinds(paths, key) for key in (submitted, lost, held)] == [[], ["lost"], []]
    assert lock_owners(paths).keys() == {submitted, held}


def test_while_the_batch_system_does_not_answer_nothing_is_written(tmp_path: Path) -> None:
    paths, batch = Paths(tmp_path), FakeBatchSystem()
    submissions.note(paths, GIVEN)
    batch.away = "squeue did not answer"
    with hold_run(paths, KEY) as lock:
        write_owner(lock, KEY, 1, "tick")
    statuses = statuses_of(paths, batch, 0)
    settle(paths, batch, Retries(), statuses)
    record_lost(paths, Retries(), statuses)
    assert failures_of(paths, KEY) == []
    assert submissions.noted(paths) == {KEY: GIVEN}
    assert lock_owners(paths).keys() == {KEY}


def test_a_stuck_job_is_cancelled_and_its_attempt_is_over(tmp_path: Path) -> None:
    paths, batch = Paths(tmp_path), FakeBatchSystem()
    submissions.note(paths, GIVEN)
    with hold_run(paths, KEY) as lock:  # closed without being removed, as by a kill
        write_owner(lock, KEY, 1, GIVEN.tick)
    settle(paths, batch, Retries(), {KEY: STUCK})
    assert batch.cancelled == ["17"]
    assert lock_owners(paths) == {}, "a later attempt has not begun"
    assert [failure.kind for failure in failures_of(paths, KEY)] == ["node_failed"]
    assert submissions.noted(paths) == {}


def test_where_nothing_can_be_cancelled_the_attempt_is_over_all_the_same(tmp_path: Path) -> None:
    batch = FakeBatchSystem()
    batch.away = "scancel did not answer"
    settle(Paths(tmp_path), batch, Retries(), {KEY: STUCK})
    assert [failure.kind for failure in failures_of(Paths(tmp_path), KEY)] == ["node_failed"]


def test_a_submission_that_still_works_keeps_its_record_and_has_no_failure_whatever_is_known_of_it(
    tmp_path: Path,
) -> None:
    paths, batch = Paths(tmp_path), FakeBatchSystem()
    submissions.note(paths, GIVEN)
    settle(paths, batch, Retries(), {KEY: replace(STUCK, working="in Slurm", to_cancel="")})
    assert failures_of(paths, KEY) == []
    assert submissions.noted(paths) == {KEY: GIVEN}
    assert batch.cancelled == []

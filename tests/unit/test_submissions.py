"""What follows for a job from our record and from the batch system's list; how Slurm's answers are read."""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import factory
from support.batch import FakeBatchSystem
from xomflow.config.model import Retries
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.run_lock import hold_run
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_try
from xomflow.slurm.answers import FINAL_STATES, parse
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import BatchJob
from xomflow.slurm.commands import Slurm
from xomflow.slurm.status import Facts, SubmissionStatus, status_of
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.job_index import JobIndex
from xomflow.slurm.submitting.submissions import Submission

KEY = Key("kr83m", "v1", "052001")
GIVEN = Submission(KEY, 2, "20261122T120000-host-5", datetime(2026, 11, 22, 12, tzinfo=UTC), "17")
NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
LATENCY = timedelta(seconds=60)
LIVING = ["PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "STOPPED", "SOMETHING_NEW"]


def job(state: str, ended: datetime = NOW - timedelta(hours=1), reason: str = "None") -> list[BatchJob]:
    """As Slurm lists one job."""
    listed = parse(f"17|{state}|{reason}|{ended.replace(tzinfo=None).isoformat()}||{GIVEN.label}")
    assert listed
    return [listed]


def concluded(jobs: list[BatchJob], one: Submission = GIVEN, **known: Any) -> SubmissionStatus:
    return status_of(Facts(one, JobIndex(jobs).job_of(one), **known), LATENCY, NOW)


@pytest.mark.parametrize("state", LIVING)
def test_a_job_that_slurm_has_is_at_work(state: str) -> None:
    assert state.lower() in concluded(job(state)).working


@pytest.mark.parametrize(("state", "kind"), FINAL_STATES.items())
def test_how_slurm_ended_a_silent_job_is_its_class(state: str, kind: str) -> None:
    found = concluded(job(state, reason="SomeReason"))
    assert (found.working, found.kind) == ("", kind)
    assert state in found.message
    assert "SomeReason" in found.message


def test_a_job_that_no_node_can_take_is_an_own_failure_that_waits() -> None:
    found = concluded(job("FAILED", reason="BadConstraints"))
    assert (found.working, found.kind) == ("", "not_started")
    assert found.message.startswith("Slurm has no node for what job 17 asks: FAILED (BadConstraints); see memory_mb")
    failure = Failure(1, found.kind, datetime(2026, 11, 22, 13, tzinfo=UTC))
    due = next_try([failure], Retries())
    assert due is not None
    assert due - failure.ended == timedelta(hours=1)
    assert next_try([failure] * Retries().attempts, Retries()) is None


@pytest.mark.parametrize("reason", ["launch failed requeued held", "launch_failed_requeued_held"])
def test_a_job_that_slurm_would_hold_for_ever_is_over_and_to_be_cancelled(reason: str) -> None:
    found = concluded(job("PENDING", reason=reason))
    assert (found.working, found.kind, found.to_cancel) == ("", "node_failed", "17")


@pytest.mark.parametrize("reason", ["JobHeldUser", "JobHeldAdmin", "job requeued in held state"])
def test_a_job_that_a_person_holds_is_left_alone(reason: str) -> None:
    found = concluded(job("PENDING", reason=reason))
    assert (found.kind, found.to_cancel) == ("", "")
    assert reason in found.working


def test_a_stuck_job_is_left_alone_while_a_process_of_it_works(tmp_path: Path) -> None:
    paths, batch = Paths(tmp_path), FakeBatchSystem()
    batch.known = {GIVEN.label: job("PENDING", reason="launch failed requeued held")[0]}
    submissions.note(paths, GIVEN)
    with hold_run(paths, KEY):
        assert statuses(paths, batch, 0)[KEY].working != ""
    assert statuses(paths, batch, 0)[KEY].to_cancel == "17"


def test_unknown_is_not_gone() -> None:
    for record in (GIVEN, Submission(KEY, 1, "tick", GIVEN.submitted)):
        assert concluded([], record, unseen="Slurm does not answer").working == "Slurm does not answer"


def test_a_job_that_slurm_forgot_is_lost() -> None:
    assert concluded([]).kind == "lost"


def test_what_was_never_submitted_did_not_happen() -> None:
    assert concluded([], one=Submission(KEY, 1, "tick", GIVEN.submitted)) == SubmissionStatus(
        Submission(KEY, 1, "tick", GIVEN.submitted)
    )


def test_what_may_be_on_its_way_to_slurm_is_not_free() -> None:
    found = concluded([], Submission(KEY, 1, "t1", GIVEN.submitted), may_arrive=True)
    assert (found.working, found.kind) == ("tick t1 is submitting it to Slurm", "")


def test_a_job_submitted_without_our_learning_its_number_is_found_by_its_label() -> None:
    nameless = Submission(KEY, GIVEN.attempt, GIVEN.tick, GIVEN.submitted)
    assert "pending" in concluded(job("PENDING"), one=nameless).working


def test_the_files_of_a_job_that_just_ended_may_be_on_their_way() -> None:
    assert concluded(job("COMPLETED", NOW - timedelta(seconds=59))).working
    assert concluded(job("COMPLETED", NOW - timedelta(seconds=61))).kind == "lost"


@given(state=st.sampled_from([*LIVING, *FINAL_STATES]), answers=st.booleans())
def test_a_file_about_the_end_settles_it(state: str, answers: bool) -> None:
    assert concluded(job(state) if answers else [], has_ended=True) == SubmissionStatus(GIVEN)


@given(state=st.sampled_from([*LIVING, *FINAL_STATES]))
def test_a_job_is_either_at_work_or_has_ended(state: str) -> None:
    found = concluded(job(state))
    assert bool(found.working) != bool(found.kind)


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert submissions.noted(paths) == {}
    submissions.note(paths, GIVEN)
    assert submissions.noted(paths) == {KEY: GIVEN}
    forget(paths)
    forget(paths)
    assert submissions.noted(paths) == {}


def forget(paths: Paths, tick: str = GIVEN.tick, attempt: int = GIVEN.attempt) -> None:
    submissions.forget(paths, replace(GIVEN, tick=tick, attempt=attempt))


def test_only_the_record_of_the_attempt_that_is_over_is_removed(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    submissions.note(paths, GIVEN)
    forget(paths, attempt=1)
    forget(paths, tick="20261122T115000-host-4")
    assert submissions.noted(paths) == {KEY: GIVEN}


def test_a_record_that_cannot_be_read_just_now_is_not_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    paths = Paths(tmp_path)
    submissions.note(paths, GIVEN)
    monkeypatch.setattr(submissions, "read_json", away)
    with pytest.raises(OSError, match="Input/output error"):
        submissions.noted(paths)


def test_a_damaged_record_hides_no_other(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    submissions.note(paths, GIVEN)
    (paths.submissions / "a+b+c.json").write_text("{")
    assert submissions.noted(paths) == {KEY: GIVEN}


def test_what_a_kill_left_half_written_is_no_record(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    submissions.note(paths, GIVEN)
    record = paths.submission(KEY)
    old = record.read_text().replace('"attempt": 2', '"attempt": 1')
    (record.parent / f".{record.name}.5.7.part").write_text(old)
    assert submissions.noted(paths) == {KEY: GIVEN}
    forget(paths)
    assert submissions.noted(paths) == {}


def test_the_batch_system_is_not_asked_where_nothing_was_submitted(tmp_path: Path) -> None:
    batch = FakeBatchSystem()
    assert statuses(Paths(tmp_path), batch, 0) == {}
    assert batch.listed == 0


def test_the_messages_name_the_batch_system(tmp_path: Path) -> None:
    paths, batch = Paths(tmp_path), FakeBatchSystem()
    submissions.note(paths, GIVEN)
    batch.name, batch.away = "HTCondor", "condor_q did not answer"
    assert statuses(paths, batch, 0)[KEY].working.startswith("HTCondor does not answer; job 17 may")
    batch.away = ""
    assert statuses(paths, batch, 0)[KEY].message.startswith("HTCondor has no job 17 any more")


def test_a_line_of_squeue() -> None:
    found = parse("17|RUNNING|None|2026-11-22T13:00:00|node01|xom a|b")
    assert found == BatchJob("17", "Slurm job 17 is running on node01", ended=NOW, label="xom a|b")


@given(st.text())
def test_whatever_squeue_says_is_a_job_or_none(line: str) -> None:
    found = parse(line)
    assert (found is None) == (line.count("|") < 5)
    assert found is None or found.label == line.split("|", 5)[5]


def test_squeue_is_asked_for_all_jobs_whatever_is_set_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "squeue"
    line = (
        'echo "17|RUNNING|None|2026-11-22T13:00:00|node01|$SQUEUE_PARTITION$SLURM_CLUSTERS,$SLURM_TIME_FORMAT,$TZ,$*"'
    )
    program.write_text(f"#!/bin/sh\n{line}\nprintf '18|RUNNING|None|N/A||caf\\351\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SQUEUE_PARTITION", "other")
    monkeypatch.setenv("SLURM_CLUSTERS", "other")
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    monkeypatch.setenv("TZ", "America/Chicago")
    first, second = (job.label for job in Slurm(factory.settings(tmp_path)).jobs())
    assert first.startswith(",standard,UTC,")
    assert "--all" in first
    assert second == "caf\N{REPLACEMENT CHARACTER}"


def scancel(folder: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> str:
    """What is said where ``scancel`` fails with these words."""
    (folder / "words").write_text(said)
    program = folder / "scancel"
    program.write_text(f"#!/bin/sh\ncat {folder / 'words'} >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    with pytest.raises(BatchSystemError) as caught:
        Slurm(factory.settings(folder)).cancel(["5", "17"])
    return str(caught.value)


def test_what_slurm_says_of_each_job_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"scancel: error: Kill job error on job id {number}: Unable to contact slurm" for number in (5, 17)]
    said = scancel(tmp_path, monkeypatch, "\n".join(["scancel: retrying", *lines]))
    assert said == "scancel refused: retrying; Kill job error on job id 5: Unable to contact slurm"


def test_what_slurm_says_at_length_is_cut_after_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = scancel(tmp_path, monkeypatch, "controller " * 100)
    assert len(said) < 330
    assert set(said.removeprefix("scancel refused: ").split()) == {"controller", "..."}

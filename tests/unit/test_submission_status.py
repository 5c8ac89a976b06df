"""Whose job is it: what may be concluded from a job that is listed, or is not, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support import factory
from support.batch import FakeBatchSystem
from xomflow.core import times
from xomflow.core.account import own_account
from xomflow.core.errors import UnclearSubmissionError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import JobCounts
from xomflow.jobs.run_lock import hold_run
from xomflow.slurm.answers import number_in, parse, parse_accounting
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest, Submitted
from xomflow.slurm.status import SubmissionStatus, count_jobs, held_jobs, to_blame
from xomflow.slurm.submitter import Submitter
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.cancel import end_jobs
from xomflow.slurm.submitting.job_index import JobIndex
from xomflow.slurm.submitting.submissions import Submission

KEY = Key("kr83m", "v1", "052001")
GIVEN = Submission(KEY, 1, "tick-1", factory.NOW, "17", own_account(), "main")
NAMELESS = replace(GIVEN, job="")
RUNNING = BatchJob("17", "Slurm job 17 is running on node01")
OVER = replace(RUNNING, end=JobEnd("lost", "Slurm ended job 17: COMPLETED"))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def batch() -> FakeBatchSystem:
    return FakeBatchSystem()


def status(paths: Paths, batch: FakeBatchSystem, record: Submission = GIVEN) -> SubmissionStatus:
    submissions.note(paths, record)
    return statuses(paths, batch, 60)[record.key]


# --- which job it is --------------------------------------------------------------------------------------------------
def test_a_job_is_found_by_its_number_whatever_its_comment(paths: Paths, batch: FakeBatchSystem) -> None:
    for comment in ("project42", "", "(null)", f"{GIVEN.label} acct=physics", f"acct=physics {GIVEN.label};checked"):
        batch.known = {comment: RUNNING}
        assert status(paths, batch).working == RUNNING.description, comment


def test_a_job_without_a_known_number_is_found_by_a_comment_that_the_site_adds_to(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    for comment in (GIVEN.label, f"{GIVEN.label} acct=physics", f"acct=physics {GIVEN.label}"):
        batch.known = {comment: RUNNING}
        assert status(paths, batch, NAMELESS).working == RUNNING.description, comment


def test_a_member_of_an_array_or_of_a_job_of_several_parts_is_another_job() -> None:
    others = [replace(RUNNING, number=number, label="") for number in ("17_4", "17+0", "17_[1-9]", "17.batch", "170")]
    assert JobIndex(others).job_of(GIVEN) is None


def test_a_number_that_slurm_gave_again_is_not_taken_for_the_old_job() -> None:
    other = replace(RUNNING, label="xom another-tick kr83m+v1+052002 attempt 1")
    assert JobIndex([other]).job_of(GIVEN) is None
    assert JobIndex([replace(other, label=f"{GIVEN.label}1")]).job_of(GIVEN) is None  # attempt 11


def test_finding_the_jobs_of_records_looks_at_each_job_once() -> None:
    looked: list[str] = []

    class Job(BatchJob):
        def __getattribute__(self, name: str) -> object:
            if name == "label":
                looked.append(name)
            return super().__getattribute__(name)

    index = JobIndex(Job(str(n), "", label=f"xom tick-1 kr83m+v1+{n:06d} attempt 1") for n in range(200))
    begun = len(looked)
    records = [replace(GIVEN, key=replace(KEY, run=f"{number:06d}"), job="") for number in range(200)]
    assert [job.number for one in records if (job := index.job_of(one))] == [str(number) for number in range(200)]
    assert len(looked) == begun


def test_of_two_jobs_that_fit_the_one_at_work_counts() -> None:
    again = replace(RUNNING, number="18", label=GIVEN.label)
    assert JobIndex([replace(OVER, label="project42"), again]).job_of(GIVEN) == again


def test_a_job_whose_comment_was_replaced_before_its_number_was_known_is_found_by_its_name(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    batch.known, batch.names = {"project42": RUNNING}, {"project42": "xom-kr83m-052001"}
    assert status(paths, batch, NAMELESS).working == RUNNING.description
    submissions.note(paths, replace(GIVEN, key=Key("kr83m", "v2", "052001")))  # another version's job
    assert status(paths, batch, NAMELESS).working == ""


# --- who could have seen it -------------------------------------------------------------------------------------------
def test_a_job_of_another_account_is_unknown_and_never_lost(paths: Paths, batch: FakeBatchSystem) -> None:
    found = status(paths, batch, replace(GIVEN, user="operator7"))
    assert found.working == f"job 17 belongs to operator7, and {own_account()} cannot see it in Slurm"
    assert batch.places == [("operator7", "")]
    assert status(paths, batch, replace(NAMELESS, user="operator7")).working != ""


def test_a_job_of_another_cluster_is_asked_of_that_cluster(paths: Paths, batch: FakeBatchSystem) -> None:
    batch.here = "midway3"
    batch.known = {GIVEN.label: RUNNING}  # a job of the same number here, which is not it
    status(paths, batch, replace(GIVEN, cluster="midway2"))
    assert batch.places == [("", "midway2")]
    batch.away = "squeue refused: 'midway2' can't be reached now"
    assert status(paths, batch, replace(GIVEN, cluster="midway2")).working == (
        "Slurm does not answer on cluster midway2; job 17 may still be there"
    )


def test_records_without_user_and_cluster_are_read(paths: Paths, batch: FakeBatchSystem) -> None:
    old = Submission(KEY, 1, "tick-1", factory.NOW, "17")
    document = {name: value for name, value in old.to_json().items() if name not in ("user", "cluster")}
    assert Submission.from_json(document) == old
    batch.known = {old.label: RUNNING}
    assert status(paths, batch, old).working == RUNNING.description
    assert batch.places == [("", "")]


def test_each_cluster_is_told_to_end_its_own_jobs() -> None:
    class Ending(FakeBatchSystem):
        def cancel(self, numbers: object, cluster: str = "") -> None:
            told.append((numbers, cluster))

    told: list[object] = []
    end_jobs(Ending(), [GIVEN, replace(GIVEN, job="18", cluster=""), replace(GIVEN, job="5", cluster="big")])
    assert sorted(told, key=str) == [(["17"], ""), (["18"], ""), (["5"], "big")]


# --- when it has ended ------------------------------------------------------------------------------------------------
def test_of_a_batch_the_members_that_had_begun_are_to_blame_and_if_none_had_the_first_one() -> None:
    keys = [Key("kr83m", "v1", f"05280{number}") for number in range(4)]
    members = [
        Submission(key, 1, "a tick", times.now(), batch="b1", is_first=place == 0) for place, key in enumerate(keys[:3])
    ]
    alone = Submission(keys[3], 1, "a tick", times.now())
    all_of_them = [*members, alone]
    assert to_blame(all_of_them, (), ()) == {keys[0], keys[3]}
    assert to_blame(all_of_them, {keys[1]}, ()) == {keys[1], keys[3]}
    assert to_blame(all_of_them, {keys[2]}, {keys[1]}) == {keys[2], keys[3]}
    assert to_blame(all_of_them, (), {keys[1]}) == {keys[3]}


def test_nothing_is_lost_while_the_lock_of_the_run_is_held(paths: Paths, batch: FakeBatchSystem) -> None:
    for known in ({}, {GIVEN.label: OVER}):
        batch.known = known
        with hold_run(paths, KEY):
            assert status(paths, batch).working != ""
        assert status(paths, batch).kind == "lost"


def test_how_a_job_ended_that_is_not_listed_any_more_is_asked_of_the_accounting(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    batch.accounting = [replace(OVER, end=JobEnd("out_of_memory", "Slurm ended job 17: OUT_OF_MEMORY"))]
    assert status(paths, batch).kind == "out_of_memory"
    batch.accounting = []
    assert status(paths, batch).kind == "lost"
    batch.accounting = None
    assert status(paths, batch).kind == "lost"


def test_the_end_of_another_job_that_had_the_number_before_is_not_its_end(paths: Paths, batch: FakeBatchSystem) -> None:
    """Numbers begin again when a cluster is set up anew, and its accounting may go on."""
    end = JobEnd("out_of_memory", "Slurm ended job 17: OUT_OF_MEMORY")
    batch.accounting = [replace(OVER, end=end, ended=GIVEN.submitted - timedelta(hours=25))]
    assert status(paths, batch).kind == "lost"
    batch.accounting = [replace(OVER, end=end, ended=GIVEN.submitted - timedelta(hours=23))]
    assert status(paths, batch).kind == "out_of_memory"


def test_a_clock_that_is_ahead_makes_no_job_wait_for_ever(paths: Paths, batch: FakeBatchSystem) -> None:
    late = replace(OVER, ended=times.now() + timedelta(hours=3))
    batch.known = {GIVEN.label: late}
    assert status(paths, batch).working != ""  # Slurm lists it for a few minutes
    batch.known, batch.accounting = {}, [late]
    assert status(paths, batch).kind == "lost"


def test_sacct_is_read_and_what_is_not_over_is_left_out() -> None:
    lines = {
        "17|OUT_OF_MEMORY|2026-11-22T13:00:00": "out_of_memory",
        "17|CANCELLED by 1000|2026-11-22T13:00:00": "cancelled",
        "17|TIMEOUT|Unknown": "timeout",
        "17|RUNNING|Unknown": None,
        "17.batch|FAILED|2026-11-22T13:00:00": None,
        "17_4|FAILED|2026-11-22T13:00:00": None,
        "17+0|FAILED|2026-11-22T13:00:00": None,
        "17|SOME_NEW_STATE|2026-11-22T13:00:00": None,
        "Slurm accounting storage is disabled": None,
        "": None,
    }
    found = {line: parse_accounting(line) for line in lines}
    assert {line: job.end.kind if job and job.end else None for line, job in found.items()} == lines
    assert [str(job.ended) for job in found.values() if job and job.ended] == ["2026-11-22 13:00:00+00:00"] * 2


# --- what waits for a person ------------------------------------------------------------------------------------------
def test_what_slurm_holds_is_one_sentence_for_each_reason(paths: Paths, batch: FakeBatchSystem) -> None:
    for number, (state, reason) in enumerate(
        [("PENDING", "JobHeldAdmin"), ("PENDING", "JobHeldAdmin"), ("SPECIAL_EXIT", "None"), ("PENDING", "Priority")]
    ):
        record = replace(GIVEN, key=factory.key_of(52001 + number), job=str(17 + number))
        submissions.note(paths, record)
        job = parse(f"{record.job}|{state}|{reason}|N/A||{record.label}")
        assert job
        batch.known[record.label] = job
    assert held_jobs(statuses(paths, batch, 60).values()) == [
        "Slurm job 17 of kr83m v1 run 052001 and 1 more waits for a person, PENDING (JobHeldAdmin): "
        "scontrol release 17 lets it go on, xom cancel 52001 ends it",
        "Slurm job 19 of kr83m v1 run 052003 waits for a person, SPECIAL_EXIT: "
        "scontrol release 19 lets it go on, xom cancel 52003 ends it",
    ]


def test_blanks_around_the_fields_of_squeue_and_sacct_count_for_nothing() -> None:
    assert parse(" 17 | RUNNING|None|N/A | node3 | label ") == parse("17|RUNNING|None|N/A|node3|label")
    assert parse_accounting(" 17|TIMEOUT|2026-11-28T10:00:00 ") == parse_accounting("17|TIMEOUT|2026-11-28T10:00:00")


# --- what sbatch prints -----------------------------------------------------------------------------------------------
def test_the_number_is_in_the_last_line_that_can_be_one() -> None:
    banner = "-----\n   Welcome, 42 users\n2026\n--> Verifying valid submit host (login1)...OK\n"
    for printed, expected in {
        "17\n": Submitted("17"),
        "17": Submitted("17"),
        f"{banner}17\n": Submitted("17"),
        f"{banner}17;big\n": Submitted("17", "big"),
        "17;big\nYour quota is fine\n": Submitted("17", "big"),
        " 17 \r\n": Submitted("17"),
        "Submitted batch job 17\n": Submitted("17"),
        f"{banner}Submitted batch job 17 on cluster big\n": Submitted("17", "big"),
    }.items():
        assert number_in(printed) == expected, printed


def test_without_a_number_the_sentence_has_what_sbatch_printed() -> None:
    for printed, words in (
        ("", "nothing"),
        ("Submitted batch job", "Submitted batch job"),
        ("17 18", "17 18"),
        ("١٧", "١٧"),
    ):
        with pytest.raises(UnclearSubmissionError, match=f"^sbatch printed no job number: '{words}'$"):
            number_in(printed)


@pytest.fixture
def queue(tmp_path: Path, batch: FakeBatchSystem) -> Iterator[Submitter]:
    config = factory.settings(tmp_path, analyses={"kr83m": {"version": "v1"}}, slurm={"patience": "0 s"})
    with (tmp_path / "lock").open("wb") as held:
        yield Submitter(config, "tick-1", held, batch)


def test_a_record_says_who_submitted_the_job_and_where(paths: Paths, batch: FakeBatchSystem, queue: Submitter) -> None:
    queue.add(JobRequest(KEY, 1, "true", 100, 10, 1))
    (record,) = submissions.noted(paths).values()
    assert (record.job, record.user, record.cluster) == ("1", own_account(), "main")


@pytest.mark.parametrize("keeps", [True, False])
def test_a_job_that_was_accepted_without_a_number_is_not_submitted_twice(
    batch: FakeBatchSystem, queue: Submitter, keeps: bool
) -> None:
    batch.mumbles, batch.keeps_labels = True, keeps
    queue.add(JobRequest(KEY, 1, "true", 100, 10, 1))
    assert queue.look([KEY]) == {KEY: "active"}
    assert batch.accepted == ["xom-kr83m-052001"]
    assert queue.complaint == ""


# --- how many jobs there are ------------------------------------------------------------------------------------------
def test_jobs_are_counted_by_analysis_as_far_as_they_are_known() -> None:
    begun = [("a", True), ("a", False), ("a", False), ("b", None), ("c", True)]
    found = {
        Key(analysis, "v1", f"{run:06d}"): SubmissionStatus(GIVEN, "words", has_begun=one)
        for run, (analysis, one) in enumerate(begun)
    }
    assert count_jobs(found) == {"a": JobCounts(2, 1), "c": JobCounts(0, 1)}

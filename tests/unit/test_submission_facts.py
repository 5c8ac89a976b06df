"""What is known about submissions: each combination of facts, who is asked for what, and which records count."""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support import factory
from support.batch import FakeBatchSystem
from xomflow.config.model import Retries
from xomflow.core.account import own_account
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.run_lock import hold_run, leave_run, write_owner
from xomflow.outcomes.files import Failure, failure_path, failures_of
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import BatchJob, JobEnd
from xomflow.slurm.settle import settle
from xomflow.slurm.status import Facts, SubmissionStatus, held_jobs, status_of
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.cancel import cancel, keys_at_work
from xomflow.slurm.submitting.job_index import JobIndex, by_name
from xomflow.slurm.submitting.submissions import Submission
from xomlib.files import read_json

KEYS = [factory.key_of(number) for number in range(1, 6)]
KEY = KEYS[0]
NOW, LATENCY = factory.NOW, timedelta(seconds=60)
GIVEN = Submission(KEY, 1, "tick-1", NOW, "17", own_account(), "main")
NAMELESS = replace(GIVEN, job="")
END = JobEnd("timeout", "Slurm ended job 17: TIMEOUT")
RUNNING = BatchJob("17", "it runs")
WAITING = BatchJob("17", "it waits", has_begun=False)
OVER = BatchJob("17", "it is over", END)
STUCK = BatchJob("17", "it is stuck", END, NOW, is_stuck=True, has_begun=False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def batch() -> FakeBatchSystem:
    return FakeBatchSystem()


def member(number: int, **changes: Any) -> Submission:
    made = Submission(KEYS[number], 1, "tick-1", NOW, "17", own_account(), "main", batch="1", is_first=number == 0)
    return replace(made, **changes)


def finish(paths: Paths, *keys: Key) -> None:
    factory.keep(paths, *map(factory.outcome, keys))


# --- one submission ---------------------------------------------------------------------------------------------------
def test_the_status_follows_from_all_facts() -> None:
    ended = replace(OVER, ended=NOW - LATENCY + timedelta(seconds=1))
    long_over = replace(OVER, ended=NOW - LATENCY)
    lost = "Slurm has no job 17 any more, and the job left neither outcome nor failure record"
    rows: list[tuple[Facts, dict[str, Any]]] = [
        (Facts(GIVEN, RUNNING, has_ended=True), {}),
        (Facts(GIVEN, STUCK, has_ended=True), {"to_cancel": "17"}),
        (Facts(GIVEN, RUNNING), {"working": "it runs", "has_begun": True}),
        (Facts(GIVEN, WAITING), {"working": "it waits", "has_begun": False}),
        (Facts(GIVEN, replace(WAITING, held="PENDING (a)")), {"working": "it waits", "held": "PENDING (a)"}),
        (Facts(GIVEN, RUNNING, has_begun=False), {"working": "it waits for its turn; it runs", "has_begun": False}),
        (Facts(GIVEN, WAITING, has_begun=False), {"working": "it waits", "has_begun": False}),
        (Facts(GIVEN, OVER, is_locked=True), {"working": "it is over, but a process still works on the run"}),
        (Facts(GIVEN, STUCK, is_locked=True), {"working": "it is stuck, but a process still works on the run"}),
        (Facts(GIVEN, ended), {"working": "it is over; its files may not be visible here yet"}),
        (Facts(GIVEN, long_over), {"kind": "timeout", "message": END.message}),
        (Facts(GIVEN, OVER), {"kind": "timeout", "message": END.message}),
        (Facts(GIVEN, STUCK), {"kind": "timeout", "message": END.message, "to_cancel": "17"}),
        (Facts(GIVEN, OVER, is_to_blame=False), {"left_by": "timeout"}),
        (Facts(GIVEN, STUCK, is_to_blame=False), {"left_by": "timeout", "to_cancel": "17"}),
        (Facts(GIVEN, unseen="unknown", is_locked=True), {"working": "unknown"}),
        (Facts(GIVEN, is_locked=True), {"working": "Slurm does not list its job, but a process works on the run"}),
        (Facts(GIVEN), {"kind": "lost", "message": lost}),
        (Facts(GIVEN, is_to_blame=False), {"left_by": "lost"}),
        (Facts(NAMELESS, may_arrive=True), {"working": "tick tick-1 is submitting it to Slurm"}),
        (Facts(NAMELESS, is_to_blame=False), {}),
        (Facts(NAMELESS), {}),
    ]
    for facts, expected in rows:
        if "held" in expected:
            expected["has_begun"] = False
        assert status_of(facts, LATENCY, NOW) == SubmissionStatus(facts.submission, **expected), facts


def test_a_held_job_without_a_number_and_one_of_a_campaign_are_named_as_a_person_types_them() -> None:
    campaign = replace(GIVEN, key=Key("kr83m", "v1", "052001-0bea"), job="")
    found = held_jobs([SubmissionStatus(campaign, held="SPECIAL_EXIT"), SubmissionStatus(GIVEN)], "Other")
    assert found == [
        f"Other job its number of {campaign.key} waits for a person, SPECIAL_EXIT: "
        "scontrol release its number lets it go on, xom cancel 52001 ends it"
    ]


# --- what is asked ----------------------------------------------------------------------------------------------------
class Accounting(FakeBatchSystem):
    """Takes down what it is asked about ended jobs, by cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.accounting = []
        self.asked_about: list[tuple[list[str], str]] = []
        self.away_by_name = ""

    def ended_jobs(self, numbers: Sequence[str], cluster: str = "") -> list[BatchJob]:
        self.asked_about.append((list(numbers), cluster))
        return super().ended_jobs(numbers, cluster)

    def jobs(self, user: str = "", cluster: str = "", by_name: bool = False) -> list[BatchJob]:
        if by_name and self.away_by_name:
            raise BatchSystemError(self.away_by_name)
        return super().jobs(user, cluster, by_name)


def test_the_accounting_is_asked_only_about_jobs_that_are_gone_each_on_its_cluster(paths: Paths) -> None:
    batch = Accounting()
    records = [
        GIVEN,
        replace(GIVEN, key=KEYS[1], job="18"),
        replace(GIVEN, key=KEYS[2], job="5", cluster="big"),
        replace(GIVEN, key=KEYS[3], job=""),
        replace(GIVEN, key=KEYS[4], job="6", user="operator7"),
    ]
    for one in records:
        submissions.note(paths, one)
    batch.known = {GIVEN.label: RUNNING}
    batch.accounting = [replace(OVER, number="18"), replace(OVER, number="5", ended=NOW + timedelta(hours=1))]
    found = statuses(paths, batch, 60)
    assert sorted(batch.asked_about) == [(["18"], ""), (["5"], "big")]
    assert [(bool(found[key].working), found[key].kind) for key in KEYS] == [
        (True, ""),
        (False, "timeout"),
        (False, "timeout"),
        (False, ""),
        (True, ""),
    ]


def test_where_jobs_are_not_listed_by_name_one_without_a_number_may_be_there(paths: Paths) -> None:
    batch = Accounting()
    submissions.note(paths, NAMELESS)
    submissions.note(paths, replace(GIVEN, key=KEYS[1]))
    batch.known, batch.away_by_name = {"x": RUNNING}, "squeue refused"
    found = statuses(paths, batch, 60)
    assert found[KEY].working == "Slurm does not answer; its job may be there"
    assert found[KEYS[1]].working == "it runs"
    batch.away = "squeue refused"
    found = statuses(paths, batch, 60)
    assert found[KEY].working == "Slurm does not answer; its job, if there is one, may still be there"
    assert found[KEYS[1]].working == "Slurm does not answer; job 17 may still be there"


def test_a_job_of_this_name_is_not_that_of_a_tick_that_is_still_submitting(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    submissions.note(paths, NAMELESS)
    batch.known, batch.names = {"project 5": RUNNING}, {"project 5": NAMELESS.job_name}
    lock = TickPaths(paths.tick(NAMELESS.tick)).lock
    lock.parent.mkdir(parents=True)
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert statuses(paths, batch, 60)[KEY].working == "tick tick-1 is submitting it to Slurm"
    assert statuses(paths, batch, 60)[KEY].working == "it runs"


def test_a_job_of_this_name_that_is_over_or_of_another_record_is_not_the_one_without_a_number() -> None:
    named = [replace(OVER, label="a"), replace(RUNNING, number="18", label="a"), replace(RUNNING, number="19")]
    again = replace(RUNNING, number="20", label="a")
    assert by_name([*named, again], ["19"]) == {"a": named[1]}
    assert by_name([again, *named], ["18", "19"]) == {"a": again}
    index = JobIndex([replace(RUNNING, number="30", label=GIVEN.label), replace(RUNNING, number="31")])
    assert index.numbers_of_others([GIVEN, NAMELESS]) == {"17", "30"}


def test_a_job_is_found_by_number_before_label_and_one_at_work_before_one_that_is_over() -> None:
    labelled = replace(RUNNING, number="18", label=GIVEN.label)
    assert JobIndex([labelled, RUNNING]).job_of(GIVEN) == RUNNING
    assert JobIndex([labelled, OVER]).job_of(GIVEN) == labelled
    assert JobIndex([RUNNING]).job_of(NAMELESS) is None
    assert JobIndex().job_of(GIVEN) is None
    other = replace(RUNNING, label="xom tick-1 batch 1")
    assert JobIndex([other]).job_of(member(0)) == other
    assert JobIndex([replace(other, label="xom tick-1 batch 12")]).job_of(member(0)) is None


@pytest.mark.parametrize(
    ("attempt", "tick", "kinds"),
    [(1, "tick-1", ["", "timeout"]), (2, "tick-1", ["timeout", ""]), (1, "tick-2", ["timeout", ""])],
)
def test_a_member_has_begun_if_its_own_attempt_left_the_lock(
    paths: Paths, batch: FakeBatchSystem, attempt: int, tick: str, kinds: list[str]
) -> None:
    submissions.note(paths, member(0), member(1))
    batch.known = {member(0).label: OVER}
    lock = hold_run(paths, KEYS[1])
    write_owner(lock, KEYS[1], attempt, tick)
    leave_run(lock)
    found = statuses(paths, batch, 60)
    assert [found[key].kind for key in KEYS[:2]] == kinds
    assert [found[key].left_by for key in KEYS[:2]] == ["" if kind else "timeout" for kind in kinds]


# --- what is over -----------------------------------------------------------------------------------------------------
def test_the_record_of_a_batch_stays_while_one_of_its_members_is_worked_on(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    submissions.note(paths, member(0), member(1))
    batch.known = {member(0).label: OVER}
    with hold_run(paths, KEYS[1]):
        settle(paths, batch, Retries(), statuses(paths, batch, 0))
        assert submissions.noted(paths).keys() == set(KEYS[:2])
        assert failures_of(paths, KEY) == [], "its job did more than die at its start"
    finish(paths, KEYS[1])
    settle(paths, batch, Retries(), statuses(paths, batch, 0))
    assert submissions.noted(paths) == {}


def test_only_what_is_to_be_cancelled_is_cancelled_under_the_number_of_its_job(
    paths: Paths, batch: FakeBatchSystem
) -> None:
    found = {
        KEY: SubmissionStatus(NAMELESS, kind="node_failed", message="a node", to_cancel="9"),
        KEYS[1]: SubmissionStatus(replace(GIVEN, key=KEYS[1]), working="it runs"),
    }
    settle(paths, batch, Retries(), found)
    assert batch.cancelled == ["9"]
    assert [one.kind for one in failures_of(paths, KEY)] == ["node_failed"]
    assert failures_of(paths, KEYS[1]) == []


# --- people -----------------------------------------------------------------------------------------------------------
def test_what_a_person_cancels_is_ended_or_asked_to_end_and_named(paths: Paths, batch: FakeBatchSystem) -> None:
    alone = replace(GIVEN, key=KEYS[4], job="5")
    submissions.note(paths, alone)
    submissions.note(paths, *(member(number) for number in range(3)))
    submissions.note(paths, replace(NAMELESS, key=KEYS[3]))
    finish(paths, KEYS[1])
    assert keys_at_work(paths) == [KEYS[0], KEYS[2], KEYS[4]]
    assert cancel(paths, batch, []) == []
    assert cancel(paths, batch, [KEYS[4], KEYS[3], KEYS[2], KEYS[1]]) == [
        f"cancelled job 5: {KEYS[4]}",
        f"asked job 17, which goes on with other runs, to end {KEYS[2]}",
    ]
    assert batch.cancelled == ["5"]
    tick = TickPaths(paths.tick("tick-1"))
    assert [tick.cancelled(key).exists() for key in KEYS] == [False, False, True, False, False]
    failure_path(paths, KEYS[4], failure := Failure(1, "cancelled", NOW)).touch()
    assert keys_at_work(paths) == [KEYS[0], KEYS[2]], failure
    assert cancel(paths, batch, [KEYS[0], KEYS[2], KEYS[4]]) == [
        f"cancelled job 17: {KEYS[0]}",
        f"cancelled job 17: {KEYS[2]}",
    ]
    assert batch.cancelled == ["5", "17"]


# --- records ----------------------------------------------------------------------------------------------------------
def test_a_record_has_all_of_its_submission(paths: Paths) -> None:
    whole = {
        "key": {"analysis": "kr83m", "version": "v1", "run": "000001"},
        "attempt": 1,
        "tick": "tick-1",
        "submitted": "2026-11-22T12:00:00Z",
        "job": "17",
        "user": own_account(),
        "cluster": "main",
    }
    submissions.note(paths, GIVEN)
    assert (read_json(paths.submission(KEY)), Submission.from_json(whole)) == (whole, GIVEN)
    assert (GIVEN.job_name, member(1).job_name) == ("xom-kr83m-000001", "xom-batch-tick-1-1")


ODD = ["", "{", "[]", "5", "null", "{}", '{"batch": "1"}', '{"batch": "1", "members": [[]]}']


@pytest.mark.parametrize("content", [*ODD, *({"attempt": "x"}, {"key": {"a": 1}}, {"submitted": 5})], ids=str)
def test_a_damaged_record_is_named_and_hides_no_other(paths: Paths, content: Any) -> None:
    submissions.note(paths, GIVEN)
    submissions.note(paths, member(1), member(2))
    odd = paths.submissions / "a+b+c.json"
    odd.write_text(content if isinstance(content, str) else json.dumps({**GIVEN.to_json(), **content}))
    (paths.submissions / ".hidden.json").write_text("{")
    assert submissions.noted(paths) == {KEY: GIVEN, KEYS[1]: member(1, is_first=True), KEYS[2]: member(2)}
    assert [path for path, _ in submissions.damaged(paths)] == [odd]


def test_without_a_folder_of_records_none_is_damaged(paths: Paths) -> None:
    assert submissions.damaged(paths) == []


@pytest.mark.parametrize("number", ["EIO", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN", "EACCES", "EISDIR"])
def test_only_a_disk_that_is_away_makes_records_unknown(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    def fail(_: Path) -> Any:
        raise OSError(getattr(errno, number), "words")

    submissions.note(paths, GIVEN)
    monkeypatch.setattr(submissions, "read_json", fail)
    if number in ("EACCES", "EISDIR"):
        assert submissions.noted(paths) == {}
    else:
        with pytest.raises(OSError, match="words"):
            submissions.noted(paths)
    assert len(submissions.damaged(paths)) == 1


def test_of_several_records_of_a_key_the_newest_attempt_counts_then_the_later_one(paths: Paths) -> None:
    later = NOW + timedelta(seconds=1)
    for alone, batched in (
        (replace(GIVEN, attempt=2), member(0, submitted=later)),
        (replace(GIVEN, submitted=later), member(0)),
    ):
        submissions.note(paths, alone)
        submissions.note(paths, batched)
        assert submissions.noted(paths) == {KEY: alone}
    submissions.note(paths, replace(GIVEN, submitted=NOW - timedelta(seconds=1)))
    assert submissions.noted(paths) == {KEY: member(0)}
    submissions.forget(paths, member(0, batch="2"))
    submissions.forget(paths, member(0))
    assert submissions.noted(paths).keys() == {KEY}

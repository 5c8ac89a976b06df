"""Runs that share a job: when it is submitted, what is recorded about it, and what becomes of each of them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from support import factory
from support.batch import FakeBatchSystem
from xomflow.config.model import Config, Retries
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.batches.batch_file import read_batch
from xomflow.jobs.batches.plan import Planned, write_plan
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.outcomes.files import failures_of
from xomflow.outcomes.retries import AttemptLimits
from xomflow.planning.progress.in_progress import read_in_progress
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest
from xomflow.slurm.settle import settle
from xomflow.slurm.status import held_jobs
from xomflow.slurm.submitter import Submitter
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.cancel import cancel
from xomflow.workflow.commands import RunCommand, batch_command
from xomflow.workflow.snakemake.rules import Rules

TICK = "20261122T120000-host-5"
NAME = f"xom-batch-{TICK}-1"
LABEL = f"xom {TICK} batch 1"
KEYS = [factory.key_of(number, "good") for number in range(1, 5)]
RUNNING = BatchJob("1", "Slurm job 1 is running on node01")


def over(kind: str) -> BatchJob:
    return BatchJob("1", f"Slurm job 1 is {kind}", JobEnd(kind, f"Slurm ended job 1: {kind}"))


@pytest.fixture
def batch() -> FakeBatchSystem:
    return FakeBatchSystem()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    analyses = {"good": {"version": "v1"}}
    return factory.settings(tmp_path, analyses=analyses, slurm={"patience": "0 s", "latency": "0 s"})


@pytest.fixture
def paths(config: Config) -> Paths:
    return Paths(config.work)


@pytest.fixture
def tick(paths: Paths) -> TickPaths:
    made = TickPaths(paths.tick(TICK))
    write_plan(made, [[Planned(key, 60.0) for key in KEYS]])
    return made


def submitter_of(config: Config, batch: FakeBatchSystem, tick: TickPaths) -> Iterator[Submitter]:
    with tick.lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield Submitter(config, TICK, held, batch)


@pytest.fixture
def queue(config: Config, batch: FakeBatchSystem, tick: TickPaths) -> Iterator[Submitter]:
    yield from submitter_of(config, batch, tick)


def request(key: Key, memory_mb: int = 100, cpus: int = 1, is_plain: bool = True) -> JobRequest:
    made = JobRequest(key, 1, f"run {key.run}", memory_mb, 31, cpus)
    return replace(made, batch_script=lambda name: f"run batch {name}") if is_plain else made


def add(queue: Submitter, *requests: JobRequest) -> None:
    for one in requests:
        queue.add(one)


def begin(paths: Paths, key: Key) -> None:
    """Leave the lock file of a run, as a killed process does."""
    with hold_run(paths, key) as lock:
        write_owner(lock, key, 1, TICK)


def finish(paths: Paths, *keys: Key) -> None:
    factory.keep(paths, *map(factory.outcome, keys))


# --- submission -------------------------------------------------------------------------------------------------------
def test_a_batch_is_one_job_once_all_its_runs_have_come(
    queue: Submitter, batch: FakeBatchSystem, tick: TickPaths
) -> None:
    add(queue, *map(request, reversed(KEYS[1:])))
    assert batch.accepted == []
    queue.add(request(factory.key_of(9, "good")))
    assert batch.accepted == ["xom-good-000009"], "it is in no batch"
    queue.add(request(KEYS[0]))
    assert batch.accepted == ["xom-good-000009", NAME]
    written = read_batch(tick, "1")
    assert (written.members, written.at_once) == (tuple(KEYS), 1)
    assert queue.look(KEYS) == dict.fromkeys(KEYS, "active")
    assert batch.accepted == ["xom-good-000009", NAME]


def test_its_job_asks_for_the_expected_times_the_longest_limit_and_the_memory_of_the_preloaded_process(
    config: Config, batch: FakeBatchSystem, tick: TickPaths
) -> None:
    asked: list[JobRequest] = []
    batch.options = lambda request: asked.append(request) or ("",)  # type: ignore[assignment,func-returns-value]
    for cpus, own_cpus, expected in (
        (1, 1, (500, 35, 1)),
        (2, 1, (600, 33, 2)),
        (16, 1, (800, 32, 4)),
        (6, 3, (600, 33, 6)),
        (2, 3, (500, 35, 3)),
    ):
        rule = config.slurm.batch.model_copy(update={"cpus": cpus})
        own = config.model_copy(update={"slurm": config.slurm.model_copy(update={"batch": rule})})
        (queue,) = submitter_of(own, FakeBatchSystem(), tick)
        queue._batch = batch
        add(queue, *(request(key, cpus=own_cpus) for key in KEYS))
        assert (asked[-1].memory_mb, asked[-1].minutes, asked[-1].cpus) == expected
        assert (asked[-1].key, asked[-1].benchmark) == (KEYS[0], None)
        assert (asked[-1].command, read_batch(tick, "1").seconds) == ("run batch 1", 60.0 * expected[1])


def test_runs_that_never_come_are_not_waited_for(queue: Submitter, batch: FakeBatchSystem, tick: TickPaths) -> None:
    add(queue, *map(request, KEYS[:3]))
    assert queue.look(KEYS[:3]) == dict.fromkeys(KEYS[:3], "active")
    assert batch.accepted == []  # the fourth may be on its way
    queue.look(KEYS[:3])
    assert batch.accepted == [NAME]
    assert read_batch(tick, "1").members == tuple(KEYS[:3])
    queue.add(request(KEYS[3]))
    assert batch.accepted == [NAME, "xom-good-000004"]


def test_what_a_rule_does_beside_goes_alone_and_other_resources_make_another_job(
    queue: Submitter, batch: FakeBatchSystem, tick: TickPaths
) -> None:
    add(queue, request(KEYS[0], is_plain=False), request(KEYS[1]), request(KEYS[2], memory_mb=900), request(KEYS[3]))
    assert batch.accepted == ["xom-good-000001", NAME, "xom-good-000003"]
    assert read_batch(tick, "1").members == (KEYS[1], KEYS[3])


def test_only_a_rule_that_does_no_more_than_its_command_lets_a_run_share_a_job(tick: TickPaths) -> None:
    key, plain = KEYS[0], RunCommand(str(tick.folder), "good", lambda *_: "v1")
    limits = AttemptLimits(1, 100, 60.0)
    its_tick = SimpleNamespace(key_of=lambda _: key, limits_of=lambda *_: limits)
    rules = SimpleNamespace(_tick=its_tick, run=lambda _: plain, tick=tick)

    def request_of(command: str) -> JobRequest:
        return Rules.job_request(rules, "made", command, {"mem_mb": 100, "runtime": 2}, 1)  # type: ignore[arg-type]

    command = plain(SimpleNamespace(run=key.run))
    alone, shared = request_of(f"export A=1; {command}"), request_of(f"{command}\n")
    assert alone.batch_script is None
    assert shared.batch_script is not None
    assert shared.batch_script("1") == shared.command.strip().replace(command, batch_command("1", tick))


@pytest.mark.parametrize(
    ("asked", "got"),
    [({}, (700, 11)), ({"mem_mb": 100, "runtime": 2}, (700, 11)), ({"mem_mb": 900, "runtime": 30}, (900, 30))],
)
def test_a_rule_or_profile_may_ask_for_more_than_the_limits_of_the_run_and_not_for_less(
    tick: TickPaths, asked: dict[str, int], got: tuple[int, int]
) -> None:
    limits = AttemptLimits(1, 700, 600.0)
    its_tick = SimpleNamespace(key_of=lambda _: KEYS[0], limits_of=lambda *_: limits)
    rules = SimpleNamespace(_tick=its_tick, run=lambda _: lambda _: "other", tick=tick)
    request = Rules.job_request(rules, "made", "true", asked, 1)  # type: ignore[arg-type]
    assert (request.memory_mb, request.minutes) == got


@pytest.mark.parametrize(("limit", "becomes"), [(1, "active"), (0, "left")])
def test_a_refused_batch_is_offered_again_and_left_when_slurm_takes_nothing(
    queue: Submitter, batch: FakeBatchSystem, limit: int, becomes: str
) -> None:
    batch.limit = 0
    add(queue, *map(request, KEYS))
    batch.limit = limit
    assert queue.look(KEYS) == dict.fromkeys(KEYS, becomes)
    assert batch.accepted == [NAME] * limit


# --- records ----------------------------------------------------------------------------------------------------------
def test_one_record_names_all_members_and_goes_with_the_last_of_them(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    add(queue, *map(request, KEYS))
    assert [path.name for path in paths.submissions.iterdir()] == [f"{TICK}+1.json"]
    noted = submissions.noted(paths)
    assert {key: (one.job, one.label, one.is_first) for key, one in noted.items()} == {
        key: ("1", LABEL, key == KEYS[0]) for key in KEYS
    }
    finish(paths, *KEYS[:3])
    assert queue.look(KEYS) == {**dict.fromkeys(KEYS[:3], "done"), KEYS[3]: "active"}
    assert submissions.noted(paths).keys() == set(KEYS)
    finish(paths, KEYS[3])
    assert queue.look(KEYS[3:]) == {KEYS[3]: "done"}
    assert submissions.noted(paths) == {}


@contextmanager
def killed(batch: FakeBatchSystem, *, before: bool) -> Iterator[None]:
    """Within it the tick dies while it submits: before the batch system has the job, or before it has its number."""
    submit = batch.submit

    def die(*arguments: object) -> None:
        if not before:
            submit(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    batch.submit = die  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        yield
    batch.submit = submit  # type: ignore[method-assign]


@pytest.mark.parametrize("keeps_labels", [True, False])
def test_a_tick_that_is_killed_while_it_submits_leaves_nothing_doubled(
    config: Config, batch: FakeBatchSystem, tick: TickPaths, paths: Paths, keeps_labels: bool
) -> None:
    batch.keeps_labels = keeps_labels
    for before in (True, False):
        made = submitter_of(config, batch, tick)
        queue = next(made)
        with killed(batch, before=before):
            add(queue, *map(request, KEYS))
        found = statuses(paths, batch, 0)
        assert {one.working for one in found.values()} == {f"tick {TICK} is submitting it to Slurm"} or not before
        made.close()  # the lock of the tick is free now
        del queue
        found = statuses(paths, batch, 0)
        assert found.keys() == set(KEYS)
        waits = "it waits for its turn; Slurm job 1 is pending (Priority)"
        assert {one.working for one in found.values()} == {"" if before else waits}
        settle(paths, batch, Retries(), found)
        assert bool(submissions.noted(paths)) is not before
        assert all(failures_of(paths, key) == [] for key in KEYS)


def test_a_batch_that_slurm_took_without_a_number_is_not_submitted_twice(
    queue: Submitter, batch: FakeBatchSystem
) -> None:
    batch.mumbles, batch.keeps_labels = True, False
    add(queue, *map(request, KEYS))
    assert queue.look(KEYS) == dict.fromkeys(KEYS, "active")
    assert batch.accepted == [NAME]


def test_a_record_of_a_batch_that_cannot_be_read_keeps_its_runs_waiting(
    queue: Submitter, config: Config, paths: Paths
) -> None:
    add(queue, *map(request, KEYS))
    paths.batch_submission(TICK, "1").write_text("{")
    progress = read_in_progress(config, factory.NOW)
    assert all("a job may work on it, but " in progress.describe(key, []) for key in KEYS)
    assert progress.describe(factory.key_of(9, "good"), []) == ""


# --- ends -------------------------------------------------------------------------------------------------------------
def kinds(paths: Paths) -> dict[int, list[str]]:
    found = {int(key.run): [failure.kind for failure in failures_of(paths, key)] for key in KEYS}
    return {run: failed for run, failed in found.items() if failed}


def submitted(queue: Submitter, batch: FakeBatchSystem, job: BatchJob) -> None:
    add(queue, *map(request, KEYS))
    batch.known = {LABEL: job}


@pytest.mark.parametrize("kind", ["out_of_memory", "timeout", "node_failed", "preempted", "cancelled", "lost"])
def test_of_a_job_that_is_over_those_that_had_begun_failed_and_those_that_had_not_made_no_attempt(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths, kind: str
) -> None:
    submitted(queue, batch, over(kind))
    finish(paths, KEYS[0])
    begin(paths, KEYS[1])
    settle(paths, batch, Retries(), statuses(paths, batch, 0))
    assert kinds(paths) == {2: [kind]}
    assert submissions.noted(paths) == {}
    assert not list(paths.locks.iterdir())


def test_a_job_of_which_no_run_began_is_the_failure_of_its_first(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    submitted(queue, batch, over("lost"))
    settle(paths, batch, Retries(), statuses(paths, batch, 0))
    assert kinds(paths) == {1: ["lost"]}


def test_a_lock_that_an_earlier_attempt_left_is_no_beginning(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    submitted(queue, batch, over("lost"))
    finish(paths, KEYS[0])
    with hold_run(paths, KEYS[1]) as lock:
        write_owner(lock, KEYS[1], 1, "another-tick")
    assert {one.kind for one in statuses(paths, batch, 0).values()} == {""}


def test_while_the_job_works_or_is_unknown_all_that_have_not_ended_are_at_work(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    submitted(queue, batch, RUNNING)
    finish(paths, KEYS[0])
    begin(paths, KEYS[1])
    found = statuses(paths, batch, 0)
    waits = f"it waits for its turn; {RUNNING.description}"
    assert [found[key].working for key in KEYS] == ["", RUNNING.description, waits, waits]
    assert [found[key].has_begun for key in KEYS] == [None, True, False, False]
    batch.away = "squeue did not answer"
    found = statuses(paths, batch, 0)
    assert [bool(found[key].working) for key in KEYS] == [False, True, True, True]
    settle(paths, batch, Retries(), found)
    assert submissions.noted(paths).keys() == set(KEYS)


def test_of_two_records_of_a_key_the_newest_attempt_decides(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    submitted(queue, batch, RUNNING)
    alone = replace(submissions.noted(paths)[KEYS[1]], attempt=2, tick="later", batch="", job="7", is_first=True)
    submissions.note(paths, alone)
    assert submissions.noted(paths)[KEYS[1]] == alone
    batch.known[alone.label] = BatchJob("7", "Slurm job 7 is running")
    assert statuses(paths, batch, 0)[KEYS[1]].working == "Slurm job 7 is running"


def test_what_a_job_did_not_begin_is_submitted_again_by_the_same_tick(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths, tick: TickPaths
) -> None:
    submitted(queue, batch, over("node_failed"))
    finish(paths, KEYS[0])
    begin(paths, KEYS[1])
    expected = {KEYS[0]: "done", KEYS[1]: "failed", KEYS[2]: "active", KEYS[3]: "active"}
    assert queue.look(KEYS) == expected
    queue.look(KEYS[2:])
    assert batch.accepted == [NAME, f"xom-batch-{TICK}-2"]
    assert read_batch(tick, "2").members == tuple(KEYS[2:])
    assert submissions.noted(paths).keys() == set(KEYS[2:])


def test_what_a_cancelled_job_did_not_begin_is_left_to_a_later_tick(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    submitted(queue, batch, over("cancelled"))
    begin(paths, KEYS[0])
    assert queue.look(KEYS) == {KEYS[0]: "failed", **dict.fromkeys(KEYS[1:], "left")}
    queue.look([])
    assert batch.accepted == [NAME]


def test_the_record_goes_with_the_last_member_also_if_one_failed_without_a_file(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths
) -> None:
    add(queue, *map(request, KEYS))
    batch.known = {LABEL: over("lost")}
    finish(paths, *KEYS[2:])
    begin(paths, KEYS[0])
    with hold_run(paths, KEYS[1]):
        assert queue.look(KEYS) == {KEYS[0]: "failed", KEYS[1]: "active", **dict.fromkeys(KEYS[2:], "done")}
        assert submissions.noted(paths).keys() == set(KEYS)
    finish(paths, KEYS[1])
    assert queue.look(KEYS[1:2]) == {KEYS[1]: "done"}
    assert submissions.noted(paths) == {}


def test_a_second_batch_of_a_tick_has_its_own_name_and_a_part_of_a_minute_counts_as_one(
    config: Config, batch: FakeBatchSystem, tick: TickPaths
) -> None:
    write_plan(tick, [[Planned(KEYS[0], 30.0), Planned(KEYS[1], 31.0)], [Planned(key, 0.5) for key in KEYS[2:]]])
    (queue,) = submitter_of(config, batch, tick)
    add(queue, *map(request, KEYS))
    assert batch.accepted == [NAME, f"xom-batch-{TICK}-2"]
    assert [read_batch(tick, name).seconds for name in "12"] == [33 * 60.0, 32 * 60.0]
    assert [submissions.noted(Paths(config.work))[key].is_first for key in KEYS] == [True, False] * 2
    assert [queue._records[key].is_first for key in KEYS] == [True, False] * 2


# --- people -----------------------------------------------------------------------------------------------------------
def test_one_run_of_a_batch_is_asked_to_end_and_all_that_are_left_end_with_their_job(
    queue: Submitter, batch: FakeBatchSystem, paths: Paths, tick: TickPaths
) -> None:
    submitted(queue, batch, RUNNING)
    for _ in range(2):  # a person may ask again
        assert cancel(paths, batch, [Key("good", "v1", "000002")]) == [
            "asked job 1, which goes on with other runs, to end good v1 run 000002"
        ]
    assert tick.cancelled(KEYS[1]).exists()
    assert batch.cancelled == []
    finish(paths, KEYS[0], *KEYS[2:])
    assert cancel(paths, batch, [Key("good", "v1", "000001")]) == []
    assert cancel(paths, batch, [Key("good", "v1", "000002")]) == ["cancelled job 1: good v1 run 000002"]
    assert batch.cancelled == ["1"]


def test_a_held_batch_is_one_job_for_a_person(queue: Submitter, batch: FakeBatchSystem, paths: Paths) -> None:
    submitted(queue, batch, replace(RUNNING, held="PENDING (JobHeldAdmin)"))
    assert held_jobs(statuses(paths, batch, 0).values()) == [
        "Slurm job 1 of good v1 run 000001 with others waits for a person, PENDING (JobHeldAdmin): "
        "scontrol release 1 lets it go on, scancel 1 ends it"
    ]

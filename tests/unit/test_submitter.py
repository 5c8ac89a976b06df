"""Which jobs a tick submits, when it submits refused ones again, and what it makes of their ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support import factory
from support.batch import FakeBatchSystem
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.run_lock import hold_run
from xomflow.outcomes.files import Failure, failure_path, failures_of
from xomflow.slurm import submitter
from xomflow.slurm.answers import refusal
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest, Submitted
from xomflow.slurm.submitter import Submitter
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission

LIMIT = "sbatch refused: AssocMaxSubmitJobLimit"


@pytest.fixture
def batch() -> FakeBatchSystem:
    made = FakeBatchSystem()
    made.refused = {"astray": "sbatch refused: invalid partition specified: nowhere"}
    return made


@pytest.fixture
def queue(tmp_path: Path, batch: FakeBatchSystem) -> Iterator[Submitter]:
    analyses = {"good": {"version": "v1"}, "astray": {"version": "v1"}}
    config = factory.settings(tmp_path, analyses=analyses, slurm={"patience": "0 s"})
    with (tmp_path / "lock").open("wb") as held:
        yield Submitter(config, "tick-1", held, batch)


def request(number: int, analysis: str = "good", memory_mb: int = 100) -> JobRequest:
    return JobRequest(factory.key_of(number, analysis), 1, "true", memory_mb, 10, 1)


def add(queue: Submitter, *requests: JobRequest) -> list[Any]:
    for one in requests:
        queue.add(one)
    return [one.key for one in requests]


def test_what_slurm_does_not_take_is_offered_again_in_its_request(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 1
    keys = add(queue, request(1), request(2), request(3))
    assert batch.accepted == ["xom-good-000001"]
    batch.limit = 3
    assert set(queue.look(keys).values()) == {"active"}
    assert batch.accepted == ["xom-good-000001", "xom-good-000002", "xom-good-000003"]
    assert queue.complaint == ""


def test_what_slurm_never_takes_does_not_batch_the_way_of_others(queue: Submitter, batch: FakeBatchSystem) -> None:
    queue.look(add(queue, request(1, "astray"), request(2), request(3, "astray"), request(4)))
    assert batch.accepted == ["xom-good-000002", "xom-good-000004"]
    assert queue.complaint == "sbatch refused: invalid partition specified: nowhere"


def test_slurm_is_asked_once_a_look_for_jobs_with_equal_options(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 0
    keys = add(queue, *(request(number) for number in range(1, 20)), request(20, memory_mb=200))
    batch.asked.clear()
    queue.look(keys)
    assert batch.asked == ["xom-good-000001", "xom-good-000020"]


def test_a_job_that_slurm_took_without_saying_so_is_recognised_behind_a_refused_one(
    queue: Submitter, batch: FakeBatchSystem
) -> None:
    batch.limit = 0
    keys = add(queue, request(1), request(2))
    batch.known["xom tick-1 good+v1+000002 attempt 1"] = BatchJob("17", "Slurm job 17 is pending")
    assert set(queue.look(keys).values()) == {"active"}


def test_slurms_words_are_told_once(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 0
    assert queue.news() == ""
    keys = add(queue, request(1), request(2))
    assert queue.news().startswith(f"{LIMIT}: ")
    queue.look(keys)
    assert queue.news() == ""
    assert queue.complaint == LIMIT


def test_when_slurm_takes_nothing_for_long_all_is_left(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 0
    assert set(queue.look(add(queue, request(1), request(2))).values()) == {"left"}


def test_while_a_job_is_at_work_the_others_may_get_their_turn(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 1
    assert set(queue.look(add(queue, request(1), request(2))).values()) == {"active"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\n", "QOSMaxSubmitJobPerUserLimit"),
        ("sbatch: error: A\nsbatch: error: B:  c\n", "A; B: c"),
        ("\n something else\n", "something else"),
        ("", ""),
    ],
)
def test_slurms_words_come_without_its_programs_name(said: str, words: str) -> None:
    assert refusal("sbatch", said) == words


def test_a_job_that_was_just_added_is_not_dropped_with_those_that_are_left(
    queue: Submitter, batch: FakeBatchSystem
) -> None:
    batch.limit = 0
    old = add(queue, request(1))
    new = add(queue, request(2))  # Snakemake does not ask about it yet
    assert queue.look(old) == {old[0]: "left"}
    batch.limit = 5
    assert queue.look(new) == {new[0]: "active"}
    assert batch.accepted == ["xom-good-000002"]


def test_the_record_of_a_newer_attempt_of_another_tick_stays(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    (key,) = add(queue, request(1))
    paths = Paths(factory.settings(tmp_path).work)
    assert submissions.noted(paths).keys() == {key}
    newer = Submission(key, 2, "another tick", factory.NOW, "17")
    submissions.note(paths, newer)
    failure_path(paths, key, Failure(1, "cancelled", factory.NOW)).parent.mkdir(parents=True)
    failure_path(paths, key, Failure(1, "cancelled", factory.NOW)).touch()
    assert queue.look([key]) == {key: "failed"}
    assert submissions.noted(paths) == {key: newer}


def test_a_job_that_ended_without_a_file_about_it_is_failed_while_another_one_works(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    ended, working, another = add(queue, *(request(number) for number in (1, 2, 3)))

    def end(number: int) -> None:
        label = next(label for label in batch.known if f"+{number:06d} " in label)
        end = JobEnd("out_of_memory", "it had no memory left")
        batch.known[label] = BatchJob(str(number), f"Slurm job {number} is out_of_memory", end)

    end(1)
    assert queue.look([ended, working]) == {ended: "failed", working: "active"}
    end(3)
    assert queue.look([working]) == {working: "active"}, "the other one is not looked up"
    for key in (ended, another):
        assert [one.kind for one in failures_of(Paths(tmp_path), key)] == ["out_of_memory"]
    assert queue.look([another, working]) == {another: "failed", working: "active"}


def test_a_benchmark_is_written_only_where_the_rule_has_one(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    place = tmp_path / "benchmarks" / "one.tsv"
    keys = add(queue, replace(request(1), benchmark=place), request(2))
    for key in keys:
        factory.keep(Paths(factory.settings(tmp_path).work), factory.outcome(key))
    assert set(queue.look(keys).values()) == {"done"}
    headings, values = (line.split("\t") for line in place.read_text().splitlines())
    assert dict(zip(headings, values, strict=True))["cpu_time"] == "1.0"
    assert list(place.parent.iterdir()) == [place]


def patient(
    folder: Path, monkeypatch: pytest.MonkeyPatch, batch: FakeBatchSystem, held: Any
) -> tuple[Any, list[float]]:
    """A queue that waits ten seconds for Slurm to accept a job, and its clock."""
    config = factory.settings(folder, analyses={"good": {"version": "v1"}}, slurm={"patience": "10 s"})
    clock = [1000.0]
    monkeypatch.setattr(submitter, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return Submitter(config, "tick-1", held, batch), clock


def test_jobs_are_left_once_slurm_has_taken_none_for_as_long_as_the_patience(
    batch: FakeBatchSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "lock").open("wb") as held:
        queue, clock = patient(tmp_path, monkeypatch, batch, held)
        batch.limit = 1
        keys = add(queue, request(1), request(2), request(3))
        found = []
        for now, limit in ((1010.0, 1), (1011.0, 2), (1021.0, 2), (1021.1, 2)):
            clock[0], batch.limit = now, limit
            for key in keys[: len(batch.accepted)]:
                factory.keep(Paths(tmp_path), factory.outcome(key))
            verdicts = queue.look(keys)
            found.append([verdicts[key] for key in keys])
        assert found[1] == ["done", "active", "active"]
        assert found[2:] == [["done", "done", "active"], ["done", "done", "left"]]
        assert queue.look(keys[:2]) == dict.fromkeys(keys[:2], "done")


def test_one_that_is_left_is_not_offered_again(
    batch: FakeBatchSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "lock").open("wb") as held:
        queue, clock = patient(tmp_path, monkeypatch, batch, held)
        batch.limit = 0
        keys = add(queue, request(1))
        clock[0] += 10.1
        assert queue.look(keys) == {keys[0]: "left"}
        batch.limit = 5
        queue.look([])
        assert batch.accepted == []


def test_while_jobs_are_refused_a_new_one_waits_for_the_next_look(queue: Submitter, batch: FakeBatchSystem) -> None:
    batch.limit = 0
    add(queue, request(1), request(2), request(3, memory_mb=200))
    assert batch.asked == ["xom-good-000001"]


def test_the_log_of_a_run_that_a_process_works_on_stays(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    paths = Paths(tmp_path)
    for number in (1, 2, 3):
        log = paths.log(factory.key_of(number, "good"))
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("lines")
    with hold_run(paths, factory.key_of(1, "good")):
        add(queue, *(request(number) for number in (1, 2, 3)))
    assert [paths.log(factory.key_of(number, "good")).exists() for number in (1, 2, 3)] == [True, False, False]
    links = [TickPaths(paths.tick("tick-1")).log_link(factory.key_of(number, "good")) for number in (1, 2, 3)]
    assert [link.is_symlink() for link in links] == [False, True, True]


def test_what_another_tick_submitted_is_left_to_discovery(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    paths, other = (
        Paths(tmp_path),
        Submission(factory.key_of(9, "good"), 1, "tick-0", factory.NOW, "99", cluster="main"),
    )
    submissions.note(paths, other)
    (key,) = add(queue, request(1))
    assert queue.look([key]) == {key: "active"}
    assert other.key in submissions.noted(paths)
    assert list(paths.outcomes.rglob("*.json")) == []


def test_an_outcome_makes_the_output_of_the_job_and_removes_its_record(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path
) -> None:
    paths, keys = Paths(tmp_path), add(queue, request(1), request(2))
    factory.keep(paths, factory.outcome(keys[0]))
    for _ in range(2):
        assert queue.look(keys) == {keys[0]: "done", keys[1]: "active"}
    tick = TickPaths(paths.tick("tick-1"))
    assert [tick.made(key).exists() for key in keys] == [True, False]
    assert submissions.noted(paths).keys() == {keys[1]}


def test_the_cluster_in_the_answer_is_that_of_the_record(
    queue: Submitter, batch: FakeBatchSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([Submitted("5", "big"), Submitted("6")])
    monkeypatch.setattr(batch, "submit", lambda *_: next(answers))
    add(queue, request(1), request(2))
    found = submissions.noted(Paths(tmp_path)).values()
    assert sorted((one.job, one.cluster) for one in found) == [("5", "big"), ("6", "main")]


def test_slurms_list_of_names_is_asked_for_only_after_a_submission_without_an_answer(
    queue: Submitter, batch: FakeBatchSystem
) -> None:
    batch.limit = 0
    (first,) = add(queue, request(1))
    batch.known["project42"] = BatchJob("50", "another job")
    batch.names["project42"] = "xom-good-000001"
    before = batch.listed
    queue.look([first])
    assert batch.listed == before + 1
    assert batch.asked == ["xom-good-000001"] * 2, "a job of this name is no reason not to submit"


def test_only_a_submission_without_an_answer_is_looked_for_by_its_name(
    queue: Submitter, batch: FakeBatchSystem
) -> None:
    batch.keeps_labels, batch.mumbles = False, True
    keys = add(queue, request(1), request(2))
    batch.mumbles = False
    batch.known["project42"] = BatchJob("50", "another job")
    batch.names["project42"] = "xom-good-000002"
    assert queue.look(keys) == dict.fromkeys(keys, "active")
    assert batch.accepted == ["xom-good-000001", "xom-good-000002"]
    batch.limit = 0
    add(queue, request(3))
    before = batch.listed
    queue.look([])
    assert batch.listed == before + 1, "those without an answer have been found"


def test_the_columns_of_a_benchmark_are_snakemakes(queue: Submitter, batch: FakeBatchSystem, tmp_path: Path) -> None:
    used = [
        {"wall_s": 3725.5, "cpu_s": 2.0, "peak_memory_mb": 400.0},
        {"wall_s": 1.0, "cpu_s": None, "peak_memory_mb": None},
    ]
    places = [tmp_path / "one.tsv", tmp_path / "two.tsv"]
    keys = add(queue, *(replace(request(number), benchmark=place) for number, place in enumerate(places, 1)))
    for key, resources in zip(keys, used, strict=True):
        factory.keep(Paths(tmp_path), factory.outcome(key, resources=resources))
    queue.look(keys)
    headings = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    none = "-\t" * 6
    assert [place.read_text() for place in places] == [
        f"{headings}3725.5\t1:02:05\t400.0\t{none}2.0\n",
        f"{headings}1.0\t0:00:01\t-\t{none}-\n",
    ]

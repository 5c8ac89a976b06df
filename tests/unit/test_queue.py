"""What a tick offers to Slurm, and when again; a stand-in says what Slurm says."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import snakemake_executor_plugin_xom_slurm
from support import factory
from xomflow.core.errors import SlurmError
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure, failure_path
from xomflow.slurm import commands, submissions
from xomflow.slurm.commands import SlurmJob
from xomflow.slurm.submissions import Submission
from xomflow.slurm.submitter import JobRequest, SlurmSubmitter

LIMIT = "sbatch refused: AssocMaxSubmitJobLimit"


class Slurm:
    """Takes jobs as long as they are few enough and go to a partition that it has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limit, self.partitions = 100, {"main"}
        self.taken: list[str] = []
        self.asked: list[str] = []
        self.known: dict[str, SlurmJob] = {}
        monkeypatch.setattr(commands, "submit", self.submit)
        monkeypatch.setattr(commands, "jobs", lambda: self.known)

    def submit(self, _script: str, name: str, comment: str, _log: str, options: Iterable[str], _held: Any) -> str:
        self.asked.append(name)
        partition = next((one.partition("=")[2] for one in options if one.startswith("--partition=")), "main")
        if partition not in self.partitions:
            raise SlurmError(f"sbatch refused: invalid partition specified: {partition}")
        if len(self.taken) >= self.limit:
            raise SlurmError(LIMIT)
        self.taken.append(name)
        self.known[comment] = SlurmJob(str(len(self.taken)), "PENDING", "Priority", None, "")
        return str(len(self.taken))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return Slurm(monkeypatch)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SlurmSubmitter]:
    analyses = {"good": {"version": "v1"}, "astray": {"version": "v1", "slurm": {"partition": "nowhere"}}}
    with (tmp_path / "lock").open("wb") as held:
        yield SlurmSubmitter(factory.settings(tmp_path, analyses=analyses, slurm={"patience": "0 s"}), "a tick", held)


def order(number: int, analysis: str = "good", memory_mb: int = 100) -> JobRequest:
    return JobRequest(factory.key_of(number, analysis), 1, "true", memory_mb, 10, 1)


def add(queue: SlurmSubmitter, *orders: JobRequest) -> list[Any]:
    for one in orders:
        queue.add(one)
    return [one.key for one in orders]


def test_what_slurm_does_not_take_is_offered_again_in_its_order(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    stand_in.limit = 1
    keys = add(queue, order(1), order(2), order(3))
    assert stand_in.taken == ["xom-good-000001"]
    stand_in.limit = 3
    assert set(queue.look(keys).values()) == {"active"}
    assert stand_in.taken == ["xom-good-000001", "xom-good-000002", "xom-good-000003"]
    assert queue.complaint == ""


def test_what_slurm_never_takes_does_not_stand_in_the_way_of_others(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    queue.look(add(queue, order(1, "astray"), order(2), order(3, "astray"), order(4)))
    assert stand_in.taken == ["xom-good-000002", "xom-good-000004"]
    assert queue.complaint == "sbatch refused: invalid partition specified: nowhere"


def test_slurm_is_asked_once_a_look_for_jobs_with_equal_options(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    stand_in.limit = 0
    keys = add(queue, *(order(number) for number in range(1, 20)), order(20, memory_mb=200))
    stand_in.asked.clear()
    queue.look(keys)
    assert stand_in.asked == ["xom-good-000001", "xom-good-000020"]


def test_a_job_that_slurm_took_without_saying_so_is_recognised_behind_a_refused_one(
    queue: SlurmSubmitter, stand_in: Slurm
) -> None:
    stand_in.limit = 0
    keys = add(queue, order(1), order(2))
    stand_in.known["xom a tick good+v1+000002 attempt 1"] = SlurmJob("17", "PENDING", "Priority", None, "")
    assert set(queue.look(keys).values()) == {"active"}


def test_slurms_words_are_told_once(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    stand_in.limit = 0
    assert queue.news() == ""
    keys = add(queue, order(1), order(2))
    assert queue.news().startswith(f"{LIMIT}: ")
    queue.look(keys)
    assert queue.news() == ""
    assert queue.complaint == LIMIT


def test_when_slurm_takes_nothing_for_long_all_is_left(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    stand_in.limit = 0
    assert set(queue.look(add(queue, order(1), order(2))).values()) == {"left"}


def test_while_a_job_is_at_work_the_others_may_get_their_turn(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    stand_in.limit = 1
    assert set(queue.look(add(queue, order(1), order(2))).values()) == {"active"}


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
    assert commands.refusal("sbatch", said) == words


def test_a_job_that_was_just_added_is_not_dropped_with_those_that_are_left(
    queue: SlurmSubmitter, stand_in: Slurm
) -> None:
    stand_in.limit = 0
    old = add(queue, order(1))
    new = add(queue, order(2))  # Snakemake does not ask about it yet
    assert queue.look(old) == {old[0]: "left"}
    stand_in.limit = 5
    assert queue.look(new) == {new[0]: "active"}
    assert stand_in.taken == ["xom-good-000002"]


def test_the_record_of_a_newer_attempt_of_another_tick_stays(
    queue: SlurmSubmitter, stand_in: Slurm, tmp_path: Path
) -> None:
    (key,) = add(queue, order(1))
    paths = Paths(factory.settings(tmp_path).work)
    assert submissions.noted(paths).keys() == {key}
    newer = Submission(key, 2, "another tick", factory.NOW, "17")
    submissions.note(paths, newer)
    failure_path(paths, key, Failure(1, "cancelled", factory.NOW)).parent.mkdir(parents=True)
    failure_path(paths, key, Failure(1, "cancelled", factory.NOW)).touch()
    assert queue.look([key]) == {key: "failed"}
    assert submissions.noted(paths) == {key: newer}


def test_a_file_system_that_is_away_for_a_moment_ends_no_job(queue: SlurmSubmitter, stand_in: Slurm) -> None:
    def away(_: Any) -> Any:
        raise OSError(errno.ESTALE, "Stale file handle")

    executor = object.__new__(snakemake_executor_plugin_xom_slurm.Executor)
    executor.workflow = SimpleNamespace(globals={"xom": SimpleNamespace(queue=queue)})
    executor.logger = logging.getLogger("nobody listens")
    jobs = [SimpleNamespace(aux={"key": key}) for key in add(queue, order(1))]
    queue.look = away  # type: ignore[method-assign]

    async def look() -> list[Any]:
        return [job async for job in executor.check_active_jobs(jobs)]

    assert asyncio.run(look()) == jobs


def test_before_a_tick_has_begun_nobody_asks_for_its_queue() -> None:
    """Snakemake looks for jobs in a thread that starts before the tick; a queue made then would know no lock."""
    executor = object.__new__(snakemake_executor_plugin_xom_slurm.Executor)

    async def look() -> list[Any]:
        return [job async for job in executor.check_active_jobs([])]

    assert asyncio.run(look()) == []

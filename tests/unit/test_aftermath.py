"""What is written down about attempts that left no word themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import factory
from xomflow.config.model import Retries
from xomflow.core.errors import SlurmError
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.lost import record_unstarted
from xomflow.outcomes.files import failures_of
from xomflow.slurm import commands, submissions
from xomflow.slurm.settle import settle
from xomflow.slurm.submissions import Submission, SubmissionStatus
from xomlib.files import dump_json

KEY = factory.KEY
GIVEN = Submission(KEY, 1, "20261122T120000-host-5", factory.NOW, "17")
STUCK = SubmissionStatus(GIVEN, kind="node_failed", message="a node could not start it", to_cancel="17")


def test_only_what_snakemake_calls_failed_is_called_not_started(tmp_path: Path) -> None:
    paths, tick = Paths(tmp_path), TickPaths(tmp_path / "ticks" / "one")
    keys = [factory.key_of(number) for number in (52001, 52002)]
    dump_json(tick.claims, [[key.analysis, key.version, key.run, 1] for key in keys])
    facts = factory.outcome()["run"]
    dump_json(tick.jobs(keys[0].analysis), {"runs": {key.run: {"facts": facts} for key in keys}})
    record_unstarted(paths, Retries(), tick, {str(paths.outcome(keys[0])), "something else"}, ())
    assert [failure.kind for failure in failures_of(paths, keys[0])] == ["not_started"]
    assert failures_of(paths, keys[1]) == []


def test_a_stuck_job_is_cancelled_and_its_attempt_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[str] = []
    monkeypatch.setattr(commands, "cancel", cancelled.extend)
    paths = Paths(tmp_path)
    submissions.note(paths, GIVEN)
    settle(paths, Retries(), {KEY: STUCK})
    assert cancelled == ["17"]
    assert [failure.kind for failure in failures_of(paths, KEY)] == ["node_failed"]
    assert submissions.noted(paths) == {}


def test_where_slurm_cancels_nothing_the_attempt_is_over_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: list[str]) -> None:
        raise SlurmError("scancel did not answer")

    monkeypatch.setattr(commands, "cancel", away)
    settle(Paths(tmp_path), Retries(), {KEY: STUCK})
    assert [failure.kind for failure in failures_of(Paths(tmp_path), KEY)] == ["node_failed"]

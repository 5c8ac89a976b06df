"""Locks that processes left behind: which of them become failure records."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from support.factory import KEY
from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.jobs.ends.lost import record_lost
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.outcomes.files import failures_of


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A folder in which attempt 2 of `KEY` has left its lock."""
    paths = Paths(tmp_path)
    with hold_run(paths, KEY) as lock:
        write_owner(lock, KEY, 2, "a tick")
    return paths


def recorded(paths: Paths) -> list[tuple[int, str]]:
    return [(failure.attempt, failure.kind) for failure in failures_of(paths, KEY)]


def test_a_lock_that_nothing_holds_is_a_lost_attempt(paths: Paths) -> None:
    record_lost(paths, Retries(), ())
    assert recorded(paths) == [(2, "lost")]
    assert not paths.run_lock(KEY).exists()


def test_an_attempt_that_began_in_the_future_of_this_clock_is_lost_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, present = Paths(tmp_path), times.now()
    monkeypatch.setattr(times, "now", lambda: present + timedelta(days=1))
    with hold_run(paths, KEY) as lock:
        write_owner(lock, KEY, 2, "a tick")
    monkeypatch.undo()
    record_lost(paths, Retries(), ())
    (failure,) = failures_of(paths, KEY)
    assert abs(failure.ended - present) < timedelta(hours=1)


def test_a_job_that_the_batch_system_may_have_is_not_lost_though_its_lock_is_free(paths: Paths) -> None:
    record_lost(paths, Retries(), {KEY})
    assert recorded(paths) == []
    assert paths.run_lock(KEY).exists()


def test_a_process_that_holds_its_lock_is_not_lost(paths: Paths) -> None:
    with hold_run(paths, KEY) as lock:
        write_owner(lock, KEY, 3, "a tick")
        record_lost(paths, Retries(), ())
        assert recorded(paths) == []
        assert paths.run_lock(KEY).exists()

"""What a member of a batch counts as whose runner wrote nothing, when its job ends, and what killed jobs left."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from xomflow.jobs.batches.node_home import home_on_node, remove_old_homes
from xomflow.jobs.batches.run_batch import end_of_job
from xomflow.jobs.batches.silent_ends import RunnerEnd, failure_of
from xomlib.process.locks import is_locked


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (RunnerEnd("SIGTERM", had_begun=True, was_asked=True, out_of_memory=True), "cancelled"),
        (RunnerEnd("SIGKILL", had_begun=True, out_of_memory=True), "out_of_memory"),
        (RunnerEnd("SIGSEGV", had_begun=True, out_of_memory=True), "lost"),
        (RunnerEnd("SIGKILL"), "lost"),
        (RunnerEnd(had_begun=True), "lost"),
        (RunnerEnd(disk_trouble="/work/outcomes: No space left on device"), "disk"),
        (RunnerEnd(), "not_started"),
    ],
)
def test_a_member_without_a_record_counts_as_what_ended_its_runner(end: RunnerEnd, kind: str) -> None:
    assert failure_of(end)[0] == kind


@pytest.mark.parametrize(("told", "end"), [("", 1600.0), ("1500", 1500.0), ("9999", 1600.0), ("soon", 1600.0)])
def test_a_job_ends_at_its_time_limit_or_when_the_batch_system_says(told: str, end: float) -> None:
    assert end_of_job(600.0, 1000.0, told) == end


def test_a_batch_has_a_locked_home_on_its_node_in_the_place_of_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old = tmp_path / "xom-preloaded-old"
    old.mkdir()
    os.utime(old, (0.0, 0.0))
    with home_on_node() as home:
        assert is_locked(str(home.lock))
        assert list(tmp_path.iterdir()) == [home.folder]
    assert list(tmp_path.iterdir()) == []


def test_a_node_keeps_nothing_of_killed_jobs_and_everything_of_others(tmp_path: Path) -> None:
    for name in ("xom-preloaded-old", "xom-preloaded-held", "xom-preloaded-new", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
        if name != "xom-preloaded-new":
            os.utime(tmp_path / name, (0.0, 0.0))
    with (tmp_path / "xom-preloaded-held/lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_old_homes(tmp_path, now=(tmp_path / "xom-preloaded-new").stat().st_mtime + 10.0)
    assert {path.name for path in tmp_path.iterdir()} == {"xom-preloaded-held", "xom-preloaded-new", "other"}

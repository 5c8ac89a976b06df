"""The kernel's count of processes that it ended for lack of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from xomflow.jobs.processes.oom import oom_kills


def count(tmp_path: Path, own: str, files: dict[str, str]) -> int:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "own").write_text(own)
    return oom_kills(tmp_path, tmp_path / "own")


def test_version_1(tmp_path: Path) -> None:
    own = "5:cpu,cpuacct:/\n4:memory:/slurm/job_5/step_batch\n0::/\n"
    content = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
    assert count(tmp_path, own, {"memory/slurm/job_5/step_batch/memory.oom_control": content}) == 3


def test_version_2(tmp_path: Path) -> None:
    content = "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n"
    assert count(tmp_path, "0::/user.slice/a\n", {"user.slice/a/memory.events": content}) == 2


@pytest.mark.parametrize("content", ["", "oom_kill\n", "oom_kill many\n", "oom 2\n"])
def test_what_nobody_counts_is_none(tmp_path: Path, content: str) -> None:
    assert count(tmp_path, "0::/a\n", {"a/memory.events": content}) == 0


def test_without_control_groups_there_is_none(tmp_path: Path) -> None:
    assert oom_kills(tmp_path, tmp_path / "nothing") == 0
    assert count(tmp_path, "0::/a\n", {}) == 0

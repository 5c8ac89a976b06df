"""Runs on one machine take their parts of its memory, over all ticks, and wait for each other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.in_process import FastSite, fork
from xomflow.core.paths import Paths
from xomflow.jobs.processes.local_memory import hold_memory, take_parts

ALONE = """
os.mkdir("inside")
os.rmdir("inside")
xomlib.Xomresult(variable_name="number", variable_value=1).save()
"""


def is_free(paths: Paths, parts: int) -> bool:
    with paths.memory_lock(os.uname().nodename).open("a+b") as file:
        return take_parts(file, parts, 4)


@pytest.fixture
def holder(tmp_path: Path) -> int:
    """A process that holds 300 of 400 MB."""
    begun, begin = os.pipe()

    def hold() -> None:
        with hold_memory(Paths(tmp_path), 300, 400):
            os.write(begin, b"x")
            signal.pause()

    pid = fork(hold)
    assert os.read(begun, 1) == b"x"
    return pid


def test_what_one_holds_another_cannot_have_until_it_ends_however_it_ends(tmp_path: Path, holder: int) -> None:
    paths = Paths(tmp_path)
    assert is_free(paths, 1)
    assert not is_free(paths, 2)
    with paths.memory_lock(os.uname().nodename).open("a+b") as file:
        assert not take_parts(file, 2, 4)
        other = fork(lambda: int(not is_free(paths, 1)))
        assert os.waitpid(other, 0)[1] == 0, "who waits for two holds not even the one that is free"
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert is_free(paths, 4)


def test_who_waits_goes_on_when_there_is_enough(tmp_path: Path, holder: int, wait_for: Callable[..., None]) -> None:
    done = tmp_path / "done"

    def wait() -> None:
        with hold_memory(Paths(tmp_path), 200, 400):
            done.touch()

    waiting = fork(wait)
    turn = Paths(tmp_path).memory_lock(os.uname().nodename + ".next")
    wait_for(turn.exists)
    assert not done.exists()
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert os.waitpid(waiting, 0)[1] == 0
    assert done.exists()


def test_a_run_that_may_use_more_than_there_is_has_all_for_itself(tmp_path: Path) -> None:
    with hold_memory(Paths(tmp_path), 9000, 400):
        pid = fork(lambda: int(is_free(Paths(tmp_path), 1)))
        assert os.waitpid(pid, 0)[1] == 0


def test_runs_of_a_tick_that_do_not_fit_together_follow_each_other(site: FastSite) -> None:
    site.runs(range(52001, 52007))
    site.analysis("alone", ALONE, memory_mb=4000)
    site.tree["local_memory_mb"] = 7900
    site.tick()
    assert len(site.done("alone")) == 6


@pytest.mark.parametrize("name", ["", ".next"])
def test_what_is_no_file_in_its_place_is_named_and_keeps_no_run_from_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    paths = Paths(tmp_path)
    place = paths.memory_lock(os.uname().nodename)
    place.parent.mkdir()
    os.mkfifo(f"{place}{name}")
    with hold_memory(paths, 300, 400):
        pass
    assert f"{place}{name}: It is a pipe, not a file; runs of this machine begin" in capsys.readouterr().out

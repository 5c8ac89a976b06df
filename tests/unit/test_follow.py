"""What `xom log -f` follows: the lines that are added to a log, until nothing works on the run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import KEY, keep, outcome, settings
from xomflow.core.files.archive import add_to_archive
from xomflow.core.paths import Paths
from xomflow.jobs.run_lock import hold_run, release_run, write_owner
from xomflow.workflow.decisions import draining
from xomflow.workflow.requests.looking import follow as module
from xomflow.workflow.requests.looking.follow import LogTail, Work, follow


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.log(KEY).parent.mkdir(parents=True)
    found.locks.mkdir()
    return found


# --- the log ----------------------------------------------------------------------------------------------------------
def test_lines_are_whole_but_for_the_last_one_of_all(paths: Paths) -> None:
    tail, log = LogTail(paths, KEY), paths.log(KEY)
    assert tail.lines() == []
    with log.open("a", buffering=1) as file:
        for text, lines in (("one\ntw", ["one"]), ("o", []), ("\n\nthree", ["two", ""]), ("", [])):
            file.write(text)
            file.flush()
            assert tail.lines() == lines
    assert (tail.lines(is_last=True), tail.lines(is_last=True)) == (["three"], [])
    log.write_bytes(b"\xff\n" + b"x" * 40)
    assert LogTail(paths, KEY).lines() == ["\ufffd"]
    log.write_text("whole\n")
    assert LogTail(paths, KEY).lines(is_last=True) == ["whole"]


def test_the_log_of_a_new_attempt_is_read_from_its_begin(paths: Paths) -> None:
    tail, log = LogTail(paths, KEY), paths.log(KEY)
    log.write_text("a long first line\n")
    assert tail.lines() == ["a long first line"]
    log.write_text("short\n")  # the same file, which is shorter now
    assert tail.lines() == ["short"]
    other = log.with_name("other")
    other.write_text("an even longer first line of another file\n")
    other.rename(log)
    assert tail.lines() == ["an even longer first line of another file"]
    log.unlink()
    assert tail.lines() == []


def test_a_log_that_moved_into_the_archive_is_read_on_there(paths: Paths) -> None:
    tail, log = LogTail(paths, KEY), paths.log(KEY)
    log.write_text("one\n")
    assert tail.lines() == ["one"]
    archive = paths.log_archive(log.parent)
    log.write_text("one\ntwo\n")
    add_to_archive(archive, {log.name: log}, 1e9)
    log.unlink()
    assert (tail.lines(), tail.lines()) == (["two"], [])
    assert LogTail(paths, KEY).lines() == [], "that of an earlier attempt is not followed"


# --- what works on it -------------------------------------------------------------------------------------------------
class Clock:
    """A clock that moves when a test lets it."""

    def __init__(self) -> None:
        self.now = 0.0  # as where a machine has just been started
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What claims and batch system answer, one after the other."""
    found: list[str] = []

    def read(*_: Any) -> Any:
        return SimpleNamespace(describe=lambda key, failures: found.pop(0))

    monkeypatch.setattr(module, "read_in_progress", read)
    return found


def test_the_batch_system_is_asked_every_ten_seconds(paths: Paths, clock: Clock, answers: list[str]) -> None:
    answers += ["job 17 is pending", "job 17 is running", "no more"]
    work = Work(settings(paths.work), KEY)
    said = []
    for _ in range(5):
        said.append(work.words())
        clock.now += 4.999
    assert said == ["job 17 is pending"] * 3 + ["job 17 is running"] * 2
    clock.now = 2 * 4.999 + 4.999 + 10
    assert (work.words(), answers) == ("no more", [])


def test_while_the_lock_is_held_nothing_else_is_asked_and_at_once_when_it_is_free(
    paths: Paths, clock: Clock, answers: list[str]
) -> None:
    answers += ["a", "b"]
    work = Work(settings(paths.work), KEY)
    assert work.words() == "a"
    lock = hold_run(paths, KEY)
    assert work.words() == "an attempt begins"
    write_owner(lock, KEY, 3, "t")
    assert work.words().startswith("attempt 3 runs at ")
    clock.now += 100
    assert work.words().startswith("attempt 3 runs at ") and len(answers) == 1
    release_run(paths, KEY, lock)
    clock.now -= 99.9
    assert (work.words(), work.words(), answers) == ("b", "b", [])
    keep(paths, outcome())
    assert work.words() == ""


def test_a_log_is_followed_until_nothing_works_on_the_run(paths: Paths, clock: Clock, answers: list[str]) -> None:
    answers += ["it runs", ""]
    paths.log(KEY).write_text("one\nrest")
    found = list(follow(settings(paths.work), KEY))
    assert found[0] == ("it runs", ["one"])
    assert set(map(str, found[1:-1])) == {str(("it runs", []))}
    assert found[-1] == ("nothing works on it any more", ["rest"])
    assert (set(clock.slept), len(clock.slept)) == ({0.3}, 34)


# --- the end of all work ----------------------------------------------------------------------------------------------
def test_what_runs_at_a_drained_site_is_told_whenever_it_changes(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([["a", "b"], ["a", "b"], ["b"], ["b"], []])
    slept: list[float] = []
    monkeypatch.setattr(draining, "what_runs", lambda config: next(looks))
    monkeypatch.setattr(draining, "time", SimpleNamespace(sleep=slept.append))
    assert list(draining.wait_until_quiet(settings(paths.work))) == ["a", "b", "b", "nothing runs"]
    assert slept == [2.0] * 4

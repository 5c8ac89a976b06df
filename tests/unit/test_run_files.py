"""The files of one run's job: its lock, its log and figures, and what the names on a shelf show about its ends."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support import factory
from support.jobs import analysis_jobs, run_job
from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.paths import Paths, TickPaths
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs import run_lock
from xomflow.jobs.description import read_job, read_jobs_of, write_jobs
from xomflow.jobs.ends.last_words import LastWords
from xomflow.jobs.ends.lost import disk_trouble, record_failure, record_lost, record_unstarted
from xomflow.jobs.job_files import begin_log, keep_figures, mark_made
from xomflow.jobs.processes import local_memory
from xomflow.jobs.processes.process import ProcessEnd
from xomflow.jobs.redo import attempts_that_failed, is_done, outcomes_to_redo
from xomflow.jobs.run_lock import (
    LockOwner,
    hold_run,
    leave_run,
    lock_owners,
    read_owner,
    release_run,
    take_left_behind,
    write_owner,
)
from xomflow.outcomes.files import Failure, digest_of, failure_path, failures_of, file_of, superseded_path
from xomflow.outcomes.reading import read_outcome

KEY, NOW = factory.KEY, factory.NOW
HERE = os.uname().nodename


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "work").mkdir()
    return Paths(tmp_path / "work")


def leave(paths: Paths, content: str = "", age: float = 0.0) -> Path:
    """Leave a lock file that nothing holds."""
    path = paths.run_lock(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def fail(paths: Paths, attempt: int, kind: str = "raised") -> Failure:
    made = Failure(attempt, kind, NOW)
    factory.keep_failure(failure_path(paths, KEY, made), factory.failed(attempt=attempt))
    return made


# --- the lock ---------------------------------------------------------------------------------------------------------
def test_the_owner_in_a_lock_comes_back_as_it_was_written(paths: Paths) -> None:
    with hold_run(paths, KEY) as lock:
        for limit in (7200.0, None):
            write_owner(lock, KEY, 3, "tick-1", limit)
            (owner,) = lock_owners(paths).values()
            assert owner == LockOwner(3, "tick-1", HERE, os.getpid(), owner.began, time_limit_s=limit)
            assert abs(owner.began - times.now()) < timedelta(minutes=1)
            assert read_owner(paths, KEY) == replace(owner, held=False)
            assert owner.where == f"{HERE}, process {os.getpid()}"
        assert take_left_behind(paths, KEY) is None, "it is held"
        assert paths.run_lock(KEY).exists()
        assert read_owner(paths, factory.key_of(1)) is None
    document = json.loads(paths.run_lock(KEY).read_text())
    assert document.keys() == {"analysis", "version", "run", "attempt", "tick", "host", "pid", "began"}


def test_a_lock_that_is_given_back_is_removed_or_left_as_its_owner_wants(paths: Paths) -> None:
    lock = hold_run(paths, KEY)
    write_owner(lock, KEY, 2, "tick-1")
    leave_run(lock)
    assert lock_owners(paths)[KEY].held is False
    taken = take_left_behind(paths, KEY)
    assert taken
    assert (taken.attempt, taken.held) == (2, False)
    assert take_left_behind(paths, KEY) is None
    lock = hold_run(paths, KEY)
    release_run(paths, KEY, lock)
    assert (lock.closed, lock_owners(paths)) == (True, {})
    release_run(paths, KEY, hold_run(paths, factory.key_of(1)))  # it is gone already


@pytest.mark.parametrize(
    ("host", "limit", "seconds", "held"),
    [
        ("elsewhere", 100.0, 999.0, True),
        ("elsewhere", 100.0, 1001.0, False),
        ("elsewhere", None, 1.0, False),
        (HERE, 100.0, 1.0, False),
    ],
)
def test_a_free_lock_of_another_host_counts_as_held_until_its_limit_and_a_quarter_of_an_hour(
    paths: Paths, host: str, limit: float | None, seconds: float, held: bool
) -> None:
    owner = LockOwner(1, "tick-1", host, 7, times.now() - timedelta(seconds=seconds), time_limit_s=limit)
    leave(paths, json.dumps(owner.to_json(KEY)))
    assert lock_owners(paths)[KEY].held is held
    record_lost(paths, Retries(), ())
    assert [one.kind for one in failures_of(paths, KEY)] == ([] if held else ["lost"])


ODD = ["", "{", "[]", "5", "null", "{}", '{"began": 5}', '{"began": "2026-11-22T12:00:00Z", "host": "a", "pid": "x"}']


@pytest.mark.parametrize("content", ODD)
def test_a_lock_file_that_cannot_be_read_counts_as_held_for_a_day_unless_it_is_empty(
    paths: Paths, content: str
) -> None:
    leave(paths, content)
    found = lock_owners(paths)
    if content:
        assert found[KEY].held
        expected = f"an unknown place: {paths.run_lock(KEY)} cannot be read: it shows no holder"
        assert found[KEY].where.startswith(expected)
    else:
        assert found == {}, "its job never started"
    leave(paths, content, 86390.0)
    assert lock_owners(paths).keys() == ({KEY} if content else set())
    leave(paths, content, 86410.0)
    assert lock_owners(paths) == {}
    assert read_owner(paths, KEY) is None
    with hold_run(paths, KEY):
        owner = lock_owners(paths)[KEY]
        assert (owner.held, owner.where) == (True, "unknown host, process unknown")


def test_a_disk_that_does_not_show_the_owner_makes_the_lock_held(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Path) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    leave(paths, "{}")
    monkeypatch.setattr(run_lock, "read_json", away)
    owner = lock_owners(paths)[KEY]
    assert (owner.held, owner.attempt, owner.tick) == (True, 1, "")
    assert owner.trouble == f"{paths.run_lock(KEY)} cannot be read: Input/output error"


def test_a_link_to_nothing_in_the_place_of_a_lock_is_removed_and_a_missing_folder_is_an_error(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.locks.mkdir(parents=True)
    paths.run_lock(KEY).symlink_to(paths.work / "nothing" / "there")
    with hold_run(paths, KEY):
        assert not paths.run_lock(KEY).is_symlink()

    def absent(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(run_lock, "open_file", absent)
    with pytest.raises(FileNotFoundError):
        hold_run(paths, factory.key_of(1))


def test_a_lock_file_that_its_owner_removed_while_another_process_waited_is_no_lock(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, removed = run_lock.fcntl.flock, []

    def remove_first(file: Any, how: int) -> None:
        flock(file, how)
        if not removed:
            removed.append(file)
            paths.run_lock(KEY).unlink()

    monkeypatch.setattr(run_lock.fcntl, "flock", remove_first)
    with hold_run(paths, KEY) as lock:
        assert lock is not removed[0]
        assert removed[0].closed
        assert os.path.samestat(os.fstat(lock.fileno()), paths.run_lock(KEY).stat())


# --- ends -------------------------------------------------------------------------------------------------------------
def test_a_failure_is_recorded_unless_the_attempt_left_a_file_itself(paths: Paths) -> None:
    facts = factory.outcome()["run"]
    lost = Failure(2, "lost", NOW)
    assert record_failure(paths, Retries(), KEY, lost, "it vanished", facts)
    assert not record_failure(paths, Retries(), KEY, lost, "it vanished")
    assert not record_failure(paths, Retries(), KEY, replace(lost, attempt=1), "it vanished")
    written = read_outcome(failure_path(paths, KEY, lost))
    assert written.failure
    assert (written.failure.message, written.run.number, written.attempt) == ("it vanished", facts["number"], 2)
    assert written.failure.next_try == times.text(NOW), "the first one that is lost is tried again at once"
    factory.keep(paths, factory.outcome())
    assert not record_failure(paths, Retries(), KEY, replace(lost, attempt=3), "it vanished")


def test_what_could_not_be_started_is_recorded_with_its_reason_and_counted(paths: Paths, tmp_path: Path) -> None:
    tick = TickPaths(paths.tick("tick-1"))
    keys = [factory.key_of(number) for number in range(1, 7)]
    write_jobs(tick, KEY.analysis, analysis_jobs({key.run: run_job() for key in keys}))
    tick.disk_note(keys[1]).parent.mkdir(parents=True)
    tick.disk_note(keys[1]).write_text("/work: No space left\non it\n")
    tick.disk_note(keys[2]).touch()
    assert [disk_trouble(paths, tick, key) for key in keys[:3]] == [
        "",
        "/work: No space left on it",
        f"{paths.work} cannot be written",
    ]
    with hold_run(paths, keys[3]) as lock:
        write_owner(lock, keys[3], 1, "tick-1")
        written = record_unstarted(paths, Retries(), tick, dict.fromkeys(keys, 4), {*keys[:5], factory.KEY}, [keys[4]])
    assert written == 3
    found = [[(one.attempt, one.kind) for one in failures_of(paths, key)] for key in keys]
    assert found == [[(4, "not_started")], [(4, "disk")], [(4, "disk")], [], [], []]


def test_the_names_on_a_shelf_show_how_attempts_ended(paths: Paths) -> None:
    other = factory.key_of(52895)
    factory.keep(paths, factory.outcome(other))
    fail(paths, 2)
    fail(paths, 1, "lost")
    (paths.outcome(KEY).parent / "notes.json").touch()
    words = LastWords(paths)
    assert [(words.is_done(key), words.has_ended(key, 3)) for key in (KEY, other)] == [(False, False), (True, True)]
    assert [words.has_failed(KEY, attempt) for attempt in (1, 2, 3)] == [True, True, False]
    assert [words.has_ended(KEY, attempt) for attempt in (1, 2, 3)] == [True, True, False]
    assert [(one.attempt, one.kind) for one in words.failures_of(KEY)] == [(1, "lost"), (2, "raised")]
    assert not words.has_ended(factory.key_of(1), 1)
    factory.keep(paths, factory.outcome(KEY))
    assert not words.is_done(KEY), "as of one look"


def test_an_outcome_that_publishing_has_called_superseded_is_no_lost_attempt(paths: Paths) -> None:
    place = paths.outcome(KEY)
    factory.keep(paths, factory.outcome())
    place.rename(superseded_path(place))
    assert (is_done(paths, KEY), LastWords(paths).has_ended(KEY, 1)) == (True, True)
    lost = Failure(1, "lost", times.now())
    assert not record_failure(paths, Retries(), KEY, lost, "Slurm no longer has its job")
    assert failures_of(paths, KEY) == []
    assert read_outcome(file_of(place)).key == KEY


def test_an_outcome_that_a_person_wants_again_is_not_done_and_its_failures_do_not_count(paths: Paths) -> None:
    factory.keep(paths, factory.outcome(attempt=2))
    fail(paths, 1)
    fail(paths, 2)
    assert (is_done(paths, KEY), outcomes_to_redo(paths)) == (True, {})
    assert [one.attempt for one in attempts_that_failed(paths, KEY)] == [1, 2]
    digest = digest_of(paths.outcome(KEY))
    subject = Subject(KEY.analysis, KEY.version, (KEY.run,), (digest,))
    write_decision(paths, Decision(Verb.REDO, subject, "kim", times.now() - timedelta(minutes=1), "a new lamp"))
    assert outcomes_to_redo(paths) == {KEY: 2}
    assert (is_done(paths, KEY), LastWords(paths).is_done(KEY)) == (False, False)
    fail(paths, 3)
    assert [one.attempt for one in attempts_that_failed(paths, KEY)] == [3]
    paths.outcome(KEY).unlink()
    assert [one.attempt for one in attempts_that_failed(paths, KEY)] == [1, 2, 3]
    assert not is_done(paths, KEY)
    factory.keep(paths, factory.outcome(attempt=4))
    assert (is_done(paths, KEY), outcomes_to_redo(paths)) == (True, {}), "it was replaced"


# --- log, output, figures ---------------------------------------------------------------------------------------------
def test_the_log_of_the_attempt_before_is_removed_and_the_tick_has_a_link_to_the_new_one(paths: Paths) -> None:
    tick = TickPaths(paths.tick("tick-1"))
    for _ in range(2):
        paths.log(KEY).parent.mkdir(parents=True, exist_ok=True)
        paths.log(KEY).write_text("old")
        begin_log(paths, tick, KEY)
        assert not paths.log(KEY).exists()
        paths.log(KEY).write_text("new")
        assert tick.log_link(KEY).read_text() == "new"
        assert not tick.log_link(KEY).readlink().is_absolute(), "the folder may be moved"
    for _ in range(2):
        mark_made(tick, KEY)
        assert tick.made(KEY).exists()


def test_figures_are_moved_to_their_place_and_those_of_an_earlier_outcome_go(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, shelf = tmp_path / "draft", paths.figure(KEY, "").parent
    draft.mkdir()
    (draft / "a.png").touch()
    keep_figures(paths, KEY, draft, ["a.png"])
    for name in ("052894.old.png", "052894.a.png", "052895.b.png"):
        (shelf / name).write_text("old")
    paths.figures_of_layout_1(KEY).mkdir()
    for name in ("a.png", "b.png"):
        (draft / name).write_text("new")
    keep_figures(paths, KEY, draft, ["a.png"])
    assert {one.name: one.read_text() for one in shelf.iterdir()} == {"052894.a.png": "new", "052895.b.png": "old"}

    def refuse(number: int) -> None:
        def replace_file(self: Path, target: Path) -> Path:
            raise OSError(number, "words")

        monkeypatch.setattr(Path, "replace", replace_file)

    refuse(errno.EXDEV)  # another file system
    keep_figures(paths, KEY, draft, ["b.png"])
    assert {one.name for one in shelf.iterdir()} == {"052894.b.png", "052895.b.png"}
    refuse(errno.EACCES)
    with pytest.raises(OSError, match="words"):
        keep_figures(paths, KEY, draft, ["b.png"])


# --- descriptions -----------------------------------------------------------------------------------------------------
def test_the_jobs_of_trials_are_in_files_of_their_own_and_keys_keep_their_order(paths: Paths) -> None:
    tick = TickPaths(paths.tick("tick-1"))
    trial, others = factory.key_of(52894, version="v2"), [factory.key_of(number) for number in (3, 1, 2)]
    write_jobs(tick, KEY.analysis, analysis_jobs({one.run: run_job(1) for one in others}))
    write_jobs(tick, "kr83m+v2", analysis_jobs({trial.run: run_job(7)}, promised={"a": "Hz"}, local_memory_mb=5))
    found = read_jobs_of(tick, [others[0], trial, *others[1:]])
    assert [(one.key, one.attempt) for one in found] == [
        (others[0], 1),
        (trial, 7),
        (others[1], 1),
        (others[2], 1),
    ]
    assert (found[1].common.promised, found[1].common.local_memory_mb) == ({"a": "Hz"}, 5)
    assert (found[0].common.promised, found[0].common.local_memory_mb) == ({}, None)


def test_a_lower_priority_is_in_the_file_only_where_there_is_one(paths: Paths) -> None:
    tick = TickPaths(paths.tick("tick-1"))
    own = run_job()
    lower = replace(own, limits=replace(own.limits, nice=5))
    write_jobs(tick, KEY.analysis, analysis_jobs({KEY.run: lower, "000001": own}))
    written = json.loads(tick.jobs(KEY.analysis).read_text())["runs"]
    assert ["nice" in written[run] for run in (KEY.run, "000001")] == [True, False]
    assert read_job(tick, KEY).own == lower


# --- ends of processes, memory ----------------------------------------------------------------------------------------
def test_the_wait_status_shows_which_signal_ended_a_process_and_who_may_have_sent_it() -> None:
    rows = {
        ProcessEnd(0): ("", False, False, False),
        ProcessEnd(3 << 8): ("", False, False, False),
        ProcessEnd(9): ("SIGKILL", False, False, True),
        ProcessEnd(15): ("SIGTERM", False, True, False),
        ProcessEnd(2): ("SIGINT", False, True, False),
        ProcessEnd(None): ("", True, True, True),
        ProcessEnd(None, timed_out=True): ("", False, False, False),
        ProcessEnd(None, stopped_by="SIGTERM"): ("", False, False, False),
    }
    found = {end: (end.signal_name, end.is_unknown, end.may_be_a_stop, end.may_be_for_want_of_memory) for end in rows}
    assert found == rows


def test_a_machine_has_its_memory_or_what_a_run_for_each_core_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1_000_000}
    monkeypatch.setattr(local_memory.os, "sysconf", sizes.__getitem__)
    for cores, memory_mb, whole in ((4, 1000, 4096), (4, 2000, 8000), (None, 5000, 5000)):
        monkeypatch.setattr(local_memory.os, "cpu_count", lambda cores=cores: cores)
        assert local_memory._of_machine(memory_mb) == whole


def test_parts_of_memory_are_rounded_up_and_a_run_gets_at_least_one(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(local_memory, "take_parts", lambda _, wanted, parts: asked.append((wanted, parts)) or True)
    for memory_mb, most_mb in ((100, 400), (101, 499), (250, 50)):
        with local_memory.hold_memory(paths, memory_mb, most_mb):
            pass
    assert asked == [(1, 4), (2, 4), (3, 1)]

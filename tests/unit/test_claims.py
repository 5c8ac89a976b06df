"""Claims and locks across real processes, some of which are killed."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.factory import KEY, NOW, key_of
from xomflow.core.key import Key
from xomflow.core.paths import SOURCE, Paths, TickPaths
from xomflow.jobs.run_lock import LockOwner, hold_run, lock_owners, release_run, take_left_behind, write_owner
from xomflow.planning.progress.claims import (
    Claim,
    ended_ticks,
    hold_tick,
    is_overtaken,
    live_claims,
    living_ticks,
    new_tick,
    read_claims,
    write_claims,
)
from xomflow.planning.progress.unclear import Unclear
from xomlib.files import dump_json
from xomlib.process.locks import is_locked

PREAMBLE = """
import os, subprocess, sys
from pathlib import Path
from xomflow.core.files.file_lock import exclusive
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.run_lock import hold_run, release_run, write_owner
from xomflow.planning.progress.claims import hold_tick
paths, KEY = Paths(Path(sys.argv[1])), Key("kr83m", "v1", "052894")
"""
HOLD_TICK = "lock = hold_tick(TickPaths(paths.tick(sys.argv[2])))"
HOLD_RUN = "lock = hold_run(paths, KEY)"
SIGN = "write_owner(lock, KEY, 3, 'some tick')"
TELL = "print('ready', flush=True)"
WAIT = "sys.stdin.read()"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def start(paths: Paths) -> Iterator[Start]:
    """Start a process that runs these lines; the ones that still live at the end of the test are ended."""
    started = []

    def run(*lines: str, arguments: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + "\n".join(lines), str(paths.work), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith("ready")
    return line


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL


# --- ticks ------------------------------------------------------------------------------------------------------------


def claim(paths: Paths, tick: str, *entries: tuple) -> None:
    dump_json(TickPaths(paths.tick(tick)).claims, [list(entry) for entry in entries])


def test_the_claims_of_a_tick_count_as_long_as_it_lives(paths: Paths, start: Start) -> None:
    claim(paths, "tick", ("kr83m", "v1", "052894", 2))
    tick = start(HOLD_TICK, TELL, WAIT, arguments=("tick",))
    ready(tick)
    assert live_claims(paths) == {KEY: ("tick", 2)}
    kill(tick)
    assert live_claims(paths) == {}


def test_claims_come_back_as_they_were_written(paths: Paths) -> None:
    tick, claims = TickPaths(paths.tick("tick")), [Claim(KEY, 2), Claim(key_of(1), 1)]
    write_claims(tick, claims)
    assert read_claims(tick) == claims


def test_a_tick_that_ends_by_itself_leaves_no_claims(paths: Paths, start: Start) -> None:
    claim(paths, "tick", ("kr83m", "v1", "052894", 2))
    tick = start(HOLD_TICK, TELL, arguments=("tick",))
    tick.communicate()
    assert tick.returncode == 0
    assert live_claims(paths) == {}


def test_the_claims_of_several_ticks_add_up(paths: Paths, start: Start) -> None:
    for number, tick in enumerate(("a", "b", "dead")):
        claim(paths, tick, ("kr83m", "v1", f"{number:06d}", 1))
    for tick in ("a", "b"):
        ready(start(HOLD_TICK, TELL, WAIT, arguments=(tick,)))
    (paths.tick("dead") / "lock").touch()
    assert live_claims(paths) == {key_of(0): ("a", 1), key_of(1): ("b", 1)}


def test_claims_of_another_host_count_until_its_summary_or_its_time_is_over(paths: Paths) -> None:
    """Locks may not reach from one host to another."""
    tick = "20261122T120000-elsewhere-5"
    claim(paths, tick, (KEY.analysis, KEY.version, KEY.run, 2))
    folder = TickPaths(paths.tick(tick))
    folder.lock.touch()
    began = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert live_claims(paths, 600, began + timedelta(seconds=599)) == {KEY: (tick, 2)}
    assert live_claims(paths, 600, began + timedelta(seconds=600)) == {}
    folder.summary.touch()
    assert live_claims(paths, 600, began) == {}


def test_claims_of_a_dead_tick_of_this_host_do_not_count(paths: Paths) -> None:
    tick = new_tick(datetime(2026, 11, 22, 12, tzinfo=UTC))
    claim(paths, tick, (KEY.analysis, KEY.version, KEY.run, 2))
    TickPaths(paths.tick(tick)).lock.touch()
    assert live_claims(paths, 600, datetime(2026, 11, 22, 12, tzinfo=UTC)) == {}


def test_a_tick_that_has_not_claimed_yet_claims_nothing(paths: Paths) -> None:
    with hold_tick(TickPaths(paths.tick("tick"))):
        assert live_claims(paths) == {}


def test_without_any_tick_nothing_is_claimed(paths: Paths) -> None:
    assert live_claims(paths) == {}
    paths.ticks.mkdir(parents=True)
    (paths.ticks / "notes.txt").touch()
    unclear = Unclear()
    assert (live_claims(paths, unclear=unclear), unclear.sentences) == ({}, [])


def test_ticks_ended_that_began_before_a_moment_and_do_not_live(paths: Paths) -> None:
    names = [new_tick(NOW + timedelta(hours=hour)) for hour in range(4)]
    for name in (*names, "notes"):
        hold_tick(TickPaths(paths.tick(name))).close()
    (paths.ticks / "20261122.zip").touch()
    with hold_tick(TickPaths(paths.tick(names[1]))):
        ended = ended_ticks(paths, NOW + timedelta(hours=3))
    assert [tick.folder.name for tick in ended] == [names[0], names[2]]


def test_ticks_live_as_long_as_they_hold_their_lock(paths: Paths) -> None:
    names = [new_tick(NOW + timedelta(hours=hour)) for hour in range(3)]
    (paths.ticks / "notes").mkdir(parents=True)
    hold_tick(TickPaths(paths.tick(names[0]))).close()
    with hold_tick(TickPaths(paths.tick(names[1]))), hold_tick(TickPaths(paths.tick(names[2]))):
        assert living_ticks(paths) == set(names[1:])
    assert living_ticks(paths) == set()


@pytest.mark.parametrize("content", ["{", "5", '[["kr", "v1"]]', '[["kr", "v1", "052001", null]]'])
def test_what_a_live_tick_may_have_claimed_is_unclear_where_its_claims_cannot_be_read(
    paths: Paths, content: str
) -> None:
    tick, unclear = TickPaths(paths.tick(new_tick(NOW))), Unclear()
    with hold_tick(tick):
        tick.claims.write_text(content)
        for name, text in (("kr+v1", '{"runs": {"052001": {}, "052002": {}}}'), ("rate+v1", "{"), ("gain+v1", "[]")):
            file = tick.jobs("any").with_name(f"{name}.json")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        assert live_claims(paths, unclear=unclear) == live_claims(paths) == {}
    assert {place: words.partition(" cannot be read")[0] for place, words in unclear.runs.items()} == {
        ("kr", run): f"tick {tick.folder.name} may work on it, but {tick.claims}" for run in ("052001", "052002")
    }
    assert sorted(unclear.analyses) == ["gain", "rate"]
    assert [sentence.rpartition("; ")[2] for sentence in unclear.sentences] == [
        "what its tick took waits until that tick has ended",
        "all runs of gain wait",
        "all runs of rate wait",
    ]
    assert unclear.about(Key("kr", "v2", "052002")) == unclear.runs["kr", "052002"]
    assert unclear.about(Key("rate", "v1", "052009")) == unclear.analyses["rate"]
    assert unclear.about(Key("kr", "v1", "052009")) == ""
    assert live_claims(paths) == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(5, "Input/output error"), "Input/output error"),
        (ValueError("first\nsecond"), "first"),
        (ValueError("x" * 500), "x" * 100),
        (KeyError(), "KeyError"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_one_short_sentence(error: Exception, words: str) -> None:
    unclear = Unclear()
    assert unclear.note("a.json", error, "all waits") == f"a.json cannot be read: {words}"
    assert unclear.sentences == [f"a.json cannot be read: {words}; all waits"]


def test_the_names_of_ticks_sort_by_time() -> None:
    names = [new_tick(NOW + timedelta(seconds=step)) for step in (0, 1, 60, 86400, 40 * 86400)]
    assert names == sorted(names)
    assert names[0].startswith("20261122T120000-")
    assert names[0].endswith(f"-{os.getpid()}")


def test_the_name_of_a_tick_is_a_plain_file_name_on_any_host(monkeypatch: pytest.MonkeyPatch) -> None:
    host = types.SimpleNamespace(nodename="midway3-0001.rcc/local +x")
    monkeypatch.setattr(os, "uname", lambda: host)
    assert re.fullmatch(r"20261122T120000-\w+-\d+", new_tick(NOW))


def test_a_look_at_a_tick_never_keeps_it_from_taking_its_lock(paths: Paths, start: Start) -> None:
    ready(start(HOLD_TICK, "lock.close()", TELL, WAIT, arguments=("tick",)))
    # Another tick looks whether it lives: a shared lock for a moment, here until the process is told to end.
    looking = start(
        "import fcntl",
        "file = open(paths.tick('tick') / 'lock', 'rb')",
        "fcntl.flock(file, fcntl.LOCK_SH)",
        TELL,
        WAIT,
    )
    ready(looking)
    tick = start("print('ready to take it', flush=True)", HOLD_TICK, TELL, WAIT, arguments=("tick",))
    ready(tick)
    assert tick.poll() is None
    looking.communicate()
    assert ready(tick) == "ready"


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_link_to_nothing_in_the_place_of_a_lock_holds_no_run(paths: Paths) -> None:
    place = paths.run_lock(KEY)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(place.parent / "gone" / place.name)
    with hold_run(paths, KEY):
        assert not place.is_symlink()


def test_a_held_run_says_who_holds_it(paths: Paths, start: Start) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    holder = start(HOLD_RUN, SIGN, TELL, WAIT)
    ready(holder)
    owner = lock_owners(paths)[KEY]
    assert (owner.held, owner.attempt, owner.where) == (True, 3, f"{os.uname().nodename}, process {holder.pid}")
    assert before <= owner.began <= datetime.now(UTC)


def test_the_lock_of_a_killed_process_is_free_and_its_owner_stays_known(paths: Paths, start: Start) -> None:
    holder = start(HOLD_RUN, SIGN, TELL, WAIT)
    ready(holder)
    kill(holder)
    owner = lock_owners(paths)[KEY]
    assert (owner.held, owner.attempt) == (False, 3)
    release_run(paths, KEY, hold_run(paths, KEY))
    assert lock_owners(paths) == {}


def test_the_lock_lasts_as_long_as_a_child_of_its_killed_holder(paths: Paths, start: Start) -> None:
    holder = start(
        HOLD_RUN,
        SIGN,
        "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], pass_fds=[lock.fileno()])",
        "print('ready', child.pid, flush=True)",
        WAIT,
    )
    child = int(ready(holder).split()[1])
    kill(holder)
    assert lock_owners(paths)[KEY].held
    assert take_left_behind(paths, KEY) is None
    descriptor = os.pidfd_open(child)
    os.kill(child, signal.SIGKILL)
    assert select.select([descriptor], [], [], 30)[0]  # readable once the process has ended
    os.close(descriptor)
    assert not lock_owners(paths)[KEY].held


def test_a_held_lock_is_never_taken_for_left_behind(paths: Paths, start: Start) -> None:
    ready(start(HOLD_RUN, SIGN, TELL, WAIT))
    assert take_left_behind(paths, KEY) is None
    assert paths.run_lock(KEY).exists()
    assert lock_owners(paths)[KEY].held


def test_what_a_killed_process_left_is_taken_once(paths: Paths, start: Start) -> None:
    holder = start(HOLD_RUN, SIGN, TELL, WAIT)
    ready(holder)
    kill(holder)
    taken = take_left_behind(paths, KEY)
    assert taken is not None
    assert (taken.attempt, taken.held) == (3, False)
    assert take_left_behind(paths, KEY) is None
    assert not paths.run_lock(KEY).exists()


def test_a_process_that_was_killed_before_it_was_the_owner_had_not_begun(paths: Paths, start: Start) -> None:
    holder = start(HOLD_RUN, TELL, WAIT)
    ready(holder)
    assert lock_owners(paths)[KEY].held
    kill(holder)
    assert lock_owners(paths) == {}
    assert take_left_behind(paths, KEY) is None


def test_a_released_run_leaves_nothing(paths: Paths) -> None:
    file = hold_run(paths, KEY)
    write_owner(file, KEY, 1, "tick")
    release_run(paths, KEY, file)
    assert lock_owners(paths) == {}
    assert list(paths.locks.iterdir()) == []


OWNER = LockOwner(2, "a tick", "node01", 5, NOW)
DAMAGED = ["", "{", "[]", "5", "null", "{}", '{"attempt": 1}', json.dumps({**OWNER.to_json(KEY), "began": 5})]
DAMAGED += [json.dumps({**OWNER.to_json(KEY), name: None}) for name in ("attempt", "pid", "began")]


def test_the_owner_in_a_lock_file_comes_back_as_it_was_written() -> None:
    assert LockOwner.from_json(OWNER.to_json(KEY), held=True) == OWNER
    assert OWNER.where == "node01, process 5"


@pytest.mark.parametrize("content", DAMAGED)
def test_a_lock_file_without_an_owner_is_that_of_a_process_that_is_about_to_begin(paths: Paths, content: str) -> None:
    with hold_run(paths, KEY):
        paths.run_lock(KEY).write_text(content)
        owner = lock_owners(paths)[KEY]
        assert (owner.held, owner.attempt, owner.where) == (True, 1, "unknown host, process unknown")
    if content:  # a lock may not reach from another host, and who wrote this is unknown
        assert lock_owners(paths)[KEY].held
        assert f"{paths.run_lock(KEY)} cannot be read: " in lock_owners(paths)[KEY].where
        os.utime(paths.run_lock(KEY), (0, 0))
    assert lock_owners(paths) == {}
    assert take_left_behind(paths, KEY) is None


def test_writing_the_owner_again_replaces_it(paths: Paths) -> None:
    file = hold_run(paths, KEY)
    write_owner(file, KEY, 12345, "a tick with a long name")
    write_owner(file, KEY, 2, "tick")
    assert lock_owners(paths)[KEY].attempt == 2
    release_run(paths, KEY, file)


def test_files_that_are_no_run_locks_are_passed_over(paths: Paths) -> None:
    paths.locks.mkdir(parents=True)
    for name in ("notes.lock", "a+b.lock", "kr83m+v1+052894.lock~"):
        (paths.locks / name).write_text("{}")
    assert lock_owners(paths) == {}


ROUNDS = 150
TAKE_TURNS = f"""
log = open(paths.work / "log", "a")
for _ in range({ROUNDS}):
    lock = hold_run(paths, KEY)
    write_owner(lock, KEY, 1, "tick")
    print("enter", os.getpid(), file=log, flush=True)
    if not os.path.samestat(os.fstat(lock.fileno()), os.stat(paths.run_lock(KEY))):
        print("removed while held", file=log, flush=True)
    print("leave", os.getpid(), file=log, flush=True)
    release_run(paths, KEY, lock)
"""


def test_no_two_processes_are_ever_at_the_same_run(paths: Paths, start: Start) -> None:
    """Each removes the lock file when it is done, while the others wait for it and somebody tidies up."""
    paths.work.mkdir()
    workers = [start(TAKE_TURNS) for _ in range(3)]
    while any(worker.poll() is None for worker in workers):
        take_left_behind(paths, KEY)
        lock_owners(paths)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    lines = (paths.work / "log").read_text().splitlines()
    assert len(lines) == 2 * 3 * ROUNDS
    for enter, leave in zip(lines[::2], lines[1::2], strict=True):
        assert enter.split()[0] == "enter"
        assert leave == enter.replace("enter", "leave")


def test_discovery_is_for_one_tick_at_a_time(paths: Paths, start: Start) -> None:
    first = start("with exclusive(paths.discovery_lock):", f"    {TELL}", f"    {WAIT}")
    ready(first)
    second = start("print('ready to wait', flush=True)", "with exclusive(paths.discovery_lock):", f"    {TELL}")
    ready(second)
    assert is_locked(str(paths.discovery_lock))
    assert second.poll() is None
    kill(first)
    assert ready(second) == "ready"


# --- the lock itself --------------------------------------------------------------------------------------------------


def test_a_file_that_is_gone_is_not_locked(tmp_path: Path) -> None:
    assert not is_locked(str(tmp_path / "lock"))
    (tmp_path / "lock").touch()
    assert not is_locked(str(tmp_path / "lock"))


def test_only_a_later_tick_that_has_reported_and_is_not_of_the_future_overtakes(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    own, later, future = (TickPaths(paths.tick(new_tick(NOW + timedelta(seconds=step)))) for step in (0, 60, 86400))
    for one in (own, later, future):
        one.folder.mkdir(parents=True)
        one.lock.touch()
    own.summary.touch()
    future.summary.touch()
    now = NOW + timedelta(seconds=600)
    assert not is_overtaken(paths, own, now)
    later.summary.touch()
    assert is_overtaken(paths, own, now)
    assert not is_overtaken(paths, later, now)

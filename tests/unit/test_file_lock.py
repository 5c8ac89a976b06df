"""The lock that one tick at a time holds: others wait for a bounded time, and know for whom; and whether locks work."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xomflow.core.errors import DiskError, PersonNeededError, for_user
from xomflow.core.exit_code import ExitCode
from xomflow.core.files import file_lock
from xomflow.core.files.file_lock import TICK_VARIABLE, check_locks, exclusive, shared


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "ticks" / "discovery.lock"


def test_the_one_who_waits_says_for_whom_and_ends_with_a_code_of_its_own(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file_lock, "_QUIET_WAIT", 0.0)
    monkeypatch.setenv(TICK_VARIABLE, "20261128T000000-host-7")
    with exclusive(lock):
        holder = f"tick 20261128T000000-host-7 (host {os.uname().nodename}, process {os.getpid()}, since "
        with pytest.raises(PersonNeededError) as told, exclusive(lock, 0.05):
            pass
    assert capsys.readouterr().err.startswith(f"waits for {holder}")
    sentence, code = for_user(told.value) or ("", 0)
    assert sentence.startswith(f"{lock}: {holder}")
    assert code == ExitCode.WAITS_FOR_PERSON
    with exclusive(lock, 0.05):  # it is free again
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_a_holder_whose_name_cannot_be_read_is_another_process(lock: Path) -> None:
    for content in (b"", b"{", b"[1]", b"\xff\0", b'{"tick": 1}'):
        with exclusive(lock):
            lock.write_bytes(content)
            with pytest.raises(PersonNeededError, match="another process holds this lock"), exclusive(lock, 0.0):
                pass


def test_the_holder_is_named_once_after_a_while_and_the_lock_is_tried_again_and_again(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, printed = [0.0], []

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        printed.append(bool(capsys.readouterr().err))

    monkeypatch.setattr(file_lock, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    with (
        exclusive(lock),
        pytest.raises(PersonNeededError, match=r": another process \(host .*, process \d+, since "),
        exclusive(lock, 60),
    ):
        pass
    assert 60 <= clock[0] < 61
    assert (len(printed) > 100, printed.count(True), printed[:5]) == (True, 1, [False] * 5)


def test_nothing_is_left_of_what_a_lock_had_before(lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_text("x" * 1000)
    with exclusive(lock):
        assert json.loads(lock.read_text())["host"] == os.uname().nodename


def test_readers_wait_for_the_owner_and_keep_owners_out_but_not_each_other(lock: Path) -> None:
    with shared(lock, 0.0):  # no tick has ever taken it
        assert not lock.exists()
    with exclusive(lock), pytest.raises(PersonNeededError, match="since"), shared(lock, 0.0):
        pass
    before = lock.read_bytes()
    with shared(lock, 0.0), shared(lock, 0.0), pytest.raises(PersonNeededError), exclusive(lock, 0.0):
        pass
    assert lock.read_bytes() == before
    with exclusive(lock, 0.0):
        pass


def _raise(number: int) -> Callable[..., None]:
    def flock(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return flock


def _of_the_process_only(file: Any, how: int) -> None:
    fcntl.lockf(file, how)


def test_locks_that_work_are_accepted_and_leave_nothing(tmp_path: Path) -> None:
    check_locks(tmp_path / "work/locks")
    assert list((tmp_path / "work/locks").iterdir()) == []


@pytest.mark.parametrize(
    ("flock", "words"),
    [
        (_raise(errno.ENOSYS), "do not work here: Function not implemented"),
        (_raise(errno.ENOLCK), "do not work here: No locks available"),
        (_raise(errno.EOPNOTSUPP), "do not work here: Operation not supported"),
        (lambda *_: None, "does not keep another process out"),
        (_of_the_process_only, "does not keep another process out"),
    ],
)
def test_locks_that_do_not_work_are_refused_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flock: Callable[..., None], words: str
) -> None:
    real = fcntl.flock
    monkeypatch.setattr(file_lock.fcntl, "flock", flock)
    with pytest.raises(DiskError) as told:
        check_locks(tmp_path)
    monkeypatch.setattr(file_lock.fcntl, "flock", real)
    assert str(told.value).startswith(f"{tmp_path}: ")
    assert words in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_holds_within_one_process_only_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.getpid()
    real = fcntl.flock
    monkeypatch.setattr(file_lock.fcntl, "flock", lambda *words: real(*words) if os.getpid() == own else None)
    with pytest.raises(DiskError, match="does not keep another process out"):
        check_locks(tmp_path)


def test_an_error_of_the_disk_is_not_called_one_of_locks(tmp_path: Path) -> None:
    (tmp_path / f".lock-test.{os.getpid()}").mkdir()
    with pytest.raises(IsADirectoryError):
        check_locks(tmp_path)


def test_a_lock_that_is_a_link_to_nothing_is_a_sentence(lock: Path) -> None:
    lock.parent.mkdir()
    lock.symlink_to(lock.parent / "away" / lock.name)
    with pytest.raises(DiskError, match="is a link to nothing: make its disk available, or"), exclusive(lock):
        pass
    assert lock.is_symlink()

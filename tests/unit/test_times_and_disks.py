"""Times, lengths of time, and words about disks, accounts and states: each form and each boundary."""

from __future__ import annotations

import errno
import gc
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xomflow.core import account, errors, times
from xomflow.core.account import must_own, other_owner, owner_of
from xomflow.core.collector import uncollected
from xomflow.core.errors import (
    BatchSystemError,
    ConfigurationError,
    ContextError,
    DiskError,
    PersonNeededError,
    RunDBError,
    UsageError,
    XomError,
    for_user,
    in_words,
    sentence_of,
)
from xomflow.core.exit_code import ExitCode
from xomflow.core.files import disk, maintenance
from xomflow.core.files.disk import in_a_sentence, trouble_in, trouble_seen_in
from xomflow.core.files.kept_json import dict_of, list_of, read_kept, write_kept
from xomflow.core.files.maintenance import Maintenance, Task, UnfinishedError
from xomflow.core.files.stamps import changed_in, stamp_of
from xomflow.core.given_times import moment_of, seconds_of
from xomflow.core.key import Key, Pattern, first_run, group_id, is_group, is_shelf, run_id
from xomflow.core.messages import did_you_mean, some_of
from xomflow.core.paths import Paths
from xomflow.core.reason import form_of, subject_of
from xomflow.core.state import ATTENTION, FAILURES, ONLY_COUNTED, WAITINGS, State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = 10**9


# --- times ------------------------------------------------------------------------------------------------------------
def test_a_length_of_time_is_a_number_and_a_unit() -> None:
    lengths = {"90 s": 90.0, "1.5min": 90.0, "2 h": 7200.0, "0 d": 0.0, "10000 d": 864e6}
    assert {text: seconds_of(text) for text in lengths} == lengths
    for text in ("", "2", "d", "2 w", "-1 s", "1e3 s", "2  d", "1. s", "2 d "):
        with pytest.raises(ValueError, match=r"^a length of time is needed: a number and one of s, min, h, d"):
            seconds_of(text)
    with pytest.raises(ValueError, match=r"^a length of time of at most 10000 d is needed$"):
        seconds_of("10000.1 d")


def test_a_moment_is_a_day_a_time_or_a_length_from_now() -> None:
    moments = {
        "2026-11-20": datetime(2026, 11, 20, tzinfo=UTC),
        "2026-11-20T12:30": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
        "2026-11-20 12:30:05Z": datetime(2026, 11, 20, 12, 30, 5, tzinfo=UTC),
        "3 h": NOW - timedelta(hours=3),
    }
    assert {text: moment_of(text, NOW) for text in moments} == moments
    assert moment_of("3 h", NOW, ahead=True) == NOW + timedelta(hours=3)
    for text in ("", "yesterday", "2026-13-01", "2026-11-20T25:00", "2026-11-20T12", "20261120"):
        with pytest.raises(ValueError, match=f"^{text!r} is no time: write it in UTC as 2026-11-20 or"):
            moment_of(text, NOW)
    with pytest.raises(ValueError, match="at most 10000 d"):
        moment_of("20000 d", NOW)


def test_times_are_written_in_utc_to_the_second() -> None:
    here = datetime(2026, 11, 22, 13, 0, 5, 999_999, tzinfo=UTC).astimezone()
    assert times.text(here) == times.text_or_none(here) == "2026-11-22T13:00:05Z"
    assert times.moment("2026-11-22T13:00:05Z") == datetime(2026, 11, 22, 13, 0, 5, tzinfo=UTC)
    assert [times.text_or_none(None), times.moment_or_none(None), times.moment_or_none("")] == [None] * 3
    for text in ("", "2026-11-22", "2026-11-22T13:00:05", "2026-11-22T13:00:05+00:00", "2026-11-31T13:00:05Z"):
        with pytest.raises(ValueError, match=r"."):
            times.moment(text)


def test_lengths_of_time_have_the_unit_that_people_use() -> None:
    lengths = {0.4: "0 s", 59.4: "59 s", 60.0: "1 min", 3599.0: "60 min", 3600.0: "1.0 h", 86399.0: "24.0 h"}
    lengths |= {86400.0: "1.0 d", 90000.0: "1.0 d", 130000.0: "1.5 d"}
    assert {seconds: times.span(seconds) for seconds in lengths} == lengths


def test_a_change_is_settled_once_the_coarsest_clock_has_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100 * SECOND
    assert [times.settled(now - age, now) for age in (0, 2 * SECOND, 2 * SECOND + 1)] == [False, False, True]
    assert [times.is_before(now - age, now) for age in (0, 2 * SECOND, 2 * SECOND + 1)] == [False, False, True]
    monkeypatch.setattr(times.time, "time_ns", lambda: now)
    assert [times.settled(now - age) for age in (2 * SECOND, 3 * SECOND)] == [False, True]
    assert times.settled(-3 * SECOND, 0)


def test_the_present_is_that_of_the_clock_that_is_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    stamped = 50 * SECOND
    monkeypatch.setattr(times.os, "utime", lambda one: os_utime(one, ns=(stamped, stamped)))
    monkeypatch.setattr(times.time, "time_ns", lambda: 100 * SECOND)
    assert times.now_of(file) == stamped
    assert times.now_of(None) == 100 * SECOND
    stamped = 200 * SECOND
    assert times.now_of(file) == 100 * SECOND
    assert times.now_of(tmp_path / "absent") == 100 * SECOND
    stamped = 50 * SECOND
    moments = [times.from_epoch(seconds) for seconds in (40, 52, 53)]
    assert [times.bounded(one, file) for one in moments] == [moments[0], moments[1], times.from_epoch(50)]


os_utime = os.utime


# --- disks ------------------------------------------------------------------------------------------------------------
def test_a_folder_that_takes_a_file_is_no_trouble_and_keeps_nothing(tmp_path: Path) -> None:
    assert trouble_in(tmp_path / "new" / "folder") == ""
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    assert trouble_in(tmp_path / "file" / "x").startswith(f"{tmp_path / 'file'}")


def test_a_disk_that_is_full_is_seen_by_writing_more_than_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, *_: Any) -> None:
            (tmp_path / f".probe.{os.getpid()}.part").touch()

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, content: bytes) -> None:
            if len(content) > 4096:
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "open_file", Full)
    assert trouble_in(tmp_path) == f"{tmp_path} cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_what_a_file_system_shows_about_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trouble_seen_in(tmp_path / "a" / "b") == ""
    (tmp_path / "file").touch()
    words = "cannot be written: it is no folder, where one is needed: move it away"
    assert trouble_seen_in(tmp_path / "file" / "b") == f"{tmp_path / 'file'} {words}"
    good = {"f_flag": 0, "f_bavail": 5, "f_files": 9, "f_favail": 5}
    rows = [
        ({}, ""),
        ({"f_flag": os.ST_RDONLY | 2}, "Read-only file system"),
        ({"f_flag": 2}, ""),
        ({"f_bavail": 0}, "No space left on device"),
        ({"f_favail": 0}, "No space left on device"),
        ({"f_files": 0, "f_favail": 0}, ""),
    ]
    for change, words in rows:
        monkeypatch.setattr(disk.os, "statvfs", lambda _, change=change: SimpleNamespace(**{**good, **change}))
        assert trouble_seen_in(tmp_path) == (f"{tmp_path} cannot be written: {words}" if words else ""), change

    def fail(_: Path) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk.os, "statvfs", fail)
    assert trouble_seen_in(tmp_path) == f"{tmp_path} cannot be written: Input/output error"


def test_an_error_of_a_disk_names_the_file_that_was_to_be_written() -> None:
    place = Path("/work")
    assert in_a_sentence(OSError(5, "words", "/a", None, "/b"), place) == "/b cannot be written: words"
    assert in_a_sentence(OSError(5, "words", "/a"), place) == "/a cannot be written: words"
    assert in_a_sentence(OSError(5, "words"), place) == "/work cannot be written: words"
    assert in_a_sentence(OSError("odd"), place) == "/work cannot be written: odd"


def test_a_stamp_changes_with_the_content_the_time_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    assert stamp_of(file) == ""
    file.write_text("a")
    seen = {stamp_of(file)}
    os.utime(file, ns=(1, 1))
    seen.add(stamp_of(file))
    file.write_text("ab")
    os.utime(file, ns=(1, 1))
    seen.add(stamp_of(file))
    (tmp_path / "b").write_text("ab")
    os.utime(tmp_path / "b", ns=(1, 1))
    (tmp_path / "b").replace(file)
    seen.add(stamp_of(file))
    assert len(seen) == 4
    with pytest.raises(FileNotFoundError):
        changed_in(tmp_path / "absent")


def test_what_is_kept_is_read_with_its_types_and_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    (file / "in").mkdir(parents=True)
    assert read_kept(file, dict) is None
    write_kept(file, '{"a": 1}')
    assert read_kept(file, dict_of(int)) == {"a": 1}
    assert read_kept(file, dict_of(str)) is None
    assert read_kept(file, list_of(int)) is None
    write_kept(file, "[1]")
    assert (read_kept(file, list_of(int)), read_kept(file, list_of(str))) == ([1], None)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    write_kept(tmp_path / "link", "5")
    assert (tmp_path / "folder").is_dir()
    for error in (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, ZeroDivisionError):

        def parse(_: Any, error: type[Exception] = error) -> Any:
            raise error

        assert read_kept(file, parse) is None


def test_a_maintenance_that_was_interrupted_is_named_until_it_is_finished(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    maintenance.check_finished(paths)
    for task, command in ((Task.RENAME, "xom rename old new"), (Task.REMOVE, "xom remove old")):
        begun = Maintenance(task, "old", "new")
        maintenance.begin(paths, begun)
        assert maintenance.unfinished(paths) == begun
        with pytest.raises(UnfinishedError, match=f"`{command}` was interrupted .* type: {command}$"):
            maintenance.check_finished(paths)
    maintenance.end(paths)
    maintenance.check_finished(paths)
    for content in ("", "{", "[]", "{}", '{"task": "other", "analysis": "a", "to": "b"}'):
        paths.maintenance.write_text(content)
        with pytest.raises(UnfinishedError, match="a rename or remove was interrupted and it is unknown which"):
            maintenance.unfinished(paths)


# --- accounts and errors ----------------------------------------------------------------------------------------------
def test_only_the_owner_of_a_work_folder_runs_ticks_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (other_owner(tmp_path), other_owner(tmp_path / "absent")) == ("", "")
    must_own(tmp_path)
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(account.os, "geteuid", lambda: owner + 4_000_000)
    assert other_owner(tmp_path) == owner_of(owner) != ""
    with pytest.raises(UsageError, match=rf"only {owner_of(owner)} runs ticks and jobs here"):
        must_own(tmp_path)
    monkeypatch.setattr(account, "_NO_ACCOUNT", owner)
    assert other_owner(tmp_path) == "", "in a container the kernel names no account"
    assert owner_of(4_000_123) == "4000123"


def test_every_error_has_a_sentence_and_an_exit_code() -> None:
    kinds = {
        XomError: 1,
        UsageError: 2,
        ConfigurationError: 3,
        ContextError: 3,
        RunDBError: 4,
        BatchSystemError: 5,
        DiskError: 6,
        PersonNeededError: 8,
    }
    assert {kind: for_user(kind("words")) for kind in kinds} == {kind: ("words", code) for kind, code in kinds.items()}
    expected = {"OK": 0, "FAILED_RUNS": 7, "STORE_DIFFERS": 9}
    assert {name: ExitCode[name] for name in expected} == expected
    for code in errors._OF_THE_DISK:
        error = OSError(code, "words", "/a")
        assert for_user(error) == ("/a: words; nothing that was done is lost", 6)
        assert errors.cause_of(OSError(code, "words"), Path("/b")) == (Path("/b"), "words")
        assert for_user(OSError(code, "words")) == (f"{Path.cwd()}: words; nothing that was done is lost", 6)
    assert for_user(FileNotFoundError(errno.ENOENT, "words", "/a")) is None
    assert (for_user(None), for_user(KeyError("a"))) == (None, None)
    assert sentence_of(FileNotFoundError(errno.ENOENT, "words", "/a")) == "[Errno 2] words: '/a'"
    assert sentence_of(OSError(errno.EIO, "words", "/a")) == "/a: words; nothing that was done is lost"
    assert in_words(KeyError("a")) == ("XOM itself failed: KeyError: 'a'", 1)
    assert in_words(DiskError("words")) == ("words", 6)


def test_what_stands_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to("nowhere/at/all")
    file.touch()
    for place, words in {
        link: "it is a link to nothing: mount its disk, or remove the link",
        file: "it is no folder, where one is needed: move it away",
    }.items():
        for below in (place, place / "a/b"):
            with pytest.raises(OSError, match=r"exists|Not a directory") as caught:
                below.mkdir(parents=True, exist_ok=True)
            assert errors.cause_of(caught.value, tmp_path) == (place, words)
            assert sentence_of(caught.value) == f"{place}: {words}; nothing that was done is lost"
    to_file = tmp_path / "to a file"
    to_file.symlink_to(file)
    with pytest.raises(FileExistsError) as caught:
        to_file.mkdir()
    assert errors.cause_of(caught.value, tmp_path) == (to_file, "it is no folder, where one is needed: move it away")
    assert errors.cause_of(OSError(errno.ENOSPC, "words", str(file)), tmp_path) == (file, "words")


# --- words ------------------------------------------------------------------------------------------------------------
def test_lists_in_sentences_are_cut_after_three() -> None:
    assert [some_of("abc"[:number]) for number in range(4)] == ["", "a", "a, b", "a, b, c"]
    assert some_of("abcd") == "a, b, c and 1 more"
    assert some_of("abcd", 1) == "a and 3 more"
    assert did_you_mean("kr83", ["kr83m", "other"]) == "; did you mean 'kr83m'?"
    assert did_you_mean("x", ["kr83m"]) == ""


def test_reasons_that_differ_in_numbers_only_have_one_form() -> None:
    assert form_of("run 12 at 0x7f3a, 1.5 or 2,000 (since the run ended 3 h ago)") == "run # at #, # or #"
    assert form_of("a (since the run ended 3 h ago) b") == "a (since the run ended # h ago) b"
    assert subject_of("kr83m of 52894 at 2026-11-28T17:14:12Z in 20261128T171412") == ("kr83m of 0 at 0-0-0:0:0 in 0")


def test_an_id_has_six_digits_and_that_of_a_campaign_a_digest_of_its_runs() -> None:
    assert (run_id(7), run_id(123456)) == ("000007", "123456")
    one = group_id([52801, 52803])
    assert one.partition("-")[0] == "052801"
    assert len(one) == 11
    assert one != group_id([52801, 52804])
    assert [is_group(run) for run in (one, "052801")] == [True, False]
    assert [first_run(run) for run in (one, "052801")] == [52801, 52801]
    assert [is_shelf(name) for name in ("052", "05", "0521", "abc", "٠٥٢")] == [True, False, False, False, False]
    assert [Key("a", "v1", one).shelf, Pattern("a", "v1", "{run}").shelf] == ["052", "{shelf}"]


def test_the_states_have_an_order_for_tables_and_one_for_people() -> None:
    assert [str(state) for state in State] == [
        *("waiting", "stale", "ready", "suspended", "running", "done", "vetoed", "failed", "gave up"),
    ]
    assert list(ATTENTION) == [State.GAVE_UP, State.FAILED, State.STALE, State.SUSPENDED, State.WAITING]
    assert ({State.FAILED, State.GAVE_UP}, {State.WAITING, State.STALE}) == (FAILURES, WAITINGS)
    assert {state for state in State if not state.urgency} >= ONLY_COUNTED == {State.READY, State.VETOED}
    assert State.GAVE_UP.field == "gave_up"


def test_the_collector_is_as_it_was_after_work_without_it() -> None:
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with uncollected():
                assert not gc.isenabled()
            assert gc.isenabled() is enabled
        finally:
            gc.enable()

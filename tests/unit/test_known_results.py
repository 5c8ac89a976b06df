"""Results that are known beside their files: what is lost, what was seen, what is due next, and how an end is kept."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import factory
from support.factory import keep, key_of, outcome
from xomflow.core import times
from xomflow.core.files.folder_marks import FolderAwayError
from xomflow.core.files.stamps import changed_in
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.decisions.effects import Grant
from xomflow.outcomes import trial_marks
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.document import keep_log, log_tail, new_outcome, own_provenance, silent_failure
from xomflow.outcomes.files import (
    Failure,
    attempt_of,
    failure_path,
    finished_in,
    list_shelf,
    list_versions,
    shelf_names,
    shelf_stamps,
    superseded_path,
)
from xomflow.outcomes.known import UNKNOWN, KnownResults, Lost, shelves_in
from xomflow.outcomes.model import BatchJob, Provenance, Result, RunFacts
from xomflow.outcomes.past.expected_times import Cost, expected_cost, expected_seconds
from xomflow.outcomes.reading import read_document
from xomflow.outcomes.retries import DISK, RetryPolicy, next_try
from xomflow.outcomes.seen_fingerprints import SeenFingerprints
from xomlib.documents.schema import SchemaError

SHELF = Shelf("kr83m", "v1", "052")
RUNS = ["052001", "052002", "052003"]
NOW = factory.NOW


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


def ledger(paths: Paths, published: dict[str, str] | None, stamp: str = "") -> KnownResults:
    """The known results beside a ledger that has these; None: there is none."""
    folder = paths.ledger / "store"
    place = folder / f"{SHELF}.json"
    if published is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(published))
        (folder / "stamps.json").write_text(json.dumps({str(SHELF): f"{stamp} and more"}))
    return KnownResults(paths, folder)


def finish(paths: Paths, *runs: str) -> None:
    keep(paths, *(outcome(key_of(int(run))) for run in runs))


def cached(paths: Paths) -> Path:
    OutcomeCache(paths).outcomes(SHELF)
    return paths.known_outcomes / f"{SHELF}.json"


# --- what is lost -----------------------------------------------------------------------------------------------------
def test_results_are_known_from_the_ledger_and_from_the_cache_of_outcomes(paths: Paths) -> None:
    assert (ledger(paths, None).shelves(), ledger(paths, None).of(SHELF)) == ([], {})
    assert ledger(paths, {"052001": "a"}).of(SHELF).keys() == {"052001"}
    finish(paths, "052002")
    kept = cached(paths)
    known = ledger(paths, {"052001": "a"})
    os.utime(kept, (1, 1))
    assert known.of(SHELF).keys() == {"052001"}, "the ledger is newer and has all"
    noted = paths.ledger / "store" / f"{SHELF}.json"
    assert set(known.of(SHELF).values()) == {datetime.fromtimestamp(noted.stat().st_mtime, UTC)}
    os.utime(noted, (0, 0))
    assert known.of(SHELF) == dict.fromkeys(["052001", "052002"], times.from_epoch(1))
    assert ledger(paths, {"052001": UNKNOWN}).of(SHELF).keys() == {"052002"}
    os.utime(kept, (1, 1))
    assert ledger(paths, {"052001": UNKNOWN, "052003": "a"}).of(SHELF).keys() == {"052002", "052003"}
    assert ledger(paths, {}).of(SHELF).keys() == {"052002"}
    (paths.known_outcomes / "other/v1").mkdir(parents=True)
    (paths.known_outcomes / "other/v1/053.json").touch()
    (paths.known_outcomes / "other/v1/notes").touch()
    assert known.shelves() == [SHELF, Shelf("other", "v1", "053")]
    assert list(shelves_in(paths.work / "absent")) == []


def test_known_results_whose_files_are_gone_or_damaged_are_lost(paths: Paths) -> None:
    finish(paths, *RUNS[:2])
    superseded_path(paths.outcome(key_of(52003))).touch()
    paths.outcome(key_of(52002)).write_text("{")
    failure = failure_path(paths, key_of(52004), Failure(1, "raised", NOW))
    failure.write_text(json.dumps(factory.failed(key_of(52004))))
    campaign = Key("kr83m", "v1", "052005-0bea")
    keep(paths, outcome(campaign, run={"runs": ["052005", "052006"], "runs_missing": []}))
    published = dict.fromkeys([*RUNS, "052004", "052005"], "a")
    known = ledger(paths, published)
    assert known.lost(SHELF) == {"052002": Lost.DAMAGED, "052004": Lost.GONE}
    folder = paths.outcomes / str(SHELF)
    known = ledger(paths, published, str(changed_in(folder)))
    assert known.lost(SHELF) == {}, "it has not changed since it was published"
    assert known.lost(SHELF, everything=True).keys() == {"052002", "052004"}
    (paths.ledger / "store/stamps.json").write_text("[]")
    assert KnownResults(paths, paths.ledger / "store").lost(SHELF).keys() == {"052002", "052004"}
    other = Shelf("kr83m", "v1", "053")
    (paths.ledger / "store/kr83m/v1/053.json").write_text('{"053001": "a"}')
    assert known.lost(other) == {"053001": Lost.GONE}
    (paths.outcomes / str(other)).touch()
    assert known.lost(other) == {"053001": Lost.GONE}


@pytest.mark.parametrize("place", ["kr83m", "kr83m/v1", "kr83m/v1/052"])
def test_while_a_link_to_results_leads_nowhere_none_of_them_is_lost(paths: Paths, tmp_path: Path, place: str) -> None:
    known, link, disk = ledger(paths, {"052001": "a"}), paths.outcomes / place, tmp_path / "disk"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk)
    with pytest.raises(FolderAwayError, match=f"^{link} is a link to nothing"):
        known.lost(SHELF)
    disk.mkdir()
    assert known.lost(SHELF) == {"052001": Lost.GONE}


# --- what was seen ----------------------------------------------------------------------------------------------------
def test_fingerprints_are_kept_where_something_was_noted_or_forgotten(tmp_path: Path) -> None:
    file, other = tmp_path / "stamps.json", Shelf("kr83m", "v1", "053")
    one = SeenFingerprints(file)
    one.keep()
    assert not file.exists()
    one.note(SHELF, "5 a")
    one.note(other, 7)
    assert (one.seen(SHELF, "5 a"), one.seen(SHELF, "5 b"), one.last(SHELF)) == (True, False, "5 a")
    one.keep()
    again = SeenFingerprints(file, [other])
    assert (again.seen(SHELF, "5 a"), again.seen(other, 7)) == (True, False)
    assert (again.last(SHELF), again.last(other), again.last(Shelf("a", "b", "c"))) == ("5 a", 0, 0)
    again.note(SHELF, 0)
    assert not again.seen(SHELF, 0), "0 is never seen"
    before = file.stat().st_ino
    SeenFingerprints(file).keep()
    assert file.stat().st_ino == before
    for shelf in (SHELF, other, other):
        again.forget(shelf)
    again.keep()
    assert not file.exists()
    again.note(SHELF, "x")
    again.keep()
    assert json.loads(file.read_text()) == {str(SHELF): "x"}
    before = file.stat().st_ino
    again.keep()
    assert file.stat().st_ino == before


# --- shelves ----------------------------------------------------------------------------------------------------------
def test_names_on_a_shelf_are_outcomes_failures_or_foreign(tmp_path: Path) -> None:
    shelf = tmp_path / "052"
    shelf.mkdir()
    names = ["052001.json", "052002-0bea.json", "052003.superseded.json", "052004.failed-2-lost-5.json"]
    names += ["052004.failed-1-raised-4.json", ".052005.json.part", "053001.json", "05201a.json", "notes.json"]
    names += ["053001.superseded.json", "053001.failed-1-raised-4.json", "052006.json.bak"]
    for name in names:
        (shelf / name).touch()
    found = list_shelf(shelf)
    assert (found.done, found.superseded) == ({"052001", "052002-0bea"}, {"052003"})
    failures = [Failure(1, "raised", times.from_epoch(4)), Failure(2, "lost", times.from_epoch(5))]
    assert found.failures == {"052004": failures}
    assert {path.name for path in found.foreign} == {
        *("053001.json", "05201a.json", "notes.json", "053001.superseded.json"),
        *("053001.failed-1-raised-4.json", "052006.json.bak"),
    }
    for name in names:
        (shelf / name).unlink()
    (shelf / "052001.json").touch()
    assert (list_shelf(shelf).done, list_shelf(shelf).foreign) == ({"052001"}, [])
    for other in ("051999.json", "053001.json"):
        (shelf / other).touch()
        assert (list_shelf(shelf).done, list_shelf(shelf).foreign) == ({"052001"}, [shelf / other])
        (shelf / other).unlink()
    assert list_shelf(tmp_path / "absent").done == set()


def test_shelves_are_folders_or_links_to_folders(paths: Paths, tmp_path: Path) -> None:
    folder = paths.shelves("kr83m", "v1")
    assert (shelf_names(paths, "kr83m", "v1"), shelf_stamps(paths, "kr83m", "v1")) == ([], {})
    (folder / "053").mkdir(parents=True)
    (tmp_path / "disk").mkdir()
    (folder / "052").symlink_to(tmp_path / "disk")
    (folder / "054").symlink_to(folder / "054")
    (folder / "055").symlink_to(tmp_path / "absent")
    (folder / ".trial").touch()
    assert shelf_names(paths, "kr83m", "v1") == ["052", "053"]
    stamps = shelf_stamps(paths, "kr83m", "v1")
    real = {"053": folder / "053", "052": tmp_path / "disk"}
    assert stamps == {name: (one.stat().st_mtime_ns, one.stat().st_ino) for name, one in real.items()}


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "listdir", fail)
    monkeypatch.setattr(os, "scandir", fail)
    for look in (lambda: shelf_names(paths, "kr83m", "v1"), lambda: list_versions(paths, "kr83m")):
        with pytest.raises(OSError, match="Input/output error"):
            look()


def test_ids_and_attempts_are_found_in_files_of_outcomes_alone(paths: Paths) -> None:
    shelf = paths.shelves("kr83m", "v1") / "052"
    shelf.mkdir(parents=True)
    for name in ("052001.json", "052002.superseded.json", "052003.failed-1-raised-4.json", "notes.json", "052004"):
        (shelf / name).touch()
    assert finished_in(shelf) == {"052001", "052002"}
    keep(paths, outcome(attempt=3))
    assert attempt_of(paths.outcome(factory.KEY)) == 3
    assert attempt_of(shelf / "absent.json") == 0
    for content in ("", "{}", "[]", '{"attempt": "3"}', '{"attempt": null}'):
        (shelf / "052001.json").write_text(content)
        assert attempt_of(shelf / "052001.json") == 0


def test_a_mark_that_another_tick_removes_at_this_moment_is_no_error(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = ("kr83m", "v1")
    trial_marks.renew_marks(paths, [], [method])
    assert trial_marks.on_trial(paths, [], []) == {method}
    assert trial_marks.on_trial(paths, [method], [("other", "v2")]) == {("other", "v2")}
    trial_marks.renew_marks(paths, [method], [])
    assert trial_marks.on_trial(paths, [], []) == frozenset()
    monkeypatch.setattr(trial_marks, "_marked", lambda _: frozenset([method]))
    trial_marks.renew_marks(paths, [method], [])


# --- when an attempt is due -------------------------------------------------------------------------------------------
def due_after(*kinds: str, grants: Any = (), **policy: Any) -> timedelta | None:
    """How long after the last of these failures the next attempt is due."""
    failures = [Failure(attempt, kind, NOW) for attempt, kind in enumerate(kinds, 1)]
    due = next_try(failures, replace(RetryPolicy(3, 5, 60.0, 4.0), **policy), grants)
    return None if due is None else due - NOW


def test_when_the_next_attempt_is_due() -> None:
    minutes, none = [timedelta(minutes=number) for number in (0, 1, 4, 16)], timedelta()
    day, six_hours = timedelta(days=1), timedelta(hours=6)
    rows: list[tuple[Any, timedelta | None]] = [
        (due_after("raised"), minutes[1]),
        (due_after("raised", "raised"), minutes[2]),
        (due_after("raised", "raised", "raised"), None),
        (due_after("lost"), none),
        (due_after("lost", "lost"), minutes[1]),
        (due_after("lost", "lost", "lost"), minutes[2]),
        (due_after("lost", "lost", "cancelled", "lost"), none),
        (due_after("preempted", "preempted"), none),
        (due_after("lost", "lost", "lost", first_wait=86400.0), day),
        (due_after(*["stopped"] * 4), none),
        (due_after(*["stopped"] * 5), None),
        (due_after("raised", "lost", "raised"), minutes[2]),
        (due_after(*[DISK] * 3), none),
        (due_after(*[DISK] * 4), minutes[1]),
        (due_after(*[DISK] * 5), minutes[2]),
        (due_after(*[DISK] * 50), six_hours),
        (due_after("raised", *[DISK] * 3, "raised"), minutes[2]),
        (due_after("raised", first_wait=1e300, factor=1e10), timedelta(days=36525)),
        (due_after("raised", "raised", attempts=99, factor=1e300, first_wait=1e300), timedelta(days=36525)),
    ]
    assert [found for found, _ in rows] == [expected for _, expected in rows]
    two = (Grant(3, 2, Reason("kim: a lamp")),)
    raised = ["raised"] * 5
    granted = [due_after(*raised[:number], grants=two) for number in (2, 3, 4, 5)]
    assert granted == [minutes[2], none, timedelta(minutes=64), None]


# --- what a run costs -------------------------------------------------------------------------------------------------
def test_a_run_is_expected_to_need_the_median_of_the_newest_fifteen(paths: Paths) -> None:
    assert (expected_cost(paths, "kr83m", "v1"), expected_seconds(paths, "kr83m", "v1")) == (None, None)
    for number in range(20):
        used = {"wall_s": float(number), "cpu_s": None if number == 19 else number / 2, "peak_memory_mb": None}
        keep(paths, outcome(key_of(51_997 + number), resources=used))
    assert expected_cost(paths, "kr83m", "v1") == Cost(12.0, 6.0, 15)
    assert expected_seconds(paths, "kr83m", "v1") == 12.0
    paths.outcome(key_of(52_016)).write_text("{")
    assert expected_cost(paths, "kr83m", "v1") == Cost(11.0, 5.5, 15)


def test_an_error_has_two_sides_of_which_each_may_be_its_own() -> None:
    sides = {(None, None, None): None, (0.1, None, None): (0.1, 0.1), (0.1, 0.2, None): (0.2, 0.1)}
    sides |= {(0.1, None, 0.3): (0.1, 0.3), (0.1, 0.2, 0.3): (0.2, 0.3)}
    for (error, low, high), expected in sides.items():
        made = Result(**factory.result(error=error, error_low=low, error_high=high))
        assert made.sides == expected


def test_a_file_that_is_gone_is_no_damaged_outcome(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_document(tmp_path / "052001.json")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    with pytest.raises(SchemaError, match="is a link that leads to no file"):
        read_document(tmp_path / "link")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SchemaError, match="is a folder"):
        read_document(tmp_path / "folder")
    (tmp_path / "file").touch()
    (tmp_path / "below").symlink_to(tmp_path / "file" / "x")
    with pytest.raises(NotADirectoryError):
        read_document(tmp_path / "below")


# --- how an end is kept -----------------------------------------------------------------------------------------------
def test_a_new_outcome_has_its_times_and_what_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    run, made = RunFacts(**outcome()["run"]), Provenance({}, "p", {}, None, "h", None)
    monkeypatch.setattr(times, "now", lambda: NOW + timedelta(seconds=1.23456))
    found = new_outcome(factory.KEY, 3, run, NOW, made, None, (1.0, 2.0), "words")
    assert (found.started, found.ended) == (times.text(NOW), "2026-11-22T12:00:01Z")
    assert found.resources.wall_s == 1.235
    assert (found.resources.cpu_s, found.resources.peak_memory_mb) == (1.0, 2.0)
    assert (found.status, found.attempt, found.message) == ("done", 3, "words")
    ahead = new_outcome(factory.KEY, 3, run, NOW + timedelta(days=1), made, None)
    assert (ahead.resources.wall_s, ahead.resources.cpu_s) == (0.0, None)


@pytest.mark.parametrize(
    ("given", "job"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "5"}, BatchJob("slurm", "5")),
        ({"XOM_BATCH_JOB": "htcondor 7.0", "SLURM_JOB_ID": "5"}, BatchJob("htcondor", "7.0")),
        ({"XOM_BATCH_JOB": "slurm "}, None),
    ],
)
def test_the_provenance_has_the_job_of_the_batch_system(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], job: BatchJob | None
) -> None:
    for name in ("XOM_BATCH_JOB", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    host = os.uname().nodename
    assert own_provenance({"a": "b"}, "p", {"c": "d"}, "e") == Provenance({"a": "b"}, "p", {"c": "d"}, "e", host, job)


def test_the_log_of_a_failed_attempt_gets_a_name_of_its_own(paths: Paths) -> None:
    log = paths.log(factory.KEY)
    log.parent.mkdir(parents=True)
    assert keep_log(paths, factory.KEY, 1) == log
    assert log_tail(log) == []
    log.write_text("first\n")
    kept = paths.log_of_attempt(factory.KEY, 1)
    assert keep_log(paths, factory.KEY, 1) == kept
    log.unlink()
    assert keep_log(paths, factory.KEY, 1) == log, "the next attempt has no log yet"
    assert kept.read_text() == "first\n"
    log.write_text("again\n")
    assert keep_log(paths, factory.KEY, 1) == kept
    with log.open("a") as file:
        file.write("late\n")
    assert kept.read_text() == "again\nlate\n"


def test_the_end_of_a_log_has_at_most_twenty_lines_and_as_many_kilobytes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{number}\n" for number in range(25)))
    assert log_tail(log) == [str(number) for number in range(5, 25)]
    log.write_bytes(b"x" * 30_000 + b"\n\xff end")
    assert [len(line) for line in log_tail(log)] == [20_000 - len(b"\n\xff end"), len("\ufffd end")]


def test_the_record_of_a_silent_end_has_what_is_known(paths: Paths) -> None:
    failure = Failure(2, "lost", NOW)
    silent = silent_failure(paths, Key("kr83m", "v1", "052894-0bea"), failure, "it vanished", None, None)
    assert silent.failure
    assert (silent.failure.kind, silent.failure.message, silent.failure.next_try) == ("lost", "it vanished", None)
    assert (silent.run.number, silent.run.start, silent.attempt, silent.started) == (52894, None, 2, times.text(NOW))
    due = NOW + timedelta(hours=1)
    known = silent_failure(paths, factory.KEY, failure, "it vanished", due, outcome()["run"])
    assert known.failure
    assert (known.failure.next_try, known.run.mode) == (times.text(due), "tpc_kr83m")
    assert abs(times.moment(known.ended).timestamp() - time.time()) < 60

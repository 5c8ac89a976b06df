"""Logs of finished runs and old ticks move into archives, once a day; nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import KEY, NOW, key_of
from xomflow.core.files.archive import names_in_archive, read_from_archive
from xomflow.core.files.file_lock import exclusive
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.planning.progress.claims import Claim, claims_in, write_claims
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.upkeep import archives
from xomflow.workflow.upkeep.archives import archive_old_files
from xomflow.workflow.upkeep.past_ticks import claims_of_ticks, past_ticks
from xomlib.files import dump_json

MONTH = 30 * 86400.0
DAY = timedelta(days=1)
# Logs and the files of their runs; those of finished runs move.
MOVES = ("052894.log", "052894.attempt-1.log", "052895.log", "052896-3f2a.log")
STAYS = {
    "052897.log": "failed last, and is to be tried again",
    "052897.attempt-1.log": "failed last, and is to be tried again",
    "052898.log": "is worked on: its outcome is to be made again",
    "052899.log": "ended just now",
}
OUTCOMES = ("052894.json", "052895.superseded.json", "052896-3f2a.json", "052898.json", "052899.json")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "work")
    shelf = made.outcome(KEY).parent
    for name in (*OUTCOMES, "052897.failed-1-raised-1764300000.json"):
        write(shelf / name, NOW)
    for name in (*MOVES, *STAYS):
        write(made.log(KEY).with_name(name), NOW if name == "052899.log" else NOW - DAY)
    write(made.run_lock(Key(KEY.analysis, KEY.version, "052898")), NOW)
    return made


def write(path: Path, moment: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"of {path.name}")
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def logs(paths: Paths) -> set[str]:
    return set(os.listdir(paths.log(KEY).parent))


def archived(paths: Paths) -> set[str]:
    return set(names_in_archive(paths.log_archive(paths.log(KEY).parent)))


def tick(paths: Paths, began: datetime, published: bool = True) -> TickPaths:
    """Make the folder of a tick with all kinds of files."""
    made = TickPaths(paths.tick(f"{began:%Y%m%dT%H%M%S}-host-7"))
    for place in (made.lock, made.claims, made.run_list("kr83m"), made.summary, made.log("discover"), made.made(KEY)):
        write(place, began)
    made.log_link(KEY).parent.mkdir(parents=True)
    made.log_link(KEY).symlink_to("nowhere")
    if published:
        known = [folder.name for folder in paths.ticks.iterdir()]
        dump_json(paths.ledger_of("local") / "ticks.json", known)
    return made


KEPT = ("claims.json", "runs/kr83m.tsv", "summary.json", "logs/discover.log")


def test_logs_of_finished_runs_move_and_no_others(paths: Paths) -> None:
    assert archive_old_files(paths, MONTH, NOW) == []
    assert (archived(paths), logs(paths)) == (set(MOVES), set(STAYS))
    archive = paths.log_archive(paths.log(KEY).parent)
    for name in MOVES:
        assert read_from_archive(archive, name) == b"of " + name.encode()


def test_it_happens_once_a_day_and_adds_to_what_is_there(paths: Paths) -> None:
    archive_old_files(paths, MONTH, NOW)
    archive_old_files(paths, MONTH, NOW + 0.9 * DAY)
    assert archived(paths) == set(MOVES)
    archive_old_files(paths, MONTH, NOW + 1.1 * DAY)
    assert archived(paths) == {*MOVES, "052899.log"}


def test_what_the_time_does_not_suffice_for_the_next_tick_does(paths: Paths) -> None:
    seen = []
    while logs(paths) != set(STAYS):
        archive_old_files(paths, MONTH, NOW, longest=0.0)
        seen.append(len(archived(paths)))
        if len(seen) > 1:
            archive_old_files(paths, MONTH, NOW)
    assert seen == [0, 0]


def test_a_log_that_a_kill_left_in_both_places_stands_in_the_archive_once(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", kill)
        with pytest.raises(KeyboardInterrupt):
            archive_old_files(paths, MONTH, NOW)
    assert logs(paths) >= set(MOVES)
    archive_old_files(paths, MONTH, NOW)
    assert logs(paths) == set(STAYS)
    assert sorted(names_in_archive(paths.log_archive(paths.log(KEY).parent))) == sorted(MOVES)


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Run something in a fork that ends without a word at the n-th step that changes files; return whether it did."""
    pid = os.fork()
    if pid == 0:
        steps = itertools.count()

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def step(*arguments: object, **keywords: object) -> object:
                if next(steps) == moment:
                    os._exit(9)
                return real(*arguments, **keywords)

            return step

        places = [(Path, "unlink"), (Path, "replace"), (zipfile.ZipFile, "write"), (os, "fsync"), (shutil, "rmtree")]
        for place, name in places:
            setattr(place, name, counted(getattr(place, name)))
        work()
        os._exit(0)
    return os.waitpid(pid, 0)[1] != 0


def test_a_kill_at_any_moment_loses_no_log_and_no_tick_and_the_next_tick_goes_on(paths: Paths, tmp_path: Path) -> None:
    old = tick(paths, NOW - 2 * DAY)
    day = paths.tick_archive(old.folder.name).name
    expected = {*MOVES, *(f"{old.folder.name}/{name}" for name in KEPT)}
    for moment in range(40):
        work = shutil.copytree(paths.work, tmp_path / str(moment), symlinks=True)
        there = Paths(work)
        was_killed = killed_at(moment, lambda there=there: archive_old_files(there, MONTH, NOW))  # type: ignore[misc]
        archives = (there.log_archive(there.log(KEY).parent), there.ticks / day)
        for again in (False, True):
            inside = {name for archive in archives for name in names_in_archive(archive)}
            beside = logs(there) | {str(path.relative_to(there.ticks)) for path in there.ticks.rglob("*/*")}
            assert expected <= inside | beside, (moment, again)
            archive_old_files(there, MONTH, NOW)
        assert expected <= {name for archive in archives for name in names_in_archive(archive)}, moment
        assert not (there.ticks / old.folder.name).exists()
        if not was_killed:
            break
    assert not was_killed
    assert moment > 10


def test_a_damaged_archive_is_named_and_kept_and_another_one_is_begun(paths: Paths) -> None:
    archive = paths.log_archive(paths.log(KEY).parent)
    archive.write_bytes(b"PK damaged")
    (problem,) = archive_old_files(paths, MONTH, NOW)
    assert problem.startswith(f"{archive}: is damaged: File is not a zip file; it is called 052.damaged-1.zip now")
    assert archive.with_name("052.damaged-1.zip").read_bytes() == b"PK damaged"
    assert logs(paths) == {*MOVES, *STAYS}
    assert archive_old_files(paths, MONTH, NOW) == []
    assert archived(paths) == set(MOVES)


def test_an_archive_that_cannot_be_written_is_named_and_the_logs_stay(paths: Paths) -> None:
    archive = paths.log_archive(paths.log(KEY).parent)
    archive.mkdir()
    (problem,) = archive_old_files(paths, MONTH, NOW)
    assert str(archive) in problem
    assert logs(paths) == {*MOVES, *STAYS}


def test_while_another_tick_does_it_a_tick_goes_on(paths: Paths) -> None:
    with exclusive(paths.archiving_lock):
        assert archive_old_files(paths, MONTH, NOW) == []
    assert logs(paths) == {*MOVES, *STAYS}


def test_a_tick_of_yesterday_moves_into_the_archive_of_its_day_without_what_is_empty(paths: Paths) -> None:
    times = [NOW - 1.2 * DAY, NOW - 1.1 * DAY, NOW - 2 * DAY, NOW - 0.9 * DAY]
    first, second, other_day, young = [tick(paths, moment) for moment in times]
    assert archive_old_files(paths, MONTH, NOW) == []
    assert {path.name for path in paths.ticks.iterdir() if path.is_dir()} == {young.folder.name}
    for of_a_day in ((first, second), (other_day,)):
        archive = paths.tick_archive(of_a_day[0].folder.name)
        names = {f"{one.folder.name}/{name}" for one in of_a_day for name in KEPT}
        assert set(names_in_archive(archive)) == names
        assert read_from_archive(archive, f"{of_a_day[0].folder.name}/claims.json") == b"of claims.json"


def is_locked(paths: Paths, old: TickPaths) -> None:
    fcntl.flock(os.open(old.lock, os.O_RDWR), fcntl.LOCK_EX)


def has_job(paths: Paths, old: TickPaths) -> None:
    submissions.note(paths, Submission(KEY, 1, old.folder.name, NOW, "17"))


def is_not_published(paths: Paths, old: TickPaths) -> None:
    dump_json(paths.ledger_of("local") / "ticks.json", [])


@pytest.mark.parametrize("needs", [is_locked, has_job, is_not_published])
def test_a_tick_that_something_needs_stays_as_it_is(paths: Paths, needs: Callable[[Paths, TickPaths], None]) -> None:
    old = tick(paths, NOW - 2 * DAY)
    needs(paths, old)
    archive_old_files(paths, MONTH, NOW)
    assert old.claims.exists()
    assert not paths.tick_archive(old.folder.name).exists()


def test_a_tick_that_was_killed_moves_after_a_week(paths: Paths) -> None:
    old, older = (tick(paths, NOW - days * DAY, published=False) for days in (6, 8))
    archive_old_files(paths, MONTH, NOW)
    assert (old.folder.exists(), older.folder.exists()) == (True, False)


def test_a_tick_whose_move_is_interrupted_is_complete_afterwards(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    one = tick(paths, NOW - 2 * DAY)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(archives.shutil, "rmtree", lambda *_, **__: one.claims.unlink())
        archive_old_files(paths, MONTH, NOW)
    archive_old_files(paths, MONTH, NOW + 2 * DAY)
    assert not one.folder.exists()
    archive = paths.tick_archive(one.folder.name)
    assert sorted(names_in_archive(archive)) == sorted(f"{one.folder.name}/{name}" for name in KEPT)


def test_ticks_are_kept_for_the_configured_time_and_then_deleted(paths: Paths) -> None:
    moments = [NOW - days * DAY for days in (2, 29, 32)]
    ticks = [tick(paths, moment) for moment in moments]
    archive_old_files(paths, MONTH, NOW)
    kept = {paths.tick_archive(one.folder.name).name for one in ticks[:2]}
    assert {path.name for path in paths.ticks.glob("*.zip")} == kept
    archive_old_files(paths, 86400.0, NOW + 2 * DAY)
    assert not list(paths.ticks.glob("*.zip"))


def test_an_archive_is_a_plain_zip_file(paths: Paths) -> None:
    archive_old_files(paths, MONTH, datetime(2026, 11, 23, tzinfo=UTC))
    with zipfile.ZipFile(paths.log_archive(paths.log(KEY).parent)) as archive:
        assert archive.testzip() is None


# --- ticks that have been ---------------------------------------------------------------------------------------------
DAYS = [NOW - number * DAY for number in (4, 3, 2, 0)]


@pytest.fixture
def archived_ticks(paths: Paths) -> Paths:
    """Ticks of four days, of which the last one is a folder, and the others are in archives; each has a claim."""
    for number, moment in enumerate(DAYS):
        one = tick(paths, moment)
        write_claims(one, [Claim(key_of(number), 1)])
        os.utime(one.claims, (moment.timestamp(), moment.timestamp()))
    archive_old_files(paths, MONTH, NOW)
    assert [path.name for path in paths.ticks.iterdir() if path.is_dir()] == [f"{NOW:%Y%m%dT%H%M%S}-host-7"]
    (paths.ticks / "notes").mkdir()
    write(paths.ticks / "notes/claims.json", NOW)
    return paths


def test_the_ticks_of_a_period_are_found_in_folders_and_archives_alike(archived_ticks: Paths) -> None:
    paths, problems = archived_ticks, list[str]()

    def began(**period: Any) -> list[datetime]:
        return [one.began for one in past_ticks(paths, problems, **period)]

    assert began() == DAYS[::-1]
    assert began(newest_first=False) == DAYS
    assert began(since=DAYS[1], until=DAYS[2]) == [DAYS[2], DAYS[1]]
    second = timedelta(seconds=1)
    assert began(since=DAYS[1] + second, until=DAYS[2] - second) == []
    later = tick(paths, DAYS[0] + second)  # of a day that has an archive
    assert began(until=DAYS[1]) == [DAYS[1], DAYS[0] + second, DAYS[0]]
    assert problems == []
    damaged = paths.tick_archive(later.folder.name)
    damaged.write_bytes(b"PK damaged")
    assert began(since=DAYS[1]) == DAYS[:0:-1], "other archives are not opened"
    assert problems == []
    assert began() == [*DAYS[:0:-1], DAYS[0] + second]
    paths.tick_archive(f"{DAYS[2]:%Y%m%dT}").write_bytes(b"PK damaged")
    assert began(until=DAYS[1]) == [DAYS[1], DAYS[0] + second]
    assert [sentence.partition(": ")[0] for sentence in problems] == [str(damaged)] * 2


def test_the_files_of_a_tick_are_read_from_its_folder_or_its_archive(archived_ticks: Paths) -> None:
    ticks = list(past_ticks(archived_ticks, []))
    for one, number in zip(ticks, (3, 2, 1, 0), strict=True):
        assert one.read(one.files.run_list("kr83m")) == "of kr83m.tsv"
        assert [claim.key for claim in claims_in(one.read_json(one.files.claims))] == [key_of(number)]
        none = one.files.run_list("rate")
        assert (one.read(none), one.read_json(none), one.read_json(one.files.summary)) == (None,) * 3


def test_the_claims_of_all_ticks_are_found_but_for_damaged_ones(archived_ticks: Paths) -> None:
    paths, problems = archived_ticks, list[str]()
    expected = {(moment, key_of(number)) for number, moment in enumerate(DAYS)}

    def found() -> set[tuple[datetime, Key]]:
        return {(began, claim.key) for began, _, claim in claims_of_ticks(paths, problems)}

    assert (found(), problems) == (expected, [])
    for moment, content in ((NOW + DAY, "[]"), (NOW + 2 * DAY, "{")):
        tick(paths, moment).claims.write_text(content)
    assert (found(), problems) == (expected, [])
    damaged = paths.tick_archive(f"{DAYS[0]:%Y%m%dT}")
    damaged.write_bytes(b"PK damaged")
    assert found() == {one for one in expected if one[0] != DAYS[0]}
    assert [sentence.partition(": ")[0] for sentence in problems] == [str(damaged)]

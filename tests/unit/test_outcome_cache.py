"""The cache of outcomes: it can be thrown away, and opens no file twice."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.factory import KEY, failed, keep, key_of, outcome, result, typed
from xomflow.core import times
from xomflow.core.files.folder_marks import mark
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes import cache, reading
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.reading import read_document
from xomflow.outcomes.seen_fingerprints import SeenFingerprints

SHELF = Shelf("kr83m", "v1", "052")
LONG_AGO = time.time_ns() - 10**12


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the outcomes that were opened."""
    names: list[str] = []
    read = read_document

    def counted(path: Path) -> Any:
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(cache, "read_document", counted)
    return names


def settled(paths: Paths, shelf: Shelf = SHELF, at: int = LONG_AGO) -> None:
    """Let the last change of a shelf's folder be long ago."""
    os.utime(paths.shelves(shelf.analysis, shelf.version) / shelf.name, ns=(at, at))


def test_the_shelves_of_all_versions_are_found(paths: Paths) -> None:
    keep(paths, *(outcome(key) for key in (key_of(60123), KEY, key_of(1, version="v0"), key_of(1, analysis="rate"))))
    (paths.outcomes / "notes.txt").touch()
    (paths.outcomes / "kr83m/README").touch()
    (paths.outcomes / "kr83m/v1/README").touch()
    (paths.outcomes / ".snapshot/v1/052").mkdir(parents=True)
    assert [str(shelf) for shelf in OutcomeCache(paths).shelves()] == [
        "kr83m/v0/000",
        "kr83m/v1/052",
        "kr83m/v1/060",
        "rate/v1/000",
    ]
    assert OutcomeCache(Paths(paths.work / "none")).shelves() == []


def test_a_shelf_holds_its_finished_runs_and_nothing_else(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52895)), outcome(key_of(60123)))
    folder = paths.outcome(KEY).parent
    (folder / "052894.failed-1-raised-1.json").write_text(json.dumps(failed()))
    (folder / ".052896.json.1.2.part").touch()
    (folder / "notes.txt").touch()
    assert OutcomeCache(paths).outcomes(SHELF) == {
        "052894": typed(outcome()),
        "052895": typed(outcome(key_of(52895))),
    }


def test_only_new_outcomes_are_opened(paths: Paths, opened: list[str]) -> None:
    keep(paths, outcome(), outcome(key_of(52895)))
    OutcomeCache(paths).outcomes(SHELF)
    assert sorted(opened) == ["052894.json", "052895.json"]
    opened.clear()
    OutcomeCache(paths).outcomes(SHELF)
    assert opened == []
    keep(paths, outcome(key_of(52896)))
    assert sorted(OutcomeCache(paths).outcomes(SHELF)) == ["052894", "052895", "052896"]
    assert opened == ["052896.json"]
    keep(paths, outcome(message="anew"))
    opened.clear()
    for _ in range(2):
        assert OutcomeCache(paths).outcomes(SHELF)["052894"].message == "anew"
    assert opened == ["052894.json"]


def test_who_only_looks_keeps_nothing(paths: Paths) -> None:
    keep(paths, outcome())
    marked = mark(paths.outcomes)
    marked.touch()
    os.utime(marked, ns=(LONG_AGO, LONG_AGO))
    looking = OutcomeCache(paths, may_write=False)
    assert looking.outcomes(SHELF).keys() == {"052894"}
    looking.fingerprint(SHELF)
    assert not paths.cache.exists()
    assert marked.stat().st_mtime_ns == LONG_AGO


def test_nothing_is_written_when_nothing_changed(paths: Paths) -> None:
    keep(paths, outcome())
    OutcomeCache(paths).outcomes(SHELF)
    kept = paths.cache / "outcomes/kr83m/v1/052.json"
    before = kept.stat()
    OutcomeCache(paths).outcomes(SHELF)
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null"], ids=["deleted", "empty", "cut", "list", "null"])
def test_it_comes_back_equal(paths: Paths, content: str | None) -> None:
    keep(paths, *(outcome(key_of(number), [result(value=number / 7)]) for number in range(52000, 52020)))
    before = OutcomeCache(paths).outcomes(SHELF)
    kept = paths.cache / "outcomes/kr83m/v1/052.json"
    text = kept.read_text()
    if content is None:
        shutil.rmtree(paths.cache)
    else:
        kept.write_text(content)
    assert OutcomeCache(paths).outcomes(SHELF) == before
    assert kept.read_text() == text


def test_some_runs_are_read_without_the_others(paths: Paths, opened: list[str]) -> None:
    keep(paths, *(outcome(key_of(number)) for number in range(52000, 52020)))
    before = OutcomeCache(paths).outcomes(SHELF)
    place = paths.cache / "outcomes/kr83m/v1/052.json"
    lines = place.read_text().replace('"status":"done"', '"status":').splitlines(keepends=True)
    for sound in (7, -1):
        lines[sound] = place.read_text().splitlines(keepends=True)[sound]
    place.write_text("".join(lines))  # all other documents are damaged, and their files are as they were
    opened.clear()
    two = {"052007": before["052007"], "052019": before["052019"]}
    assert OutcomeCache(paths).unchanged(SHELF, {*two, "052020"}) == two, "one has no outcome"
    assert OutcomeCache(paths).unchanged(SHELF, {"052008"}) is None
    os.utime(paths.outcome(key_of(52007)))
    assert OutcomeCache(paths).unchanged(SHELF, {"052007"}) is None
    assert not opened


def test_damage_is_sought_in_files_that_changed_since_the_last_look_alone(paths: Paths, opened: list[str]) -> None:
    other = Shelf("kr83m", "v1", "060")
    keep(paths, *(outcome(key_of(number)) for number in (52001, 52002, 52003, 60001)))
    looking = OutcomeCache(paths)
    looking.outcomes(SHELF)
    place = paths.cache / "outcomes/kr83m/v1/052.json"
    for number in (52001, 52002, 60001):
        paths.outcome(key_of(number)).write_text("{")
    paths.outcome(key_of(52004)).symlink_to("nowhere")
    (paths.outcome(KEY).parent / "052003").touch()
    looking.outcomes(other)
    runs, hour = {"052001", "052003", "052004"}, 3600 * 10**9
    for looked, names in ((LONG_AGO, runs), (time.time_ns() + hour, {"052004"})):
        os.utime(place, ns=(looked, looked))
        opened.clear()
        OutcomeCache(paths).damaged_of(SHELF, runs)
        assert set(opened) == {f"{run}.json" for run in names}
    os.utime(place, ns=(LONG_AGO, LONG_AGO))
    assert looking.damaged_of(SHELF, runs) == {"052001", "052004"}
    assert looking.damaged_of(Shelf("kr83m", "v1", "099"), runs) == set()


def test_what_a_release_before_kept_in_one_line_is_parted_once(paths: Paths, opened: list[str]) -> None:
    keep(paths, *(outcome(key_of(number)) for number in range(52000, 52003)))
    before = OutcomeCache(paths).outcomes(SHELF)
    place = paths.cache / "outcomes/kr83m/v1/052.json"
    text = place.read_text()
    opened.clear()
    for may_write, after in ((False, text.replace("\n", "")), (True, text)):
        place.write_text(text.replace("\n", ""))
        assert OutcomeCache(paths, may_write).unchanged(SHELF, {"052001"}) == {"052001": before["052001"]}
        assert place.read_text() == after
    assert not opened


def test_a_replaced_outcome_is_seen_even_at_the_same_time_and_size(paths: Paths) -> None:
    keep(paths, outcome(results=[result(value=1.5)]))
    path = paths.outcome(KEY)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    before, size = OutcomeCache(paths).outcomes(SHELF)["052894"], path.stat().st_size
    keep(paths, outcome(results=[result(value=2.5)]))
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    assert path.stat().st_size == size
    after = OutcomeCache(paths).outcomes(SHELF)["052894"]
    assert [one.results[0].value for one in (before, after)] == [1.5, 2.5]


def test_an_outcome_changed_in_place_is_seen_even_at_the_same_time_size_and_inode(paths: Paths) -> None:
    keep(paths, outcome(results=[result(value=1.5)]))
    path = paths.outcome(KEY)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    OutcomeCache(paths).outcomes(SHELF)
    path.write_text(path.read_text().replace("1.5", "2.5"))
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    assert OutcomeCache(paths).outcomes(SHELF)["052894"].results[0].value == 2.5


def test_an_outcome_written_again_with_the_same_content_is_equal(paths: Paths) -> None:
    keep(paths, outcome())
    before = OutcomeCache(paths).outcomes(SHELF)
    keep(paths, dict(reversed(outcome().items())))
    assert OutcomeCache(paths).outcomes(SHELF) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry[-1].pop("results"),
        lambda entry: entry[-1]["key"].update(version="v2"),
        lambda entry: entry[-1]["key"].update(run="052895"),
        lambda entry: entry[-1]["key"].update(run=["052894"]),
        lambda entry: entry[-1]["run"].update(start="yesterday"),
        lambda entry: entry[-1]["results"][0].update(value="x"),
        lambda entry: entry.pop(),
        lambda entry: entry.clear(),
    ],
    ids=range(8),
)
def test_a_damaged_entry_is_read_anew(paths: Paths, damage: Callable[[list[Any]], Any]) -> None:
    keep(paths, outcome())
    before = OutcomeCache(paths).outcomes(SHELF)
    place = paths.cache / "outcomes/kr83m/v1/052.json"
    kept = json.loads(place.read_text())
    damage(kept["052894"])
    place.write_text(json.dumps(kept))
    looking = OutcomeCache(paths)
    assert looking.outcomes(SHELF) == before
    assert looking.problems == []


def test_a_campaign_and_its_first_run_are_two(paths: Paths) -> None:
    first, campaign = key_of(52894), Key("kr83m", "v1", "052894-0bea")
    keep(paths, outcome(first), outcome(campaign))
    for _ in ("read", "kept"):
        assert set(OutcomeCache(paths).outcomes(SHELF)) == {"052894", "052894-0bea"}


def test_what_version_1_kept_is_not_opened_again(paths: Paths, opened: list[str]) -> None:
    """It kept campaigns under the number of their first run, and a digest of each document."""
    campaign = Key("kr83m", "v1", "052801-0bea")
    keep(paths, outcome(), outcome(campaign))
    OutcomeCache(paths).outcomes(SHELF)
    place = paths.cache / "outcomes/kr83m/v1/052.json"
    kept = json.loads(place.read_text())
    place.write_text(json.dumps({run[:6]: [status, "digest", one] for run, (status, _, one) in kept.items()}))
    opened.clear()
    assert set(OutcomeCache(paths).outcomes(SHELF)) == {"052801-0bea", "052894"}
    assert opened == []


def test_an_outcome_that_is_gone_is_gone(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52895)))
    OutcomeCache(paths).outcomes(SHELF)
    paths.outcome(KEY).unlink()
    assert list(OutcomeCache(paths).outcomes(SHELF)) == ["052895"]
    assert "052894" not in (paths.cache / "outcomes/kr83m/v1/052.json").read_text()


def test_a_corrupt_outcome_is_set_aside_and_said_once(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52895)))
    paths.outcome(KEY).write_text("{")
    looking = OutcomeCache(paths)
    assert list(looking.outcomes(SHELF)) == ["052895"]
    assert len(looking.problems) == 1
    assert "052894.json is not JSON" in looking.problems[0]
    assert paths.outcome(KEY).exists()  # whether it may be moved is not for a reader to decide
    assert "moved to" in looking.set_aside_damaged()[0]
    assert (paths.set_aside / "kr83m/v1/052/052894.json.1").read_text() == "{"
    again = OutcomeCache(paths)
    assert list(again.outcomes(SHELF)) == ["052895"]
    assert again.problems == []


def test_an_outcome_that_cannot_be_read_is_said_and_left(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(paths, outcome(key_of(52895)))
    OutcomeCache(paths).outcomes(SHELF)
    keep(paths, outcome())

    def stale(*_: object) -> bytes:
        raise OSError(116, "Stale file handle")

    before = OutcomeCache(paths).unchanged(SHELF, ["052895"])
    os.utime(paths.outcome(key_of(52895)))
    monkeypatch.setattr(reading, "read_bytes", stale)
    looking = OutcomeCache(paths)
    assert looking.outcomes(SHELF) == before, "what was kept counts"
    both = [paths.outcome(KEY), paths.outcome(key_of(52895))]
    assert looking.problems == [f"{path} cannot be read: Stale file handle" for path in both]
    assert not looking.damaged
    assert looking.unknown_in(SHELF, ["052895"]) == {"052894"}
    assert looking.unknown_in(Shelf("kr83m", "v1", "060"), ()) == set()


@pytest.mark.parametrize("leads_to", ["gone/052894.json", "052894.json"], ids=["nothing", "itself"])
def test_a_link_that_leads_to_no_file_is_damage(paths: Paths, leads_to: str) -> None:
    keep(paths, outcome(key_of(52895)))
    paths.outcome(KEY).symlink_to(leads_to)
    looking = OutcomeCache(paths)
    assert list(looking.outcomes(SHELF)) == ["052895"]
    assert looking.damaged == {paths.outcome(KEY): "is a link that leads to no file"}
    looking.set_aside_damaged()
    assert str((paths.set_aside / "kr83m/v1/052/052894.json.1").readlink()) == leads_to


def test_a_pipe_in_the_place_of_an_outcome_is_damage(paths: Paths) -> None:
    keep(paths, outcome(key_of(52895)))
    os.mkfifo(paths.outcome(KEY))
    looking = OutcomeCache(paths)
    assert list(looking.outcomes(SHELF)) == ["052895"]
    assert looking.damaged == {paths.outcome(KEY): "is a pipe, a socket or a device"}


# --- stamps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "stamp"),
    [(0, 0), (1, 0), (3, LONG_AGO), (-1000, 0)],
    ids=["now", "just now", "settled", "clock set back"],
)
def test_a_shelf_that_may_still_change_has_no_stamp_yet(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, age_s: int, stamp: int
) -> None:
    keep(paths, outcome())
    settled(paths)
    monkeypatch.setattr(times.time, "time_ns", lambda: LONG_AGO + age_s * 10**9)
    assert OutcomeCache(paths).fingerprint(SHELF) == stamp


def test_the_clock_of_the_file_server_counts_where_it_is_behind(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(paths, outcome())
    mark(paths.outcomes).touch()
    now = time.time_ns()
    monkeypatch.setattr(times.time, "time_ns", lambda: now + 10**12)
    assert OutcomeCache(paths).fingerprint(SHELF) == 0


def test_a_shelf_that_is_gone_has_no_stamp(paths: Paths) -> None:
    assert OutcomeCache(paths).fingerprint(SHELF) == 0


def test_the_stamp_changes_when_an_outcome_comes_is_replaced_or_goes(paths: Paths) -> None:
    keep(paths, outcome())
    for change in (
        lambda: keep(paths, outcome(key_of(52895))),
        lambda: keep(paths, outcome(message="anew")),
        lambda: paths.outcome(KEY).unlink(),
    ):
        settled(paths)
        before = OutcomeCache(paths).fingerprint(SHELF)
        change()
        assert OutcomeCache(paths).fingerprint(SHELF) != before


def test_what_was_noted_is_seen_by_the_next_tick(tmp_path: Path) -> None:
    stamps = SeenFingerprints(tmp_path / "a/stamps.json")
    assert not stamps.seen(SHELF, 5)
    stamps.note(SHELF, 5)
    stamps.keep()
    after = SeenFingerprints(tmp_path / "a/stamps.json")
    assert after.seen(SHELF, 5)
    assert not after.seen(SHELF, 6)
    assert not after.seen(Shelf("kr83m", "v2", "052"), 5)


def test_what_is_to_be_looked_at_again_is_never_seen(tmp_path: Path) -> None:
    stamps = SeenFingerprints(tmp_path / "stamps.json")
    stamps.note(SHELF, 0)
    assert not stamps.seen(SHELF, 0)


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "null", '[["kr83m/v1/052", 5]]'])
def test_a_file_of_fingerprints_that_is_broken_counts_as_empty(tmp_path: Path, content: str) -> None:
    (tmp_path / "stamps.json").write_text(content)
    assert not SeenFingerprints(tmp_path / "stamps.json").seen(SHELF, 5)


def test_odd_texts_and_numbers_are_kept_as_they_are(paths: Paths) -> None:
    odd = outcome(results=[result(value=1e22, data={"small": 5e-324, "text": 'é\n",\n"'})], message="half \ud800")
    keep(paths, odd, outcome(key_of(52895)))
    before = OutcomeCache(paths).outcomes(SHELF)
    assert before["052894"].message == "half \ud800"
    assert OutcomeCache(paths).outcomes(SHELF) == before
    assert OutcomeCache(paths).unchanged(SHELF, {"052894"}) == {"052894": before["052894"]}

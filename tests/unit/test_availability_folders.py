"""Availability from listings and metadata, and the words for what is missing.

That the answers are those of strax itself is tested against strax, with the mini-XENONnT's folders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import ContextError
from xomflow.core.paths import Paths
from xomflow.storage import metadata
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextDescription
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.frontends import frontend_in
from xomflow.storage.locations import DataEntry
from xomflow.storage.metadata import FolderState, read_metadata, state_of
from xomflow.storage.missing import describe_missing
from xomflow.storage.rucio import rucio_path

PROGRAM = Program(Path("/opt/python"))
CONTEXT = Context(function="nobody:asks")
HASHES = {"peak_basics": "aaaaaaaaaa", "event_info": "bbbbbbbbbb", "event_info_double": "cccccccccc"}
OTHER: dict[str, Any] = {"kind": "other", "take_only": [], "exclude": []}
WRITTEN: dict[str, Any] = {"run_id": "052894", "writing_ended": 1.0}


class FakeProbe:
    """Describes one context without a process."""

    def __init__(self, *storage: dict[str, Any], elsewhere: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._storage, self._elsewhere = tuple(map(frontend_in, storage)), elsewhere
        self.questions: list[list[tuple[str, str]]] = []

    def describe(self, program: Program, context: Context, types: Any) -> ContextDescription:
        return ContextDescription({name: HASHES[name] for name in types}, self._storage, {})

    def stored(self, program: Program, context: Context, questions: list[tuple[str, str]]) -> set[tuple[str, str]]:
        self.questions.append(questions)
        return self._elsewhere & set(questions)


def folder(path: Path, **changes: Any) -> dict[str, Any]:
    return {"kind": "folder", "path": str(path), "take_only": [], "exclude": [], **changes}


def data(root: Path, run: str, name: str, metadata: Any = WRITTEN, digest: str = "", end: str = "") -> Path:
    """A folder of strax data."""
    digest = digest or HASHES[name]
    place = root / f"{run}-{name}-{digest}{end}"
    place.mkdir(parents=True)
    (place / f"{name}-{digest}-metadata.json").write_text(
        metadata if isinstance(metadata, str) else json.dumps(metadata)
    )
    return place


def stored(probe: FakeProbe, *runs: str, types: tuple[str, ...] = tuple(HASHES)) -> dict[str, set[str]]:
    return Availability(probe).stored(PROGRAM, CONTEXT, runs, types)  # type: ignore[arg-type]


def lacking(probe: FakeProbe, *runs: str, needs: tuple[tuple[str, ...], ...]) -> dict[str, str]:
    available = Availability(probe)  # type: ignore[arg-type]
    return available.describe(PROGRAM, CONTEXT, available.lacking(PROGRAM, CONTEXT, runs, needs), needs)


class Locations:
    """Knows where the data of all runs are, and takes down whether that is kept."""

    kept = 0

    def of(self, runs: Collection[str]) -> dict[str, list[DataEntry] | None]:
        return {run: [DataEntry("event_info", "", "on tape", False)] for run in runs}

    def keep(self) -> None:
        self.kept += 1


def test_where_the_data_of_a_waiting_run_are_is_told_and_kept(tmp_path: Path) -> None:
    available = Availability(FakeProbe(folder(tmp_path)), locations=(locations := Locations()))  # type: ignore[arg-type]
    said = available.describe(PROGRAM, CONTEXT, {"052894": set()}, [["event_info"]])
    assert said["052894"].endswith("event_info is not at this site (it is on tape)")
    available.keep()
    assert locations.kept == 1


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "complete"),
    [
        (WRITTEN, True),
        ({**WRITTEN, "exception": "it broke"}, False),
        ({"run_id": "052894"}, False),
        ({}, False),
        ([], False),
        (None, False),
        ("writing_ended", False),
        ("", False),
        ('{"writing_ended": 1', False),
    ],
)
def test_the_metadata_say_whether_writing_ended_well(tmp_path: Path, metadata: Any, complete: bool) -> None:
    state = state_of(str(data(tmp_path, "052894", "event_info", metadata)))
    assert (state is FolderState.COMPLETE) == complete


def test_a_folder_without_metadata_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "052894-event_info-bbbbbbbbbb").mkdir()
    assert state_of(str(tmp_path / "052894-event_info-bbbbbbbbbb")) is FolderState.UNREADABLE


def test_metadata_under_their_first_name_count(tmp_path: Path) -> None:
    place = tmp_path / "052894-event_info-bbbbbbbbbb"
    place.mkdir()
    (place / "metadata.json").write_text(json.dumps(WRITTEN))
    assert state_of(str(place)) is FolderState.COMPLETE


def test_each_run_has_what_its_folders_hold(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    data(tmp_path, "052894", "peak_basics")
    data(tmp_path, "052895", "peak_basics")
    assert stored(FakeProbe(folder(tmp_path)), "052894", "052895", "052896") == {
        "052894": {"event_info", "peak_basics"},
        "052895": {"peak_basics"},
        "052896": set(),
    }


def test_data_that_are_not_these_do_not_count(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info", digest="dddddddddd")
    data(tmp_path, "052894", "peak_basics", end="_temp")
    data(tmp_path, "052894", "event_info_double", {**WRITTEN, "exception": "it broke"})
    assert stored(FakeProbe(folder(tmp_path)), "052894") == {"052894": set()}


def test_only_the_types_that_were_asked_for_are_answered(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    assert stored(FakeProbe(folder(tmp_path)), "052894", types=("peak_basics",)) == {"052894": set()}


def test_all_frontends_are_looked_into(tmp_path: Path) -> None:
    data(tmp_path / "a", "052894", "event_info")
    data(tmp_path / "b", "052894", "peak_basics")
    probe = FakeProbe(folder(tmp_path / "a"), folder(tmp_path / "none"), folder(tmp_path / "b"))
    assert stored(probe, "052894") == {"052894": {"event_info", "peak_basics"}}


def test_broken_data_in_one_place_do_not_hide_good_ones_in_another(tmp_path: Path) -> None:
    data(tmp_path / "a", "052894", "event_info", {})
    data(tmp_path / "b", "052894", "event_info")
    assert stored(FakeProbe(folder(tmp_path / "a"), folder(tmp_path / "b")), "052894")["052894"] == {"event_info"}


def test_data_without_metadata_hide_good_ones_in_a_later_place_as_reading_would_raise(tmp_path: Path) -> None:
    data(tmp_path / "a", "052894", "event_info", "{")
    data(tmp_path / "b", "052894", "event_info")
    assert stored(FakeProbe(folder(tmp_path / "a"), folder(tmp_path / "b")), "052894")["052894"] == set()
    assert stored(FakeProbe(folder(tmp_path / "b"), folder(tmp_path / "a")), "052894")["052894"] == {"event_info"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"take_only": ["event_info"]}, {"event_info"}),
        ({"exclude": ["event_info"]}, {"peak_basics"}),
        ({"take_only": ["event_info"], "exclude": ["event_info"]}, set()),
    ],
)
def test_a_frontend_that_takes_only_some_types_has_only_those(
    tmp_path: Path, changes: dict[str, Any], found: set[str]
) -> None:
    data(tmp_path, "052894", "event_info")
    data(tmp_path, "052894", "peak_basics")
    assert stored(FakeProbe(folder(tmp_path, **changes)), "052894")["052894"] == found


def test_a_root_that_is_no_folder_holds_nothing_and_one_that_cannot_be_listed_stops_the_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> Any:
        raise OSError(5, "Input/output error")

    root = tmp_path / "data"
    root.touch()
    assert stored(FakeProbe(folder(root)), "052894", types=("event_info",)) == {"052894": set()}
    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(ContextError, match=f"^the folder {root} of strax data cannot be listed: Input/output error$"):
        stored(FakeProbe(folder(root)), "052894", types=("event_info",))


def test_a_folder_is_listed_once_for_all_runs_and_analyses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data(tmp_path, "052894", "event_info")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    answers = Availability(FakeProbe(folder(tmp_path)))  # type: ignore[arg-type]
    for _ in range(3):
        answers.stored(PROGRAM, CONTEXT, [f"{number:06d}" for number in range(100)], ["event_info"])
    assert listed == [str(tmp_path)]


# --- what was complete is remembered ----------------------------------------------------------------------------------


class Reads:
    """Which metadata were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[str] = []
        read = read_metadata

        def noted(place: str) -> Any:
            self.runs.append(Path(place).parent.name[:6])
            return read(place)

        monkeypatch.setattr(metadata, "read_metadata", noted)

    def of_a_tick(self, root: Path, work: Path, *runs: str, may_write: bool = True) -> tuple[dict[str, set[str]], list]:
        """What one tick answers, and which runs' metadata it read for that."""
        self.runs.clear()
        kept = FolderListings(Paths(work), may_write)
        available = Availability(FakeProbe(folder(root)), folders=kept)  # type: ignore[arg-type]
        found = available.stored(PROGRAM, CONTEXT, runs, ["event_info"])
        available.keep()
        return found, sorted(set(self.runs))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


RUNS = ("052894", "052895", "052896")


def test_what_is_complete_is_read_once(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    data(root, "052894", "event_info")
    data(root, "052895", "event_info", {})
    first = reads.of_a_tick(root, work, *RUNS)
    assert first == ({"052894": {"event_info"}, "052895": set(), "052896": set()}, ["052894", "052895"])
    assert reads.of_a_tick(root, work, *RUNS) == (first[0], ["052895"])
    data(root, "052896", "event_info")
    (root / "052895-event_info-bbbbbbbbbb/event_info-bbbbbbbbbb-metadata.json").write_text(json.dumps(WRITTEN))
    assert reads.of_a_tick(root, work, *RUNS) == ({run: {"event_info"} for run in RUNS}, ["052895", "052896"])
    assert reads.of_a_tick(root, work, *RUNS) == ({run: {"event_info"} for run in RUNS}, [])


def test_what_is_complete_is_read_once_in_a_tick_that_keeps_nothing(tmp_path: Path, reads: Reads) -> None:
    data(tmp_path, "052894", "event_info")
    data(tmp_path, "052894", "peak_basics", digest="dddddddddd")
    folders = FolderListings()
    for _ in range(2):
        assert folders.look(str(tmp_path), RUNS, "event_info", HASHES["event_info"]).complete == {"052894"}
    assert reads.runs == ["052894"]
    for _ in range(2):
        assert folders.of_runs(["052894"]) == {
            "052894": {("event_info", HASHES["event_info"]): True, ("peak_basics", "dddddddddd"): True}
        }
    assert reads.runs == ["052894", "052894"]


def test_what_a_reason_needed_is_kept_too(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    data(root, "052894", "event_info", digest="dddddddddd")
    for expected in (["052894"], []):
        reads.runs.clear()
        folders = FolderListings(Paths(work), may_write=True)
        folders.look(str(root), RUNS, "event_info", HASHES["event_info"])
        assert folders.of_runs(RUNS)["052894"] == {("event_info", "dddddddddd"): True}
        folders.keep()
        assert reads.runs == expected


def test_what_is_kept_is_written_only_if_it_changed(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    data(root, "052894", "event_info")
    reads.of_a_tick(root, work, *RUNS)
    (kept,) = (work / "cache").iterdir()
    before = kept.stat()
    reads.of_a_tick(root, work, *RUNS)
    after = kept.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_thrown_away_it_comes_back_the_same(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    for run in RUNS:
        data(root, run, "event_info")
    found, _ = reads.of_a_tick(root, work, *RUNS)
    (kept,) = (work / "cache").iterdir()
    content = kept.read_bytes()
    for damage in (
        b"",
        b"[]",
        b'{"root": 1}',
        content[:-5],
        content.replace(b'"complete": {', b'"complete": {"x": "y", '),
    ):
        kept.write_bytes(damage)
        assert reads.of_a_tick(root, work, *RUNS) == (found, list(RUNS))
        assert kept.read_bytes() == content
    kept.unlink()
    assert reads.of_a_tick(root, work, *RUNS) == (found, list(RUNS))
    assert kept.read_bytes() == content


def test_another_folder_of_the_same_name_is_read(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    good = data(root, "052894", "event_info")
    reads.of_a_tick(root, work, *RUNS)
    worse = data(tmp_path / "elsewhere", "052894", "event_info", {**WRITTEN, "exception": "it broke"})
    good.rename(tmp_path / "away")
    worse.rename(good)
    assert reads.of_a_tick(root, work, *RUNS) == ({run: set() for run in RUNS}, ["052894"])


def test_a_folder_that_was_changed_where_it_is_is_read(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    place = data(root, "052894", "event_info")
    reads.of_a_tick(root, work, *RUNS)
    before = place.stat().st_ctime_ns
    (place / "event_info-bbbbbbbbbb-metadata.json").write_text(json.dumps({**WRITTEN, "exception": "it broke"}))
    while place.stat().st_ctime_ns == before:  # its clock has steps of milliseconds
        place.touch()
    assert reads.of_a_tick(root, work, *RUNS) == ({run: set() for run in RUNS}, ["052894"])


def test_a_folder_that_is_gone_is_not_there(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    good = data(root, "052894", "event_info")
    reads.of_a_tick(root, work, *RUNS)
    good.rename(tmp_path / "away")
    assert reads.of_a_tick(root, work, *RUNS) == ({run: set() for run in RUNS}, [])


def test_a_link_is_looked_behind_every_time(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    root.mkdir()
    place = data(tmp_path / "elsewhere", "052894", "event_info")
    (root / place.name).symlink_to(place)
    for _ in range(2):
        assert reads.of_a_tick(root, work, *RUNS)[1] == ["052894"]
    data(root, "052895", "event_info")  # so that something is kept
    assert sorted(reads.of_a_tick(root, work, *RUNS)[1]) == ["052894", "052895"]
    assert reads.of_a_tick(root, work, *RUNS)[1] == ["052894"]


def test_in_a_dry_run_it_is_read_and_nothing_is_written(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    data(root, "052894", "event_info")
    assert reads.of_a_tick(root, work, *RUNS, may_write=False)[1] == ["052894"]
    assert not work.exists()
    reads.of_a_tick(root, work, *RUNS)
    (kept,) = (work / "cache").iterdir()
    before = kept.stat().st_mtime_ns, kept.read_bytes()
    data(root, "052895", "event_info")
    assert reads.of_a_tick(root, work, *RUNS, may_write=False)[1] == ["052895"]
    assert (kept.stat().st_mtime_ns, kept.read_bytes()) == before


def test_runs_that_nobody_asks_about_any_more_are_forgotten(tmp_path: Path, reads: Reads) -> None:
    root, work = tmp_path / "data", tmp_path / "work"
    for run in RUNS:
        data(root, run, "event_info")
    reads.of_a_tick(root, work, *RUNS)
    reads.of_a_tick(root, work, RUNS[0])
    (kept,) = (work / "cache").iterdir()
    assert [name[:6] for name in json.loads(kept.read_text())["complete"]] == [RUNS[0]]


# --- rucio ------------------------------------------------------------------------------------------------------------


def test_rucio_lays_files_out_by_the_digest_of_scope_and_name() -> None:
    """The two folders are what ``printf xnt_052894:event_info-bbbbbbbbbb-000000 | md5sum`` begins with."""
    file = "event_info-bbbbbbbbbb-000000"
    assert rucio_path("/r", "052894", file) == f"/r/xnt_052894/0b/81/{file}"


# --- other storage ----------------------------------------------------------------------------------------------------


def test_other_storage_is_asked_once_and_only_for_what_is_not_in_folders(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    probe = FakeProbe(
        folder(tmp_path),
        OTHER,
        elsewhere=frozenset({("052895", "event_info")}),
    )
    assert stored(probe, "052894", "052895", types=("event_info",)) == {
        "052894": {"event_info"},
        "052895": {"event_info"},
    }
    assert probe.questions == [[("052895", "event_info")]]


def test_nobody_is_asked_when_everything_is_in_folders(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    probe = FakeProbe(folder(tmp_path), OTHER)
    stored(probe, "052894", types=("event_info",))
    assert probe.questions == []


def test_what_comes_before_other_storage_is_decided_and_what_comes_after_it_is_not(tmp_path: Path) -> None:
    """Storage of another kind might raise, and then the data after it cannot be read."""
    data(tmp_path, "052894", "event_info")
    probe = FakeProbe(OTHER, folder(tmp_path))
    assert stored(probe, "052894", types=("event_info",)) == {"052894": set()}
    assert probe.questions == [[("052894", "event_info")]]


def test_other_storage_that_does_not_take_a_type_is_not_asked_about_it(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    probe = FakeProbe({**OTHER, "take_only": ["peak_basics"]}, folder(tmp_path))
    assert stored(probe, "052894", types=("event_info",)) == {"052894": {"event_info"}}
    assert probe.questions == []


# --- sets of alternatives ---------------------------------------------------------------------------------------------


def test_one_complete_alternative_is_enough(tmp_path: Path) -> None:
    data(tmp_path, "052894", "event_info")
    data(tmp_path, "052894", "peak_basics")
    data(tmp_path, "052895", "event_info_double")
    data(tmp_path, "052896", "event_info")
    needs = (("event_info_double",), ("event_info", "peak_basics"))
    assert set(lacking(FakeProbe(folder(tmp_path)), "052894", "052895", "052896", needs=needs)) == {"052896"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ({}, "nothing of the run can be read here, event_info is not at this site"),
        ({"name": "peak_basics"}, "peak_basics is here, event_info is not at this site"),
        ({"metadata": {}}, "nothing of the run can be read here, event_info is here but broken: writing it went wrong"),
        ({"end": "_temp"}, "nothing of the run can be read here, event_info is being written, or was left unfinished"),
        (
            {"digest": "dddddddddd"},
            "nothing of the run can be read here, "
            "event_info is here with another lineage (dddddddddd, wanted bbbbbbbbbb)",
        ),
    ],
)
def test_the_reason_says_what_is_there_instead(tmp_path: Path, make: dict[str, Any], reason: str) -> None:
    tmp_path.joinpath("x").mkdir()
    if make:
        data(tmp_path / "x", "052894", **{"name": "event_info", **make})
    said = lacking(FakeProbe(folder(tmp_path / "x")), "052894", needs=(("event_info",),))
    assert said == {"052894": f"waiting for event_info: {reason}"}


def test_data_that_are_still_being_written_are_not_called_here_though_their_metadata_are(tmp_path: Path) -> None:
    data(tmp_path, "052894", "peak_basics", end="_temp")
    said = lacking(FakeProbe(folder(tmp_path)), "052894", needs=(("event_info",),))
    assert "nothing of the run can be read here" in said["052894"]


def test_what_is_here_is_listed_in_words() -> None:
    hashes = {name: name * 10 for name in "abcd"}
    here = {(name, hashes[name]): True for name in "abc"}
    said = describe_missing([list("abcd")], list("abc"), here, hashes)
    assert said.startswith("waiting for d: a, b and c are here, ")


@given(
    alternatives=st.lists(
        st.lists(st.sampled_from(sorted(HASHES)), min_size=1, unique=True).map(tuple), min_size=1, max_size=3
    ),
    have=st.sets(st.sampled_from(sorted(HASHES))),
)
def test_the_words_name_what_is_missing_of_every_alternative(
    alternatives: list[tuple[str, ...]], have: set[str]
) -> None:
    if any(have.issuperset(one) for one in alternatives):
        return
    said = describe_missing(alternatives, have, dict.fromkeys(((name, HASHES[name]) for name in have), True), HASHES)
    wanted = said.removeprefix("waiting for ").split(":")[0].split(" or ")
    assert {frozenset(one.split(" + ")) for one in wanted} == {frozenset(one) - have for one in alternatives}

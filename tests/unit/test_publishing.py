"""Publishing: whatever happens, the store ends up with the outcomes as they are."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import keep, key_of, outcome, result, run
from support.memory_store import MemoryStore
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes import cache
from xomflow.outcomes.cache import OutcomeCache
from xomflow.outcomes.campaigns.current import Groups
from xomflow.outcomes.campaigns.groups import KnownGroups, write_groups
from xomflow.publishing import publish as publish_module
from xomflow.publishing.publish import Receipt, drop, publish, rebuild, verify
from xomflow.publishing.scope import Scope
from xomflow.publishing.stores.local_store import LocalStore
from xomflow.publishing.stores.store import Store
from xomflow.rundb.run_metadata import RunMetadata


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


_TIMES = itertools.count(10**18, 10**9)


def settle(paths: Paths) -> None:
    """Let what changed since the last call have changed long ago, one folder after the other."""
    for folder in paths.outcomes.glob("*/*/*"):
        if time.time_ns() - folder.stat().st_mtime_ns < 10**12:
            moment = next(_TIMES)
            os.utime(folder, ns=(moment, moment))


def published(paths: Paths, store: Store) -> Receipt:
    settle(paths)
    return publish(paths, store, "test_")


def of(number: int, value: float = 1.0, **key: str) -> dict[str, Any]:
    return outcome(key_of(number, **key), [result(value=value)])


def test_everything_is_published_once(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002), of(60001), of(1, version="v0"))
    receipt = published(paths, memory)
    assert (receipt.outcomes, receipt.points, receipt.problems) == (4, 4, [])
    assert set(memory.values()) == {52001, 52002, 60001, 1}
    memory.writes.clear()
    receipt = published(paths, memory)
    assert (receipt.outcomes, receipt.points, memory.writes) == (0, 0, [])


def test_an_outcome_that_cannot_be_read_is_named_by_a_comparison(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002))
    published(paths, memory)
    paths.outcome(key_of(52002)).write_text("{")
    assert any("052002.json" in line for line in verify(paths, memory, "test_"))


def test_an_outcome_without_results_costs_no_other(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), outcome(key_of(52002), []))
    receipt = published(paths, memory)
    assert (receipt.points, receipt.problems, list(memory.values())) == (1, [], [52001])
    memory.writes.clear()
    assert published(paths, memory).outcomes == 0
    assert memory.writes == []


def test_only_what_is_new_is_sent(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    keep(paths, of(52002))
    memory.writes.clear()
    assert published(paths, memory).outcomes == 1
    assert memory.writes == [("kr83m/v1/052", {"052002"})]


def test_a_replaced_outcome_is_published_anew(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001, 1.0), of(52002, 2.0))
    published(paths, memory)
    keep(paths, of(52001, 5.0))
    assert published(paths, memory).outcomes == 1
    assert memory.values() == {52001: 5.0, 52002: 2.0}


def test_without_its_ledger_the_store_gets_the_same_points_again(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002))
    published(paths, memory)
    before = dict(memory.points)
    shutil.rmtree(paths.ledger)
    assert published(paths, memory).outcomes == 2
    assert memory.points == before


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_ledger_counts_as_deleted(paths: Paths, memory: MemoryStore, content: str) -> None:
    keep(paths, of(52001))
    published(paths, memory)
    for ledger in paths.ledger.rglob("*.json"):
        ledger.write_text(content)
    assert published(paths, memory).outcomes == 1


def test_a_store_that_fails_loses_nothing(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001))
    memory.failing = {"kr83m/v1/052"}
    receipt = published(paths, memory)
    assert (receipt.outcomes, receipt.problems) == (1, ["kr83m/v1/052 did not arrive"])
    memory.failing = set()
    memory.points.clear()
    receipt = published(paths, memory)
    assert (receipt.outcomes, receipt.problems) == (1, [])
    assert set(memory.values()) == {52001}
    assert published(paths, memory).outcomes == 0


def test_what_is_still_changing_is_looked_at_again(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    publish(paths, memory, "test_")
    assert json.loads((paths.ledger / "memory/stamps.json").read_text()) == {"kr83m/v1/052": 0}


def test_a_shelf_that_was_published_and_did_not_change_is_not_even_listed(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    keep(paths, of(60002))
    looked = []
    outcomes = OutcomeCache.outcomes
    monkeypatch.setattr(
        OutcomeCache, "outcomes", lambda self, shelf: looked.append(str(shelf)) or outcomes(self, shelf)
    )
    published(paths, memory)
    assert looked == ["kr83m/v1/060"]


def test_what_the_store_is_known_to_have_lost_is_published_again(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    memory.points.clear()
    memory.lost = {"kr83m/v1/052"}
    assert published(paths, memory).outcomes == 1
    assert set(memory.values()) == {52001}


def test_two_stores_have_ledgers_of_their_own(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    published(paths, memory)
    other = MemoryStore("other")
    assert published(paths, other).outcomes == 1


def test_a_corrupt_outcome_is_set_aside_reported_and_costs_no_other(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002), of(52003))
    paths.outcome(key_of(52002)).write_text(json.dumps(of(52001)))
    paths.outcome(key_of(52003)).write_text(json.dumps(outcome(key_of(52003), run={"start": "yesterday"})))
    receipt = published(paths, memory)
    assert set(memory.values()) == {52001}
    assert ["is the outcome of kr83m v1 052001" in receipt.problems[0], "yesterday" in receipt.problems[1]] == [
        True,
        True,
    ]
    assert published(paths, memory).problems == []
    assert sorted(path.name for path in paths.set_aside.rglob("*.json.*")) == ["052002.json.1", "052003.json.1"]


def raiser(error: Exception) -> Callable[..., Any]:
    """A function that does nothing but raise."""

    def fail(*_: Any) -> Any:
        raise error

    return fail


# --- the local store --------------------------------------------------------------------------------------------------


def local(paths: Paths) -> dict[str, str]:
    return {str(path.relative_to(paths.store)): path.read_text() for path in paths.store.rglob("*.lp")}


def test_the_local_store_follows_what_comes_goes_and_is_replaced(paths: Paths) -> None:
    store = LocalStore(paths, "test_")
    keep(paths, of(52001, 1.5), of(52002))
    published(paths, store)
    paths.outcome(key_of(52002)).unlink()
    keep(paths, of(52001, 2.5), of(60001))
    published(paths, store)
    assert sorted(local(paths)) == ["test/kr83m/v1/052.lp", "test/kr83m/v1/060.lp"]
    lines = local(paths)["test/kr83m/v1/052.lp"].splitlines()
    assert len(lines) == 1
    assert ",value=2.5," in lines[0] or ",value=2.5 " in lines[0]


def test_the_local_store_is_the_same_after_its_ledger_is_deleted(paths: Paths) -> None:
    store = LocalStore(paths, "test_")
    keep(paths, of(52002), of(52001), of(60001))
    published(paths, store)
    before = local(paths)
    shutil.rmtree(paths.ledger)
    shutil.rmtree(paths.cache)
    published(paths, store)
    assert local(paths) == before


def test_a_file_of_the_local_store_that_was_deleted_comes_back(paths: Paths) -> None:
    store = LocalStore(paths, "test_")
    keep(paths, of(52001), of(60001))
    published(paths, store)
    before = local(paths)
    (paths.store / "test/kr83m/v1/052.lp").unlink()
    assert published(paths, store).outcomes == 1
    assert local(paths) == before


@pytest.mark.parametrize("is_first", [True, False], ids=["after an upgrade", "later"])
def test_an_older_copy_of_a_file_of_the_local_store_is_replaced(paths: Paths, is_first: bool) -> None:
    store, file = LocalStore(paths, "test_"), paths.store / "test/kr83m/v1/052.lp"
    keep(paths, of(52001), of(60001))
    published(paths, store)
    shutil.copy2(file, paths.store / "copy")
    keep(paths, of(52002))
    published(paths, store)
    if is_first:
        (paths.ledger / store.name / "stored.json").unlink()
        published(paths, store)
    before = local(paths)
    (paths.store / "copy").replace(file)
    assert local(paths) != before
    assert published(paths, store).outcomes == 2
    assert local(paths) == before
    assert published(paths, store).outcomes == 0


@pytest.mark.parametrize("times", [True, False])
def test_a_restored_file_of_the_local_store_with_the_same_content_is_left_as_it_is(paths: Paths, times: bool) -> None:
    store, file = LocalStore(paths, "test_"), paths.store / "test/kr83m/v1/052.lp"
    keep(paths, of(52001))
    published(paths, store)
    (shutil.copy2 if times else shutil.copyfile)(file, paths.store / "copy")
    (paths.store / "copy").replace(file)
    inode = file.stat().st_ino
    receipt = published(paths, store)
    assert (receipt.outcomes, receipt.points, receipt.problems) == (0, 0, [])
    assert file.stat().st_ino == inode
    # Its content is noted with its new stamp, and the file is read no more.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalStore, "digest", raiser(AssertionError("read once more")))
        assert published(paths, store).problems == []


def test_an_older_copy_keeps_the_points_of_outcomes_that_cannot_be_read_now(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, file = LocalStore(paths, "test_"), paths.store / "test/kr83m/v1/052.lp"
    keep(paths, of(52001), of(52002))
    published(paths, store)
    file.write_text(before := file.read_text().partition("\n")[0] + "\n")
    shutil.rmtree(paths.cache)
    monkeypatch.setattr(cache, "read_document", raiser(OSError(errno.EIO, "Input/output error")))
    problems = published(paths, store).problems
    assert any("the points of 052001, which cannot be read, would go" in one for one in problems)
    assert file.read_text() == before


def test_comments_with_any_kind_of_line_end_are_published(paths: Paths) -> None:
    keep(paths, outcome(run={"comments": ["a\r\nb", "c\rd\x85e\u2028f", "half \ud83d"]}))
    receipt = published(paths, LocalStore(paths, "test_"))
    assert (receipt.outcomes, receipt.problems) == (1, [])
    stored = (paths.store / "test/kr83m/v1/052.lp").read_bytes().decode()
    assert 'comments="a\r\nb | c\rd\x85e\u2028f | half ?"' in stored


def test_a_disk_that_cannot_be_written_is_said_and_tried_again(paths: Paths) -> None:
    keep(paths, of(52001))
    paths.store.mkdir()
    (paths.store / "test").touch()
    store = LocalStore(paths, "test_")
    receipt = published(paths, store)
    assert receipt.outcomes == 0
    assert len(receipt.problems) == 1
    assert "052.lp cannot be written: " in receipt.problems[0]
    (paths.store / "test").unlink()
    assert published(paths, store).outcomes == 1


# --- any order of events ----------------------------------------------------------------------------------------------

RUNS = (52001, 52002, 60001)
events = st.lists(
    st.tuples(st.just("outcome"), st.sampled_from(RUNS), st.integers(1, 9))
    | st.tuples(
        st.sampled_from(["publish", "publish and fail", "lose the ledger", "lose the cache"]), st.none(), st.none()
    ),
    max_size=10,
)


@given(events=events)
@effort(max_examples=40)
def test_in_the_end_the_store_has_what_the_outcomes_say(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, Any, Any]]
) -> None:
    paths, memory = Paths(tmp_path_factory.mktemp("work")), MemoryStore()
    now: dict[int, float] = {}
    for what, number, value in events:
        if what == "outcome":
            now[number] = float(value)
            keep(paths, of(number, value))
        elif what == "lose the ledger":
            shutil.rmtree(paths.ledger, ignore_errors=True)
        elif what == "lose the cache":
            shutil.rmtree(paths.cache, ignore_errors=True)
        else:
            memory.failing = {"kr83m/v1/052"} if what == "publish and fail" else set()
            published(paths, memory)
    memory.failing = set()
    published(paths, memory)
    assert memory.values() == now
    assert published(paths, memory).outcomes == 0


def test_what_a_failed_write_may_have_changed_is_written_again(paths: Paths, memory: MemoryStore) -> None:
    """Here it changed everything before it failed, and the outcomes then came back to their former form."""
    keep(paths, of(52001, 2), of(52002, 2))
    published(paths, memory)
    memory.failing = {"kr83m/v1/052"}
    keep(paths, of(52001, 1))
    published(paths, memory)
    memory.failing = set()
    keep(paths, of(52001, 2))
    published(paths, memory)
    assert memory.values() == {52001: 2, 52002: 2}


def test_an_outcome_that_went_away_leaves_the_ledger(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002))
    published(paths, memory)
    paths.outcome(Key("kr83m", "v1", "052002")).unlink()
    published(paths, memory)
    ledger = json.loads((paths.ledger / "memory/kr83m/v1/052.json").read_text())
    assert set(ledger) == {"052001"}
    assert set(memory.values()) == {52001}


def test_a_store_that_is_away_is_offered_nothing_more_and_said_once(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001), of(1))
    memory.away = True
    receipt = published(paths, memory)
    assert (receipt.away, receipt.problems, len(memory.writes)) == (True, ["no answer"], 1)
    memory.away = False
    assert published(paths, memory).outcomes == 3


# --- what the run database says now -----------------------------------------------------------------------------------


def tags(memory: MemoryStore) -> dict[int, str]:
    return {point.fields["run"]: point.fields["run_tags"] for point in memory.points.values()}


def test_late_changes_of_the_run_document_are_published_to_the_same_points(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002))
    published(paths, memory)
    places = set(memory.points)
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}]), run(52002, tags=[{"name": "sr1_preliminary"}])])
    published(paths, memory)
    assert tags(memory) == {52001: "late", 52002: "sr1_preliminary"}
    assert set(memory.points) == places


def test_new_runs_in_the_run_database_make_nothing_be_published_anew(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    RunMetadata(paths).keep([run(52001)])
    published(paths, memory)
    memory.writes.clear()
    RunMetadata(paths).keep([run(52001), run(52002)])
    published(paths, memory)
    assert memory.writes == []


def test_a_document_that_cannot_be_understood_for_a_while_changes_nothing(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}]), run(52002)])
    published(paths, memory)
    memory.writes.clear()
    RunMetadata(paths).keep([run(52002)])
    published(paths, memory)
    assert (memory.writes, tags(memory)) == ([], {52001: "late"})


def test_where_nothing_changed_no_facts_are_written(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [run(number) for number in range(52000, 52003)]
    RunMetadata(paths).keep(runs)
    written: list[Any] = []
    monkeypatch.setattr("xomflow.rundb.run_metadata.write_kept", lambda *what: written.append(what))
    RunMetadata(paths).keep(reversed(runs))
    assert written == []


def test_metadata_of_runs_are_read_once_for_all_analyses(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, read = [number * 1000 for number in range(1, 9)], list[str]()
    keep(paths, *(of(number, analysis=name) for number in runs for name in ("kr83m", "alpha")))
    RunMetadata(paths).keep([run(number) for number in runs])
    entries_of = RunMetadata.of
    monkeypatch.setattr(RunMetadata, "of", lambda self, shelf: read.append(shelf) or entries_of(self, shelf))
    assert published(paths, LocalStore(paths, "test_")).outcomes == 16
    assert read == [f"{number // 1000:03d}" for number in runs]


@pytest.mark.parametrize("lost", ["", "052.json", "digests.json"])
def test_facts_that_were_deleted_come_back(paths: Paths, lost: str) -> None:
    RunMetadata(paths).keep([run(52001, comments=[{"comment": "late"}])])
    folder = paths.cache / "facts"
    shutil.rmtree(folder) if not lost else (folder / lost).unlink()
    assert RunMetadata(paths).stamp("052") == "", "the documents of this shelf are read again"
    RunMetadata(paths).keep([run(52001, comments=[{"comment": "late"}])])
    assert RunMetadata(paths).of("052")["052001"].comments == ["late"]


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"052001": {"a": []}}', '{"052001": null}', '{"x": {}}'])
def test_metadata_that_were_damaged_come_back(paths: Paths, content: str) -> None:
    RunMetadata(paths).keep([run(52001, comments=[{"comment": "late"}])])
    paths.run_metadata("052").write_text(content)
    assert RunMetadata(paths).of("052") == RunMetadata(paths).runs("052") == {}
    RunMetadata(paths).keep([run(52001, comments=[{"comment": "late"}])])
    assert RunMetadata(paths).of("052")["052001"].comments == ["late"]


def test_where_nothing_changed_neither_outcomes_nor_facts_are_opened(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(paths, of(52001), of(60001))
    RunMetadata(paths).keep([run(52001), run(60001)])
    published(paths, memory)
    opened: list[str] = []
    monkeypatch.setattr(OutcomeCache, "outcomes", lambda self, shelf: opened.append(str(shelf)))
    monkeypatch.setattr(RunMetadata, "of", lambda self, shelf: opened.append(shelf))
    published(paths, memory)
    assert opened == []


def test_a_local_store_keeps_no_file_of_a_shelf_that_lost_its_outcomes_and_its_ledger(paths: Paths) -> None:
    store = LocalStore(paths, "test_")
    keep(paths, of(52001), of(60001))
    published(paths, store)
    (paths.ledger / store.name / "kr83m/v1/052.json").unlink()
    paths.outcome(key_of(52001)).unlink()
    assert published(paths, store).problems == []
    assert [file.name for file in (paths.store / "test/kr83m/v1").iterdir()] == ["060.lp"]
    assert list(verify(paths, store, "test_")) == []


def test_which_software_made_the_results_is_found_out_again_where_that_was_lost(
    paths: Paths, memory: MemoryStore
) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    before = json.loads(paths.uses("memory").read_text())
    assert before.keys() == {"kr83m/v1/052", "kr83m/v1/060"}
    for content in (None, "{}", json.dumps({"kr83m/v1/052": before["kr83m/v1/052"]})):
        for turn in range(2):  # the second time the document of a run changes, too
            paths.uses("memory").unlink()
            if content:
                paths.uses("memory").write_text(content)
            RunMetadata(paths).keep([run(52001, tags=[{"name": f"{content} {turn}"}])] * turn)
            assert published(paths, memory).outcomes == turn
            assert json.loads(paths.uses("memory").read_text()) == before


ODD = ("plain", 'with "quotes" and \\ ', "two\nlines 5", 'ends in \\"\n', "", "é\u2028")


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_changed_documents_read_only_the_outcomes_of_their_runs(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    store: Store = memory if kind == "memory" else LocalStore(paths, "test_")
    numbers = range(52001, 52007)
    keep(paths, *map(of, numbers))
    RunMetadata(paths).keep(map(run, numbers))
    published(paths, store)
    opened: list[str] = []
    outcomes = OutcomeCache.outcomes
    monkeypatch.setattr(
        OutcomeCache, "outcomes", lambda self, shelf: (opened.append(str(shelf)), outcomes(self, shelf))[1]
    )
    for turn in range(len(ODD)):
        changed = [run(number, comments=[{"comment": ODD[(turn + number) % len(ODD)]}]) for number in numbers[turn:]]
        RunMetadata(paths).keep([*map(run, numbers[:turn]), *changed, run(52900 + turn)])
        opened.clear()
        receipt = published(paths, store)
        assert (receipt.problems, receipt.outcomes > 0, opened) == ([], True, [])
        assert list(verify(paths, store, "test_")) == []


def test_documents_of_runs_without_points_change_nothing(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    RunMetadata(paths).keep([run(52001)])
    published(paths, memory)
    RunMetadata(paths).keep([run(52001), run(52002)])
    memory.writes.clear()
    assert published(paths, memory).outcomes == 0
    assert memory.writes == []


@pytest.mark.parametrize("then", ["its document changes", "an outcome comes to its shelf"])
def test_an_outcome_damaged_in_its_place_is_seen_once_its_run_or_shelf_is_looked_at(
    paths: Paths, memory: MemoryStore, then: str
) -> None:
    keep(paths, of(52001), of(52002))
    RunMetadata(paths).keep(map(run, (52001, 52002)))
    published(paths, memory)
    paths.outcome(key_of(52001)).write_text("", encoding="utf-8")
    if then == "its document changes":
        RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}]), run(52002)])
    else:
        keep(paths, of(52003))
    assert "052001" in " ".join(published(paths, memory).problems)
    assert 52001 not in memory.values()


def test_a_changed_document_costs_a_look_at_the_outcome_of_its_run_alone(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(paths, of(52001), of(52002))
    RunMetadata(paths).keep(map(run, (52001, 52002)))
    published(paths, memory)
    looked, stat = list[str](), os.stat
    RunMetadata(paths).keep([run(52001), run(52002, tags=[{"name": "late"}])])
    monkeypatch.setattr(os, "stat", lambda place, **how: looked.append(Path(place).name) or stat(place, **how))
    assert published(paths, memory).outcomes == 1
    assert [name for name in looked if name in ("052001.json", "052002.json")] == ["052002.json"]


@pytest.mark.parametrize("obstacle", ["history", "outcome", "ledger", "older copy", "file", "order"])
def test_where_a_part_is_not_enough_the_whole_shelf_is_published(paths: Paths, obstacle: str) -> None:
    store = LocalStore(paths, "test_")
    file = paths.store / "test/kr83m/v1/052.lp"
    RunMetadata(paths).keep([run(52001), run(52002)])
    keep(paths, of(52001, value=2.0), of(52002))
    published(paths, store)
    older = file.read_bytes()
    keep(paths, of(52001))
    published(paths, store)
    RunMetadata(paths).keep([run(52001), run(52002, tags=[{"name": "late"}])])
    if obstacle == "history":
        paths.run_metadata_changes.write_text("[]")
    elif obstacle == "outcome":
        keep(paths, of(52002, value=11.0))
    elif obstacle == "ledger":
        (paths.ledger / store.name / "kr83m/v1/052.json").unlink()
    elif obstacle == "older copy":
        file.write_bytes(older)
    else:  # and it is not known how the file was left
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([b'other" ', *lines] if obstacle == "file" else reversed(lines)))
        (paths.ledger / store.name / "stored.json").unlink()
    assert published(paths, store).problems == []
    assert list(verify(paths, store, "test_")) == []


def test_a_change_that_failed_and_was_taken_back_is_taken_back_in_the_store(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001))
    RunMetadata(paths).keep([run(52001, tags=[{"name": "early"}])])
    published(paths, memory)
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}])])
    memory.failing = {"kr83m/v1/052"}
    published(paths, memory)
    memory.failing = set()
    assert tags(memory) == {52001: "late"}
    RunMetadata(paths).keep([run(52001, tags=[{"name": "early"}])])
    published(paths, memory)
    assert tags(memory) == {52001: "early"}


def test_what_an_emptied_store_did_not_take_comes_with_the_next_changed_document(
    paths: Paths, memory: MemoryStore
) -> None:
    keep(paths, of(52001), of(52002), of(52003))
    RunMetadata(paths).keep(map(run, (52001, 52002, 52003)))
    published(paths, memory)
    (paths.ledger / "memory/kr83m/v1/052.json").unlink()
    memory.points.clear()
    memory.away = True
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}])])
    published(paths, memory)
    memory.away = False
    RunMetadata(paths).keep([run(52002, tags=[{"name": "late"}])])
    published(paths, memory)
    assert set(memory.values()) == {52001, 52002, 52003}


# --- filling anew, comparing ------------------------------------------------------------------------------------------


def test_an_empty_store_is_filled_from_outcomes_alone(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    before, memory.points = memory.points, {}
    shutil.rmtree(paths.cache)
    assert published(paths, memory).outcomes == 0
    assert rebuild(paths, memory, "test_").outcomes == 2
    assert memory.points == before


@pytest.mark.parametrize("only", [None, frozenset({("kr83m", "v2")})])
def test_all_that_a_store_is_about_is_published_again_on_request(
    paths: Paths, memory: MemoryStore, only: frozenset[tuple[str, str]] | None
) -> None:
    keep(paths, of(52001), of(52001, version="v2"))
    settle(paths)
    scope, expected = Scope(only=only), ["kr83m/v1/052", "kr83m/v2/052"][only is not None :]
    for _ in range(2):  # the first time without a ledger
        memory.writes.clear()
        assert rebuild(paths, memory, "test_", scope=scope).outcomes == len(expected)
        assert [shelf for shelf, _ in memory.writes] == expected
    published(paths, memory)
    memory.writes.clear()
    assert rebuild(paths, memory, "test_", scope=scope).outcomes == len(expected)
    assert published(paths, memory).outcomes == 0
    assert [shelf for shelf, _ in memory.writes] == expected


def test_an_analysis_leaves_all_stores_and_their_ledgers(paths: Paths, memory: MemoryStore) -> None:
    local_store = LocalStore(paths, "test_")
    keep(paths, of(52001), of(52002, analysis="alpha"))
    published(paths, memory)
    published(paths, local_store)
    (paths.ledger / "a file of a person").touch()
    assert drop(paths, [memory], "kr83m") == 2
    assert [point.measurement for point in memory.points.values()] == ["test_alpha"]
    assert [file.parent.parent.name for file in paths.store.rglob("*.lp")] == ["alpha"]
    for store in (memory, local_store):
        assert published(paths, store).outcomes == 1
    (paths.ledger / "memory/stamps.json").unlink()
    assert drop(paths, [], "an analysis without points") == 0


def test_a_comparison_writes_nothing(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(52002))
    published(paths, memory)
    shutil.rmtree(paths.cache)
    assert list(verify(paths, memory, "test_")) == []
    assert not list(paths.cache.rglob("*.json"))


def test_a_local_store_that_has_what_the_outcomes_say_differs_in_nothing(paths: Paths) -> None:
    keep(paths, of(52001), of(60001))
    store = LocalStore(paths, "test_")
    published(paths, store)
    assert list(verify(paths, store, "test_")) == []


def test_every_difference_of_a_local_store_is_said(paths: Paths) -> None:
    keep(paths, of(1001), of(2001), of(3001))
    store, folder = LocalStore(paths, "test_"), paths.store / "test/kr83m/v1"
    published(paths, store)
    (folder / "001.lp").unlink()
    (folder / "002.lp").write_text("")
    (folder / "009.lp").write_text("")
    assert list(verify(paths, store, "test_")) == [
        f"kr83m/v1/001: {folder / '001.lp'} is missing",
        f"kr83m/v1/002: {folder / '002.lp'} differs from the outcomes",
        f"{folder / '009.lp'} belongs to no outcomes",
    ]


# --- campaigns --------------------------------------------------------------------------------------------------------


def campaign(digest: str, *numbers: int, value: float = 1.0) -> dict[str, Any]:
    """The outcome of a campaign of these runs; none: of run 52001."""
    runs = [f"{number:06d}" for number in numbers or (52001,)]
    facts = {"runs": runs, "runs_missing": []}
    return outcome(Key("kr83m", "v1", f"{runs[0]}-{digest}"), [result(value=value)], run=facts)


def test_a_new_revision_of_a_campaign_replaces_the_one_before(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, campaign("0bea", value=1.0))
    published(paths, memory)
    paths.outcome(Key("kr83m", "v1", "052001-0bea")).unlink()
    keep(paths, campaign("46ca", value=2.0))
    assert published(paths, memory).outcomes == 1
    assert {point.fields["run_id"] for point in memory.points.values()} == {"052001-46ca"}
    assert memory.values() == {52001: 2.0}


def test_a_campaign_that_went_away_leaves_the_store(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, campaign("0bea"), of(52005))
    published(paths, memory)
    paths.outcome(Key("kr83m", "v1", "052001-0bea")).unlink()
    published(paths, memory)
    assert set(memory.values()) == {52005}


def test_of_outcomes_with_the_same_run_one_is_published(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, campaign("0bea", 52001, 52002), campaign("46ca", 52002, 52003, 52004), of(52001))
    assert published(paths, memory).outcomes == 2
    ledger = json.loads((paths.ledger / "memory/kr83m/v1/052.json").read_text())
    assert ledger.keys() == {"052001", "052002-46ca"}


def test_a_ledger_of_version_1_counts_for_campaigns(paths: Paths, memory: MemoryStore) -> None:
    """It has them under the id of their first run."""
    keep(paths, campaign("0bea"), of(52005))
    published(paths, memory)
    ledger = paths.ledger / "memory/kr83m/v1/052.json"
    old = {run[:6]: fingerprint for run, fingerprint in json.loads(ledger.read_text()).items()}
    ledger.write_text(json.dumps(old))
    (paths.ledger / "memory/stamps.json").unlink()
    memory.writes.clear()
    assert published(paths, memory).outcomes == 0
    assert memory.writes == []
    paths.outcome(Key("kr83m", "v1", "052001-0bea")).unlink()
    keep(paths, campaign("46ca"))
    assert published(paths, memory).outcomes == 1
    assert memory.writes == [("kr83m/v1/052", {"052001-46ca"})]


def test_without_its_ledger_a_store_loses_what_was_superseded_meanwhile(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, campaign("0bea", 52002, 52003))
    published(paths, memory)
    shutil.rmtree(paths.ledger)
    keep(paths, campaign("46ca", 52001, 52002, 52003, value=2.0))
    write_groups(paths, {("kr83m", "v1"): KnownGroups(Groups(((52001, 52002, 52003),)))})
    published(paths, memory)
    assert memory.values() == {52001: 2.0}
    assert list(verify(paths, memory, "test_")) == []


@pytest.mark.parametrize("number", [51999, 52000])  # in another shelf, and in the same
def test_a_campaign_has_the_present_metadata_of_all_its_runs(paths: Paths, memory: MemoryStore, number: int) -> None:
    keep(paths, campaign("0bea", number, 52001))
    write_groups(paths, {("kr83m", "v1"): KnownGroups(Groups(((number, 52001),)))})
    first = run(number, tags=[{"name": "late"}], comments=[{"comment": "one"}], rate={"tpc": {"avg": 10}})
    second = run(52001, tags=[{"name": "other"}], comments=[{"comment": "two"}], rate={"tpc": {"avg": 20}})
    RunMetadata(paths).keep([first, second, run(52002, tags=[{"name": "of another run"}])])
    published(paths, memory)
    (point,) = memory.points.values()
    assert (point.fields["run_tags"], point.fields["rate_tpc"]) == ("late,other", 15.0)
    assert [words in point.fields["comments"] for words in ("one", "two")] == [True, True]
    RunMetadata(paths).keep([second._replace(tags=frozenset({"later"}))])
    published(paths, memory)
    (point,) = memory.points.values()
    assert point.fields["run_tags"] == "late,later"


def test_without_the_metadata_of_all_its_runs_a_campaign_has_those_of_its_outcome(
    paths: Paths, memory: MemoryStore
) -> None:
    keep(paths, campaign("0bea", 52001, 52002))
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}])])
    published(paths, memory)
    assert tags(memory) == {52001: "sr1_preliminary"}


@pytest.mark.parametrize(
    "content",
    ["", "{", "null", "5", "[]", '["052001"]', '{"052001": null}', '{"052001": 5}', '{"052001": {"form": "x"}}'],
)
def test_a_damaged_ledger_of_a_shelf_counts_as_deleted(paths: Paths, memory: MemoryStore, content: str) -> None:
    keep(paths, of(52001))
    published(paths, memory)
    (paths.ledger / "memory/kr83m/v1/052.json").write_text(content)
    (paths.ledger / "memory/stamps.json").write_text(content)
    assert published(paths, memory).outcomes == 1


DAMAGED_METADATA = [
    {"mode": 5},
    {"source": None},
    {"tags": "late"},
    {"tags": [5]},
    {"comments": {}},
    {"comments": [None]},
    {"rate": [1.0]},
    {"rate": {"tpc": "20"}},
    {"rate": {"tpc": float("nan")}},
]


@pytest.mark.parametrize("damage", DAMAGED_METADATA, ids=str)
def test_damaged_metadata_count_as_unknown(paths: Paths, memory: MemoryStore, damage: dict[str, Any]) -> None:
    keep(paths, of(52001))
    RunMetadata(paths).keep([run(52001, tags=[{"name": "late"}])])
    kept = json.loads(paths.run_metadata("052").read_text())
    paths.run_metadata("052").write_text(json.dumps({"052001": kept["052001"] | damage}))
    assert published(paths, memory).problems == []
    assert tags(memory) == {52001: "sr1_preliminary"}


def test_points_of_an_outcome_that_cannot_be_read_now_stay(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was kept of it nothing changes; without, its shelf waits. A new one costs only itself."""
    keep(paths, of(52001, 1.0), of(52002, 2.0), of(60001, 3.0))
    published(paths, memory)
    hidden, real = {"052001.json"}, cache.read_document

    def read(path: Path) -> Any:
        if path.name in hidden:
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    monkeypatch.setattr(cache, "read_document", read)
    keep(paths, of(52001, 1.5), of(52003, 4.0))
    receipt = published(paths, memory)
    assert memory.values() == {52001: 1.0, 52002: 2.0, 52003: 4.0, 60001: 3.0}
    assert any("052001.json cannot be read: Input/output error" in one for one in receipt.problems)
    shutil.rmtree(paths.cache)
    keep(paths, of(52004, 5.0), of(60002, 6.0))
    receipt = published(paths, memory)
    assert memory.values() == {52001: 1.0, 52002: 2.0, 52003: 4.0, 60001: 3.0, 60002: 6.0}
    assert any("kr83m/v1/052: not published, or the points of 052001" in one for one in receipt.problems)
    hidden |= {"060003.json"}
    keep(paths, of(60003, 7.0), of(60004, 8.0))
    published(paths, memory)
    hidden.clear()
    published(paths, memory)  # no folder has changed
    values = {52001: 1.5, 52002: 2.0, 52003: 4.0, 52004: 5.0, 60001: 3.0, 60002: 6.0, 60003: 7.0, 60004: 8.0}
    assert memory.values() == values


def test_a_ledger_on_a_disk_that_takes_nothing_is_told_in_words(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    keep(paths, of(52001))
    monkeypatch.setattr(publish_module, "write_kept", refuse)
    ledger = paths.ledger / "memory/kr83m/v1/052.json"
    assert published(paths, memory).problems == [f"{ledger}: Read-only file system; nothing that was done is lost"]


# --- the form of points -----------------------------------------------------------------------------------------------


def test_a_store_is_renewed_once_before_the_first_point_of_an_analysis(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001), of(52001, analysis="other"))
    published(paths, memory)
    assert memory.renewed == [("kr83m", {"052001", "060001"}), ("other", {"052001"})]
    keep(paths, of(52002))
    published(paths, memory)
    assert len(memory.renewed) == 2


def test_a_store_without_a_point_of_an_analysis_yet_is_renewed_again(paths: Paths, memory: MemoryStore) -> None:
    """It may still have points of an earlier form: nothing came after them, or it is not known what came."""
    keep(paths, outcome(key_of(52001), []))
    published(paths, memory)
    keep(paths, of(52002))
    memory.failing = {"kr83m/v1/052"}
    published(paths, memory)
    memory.failing = set()
    published(paths, memory)
    keep(paths, of(52003))
    published(paths, memory)
    assert memory.renewed == [("kr83m", {"052001"}), *[("kr83m", {"052001", "052002"})] * 2]


def test_a_ledger_of_an_earlier_form_publishes_everything_once(paths: Paths, memory: MemoryStore) -> None:
    keep(paths, of(52001), of(60001))
    published(paths, memory)
    for shelf in ("052", "060"):
        ledger = paths.ledger / f"memory/kr83m/v1/{shelf}.json"
        old = {run: fingerprint.partition(":")[2] for run, fingerprint in json.loads(ledger.read_text()).items()}
        ledger.write_text(json.dumps(old))
    (paths.ledger / "memory/stamps.json").write_text(json.dumps({f"kr83m/v1/{one}": "1  2" for one in ("052", "060")}))
    memory.renewed.clear()
    assert published(paths, memory).outcomes == 2
    assert memory.renewed == [("kr83m", {"052001", "060001"})]
    assert published(paths, memory).outcomes == 0


def test_points_of_a_shelf_that_cannot_be_published_now_are_not_renewed(
    paths: Paths, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be removed, and not written again before its outcomes can be read."""
    keep(paths, of(52001), of(52002), of(60001))
    real = cache.read_document

    def read(path: Path) -> Any:
        if path.name == "052001.json":
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    monkeypatch.setattr(cache, "read_document", read)
    published(paths, memory)
    assert memory.renewed == [("kr83m", {"060001"})]

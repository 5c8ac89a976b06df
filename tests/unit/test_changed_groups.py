"""What a tick would change because groups of runs are no longer what they were, and what the newest results are."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import NOW, keep, key_of, outcome, result, typed
from xomflow.core import times
from xomflow.core.files import folder_marks
from xomflow.core.files.folder_marks import check_folders, mark, mark_folders
from xomflow.core.key import Key, group_id
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import JobCounts, OldestReady, name_among, oldest_of
from xomflow.core.verdicts import Mark, SeriesId, Verdict
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.current import Groups, Revision
from xomflow.outcomes.campaigns.group_changes import GroupChanges, group_changes
from xomflow.outcomes.campaigns.groups import CurrentResults, KnownGroups, read_groups, write_groups
from xomflow.outcomes.files import superseded_path
from xomflow.page import chunk
from xomflow.page.files import read_head, read_source, with_head, write_if_new
from xomflow.page.newest import merged, newest_results, newest_verdicts

METHOD = ("kr83m", "v1")
ONE, TWO = (52001, 52002), (52003, 52004)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Results of two groups."""
    made = Paths(tmp_path / "work")
    for numbers in (ONE, TWO):
        runs = [f"{number:06d}" for number in numbers]
        keep(made, outcome(Key(*METHOD, group_id(numbers)), run={"runs": runs, "runs_missing": []}))
    return made


def changes(paths: Paths, *members: tuple[int, ...], given_up: Any = None, **groups: Any) -> GroupChanges:
    known = {METHOD: KnownGroups(Groups(members, **groups))}
    ((method, found),) = group_changes(paths, known, *([given_up] if given_up else []))
    assert method == METHOD
    return found


def names(*groups: tuple[int, ...]) -> frozenset[str]:
    return frozenset(map(group_id, groups))


# --- groups -----------------------------------------------------------------------------------------------------------
def test_results_of_groups_that_go_without_others_are_lost(paths: Paths) -> None:
    assert changes(paths, ONE, TWO) == GroupChanges(frozenset(), frozenset())
    assert changes(paths, ONE).lost == names(TWO)
    assert changes(paths).lost == names(ONE, TWO)
    assert changes(paths, ONE, unknown=frozenset(TWO)).lost == frozenset()
    assert changes(paths, ONE, given_up={"kr83m": frozenset(TWO)}).lost == frozenset()
    assert changes(paths, ONE, given_up={"other": frozenset(TWO)}).lost == names(TWO)
    both = (*ONE, *TWO)
    runs = [f"{number:06d}" for number in both]
    keep(paths, outcome(Key(*METHOD, group_id(both)), run={"runs": runs, "runs_missing": []}))
    assert changes(paths, both).lost == frozenset(), "another result has all their runs"
    for group in (ONE, TWO):
        path = paths.outcome(Key(*METHOD, group_id(group)))
        path.rename(superseded_path(path))
    write_groups(paths, {METHOD: KnownGroups(Groups((both,)))})
    assert changes(paths, ONE, TWO) == GroupChanges(frozenset(), frozenset()), "they have their own results again"


def test_results_that_are_made_anew_count_once_and_only_beside_the_groups_of_the_tick_before(paths: Paths) -> None:
    longer = (*ONE, 52009)
    assert changes(paths, longer, TWO).regrouped == frozenset()
    write_groups(paths, {("other", "v1"): KnownGroups(Groups((ONE,)))})
    assert changes(paths, longer, TWO).regrouped == frozenset()
    write_groups(paths, {METHOD: KnownGroups(Groups((ONE, TWO)))})
    assert changes(paths, longer, TWO).regrouped == names(ONE)
    assert changes(paths, TWO, unknown=frozenset(ONE)).regrouped == frozenset()
    assert changes(paths, longer, (*TWO, 52010)).regrouped == names(ONE, TWO)
    write_groups(paths, {METHOD: KnownGroups(Groups((longer, TWO)))})
    assert changes(paths, longer, (*TWO, 52010)).regrouped == names(TWO)
    assert changes(paths, longer, TWO).regrouped == frozenset()


def test_results_are_made_anew_where_an_analysis_takes_groups_instead_of_single_runs_or_the_reverse(
    tmp_path: Path,
) -> None:
    made = Paths(tmp_path / "work")
    keep(made, *(outcome(key_of(number, *METHOD)) for number in ONE))
    assert changes(made, ONE).regrouped == {"052001", "052002"}
    write_groups(made, {METHOD: KnownGroups(Groups((ONE,)))})
    assert changes(made, ONE).regrouped == frozenset(), "the tick before has seen it"
    other = Paths(tmp_path / "other")
    keep(other, outcome(Key(*METHOD, group_id((52001,))), run={"runs": ["052001"], "runs_missing": []}))
    write_groups(other, {METHOD: KnownGroups(Groups(((52001,),)))})
    assert changes(other, (52001,)).regrouped == frozenset()
    assert changes(other, (52001,), single=True).regrouped == names((52001,))


def test_current_results_are_those_of_todays_groups_without_vetoed_runs_each_with_why_it_stays(paths: Paths) -> None:
    longer, shelf, both = (*ONE, 52009), Shelf(*METHOD, "052"), (*ONE, *TWO)
    one, two, whole = map(group_id, (ONE, TWO, both))
    today = {METHOD: KnownGroups(Groups((longer, TWO)))}
    outcomes = OutcomeCache(paths).outcomes(shelf)
    stays = "it stays until there is a result with run 052009 too"
    keep(paths, outcome(Key(*METHOD, "052001")))
    current = CurrentResults(paths, today)
    assert current.of(shelf, outcomes).keys() == {one, two}
    assert current.marks(shelf) == {one: stays}
    assert current.marks(Shelf(*METHOD, "060")) == {}
    assert current.describe(52001) == [f"kr83m v1 result {one} of 2 runs: current: {stays}"]
    assert current.describe(52003) == [f"kr83m v1 result {two} of 2 runs: current"]
    assert current.vetoed_in(shelf) == set()
    before = CurrentResults(paths, {METHOD: KnownGroups(Groups((ONE, TWO)))})
    others = [Shelf(*METHOD, "060"), Shelf("other", "v1", "052")]
    assert [current.fingerprint(one) == before.fingerprint(one) for one in (shelf, *others)] == [False, True, True]
    write_decision(paths, Decision(Verb.VETO, Subject("kr83m", runs=("052003",)), "kim", NOW, "a valve"))
    vetoed = CurrentResults(paths, today)
    assert vetoed.of(shelf, outcomes).keys() == {one}
    assert vetoed.vetoed_in(shelf) == {"052003"}
    write_decision(paths, Decision(Verb.VETO, Subject("rate", runs=("052003",)), "kim", NOW, "a valve"))
    assert [vetoed.shelves(of) for of in (shelf, *others)] == [["052"], ["060"], ["052"]]
    of_rate = [CurrentResults(paths, today).fingerprint(Shelf("rate", "v1", name)) for name in ("052", "060")]
    assert (of_rate[0] != "", of_rate[1]) == (True, ""), "its single runs can be vetoed too"
    runs = [f"{number:06d}" for number in both]
    keep(paths, outcome(Key(*METHOD, whole), run={"runs": runs, "runs_missing": []}))
    joined = CurrentResults(paths, {METHOD: KnownGroups(Groups((both,)))})
    assert set(joined.describe(52003)) == {
        f"kr83m v1 result {whole} of 4 runs: current",
        f"kr83m v1 result {two} of 2 runs: superseded: these results have its runs: {whole}",
    }


def test_files_have_the_names_of_what_they_are_in_todays_groups(paths: Paths) -> None:
    both, folder = (*ONE, *TWO), paths.shelves(*METHOD) / "052"
    one, two, whole = map(group_id, (ONE, TWO, both))
    runs = [f"{number:06d}" for number in both]
    keep(paths, outcome(Key(*METHOD, whole), run={"runs": runs, "runs_missing": []}))

    def renamed(*groups: tuple[int, ...]) -> tuple[list[str], set[str]]:
        problems = CurrentResults(paths, {METHOD: KnownGroups(Groups(groups))}).rename()
        return problems, {path.name for path in folder.iterdir() if path.is_file()}

    in_its_place = folder / f"{one}.superseded.json"
    in_its_place.mkdir()
    problems, names = renamed(both)
    assert problems == [f"{folder}/{one}.json cannot be renamed to {one}.superseded.json: Is a directory"]
    assert names == {f"{one}.json", f"{two}.superseded.json", f"{whole}.json"}
    in_its_place.rmdir()
    assert renamed(both) == ([], {f"{one}.superseded.json", f"{two}.superseded.json", f"{whole}.json"})
    assert renamed(ONE, TWO) == ([], {f"{one}.json", f"{two}.json", f"{whole}.superseded.json"})


def test_the_groups_of_today_are_read_as_they_were_left(paths: Paths) -> None:
    revisions = {group_id(ONE): Revision(ONE, (52009,), "2026-11-20T12:00:00Z")}
    known = {METHOD: KnownGroups(Groups((ONE, TWO), frozenset({52009}), True), revisions)}
    write_groups(paths, known)
    assert read_groups(paths) == known


def test_a_result_of_no_runs_is_none(paths: Paths) -> None:
    place = paths.outcome(Key(*METHOD, "052005-0bea"))
    place.write_text(json.dumps(outcome(Key(*METHOD, "052005-0bea"), run={"runs": [], "runs_missing": []})))
    assert changes(paths, ONE, TWO) == GroupChanges(frozenset(), frozenset())


# --- the newest results -----------------------------------------------------------------------------------------------
def made(number: int, start: str | None, **results: Any) -> Any:
    return typed(outcome(key_of(number), [result("a", **results)], run={"start": start}))


def test_of_each_variable_the_newest_result_counts_with_its_verdict() -> None:
    old, new = made(52002, times.text(NOW), value=1.23456789012), made(52001, times.text(NOW + timedelta(hours=1)))
    seconds = int(NOW.timestamp())
    newest = newest_results([new, old])
    assert (newest["a"]["run"], newest["a"]["start"]) == ("052001", seconds + 3600)
    assert newest_results([old, new]) == newest
    entry = newest_results([old])["a"]
    assert entry == {
        "run": "052002",
        "start": seconds,
        "mode": "tpc_kr83m",
        "value": 1.23456789,
        "error": 0.1,
        "unit": "PE/keV",
    }
    verdicts = {"a": {"run": "052002", "start": "x", "expected": 1.0}, "b": {"run": "052002"}}
    assert merged([(newest_results([old]), verdicts)]) == {"a": {**entry, "expected": 1.0}}
    assert merged([(newest, {}), (newest_results([old]), verdicts)]) == newest
    assert merged([(newest_results([old]), {}), (newest, verdicts)]) == newest


def test_the_newest_verdict_is_that_of_any_group_of_modes() -> None:
    def verdict(run: str, start: str, **more: Any) -> Verdict:
        return Verdict(**{**dict.fromkeys(Verdict._fields), "run": run, "start": start, "mark": Mark.NONE, **more})

    one, two = (SeriesId("kr83m", "v1", group, "a") for group in ("all", "kr"))
    early = verdict("052001", "2026-01-01T00:00:00Z", expected=1.23456789, low=1.0, high=2.0, deviation=0.5)
    late = verdict("052002", "2026-01-02T00:00:00Z", mark=Mark.OUTLIER)
    expected = {"run": "052002", "start": late.start, "mark": "outlier"}
    assert (
        newest_verdicts({one: [early], two: [late]}) == newest_verdicts({two: [late], one: [early]}) == {"a": expected}
    )
    assert newest_verdicts({one: [late, early]})["a"] == {
        "run": "052001",
        "start": early.start,
        "expected": 1.23457,
        "low": 1.0,
        "high": 2.0,
        "deviation": 0.5,
    }


# --- files of the page ------------------------------------------------------------------------------------------------
def test_a_column_is_one_value_only_where_all_are_the_same_in_kind_too() -> None:
    for values, column in (
        ([5], 5),
        ([5, 5], 5),
        ([None, None], None),
        ([5, 6], [5, 6]),
        ([1, 1.0], [1, 1.0]),
        ([1, True], [1, True]),
        (["a", "".join(["a"])], "a"),
    ):
        found = chunk._column(values)
        assert (found, repr(found)) == (column, repr(column))


def test_a_file_of_the_page_shows_what_it_was_made_of(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    assert (read_source(file), read_head(file)) == (None, None)
    write_if_new(file, with_head("body\n", {"a": 1}, "place", "source"))
    head = read_head(file)
    assert head
    assert (head.facts, head.source, read_source(file)) == ({"a": 1}, "source", "source")
    before = file.stat().st_ino
    write_if_new(file, with_head("body\n", {"a": 1}, "place", "source"))
    assert file.stat().st_ino == before
    write_if_new(file, with_head("other\n", {"a": 1}, "place"))
    other = read_head(file)
    assert other
    assert (other.source, read_source(file), other.stamp == head.stamp) == ("", "", False)
    for content in ("", "body", "// x\n// {}\n", "// 1 abc\n// [1]\n", "// 1 é\n"):
        file.write_text(content, encoding="utf-8")
        assert read_head(file) is None
    file.unlink()
    file.mkdir()
    (file / "in").touch()
    write_if_new(file, b"new")
    assert file.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    write_if_new(tmp_path / "link", b"new")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "link").read_bytes()) == (False, b"new")
    assert (tmp_path / "folder").is_dir()


# --- summaries and marks ----------------------------------------------------------------------------------------------
def test_the_oldest_ready_run_of_each_analysis_is_the_one_that_ended_first() -> None:
    ready = [(key_of(1), NOW), (key_of(2), NOW - timedelta(hours=1)), (key_of(3), NOW), (key_of(4), None)]
    found = oldest_of([*ready, (key_of(5, "other"), NOW), (key_of(6, "none"), None)])
    assert found == {"kr83m": OldestReady("000002", NOW - timedelta(hours=1)), "other": OldestReady("000005", NOW)}
    counts = {"kr83m": JobCounts(), "kr83m+v2": JobCounts()}
    assert [name_among(counts, key_of(1, version=one)) for one in ("v1", "v2")] == ["kr83m", "kr83m+v2"]


def test_figures_that_cannot_be_marked_cost_no_tick_and_results_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path / "work")
    monkeypatch.chdir(tmp_path)
    write = folder_marks.write_atomically

    def refuse(folder: Path) -> None:
        def write_elsewhere(path: Path, content: str) -> None:
            if path == mark(folder):
                raise OSError(30, "Read-only file system")
            write(path, content)

        monkeypatch.setattr(folder_marks, "write_atomically", write_elsewhere)

    refuse(paths.all_figures)
    mark_folders(paths, local_store=True)
    assert set((paths.work / ".xom-work").read_text().split("\n")[:-1]) >= {"outcomes", "decisions", "store"}
    assert "figures" not in (paths.work / ".xom-work").read_text()
    check_folders(paths)
    refuse(paths.outcomes)
    mark(paths.outcomes).unlink()
    with pytest.raises(OSError, match="Read-only"):
        mark_folders(paths, local_store=True)

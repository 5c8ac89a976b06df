"""The writer of the page: what its data files hold, and that no text gets out of them."""

import json
import math
import random
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# The factory of outcomes is shared with the tests in a browser.
from page_outcomes import NOW, outcome, result, status

from support.factory import typed
from xomflow import page

ANY_TEXT = st.text(st.characters(exclude_categories=()))
KEY = ("event_rate", "v1", "052")


def statement(path: Path) -> str:
    """The last line of a data file, which is its one statement."""
    return path.read_text(encoding="ascii").splitlines()[-1]


def content(path: Path) -> Any:
    """What a browser would get from a data file: the string literal undone, then the JSON in it."""
    found = re.fullmatch(r"xom\.receive\('(\w+)','((?:[^'\\]|\\.)*)'\);", statement(path))
    assert found is not None
    return json.loads(re.sub(r"\\(.)", r"\1", found.group(2)))


def written(folder: Path, *outcomes: dict[str, Any]) -> Any:
    page.write_chunk(folder, *KEY, map(typed, outcomes))
    return content(folder / "data/event_rate/v1/052.js")


@given(text=ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back_and_never_leaves_its_string(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("page")
    page.write_status(folder, status(NOW, problems=[text, {text: text}]))
    assert content(folder / "data/status.js")["problems"] == [text, {text: text}]
    assert not re.search(r"[<\u2028\u2029\r]", statement(folder / "data/status.js"))


@given(tags=st.lists(ANY_TEXT, max_size=3), comment=ANY_TEXT, reason=ANY_TEXT, variable=ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_texts_of_outcomes_come_back(
    tmp_path_factory: pytest.TempPathFactory, tags: list[str], comment: str, reason: str, variable: str
) -> None:
    made = outcome(results=[result(variable, None, insufficient=reason)], run={"tags": tags, "comments": [comment]})
    chunk = written(tmp_path_factory.mktemp("page"), made)
    table, runs = chunk["table"], chunk["runs"]
    assert (tags == [] and runs["tags"] is None) or table[runs["tags"]] == tags
    assert table[runs["comments"]] == [comment]
    assert table[chunk["variables"][variable]["insufficient"]] == reason


def test_script_end_in_a_tag_is_escaped(tmp_path: Path) -> None:
    written(tmp_path, outcome(run={"tags": ["</script><script>alert(1)</script>"]}))
    assert "</script" not in (tmp_path / "data/event_rate/v1/052.js").read_text()


def test_chunk_is_the_same_whatever_the_order_of_outcomes(tmp_path: Path) -> None:
    outcomes = [outcome(52800 + i, start=NOW + timedelta(hours=i), run={"tags": [f"t{i % 3}"]}) for i in range(40)]
    first = written(tmp_path, *outcomes)
    before = (tmp_path / "data/event_rate/v1/052.js").read_bytes()
    random.Random(1).shuffle(outcomes)
    assert written(tmp_path, *outcomes) == first
    assert (tmp_path / "data/event_rate/v1/052.js").read_bytes() == before


def test_chunk_keeps_every_number_of_a_run(tmp_path: Path) -> None:
    chunk = written(
        tmp_path,
        outcome(52890, [result("rate", 1.25, error=0.5, n=7, limit="upper", data={"sigma": 2.0})]),
        outcome(52891, [result("rate", 2.5, error=None, n=None), result("other", 3.0)]),
    )
    rate = chunk["variables"]["rate"]
    assert chunk["runs"]["number"] == [52890, 52891]
    assert chunk["runs"]["start"] == [int(NOW.timestamp())] * 2
    assert (rate["run"], rate["value"], rate["error"], rate["n"]) == ([0, 1], [1.25, 2.5], [0.5, None], [7, None])
    assert chunk["table"][rate["limit"][0]] == "upper" and rate["limit"][1] is None
    assert rate["data"] == {"sigma": [2.0, None]}
    assert chunk["variables"]["other"]["run"] == [1]


def test_a_chunk_has_both_sides_of_errors_only_where_they_differ(tmp_path: Path) -> None:
    sides = {"error": 0.5, "error_low": 0.25, "error_high": 0.5}
    chunk = written(tmp_path, outcome(52890, [result("rate", **sides), result("other")]))
    rate = chunk["variables"]["rate"]
    assert (rate["error"], rate["error_low"], rate["error_high"]) == (0.5, 0.25, 0.5)
    assert "error_low" not in chunk["variables"]["other"]


def test_column_of_one_value_stands_once(tmp_path: Path) -> None:
    chunk = written(tmp_path, *[outcome(52800 + i) for i in range(10)])
    assert chunk["runs"]["attempt"] == 1
    assert chunk["table"].count("background_stable") == 1


def test_result_without_a_number_is_kept(tmp_path: Path) -> None:
    chunk = written(tmp_path, outcome(results=[result(value=None, error=None, insufficient="12 events, 50 needed")]))
    rate = chunk["variables"]["rate"]
    assert rate["value"] is None
    assert chunk["table"][rate["insufficient"]] == "12 events, 50 needed"


def test_no_outcome_removes_the_chunk(tmp_path: Path) -> None:
    written(tmp_path, outcome())
    page.write_chunk(tmp_path, *KEY, [])
    assert not (tmp_path / "data/event_rate/v1/052.js").exists()


def test_no_outcome_and_no_chunk_is_no_error(tmp_path: Path) -> None:
    page.write_chunk(tmp_path, *KEY, [])
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("changes", [{"value": "bad"}, {"error": "bad"}, {"data": {"sigma": "bad"}}])
def test_nan_and_infinity_are_refused_with_run_and_variable(
    tmp_path: Path, bad: float, changes: dict[str, Any]
) -> None:
    field = next(iter(changes))
    made = result(**({"data": {"sigma": bad}} if field == "data" else {field: bad}))
    with pytest.raises(ValueError, match=rf"event_rate v1 rate run 052894: {field}.* is -?(nan|inf)"):
        page.write_chunk(tmp_path, *KEY, [typed(outcome(results=[made]))])
    assert not (tmp_path / "data").exists()


def test_nan_in_the_status_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"status: tick\.interval_hint_s is nan"):
        page.write_status(tmp_path, status(NOW, tick={"interval_hint_s": math.nan}))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (outcome(status="failed"), "is 'failed'"),
        (outcome(key={"version": "v2"}), "does not belong"),
        (outcome(53001), "does not belong"),
    ],
)
def test_foreign_outcomes_are_refused(tmp_path: Path, made: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        page.write_chunk(tmp_path, *KEY, [typed(made)])


def test_run_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="052894 was given twice"):
        page.write_chunk(tmp_path, *KEY, [typed(outcome()), typed(outcome())])


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "x\n"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        page.write_chunk(tmp_path, name, "v1", "052", [])


def test_index_lists_chunks_with_stamp_runs_and_times(tmp_path: Path) -> None:
    written(tmp_path, outcome(52890), outcome(52891, start=NOW + timedelta(days=1)))
    page.write_index(tmp_path, [KEY])
    ((*key, stamp, runs, first, last),) = content(tmp_path / "data/index.js")["chunks"]
    assert (tuple(key), runs) == (KEY, 2)
    assert (first, last - first) == (int(NOW.timestamp()), 86400)
    assert re.fullmatch("[0-9a-f]{12}", stamp)


def test_stamp_changes_with_the_content_only(tmp_path: Path) -> None:
    def stamp() -> str:
        page.write_index(tmp_path, [KEY])
        return content(tmp_path / "data/index.js")["chunks"][0][3]

    written(tmp_path, outcome())
    first = stamp()
    written(tmp_path, outcome())
    assert stamp() == first
    written(tmp_path, outcome(results=[result(value=2.0)]))
    assert stamp() != first


def test_chunk_that_is_gone_is_not_listed(tmp_path: Path) -> None:
    page.write_index(tmp_path, [KEY])
    assert content(tmp_path / "data/index.js") == {"chunks": []}


def test_a_file_that_is_no_chunk_is_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "data/event_rate/v1/052.js"
    path.parent.mkdir(parents=True)
    path.write_text("alert(1)")
    page.write_index(tmp_path, [KEY])
    assert content(tmp_path / "data/index.js") == {"chunks": []}
    assert not page.has_chunk(tmp_path, *KEY)


def test_frame_is_written_once_and_mended(tmp_path: Path) -> None:
    page.write_frame(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "page.css").write_text("broken")
    page.write_frame(tmp_path)
    changed = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != times[path.name]}
    assert changed == {"page.css"}
    assert (tmp_path / "page.css").read_text() != "broken"


def test_nothing_temporary_is_left(tmp_path: Path) -> None:
    written(tmp_path, outcome())
    page.write_status(tmp_path, status(NOW))
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"052.js", "status.js"}


def test_frame_names_only_files_that_it_brings(tmp_path: Path) -> None:
    page.write_frame(tmp_path)
    named = re.findall(r'(?:src|href)="([^"#]+)"', (tmp_path / "index.html").read_text())
    assert len(named) > 5
    assert [name for name in named if not (tmp_path / name).is_file()] == []


def test_frame_has_no_script_or_style_of_its_own_in_the_markup(tmp_path: Path) -> None:
    page.write_frame(tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert "unsafe" not in text
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", text)

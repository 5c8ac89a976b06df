"""The writer of the page: what its data files hold, and that no text gets out of them."""

import json
import math
import os
import random
import re
import time
from collections.abc import Iterator
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
from xomflow.core.verdicts import Alarm, AlarmState, Kind, Mark, SeriesId, Verdict
from xomflow.page.files import FORM

ANY_TEXT = st.text(st.characters(exclude_categories=()))
KEY = ("event_rate", "v1", "052")


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose time is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


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


def test_a_chunk_names_campaigns_and_jobs_and_nothing_that_is_empty(tmp_path: Path) -> None:
    job = {"batch_job": {"system": "Slurm", "job": "17"}}
    campaign = outcome(52890, key={"run": "052890-0bea"}, provenance={**outcome()["provenance"], **job})
    chunk = written(tmp_path, campaign, outcome(52891))
    names = [chunk["runs"][name] for name in ("id", "batch_job")]
    assert [[place if place is None else chunk["table"][place] for place in column] for column in names] == [
        ["052890-0bea", None],
        ["Slurm 17", None],
    ]
    assert chunk["runs"]["tags"] is None and [] not in chunk["table"]


def test_equal_texts_lists_and_mappings_of_a_chunk_stand_once_and_others_apart(tmp_path: Path) -> None:
    made = [{"strax": "2.2.3"}, {"strax": "2.2.4"}, {"strax": "2.2.3"}]
    provenance = [{**outcome()["provenance"], "versions": versions, "git": "strax"} for versions in made]
    tags = [["strax"], [], ["strax"]]
    chunk = written(
        tmp_path,
        *[outcome(52890 + i, provenance=one, run={"tags": tags[i]}) for i, one in enumerate(provenance)],
    )
    table, runs = chunk["table"], chunk["runs"]
    assert [table[place] for place in runs["versions"]] == made
    assert [place if place is None else table[place] for place in runs["tags"]] == [["strax"], None, ["strax"]]
    assert table[runs["git"]] == "strax"
    assert [table.count(one) for one in ({"strax": "2.2.3"}, ["strax"], "strax")] == [1, 1, 1]


def test_a_chunk_has_both_sides_of_errors_only_where_they_differ(tmp_path: Path) -> None:
    sides = {"error": 0.5, "error_low": 0.25, "error_high": 0.5}
    chunk = written(tmp_path, outcome(52890, [result("rate", **sides), result("other")]))
    rate = chunk["variables"]["rate"]
    assert (rate["error"], rate["error_low"], rate["error_high"]) == (0.5, 0.25, 0.5)
    assert "error_low" not in chunk["variables"]["other"]


@pytest.mark.usefixtures("in_tokyo")
def test_a_chunk_has_numbers_to_nine_digits_and_times_in_seconds_of_utc(tmp_path: Path) -> None:
    ends = ["2026-09-25T13:00:00Z", "2026-09-25T13:00:00", "2026-09-25T15:00:01.5+02:00", None]
    chunk = written(
        tmp_path, *[outcome(52890 + i, [result(value=1 / 3)], run={"end": end}) for i, end in enumerate(ends)]
    )
    assert chunk["variables"]["rate"]["value"] == 0.333333333
    assert [end and end - int(NOW.timestamp()) for end in chunk["runs"]["end"]] == [3600, 3600, 3601, None]


def test_column_of_one_value_stands_once(tmp_path: Path) -> None:
    chunk = written(tmp_path, *[outcome(52800 + i) for i in range(10)])
    assert chunk["runs"]["attempt"] == 1
    assert chunk["table"].count("background_stable") == 1
    results = [[result(data={"good": good})] for good in (True, 1)]
    good = written(tmp_path, *map(outcome, (52800, 52801), results))["variables"]["rate"]["data"]["good"]
    assert good == [True, 1] and good[0] is True


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
    page.write_bands(tmp_path, *KEY, {}, "")
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
        page.write_status(tmp_path, status(NOW, tick={"waited_s": 1.5, "interval_hint_s": math.nan}))


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
    ((*key, stamp, runs, first, last, results, modes, bands),) = content(tmp_path / "data/index.js")["chunks"]
    assert (tuple(key), runs, results, modes, bands) == (KEY, 2, 2, ["background_stable"], None)
    assert (first, last - first) == (int(NOW.timestamp()), 86400)
    assert re.fullmatch("[0-9a-f]{12}", stamp)


def test_modes_in_the_index_are_of_the_runs_that_have_one(tmp_path: Path) -> None:
    written(tmp_path, outcome(52890, run={"mode": ""}), outcome(52891))
    page.write_index(tmp_path, [KEY])
    assert content(tmp_path / "data/index.js")["chunks"][0][-2] == ["background_stable"]


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


def test_index_is_made_anew_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, outcome())
    page.write_index(tmp_path, [KEY])
    index = tmp_path / "data/index.js"
    later = index.stat().st_mtime_ns + 1_000_000_000
    os.utime(index, ns=(later, later))
    with monkeypatch.context() as patch:
        patch.delattr(page, "read_head")
        page.write_index(tmp_path, [KEY])
    page.write_index(tmp_path, [])
    assert content(index) == {"chunks": []}, "other chunks are a change"
    page.write_index(tmp_path, [KEY])
    os.utime(index, ns=(1, 1))
    page.write_chunk(tmp_path, *KEY, [typed(outcome(results=[result("other", 2.0)]))])
    page.write_index(tmp_path, [KEY])
    assert list(content(tmp_path / "data/newest.js")["event_rate"]["v1"]) == ["other"]
    os.utime(index, ns=(1, 1))
    page.write_index(tmp_path, [KEY])
    assert index.stat().st_mtime_ns > 1, "it is as new as what was read"


def test_an_analysis_that_is_removed_leaves_the_index(tmp_path: Path) -> None:
    written(tmp_path, outcome())
    page.write_index(tmp_path, [KEY])
    for _ in range(2):  # again where nothing is left
        page.remove_chunks(tmp_path, "event_rate")
        page.write_index(tmp_path, [KEY])
        assert content(tmp_path / "data/index.js") == {"chunks": []}


HEAD = f"// {FORM} 0123456789ab \n// "


@pytest.mark.parametrize(
    "text", ["alert(1)", "alert(1)\n{}", "\xff", f"{HEAD}\xff", f"{HEAD}[]", f"{HEAD}" + '{"runs"']
)
def test_a_file_that_is_no_chunk_is_not_listed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data/event_rate/v1/052.js"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="latin-1")
    page.write_index(tmp_path, [KEY])
    assert content(tmp_path / "data/index.js") == {"chunks": []}
    assert page.has_chunk(tmp_path, *KEY) == (text.isascii() and HEAD in text)


def test_chunk_of_an_older_version_counts_as_none(tmp_path: Path) -> None:
    """Its first line is another; so the next tick writes it anew."""
    path = tmp_path / "data/event_rate/v1/052.js"
    path.parent.mkdir(parents=True)
    path.write_text("// xom-page-1 0123456789ab 1 2 3\nxom.receive('chunk','{}');\n")
    assert not page.has_chunk(tmp_path, *KEY)


def test_newest_result_of_each_variable_is_listed_by_version(tmp_path: Path) -> None:
    results = [result("rate", 2.0, data={"quality": "poor"}), result("other", None, insufficient="2 events")]
    made = [outcome(52890, start=NOW + timedelta(hours=1)), outcome(52894, results)]
    page.write_chunk(tmp_path, *KEY, map(typed, made))
    old = outcome(51000, [result("old", 3.0)], start=NOW - timedelta(days=9))
    page.write_chunk(tmp_path, *KEY[:2], "051", [typed(old)])
    page.write_index(tmp_path, [KEY, (*KEY[:2], "051")])
    newest = content(tmp_path / "data/newest.js")["event_rate"]["v1"]
    assert {name: one["run"] for name, one in newest.items()} == {"old": "051000", "rate": "052890", "other": "052894"}
    assert newest["other"]["insufficient"] == "2 events" and "value" not in newest["other"]
    assert newest["rate"] == {
        **{"run": "052890", "start": int(NOW.timestamp()) + 3600, "mode": "background_stable"},
        **{"value": 1.0, "error": 0.1, "unit": "Hz"},
    }


SERIES = SeriesId("event_rate", "v1", "all", "rate")


def judged(run: str, deviation: float | None = 4.95, mark: Mark = Mark.OUTLIER) -> Verdict:
    expected = None if deviation is None else (1.0, 0.7123456789, 1.3)
    return Verdict(run, "2026-09-25T12:00:00Z", 1.5, *(expected or (None,) * 3), deviation, mark)


def test_newest_is_what_began_last_whatever_its_number(tmp_path: Path) -> None:
    page.write_chunk(tmp_path, *KEY, [typed(outcome(52894))])
    page.write_chunk(tmp_path, *KEY[:2], "053", [typed(outcome(53001, start=NOW - timedelta(days=9)))])
    page.write_index(tmp_path, [KEY, (*KEY[:2], "053")])
    (rate,) = content(tmp_path / "data/newest.js")["event_rate"]["v1"].values()
    assert rate["run"] == "052894"


def test_a_folder_in_the_place_of_a_file_gives_way(tmp_path: Path) -> None:
    (tmp_path / "data/index.js/more").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data/newest.js").symlink_to(tmp_path / "elsewhere")
    page.write_index(tmp_path, [])
    assert content(tmp_path / "data/index.js") == {"chunks": []}
    assert content(tmp_path / "data/newest.js") == {}
    assert (tmp_path / "elsewhere").is_dir()


def test_bands_have_what_was_expected_by_run(tmp_path: Path) -> None:
    verdicts = [judged("052893", None, Mark.NONE), judged("052894-3f2a")]
    page.write_bands(tmp_path, *KEY, {SERIES: verdicts}, "source 1")
    assert content(tmp_path / "data/event_rate/v1/052.bands.js")["variables"] == {
        "rate": [
            {
                "group": "all",
                "run": [52893, 52894],
                "expected": [None, 1.0],
                "low": [None, 0.712346],
                "high": [None, 1.3],
                "deviation": [None, 4.95],
                "mark": [None, "outlier"],
            }
        ]
    }
    assert page.bands_source(tmp_path, *KEY) == "source 1"


def test_newest_result_has_the_verdict_on_it_and_no_other(tmp_path: Path) -> None:
    written(tmp_path, outcome(52894))

    def newest() -> Any:
        page.write_index(tmp_path, [KEY])
        return content(tmp_path / "data/newest.js")["event_rate"]["v1"]["rate"]

    page.write_bands(tmp_path, *KEY, {SERIES: [judged("052894")]}, "1")
    assert (newest()["deviation"], newest()["mark"]) == (4.95, "outlier")
    assert newest()["start"] == int(NOW.timestamp())
    page.write_bands(tmp_path, *KEY, {SERIES: [judged("052893")]}, "2")
    assert "deviation" not in newest()


def test_stamp_of_the_bands_is_in_the_index_as_long_as_there_are_some(tmp_path: Path) -> None:
    written(tmp_path, outcome())

    def stamp() -> Any:
        page.write_index(tmp_path, [KEY])
        return content(tmp_path / "data/index.js")["chunks"][0][-1]

    page.write_bands(tmp_path, *KEY, {SERIES: [judged("052894")]}, "1")
    first = stamp()
    page.write_bands(tmp_path, *KEY, {SERIES: [judged("052894", 1.0)]}, "2")
    assert None not in (first, stamp()) and stamp() != first
    page.write_bands(tmp_path, *KEY, {}, "")
    assert stamp() is None and page.bands_source(tmp_path, *KEY) == ""


def test_chunk_without_outcomes_takes_its_bands_with_it(tmp_path: Path) -> None:
    written(tmp_path, outcome())
    page.write_bands(tmp_path, *KEY, {SERIES: [judged("052894")]}, "1")
    page.write_chunk(tmp_path, *KEY, [])
    assert list((tmp_path / "data/event_rate/v1").iterdir()) == []


def test_alarms_that_need_a_person_are_kept_however_old(tmp_path: Path) -> None:
    def alarm(name: str, state: AlarmState) -> Alarm:
        return Alarm(name, Kind.STEP, (SERIES,), "052894", "2026-09-25T12:00:00Z", "052897", "rate fell", state=state)

    ended = [alarm(f"e{i}", AlarmState.ENDED) for i in range(600)]
    page.write_alarms(tmp_path, [*ended, alarm("old", AlarmState.OPEN)])
    shown = [one["id"] for one in content(tmp_path / "data/alarms.js")["alarms"]]
    assert (shown[0], shown[-1], len(shown)) == ("e0", "old", 501)


def test_frame_takes_scripts_of_an_older_version_away(tmp_path: Path) -> None:
    (tmp_path / "points.js").write_text("old")
    page.write_frame(tmp_path)
    assert not (tmp_path / "points.js").exists() and (tmp_path / "results/points.js").exists()


def test_frame_is_written_once_and_mended(tmp_path: Path) -> None:
    page.write_frame(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    times = {path: path.stat().st_mtime_ns for path in files}
    (tmp_path / "page.css").write_text("broken")
    page.write_frame(tmp_path)
    changed = {path.name for path in files if path.stat().st_mtime_ns != times[path]}
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

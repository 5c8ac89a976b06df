"""Results as data: what `xomlib.results` reads, and what it leaves out."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import KEY, NOW, keep, key_of, outcome, result
from xomflow.core.key import Key, group_id
from xomflow.core.paths import Paths
from xomflow.decisions.effects import vetoes
from xomflow.decisions.files import read_decisions, write_decision
from xomflow.decisions.model import Decision, Subject, Verb, standing
from xomflow.outcomes.files import superseded_path
from xomlib import ResultsError
from xomlib.table.outcomes import Outcomes
from xomlib.table.vetoes import vetoed_runs
from xomlib.table.wanted import Wanted, newest
from xomlib.table.work_folder import find_work


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("XOM_SITE", raising=False)
    return Paths(tmp_path / "work")


def runs_of(paths: Paths, analysis: str = "kr83m", version: str = "v1") -> list[str]:
    return [row.run_id for row in Outcomes(paths.work, analysis, version).rows()]


def age(paths: Paths) -> None:
    """Make the folders of outcomes so old that what was read of them is kept."""
    for folder in paths.outcomes.rglob("*"):
        os.utime(folder, (1.7e9, 1.7e9))


# --- the site ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", ["work: data/work", "work: 'data/work' # a comment", 'work:   "data/work"'])
def test_a_site_is_found_upwards_and_names_its_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    (tmp_path / "config.yaml").write_text(f"# the site\nrundb:\n  work: other\n{line}\n")
    (tmp_path / "data/work/outcomes").mkdir(parents=True)
    (tmp_path / "deep/er").mkdir(parents=True)
    monkeypatch.delenv("XOM_SITE", raising=False)
    monkeypatch.chdir(tmp_path / "deep/er")
    assert find_work() == tmp_path / "data/work"
    monkeypatch.chdir("/")
    assert find_work(tmp_path) == find_work(tmp_path / "data/work") == tmp_path / "data/work"
    for named in (tmp_path, tmp_path / "data/work"):
        monkeypatch.setenv("XOM_SITE", str(named))
        assert find_work() == tmp_path / "data/work"


def test_a_sentence_tells_why_no_site_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XOM_SITE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResultsError, match=r"no site: neither .* give site=DIR or set \$XOM_SITE"):
        find_work()
    with pytest.raises(ResultsError, match=r"is not the folder of a site, it has no config\.yaml"):
        find_work(tmp_path)
    (tmp_path / "config.yaml").write_text("work: *elsewhere\n")
    with pytest.raises(ResultsError, match="work: is no plain text there; give the folder itself as site"):
        find_work(tmp_path)
    (tmp_path / "config.yaml").write_text("work: work\n")
    with pytest.raises(ResultsError, match="there are no results yet, or the disk is away"):
        find_work(tmp_path)


# --- what is asked for ------------------------------------------------------------------------------------------------
def test_the_newest_version_has_the_highest_number() -> None:
    assert newest(["v9", "v10", "v2"]) == "v10"
    assert newest(["v1.9", "v1.10", "draft"]) == newest(["v1.10", "10"]) == "v1.10"


def test_results_of_the_first_xom_are_never_the_newest_unless_they_are_the_only_ones() -> None:
    assert newest(["history.v2", "a1"]) == "a1"
    assert newest(["history.v1", "history.v2"]) == "history.v2"


def test_runs_are_numbers_ranges_campaigns_or_several_of_these() -> None:
    cases: list[tuple[Any, bool]] = [
        (None, True),
        (52894, True),
        ("052894", True),
        ("52801-52899", True),
        (range(52890, 52899), True),
        (["52801", 52894], True),
        ("52895-52899", False),
        (52893, False),
        ([], False),
        ("052894-0bea", False),
    ]
    assert [Wanted(runs).has("052894", [52894]) for runs, _ in cases] == [expected for _, expected in cases]
    assert Wanted("052801-0bea").has("052801-0bea", [52801, 52802])
    assert Wanted(52802).has("052801-0bea", [52801, 52802])
    for wrong in ("kr83m", "52899-52801", 1.5, True, [None]):
        with pytest.raises(ResultsError, match="is neither a run"):
            Wanted(wrong)


# --- current outcomes -------------------------------------------------------------------------------------------------
def test_failures_and_superseded_outcomes_are_left_out(paths: Paths) -> None:
    group = Key("kr83m", "v1", group_id([52800, 52801]))
    keep(paths, outcome(), outcome(group, run={"runs": ["052800", "052801"], "runs_missing": []}))
    (paths.outcome(KEY).parent / "052895.failed-1-raised-1790000000.json").write_text("{}")
    found = Outcomes(paths.work, "kr83m", "v1")
    assert ([row.run_id for row in found.rows()], found.problems) == ([group.run, "052894"], [])
    paths.outcome(group).rename(superseded_path(paths.outcome(group)))
    assert runs_of(paths) == ["052894"]


def test_of_campaigns_with_a_common_run_the_published_one_counts_until_a_tick_supersedes_it(paths: Paths) -> None:
    small, large = (Key("kr83m", "v1", group_id(numbers)) for numbers in ([52800, 52801], [52800, 52801, 52802]))
    first = outcome(small, run={"runs": ["052800", "052801"], "runs_missing": []}, ended="2026-09-25T14:00:00Z")
    runs = ["052800", "052801", "052802"]
    keep(paths, first, outcome(large, run={"runs": runs, "runs_missing": []}, ended="2026-09-26T14:00:00Z"))
    assert runs_of(paths) == [small.run]
    paths.outcome(small).rename(superseded_path(paths.outcome(small)))
    assert runs_of(paths) == [large.run]


def test_a_file_that_is_no_outcome_costs_itself_and_is_named_each_time(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(paths, outcome())
    folder = paths.outcome(KEY).parent
    (folder / "052895.json").write_text("{")
    (folder / "052896.json").write_text(json.dumps(outcome()))
    (folder / "052897.json").write_text("[]")
    (folder / "052898.json").write_text(json.dumps(outcome(key_of(52898), run={"start": 5})))
    age(paths)
    monkeypatch.setattr("xomlib.table.outcomes.time.time_ns", lambda: folder.stat().st_ctime_ns + 3_000_000_000)
    for _ in range(2):
        found = Outcomes(paths.work, "kr83m", "v1")
        assert [row.run_id for row in found.rows()] == ["052894"]
        assert len(found.problems) == 4
        assert "052896.json is left out: it is the outcome of kr83m v1 052894" in found.problems[1]


def test_outcomes_of_the_first_form_are_read(paths: Paths) -> None:
    keep(paths, outcome())
    document = outcome(schema="xom-outcome-1")
    del document["provenance"]["batch_job"]
    paths.outcome(KEY).write_text(json.dumps(document))
    assert runs_of(paths) == ["052894"]


# --- the cache --------------------------------------------------------------------------------------------------------
def test_what_was_read_is_kept_and_a_changed_folder_is_read_again(paths: Paths, monkeypatch: Any) -> None:
    keep(paths, outcome())
    age(paths)
    later = paths.outcome(KEY).parent.stat().st_ctime_ns + 3_000_000_000
    monkeypatch.setattr("xomlib.table.outcomes.time.time_ns", lambda: later)
    read: list[Path] = []
    whole = Outcomes._read
    monkeypatch.setattr(Outcomes, "_read", lambda self, path: read.append(path) or whole(self, path))
    first, second = (Outcomes(paths.work, "kr83m", "v1").rows() for _ in range(2))
    assert first == second and len(read) == 1
    keep(paths, outcome(key_of(52895)))
    assert runs_of(paths) == ["052894", "052895"] and len(read) == 3


@pytest.mark.parametrize("content", ["", "{", "null", "5", "[]", "{}", "[[1], 2, 3]", "STAMP 5", "STAMP [[1]]"])
def test_what_was_kept_in_another_form_is_read_anew(paths: Paths, monkeypatch: Any, content: str) -> None:
    keep(paths, outcome())
    age(paths)
    later = paths.outcome(KEY).parent.stat().st_ctime_ns + 3_000_000_000
    monkeypatch.setattr("xomlib.table.outcomes.time.time_ns", lambda: later)
    assert runs_of(paths) == ["052894"]
    (kept,) = (paths.work.parent / "cache").rglob("*.json")
    stamp = json.dumps(json.loads(kept.read_text())[0])
    kept.write_text(f"[{stamp}, {content.removeprefix('STAMP ')}]" if content.startswith("STAMP") else content)
    assert runs_of(paths) == ["052894"]


def test_a_folder_that_has_just_changed_is_not_kept(paths: Paths) -> None:
    keep(paths, outcome())
    Outcomes(paths.work, "kr83m", "v1").rows()
    assert not list((paths.work.parent / "cache").rglob("*.json"))


def test_nothing_is_written_into_work_and_a_cache_that_takes_nothing_is_no_error(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(paths, outcome())
    monkeypatch.setattr("xomlib.table.outcomes.time.time_ns", lambda: 2**63)
    before = sorted(paths.work.rglob("*"))
    for place in ("cache", "/proc/nothing"):
        monkeypatch.setenv("XDG_CACHE_HOME", place if place[0] == "/" else str(paths.work.parent / place))
        assert runs_of(paths) == ["052894"]
    assert sorted(paths.work.rglob("*")) == before


# --- vetoes -----------------------------------------------------------------------------------------------------------
def test_vetoes_are_those_that_ticks_see(paths: Paths) -> None:
    paths.work.mkdir()

    def decide(what: Verb, hours: int, until: int | None = None, **subject: Any) -> str:
        end = None if until is None else NOW + timedelta(hours=until)
        return write_decision(
            paths, Decision(what, Subject(**subject), "ada", NOW + timedelta(hours=hours), "noise", end)
        ).name

    first = decide(Verb.VETO, -9, runs=("052894", "052895"))
    decide(Verb.VETO, -8, analysis="kr83m", runs=("052896",), until=-1)
    decide(Verb.VETO, -8, analysis="other", runs=("052897",))
    decide(Verb.VETO, 1, runs=("052890",))
    decide(Verb.VETO, -8, runs=("052891",), until=0)
    decide(Verb.VETO, 0, runs=("052892", "052893-0bea"))
    whole = decide(Verb.VETO, -7, runs=("052898",))
    some = decide(Verb.VETO, -6, runs=("052899", "052900"))
    decide(Verb.WITHDRAW, -5, decisions=(whole,))
    decide(Verb.WITHDRAW, -4, decisions=(some,), runs=("052899",))
    whole_file = json.loads((paths.decisions / first).read_text())
    decide(Verb.VETO, -3, runs=("052901",), until=1)
    odd = [{"when": "today"}, {"when": 5}, {"subject": ...}, {"until": "never"}, {"why": ...}, {"subject": []}]
    odd += [{"subject": {"runs": runs}} for runs in ("052894", [52894], ["the ill"], ["052894 "])]
    odd += [{"subject": {"runs": ["052894"], "decisions": 5}}]
    changed = [{name: value for name, value in {**whole_file, **one}.items() if value is not ...} for one in odd]
    for number, content in enumerate(["{", "[]", "5", "null", *map(json.dumps, changed)]):
        (paths.decisions / f"odd-{number}.json").write_text(content)
    for name, run in ((".hidden.json", "052902"), ("notes.txt", "052903")):
        (paths.decisions / name).write_text(json.dumps({**whole_file, "subject": {"runs": [run]}}))
    (paths.decisions / "folder.json").mkdir()
    expected = vetoes(standing(read_decisions(paths).made, NOW), "kr83m")
    assert vetoed_runs(paths.work, "kr83m", NOW) == expected
    assert sorted(expected) == [52892, 52893, 52894, 52895, 52900, 52901, 52903]
    assert vetoed_runs(paths.work / "none", "kr83m", NOW) == {}


# --- the table, under the interpreter of the analyses -----------------------------------------------------------------
_ASK = """
import json, sys, warnings
import xomlib
def told(*words, **options):
    try:
        frame = xomlib.results(*words, site=sys.argv[1], **options)
        return json.loads(frame.to_json(orient="records", date_format="iso"))
    except xomlib.ResultsError as error:
        return str(error)
frame = xomlib.results("kr83m", site=sys.argv[1], version="all")
print(json.dumps({
    "newest": told("kr83m"), "v1": told("kr83m", version="v1"), "one": told("kr83m", version="v1", runs=52894),
    "vetoed": told("kr83m", vetoed=True), "none": told("kr83m", runs=[]),
    "no analysis": told("kr38m"), "no version": told("kr83m", version="v3"),
    "types": {name: str(kind) for name, kind in frame.dtypes.items()}, "versions": list(frame.version.unique()),
}))
"""


def test_results_are_a_table_of_pandas(paths: Paths, analysis_python: Path) -> None:
    none = result("electron_lifetime", None, error=None, n=None, insufficient="3 events")
    good = result(data={"quality": "good", "chi2": 1.5}, error_low=0.05, error_high=0.1, limit="upper")
    keep(paths, outcome(results=[good, none]), outcome(key_of(52895), [good], figures=[]))
    keep(paths, outcome(key_of(52894, version="v2")), outcome(key_of(52895, version="v2")))
    write_decision(paths, Decision(Verb.VETO, Subject(runs=("052895",)), "ada", NOW - timedelta(days=400), "noise"))
    done = subprocess.run(
        [str(analysis_python), "-c", _ASK, str(paths.work)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert [(row["run_id"], row["version"]) for row in told["newest"]] == [("052894", "v2")]
    first, second = told["one"]
    assert told["v1"] == told["one"] and told["none"] == []
    assert first == {
        "run": 52894,
        "run_id": "052894",
        "start": "2026-09-25T12:00:00.000Z",
        "mode": "tpc_kr83m",
        "tags": "sr1_preliminary",
        "variable": "light_yield",
        "value": 10.5,
        "error": 0.1,
        "error_low": 0.05,
        "error_high": 0.1,
        "unit": "PE/keV",
        "n": 512,
        "limit": "upper",
        "insufficient": None,
        "quality": "good",
        "data": {"quality": "good", "chi2": 1.5},
        "version": "v1",
        "figure": str(paths.figure(KEY, "overview.png")),
        "lineage": "event_info_double:abcdefghij",
    }
    assert (second["value"], second["n"], second["quality"]) == (None, None, "insufficient")
    assert [row["vetoed"] for row in told["vetoed"]] == [None, "vetoed by ada: noise"]
    assert told["no analysis"].endswith("has no results of 'kr38m'; it has those of: kr83m")
    assert told["no version"].endswith("has no results of kr83m v3; its versions are: v1, v2")
    assert told["versions"] == ["v1", "v2"]
    assert (told["types"]["value"], told["types"]["n"], told["types"]["start"]) == (
        "float64",
        "Int64",
        "datetime64[ns, UTC]",
    )

"""A whole tick, step by step, at a site with runs of all kinds: what it leaves in each file, and what it says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from support.factory import failed, keep, keep_failure, key_of, outcome
from support.site import document
from support.typed import Console
from xomflow.config.load import read_yaml
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.file_lock import TICK_VARIABLE
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.core.tick_summary import Summary
from xomflow.outcomes.campaigns.groups import read_groups
from xomflow.outcomes.files import Failure, failure_path
from xomflow.outcomes.retries import AttemptLimits
from xomflow.publishing.stores.store import StoreError
from xomflow.workflow.ending import finish
from xomflow.workflow.ending.summary import read_summary
from xomflow.workflow.ending.terminal import closing_lines, exit_code, troubles_of
from xomflow.workflow.tick import Tick
from xomlib.files import dump_json

TAKEN = "all needed data can be read; taken by this tick"
FULL = "all needed data can be read; this tick is full, a later one takes it"
PAUSED = "all needed data can be read; late is paused"
MOVED = "work/outcomes/good/v1/052/odd.txt is not an outcome; moved to work/set_aside/good/v1/052/odd.txt.1"
CLAIMED = [
    Key("good", "v1", "052011"),
    Key("camp", "v1", "052011-1079"),
    Key("good", "v1", "052007"),
    Key("camp", "v1", "052001-acfd"),
    Key("good", "v2", "052002"),
]


def fail(paths: Paths, key: Key, *kinds: str) -> None:
    for attempt, kind in enumerate(kinds, start=1):
        ended = times.now() - timedelta(hours=len(kinds) - attempt)
        keep_failure(failure_path(paths, key, Failure(attempt, kind, ended)), failed(key, kind, attempt=attempt))


@pytest.fixture
def place(console: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A site with a trial, a paused analysis, campaigns, failures and a file that is no outcome."""
    site = console.site
    monkeypatch.setenv(TICK_VARIABLE, "")
    site.tree.update(max_running=5, science_runs=[{"name": "SR1", "min_run": 52002}])
    site.tree["retries"] = {"attempts": 3, "first_wait": "1 d"}
    site.tree["warm_start"] = {"enabled": True, "least_jobs": 2}
    texts = {"title": "Good one", "contact": "Jane", "variables": {"light_yield": {"unit": "PE", "title": "Light"}}}
    site.analysis("good", "pass", trial={"version": "v2", "settings": {"bins": 9}}, max_jobs_per_tick=2, **texts)
    site.analysis("late", "pass", min_run=52004)
    site.analysis("camp", "pass", period={"gap": "3 h"})
    site.runs([52001, 52002, 52003, 52006, 52007, document(52011, mode="tpc_kr83m", tags=["calm", "b\tad"])])
    keep(site.paths, *(outcome(key_of(number, "good")) for number in (52001, 52002)))
    keep(site.paths, outcome(key_of(52001, "good", "v2")))
    fail(site.paths, key_of(52003, "good"), "raised", "timeout")
    fail(site.paths, key_of(52006, "good"), "raised", "raised", "raised")
    (site.paths.outcomes / "good/v1/052/odd.txt").touch()
    console("pause", "late", "--why", "a valve")
    monkeypatch.chdir(site.folder)
    return console


@pytest.fixture
def tick(place: Console) -> Iterator[Tick]:
    """A tick that has looked for work."""
    tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=False)
    with tick.begin():
        done = place("job", "discover", str(tick.files.folder))
        assert (done.out, done.err, done.code) == (["5 runs to analyse"], [], 0)
        yield tick


@pytest.fixture
def summary(tick: Tick, place: Console) -> Summary:
    """The summary of a tick one of whose jobs succeeded, while the disk refused what another one made."""
    keep(tick.paths, outcome(CLAIMED[0]))
    fail(tick.paths, CLAIMED[1], "disk")
    done = place("job", "publish", str(tick.files.folder))
    assert (done.out, done.err, done.code) == (["4 outcomes, 4 points published"], [], 0)
    return read_summary(tick.files)


def rows(tick: Tick, analysis: str) -> list[list[str]]:
    """Run, state, reason and attempt of each row of a run list."""
    _, *lines = tick.files.run_list(analysis).read_text().splitlines()
    return [line.split("\t")[:4] for line in lines]


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_what_a_tick_claims_has_its_limits(tick: Tick) -> None:
    assert tick.pending() == CLAIMED
    for key in CLAIMED:
        assert tick.version_of(key.analysis, key.run) == key.version
        assert tick.limits_of(key.analysis, key.run) == AttemptLimits(1, 4000, 1800.0, 1000)
        assert tick.key_of(str(tick.files.made(key))) == key
    assert [tick.place_of(str(tick.files.made(key))) for key in CLAIMED] == [0, 1, 2, 3, 4]
    assert tick.place_of("another file") == -1
    assert read(tick.files.folder / "batches.json") == []
    assert list(read_groups(tick.paths) or ()) == [("camp", "v1")]


def test_the_run_lists_have_every_run_that_is_not_done(tick: Tick) -> None:
    assert tick.files.run_list("good").read_text().splitlines()[:2] == [
        "run\tstate\treason\tattempt\tnext_try\tmode\tstart\tend\ttags",
        f"052011\tready\t{TAKEN}\t1\t\ttpc_kr83m\t2026-09-01T11:00:00Z\t2026-09-01T11:50:00Z\tb ad, calm",
    ]
    assert rows(tick, "good") == [
        ["052011", "ready", TAKEN, "1"],
        ["052007", "ready", TAKEN, "1"],
        ["052006", "gave up", "raised at attempt 3, which was the last", "4"],
        ["052003", "failed", "timeout at attempt 2", "3"],
    ]
    assert rows(tick, "camp") == [["052011-1079", "ready", TAKEN, "1"], ["052001-acfd", "ready", TAKEN, "1"]]
    ready = [[run, "ready", FULL, "1"] for run in ("052011", "052007", "052006", "052003")]
    assert rows(tick, "good+v2") == [*ready, ["052002", "ready", TAKEN, "1"]]
    assert [(row[0], row[2].partition(" by ")[0]) for row in rows(tick, "late")] == [
        (run, PAUSED) for run in ("052011", "052007", "052006")
    ]


def test_the_jobs_of_an_analysis_have_what_their_scripts_are_given(tick: Tick, place: Console) -> None:
    jobs = {path.stem: read(path) for path in (tick.files.folder / "jobs").iterdir()}
    assert {name: list(one.pop("runs")) for name, one in jobs.items()} == {
        "good": ["052011", "052007"],
        "good+v2": ["052002"],
        "camp": ["052011-1079", "052001-acfd"],
    }
    common = {
        "script": str(place.site.folder / "extra/scripts/analyses/good.py"),
        "settings": {},
        "needs": [],
        "promised": {"light_yield": "PE"},
        "retries": {"attempts": 3, "lost_attempts": 50, "first_wait": 86400.0, "factor": 4.0},
        "warm": {"enabled": False, "idle_s": 60.0, "preload": ["straxen"]},
    }
    warm = {**common["warm"], "enabled": True}
    assert jobs["good"] == {**common, "warm": warm}
    assert jobs["good+v2"] == {**common, "settings": {"bins": 9}}, "of few runs each starts by itself"
    one = read(tick.files.folder / "jobs/camp.json")["runs"]["052001-acfd"]
    facts = one.pop("facts")
    assert facts["runs"] == ["052001", "052002", "052003", "052006", "052007"]
    assert (facts["start"], facts["end"]) == ("2026-09-01T01:00:00Z", "2026-09-01T07:50:00Z")
    program = {"interpreter": place.site.tree["software"][0]["interpreter"], "image": "", "binds": []}
    assert one == {
        "context": {"function": "nobody:asks", "arguments": {}, "storage": []},
        "program": {**program, "launcher": "apptainer", "set_up": ""},
        "lineage": {},
        "attempt": 1,
        "memory_mb": 4000,
        "time_limit_s": 1800.0,
        "nice": 1000,
    }


def test_the_survey_has_what_the_report_needs(tick: Tick) -> None:
    survey = read(tick.files.survey)
    assert survey["counts"] == {
        "good": {"ready": 2, "gave up": 1, "failed": 1, "done": 2},
        "late": {"ready": 3, "done": 0},
        "camp": {"ready": 2, "done": 0},
        "good+v2": {"ready": 5, "done": 1},
    }
    assert [survey[name] for name in ("problems", "mistakes", "troubles")] == [[], [], [MOVED]]
    assert [(one["analysis"], one["version"], one["run"], one["state"]) for one in survey["items"]] == [
        ("good", "v1", "052011", "ready"),
        ("good", "v1", "052007", "ready"),
        ("good", "v1", "052006", "gave up"),
        ("good", "v1", "052003", "failed"),
        ("camp", "v1", "052011-1079", "ready"),
        ("camp", "v1", "052001-acfd", "ready"),
        ("good", "v2", "052002", "ready"),
    ]
    assert (survey["items"][5]["start"], survey["items"][5]["since"]) == (
        "2026-09-01T01:00:00Z",
        "2026-09-01T07:50:00Z",
    )
    assert survey["oldest_ready"] == {"good": ["052003", "2026-09-01T03:50:00Z"]}
    assert survey["science_runs"] == [{"name": "SR1", "start": "2026-09-01T02:00:00Z", "end": None}]
    assert [one.partition(": ")[0] for one in survey["decisions"]] == ["pause late"]
    assert survey["settings"]["analyses"]["good"] == {
        "version": "v1",
        "title": "Good one",
        "documentation": "",
        "contact": "Jane",
        "variables": {"light_yield": ["Light", ""]},
    }


def test_the_last_lines_of_a_tick_have_all_that_became_of_it(summary: Summary, tick: Tick) -> None:
    lines = closing_lines(summary, tick.paths, "its time is up", "Slurm")
    plain = [re.sub(r"next try [\dTZ:-]+|ended [\d.]+ d|(?<=late: ).*", "...", line) for line in lines]
    disk = "failed    camp v1 run 052011-1079: disk: it broke; ..."
    assert plain == [
        "analysis     ready      done    failed   gave up",
        "good             1         3         1         1",
        "late             3         .         .         .",
        "camp             1         .         1         .",
        "good+v2          5         1         .         .",
        "",
        "pause late: ...",
        "gave up   good v1 run 052006: raised: it broke",
        "failed    good v1 run 052003: timeout: it broke; ...",
        disk,
        "the oldest ready run is 052002 of good, which ... ago",
        f"page: {tick.paths.page.absolute()}/index.html",
        "its time is up: 3 runs are left for the next tick",
        "this tick: 1 of 5 runs done, 1 not:",
        f"{disk}; log a.log",
        MOVED,
        "it broke; 1 runs are tried again, no result is lost",
    ]
    assert "this tick: 1 of 5 runs done, 4 not:" in closing_lines(summary, tick.paths, "", "Slurm")


def test_the_exit_code_is_that_of_what_a_person_has_to_do_first(summary: Summary) -> None:
    assert exit_code(summary, True, "no room") is ExitCode.SLURM
    assert exit_code(summary, False, "no room") is exit_code(summary, True, "") is ExitCode.STORE_OR_DISK
    lasting = ["it broke; 1 runs are tried again, no result is lost"]
    assert troubles_of(summary, True, "no room") == ["no room", *lasting]
    assert troubles_of(summary, False, "no room") == troubles_of(summary, True, "") == lasting


def test_the_summary_has_what_became_of_the_claimed_runs(summary: Summary, tick: Tick) -> None:
    left = "this tick did not start it, or its job ended without a record"
    assert [(one.key, one.state, one.reason, one.attempt, one.log) for one in summary.taken] == [
        (CLAIMED[0], State.DONE, "the outcome is there", 1, None),
        (CLAIMED[2], State.READY, left, 1, str(tick.paths.log(CLAIMED[2]))),
        (CLAIMED[1], State.FAILED, "disk: it broke", 1, "a.log"),
        *((key, State.READY, left, 1, str(tick.paths.log(key))) for key in CLAIMED[3:]),
    ]
    assert [one.key.run for one in summary.listed] == [
        *("052007", "052006", "052003", "052011-1079", "052001-acfd", "052002")
    ]
    assert {
        name: {state: number for state, number in one.items() if number} for name, one in summary.counts.items()
    } == {
        "good": {"ready": 1, "done": 3, "failed": 1, "gave up": 1},
        "late": {"ready": 3},
        "camp": {"ready": 1, "failed": 1},
        "good+v2": {"ready": 5, "done": 1},
    }
    assert {name: one.run for name, one in summary.oldest_ready.items()} == {"good": "052002", "camp": "052001-acfd"}


def test_the_page_has_the_document_of_the_tick(summary: Summary, tick: Tick) -> None:
    text = (tick.paths.page / "data/status.js").read_text()
    shown = json.loads(text.removeprefix("xom.receive('status','").removesuffix("');\n").removesuffix("');"))
    assert shown["tick"] == {
        "id": tick.name,
        "started": times.text(summary.started),
        "ended": times.text(summary.ended),
        "interval_hint_s": 3600.0,
    }
    assert [(one["run"], one["state"], one["log"]) for one in shown["attention"]] == [
        ("052006", "gave up", "a.log"),
        ("052003", "failed", "a.log"),
        ("052011-1079", "failed", "a.log"),
    ]
    assert shown["problems"] == [MOVED, "it broke; 1 runs are tried again, no result is lost"]
    assert [(one["kind"], one["title"], one["analysis"]) for one in shown["events"]] == [
        ("science_run", "SR1", "all"),
        ("version", "good v1", "good"),
        ("version", "good v2", "good"),
        ("decision", "pause late", "late"),
    ]
    assert shown["titles"]["good"] == {
        "title": "Good one",
        "documentation": "",
        "contact": "Jane",
        "main": [],
        "variables": {"light_yield": {"title": "Light", "help": ""}},
        "limits": {},
    }
    assert [shown[name] for name in ("learning", "minimum", "generated")] == [[], 30, times.text(summary.ended)]


def test_a_tick_writes_its_files_and_no_more(summary: Summary, tick: Tick) -> None:
    files = {path.relative_to(tick.files.folder).as_posix() for path in tick.files.folder.rglob("*") if path.is_file()}
    names = ("good", "good+v2", "camp", "late")
    assert files == {
        *("batches.json", "claims.json", "lock", "published.json", "settings.json", "summary.json", "survey.json"),
        *(f"jobs/{name}.json" for name in names[:3]),  # those with claimed runs
        *(f"runs/{name}.tsv" for name in names),
    }
    assert (tick.paths.set_aside / "good/v1/052/odd.txt.1").exists()
    assert (tick.paths.shelves("good", "v2") / ".trial").exists()
    assert not (tick.paths.shelves("good", "v1") / ".trial").exists()
    stored = {path.relative_to(tick.paths.store).as_posix() for path in tick.paths.store.rglob("*.lp")}
    own = {f"test/xom/{name}.lp" for name in ("attention", "events", "expected", f"{times.now():%Y-%m-%d}")}
    assert stored == {"test/good/v1/052.lp", "test/good/v2/052.lp", *own}


def test_a_publication_that_fails_leaves_a_summary_without_it(
    tick: Tick, place: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("odd")

    monkeypatch.setattr(finish, "publish", fail)
    with pytest.raises(KeyError, match="odd"):
        place("job", "publish", str(tick.files.folder))
    found = read_summary(tick.files)
    assert (found.published, found.site_errors) == (None, [MOVED])


def test_what_a_run_of_the_tick_has_ended_needs_no_person(tick: Tick, place: Console) -> None:
    survey = read(tick.files.survey)
    survey["for_person"] = ["good is suspended", "camp is suspended", "a mass change"]
    survey["ended_by"] = {f"{key.analysis} is suspended": [key.as_dict()] for key in CLAIMED[:2]}
    dump_json(tick.files.survey, survey)
    keep(tick.paths, outcome(CLAIMED[0]))
    fail(tick.paths, CLAIMED[2], "raised", "raised", "raised")
    place("job", "publish", str(tick.files.folder))
    summary = read_summary(tick.files)
    states = {one.key: one.state for one in summary.taken}
    assert [states[key] for key in CLAIMED] == [State.DONE, State.READY, State.GAVE_UP, State.READY, State.READY]
    assert summary.for_person == ["camp is suspended", "a mass change"]


def test_what_the_end_of_a_tick_cannot_do_is_an_error_in_its_summary(
    tick: Tick, place: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, anywhere, away = OSError(28, "No space", "a file"), OSError(28, "No space"), StoreError("the store is away")
    for name, error, sentence in (
        ("page.write_status", full, "the page cannot be renewed: a file: No space"),
        ("page.write_status", anywhere, "the page cannot be renewed: work/page: No space"),
        ("self_monitoring.publish", full, "a file: No space; nothing that was done is lost"),
        ("publish_boards", away, "the store is away"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"xomflow.workflow.ending.summary.{name}", Mock(side_effect=error))
            assert place("job", "publish", str(tick.files.folder)).code == 0
        assert read_summary(tick.files).site_errors == [MOVED, sentence]
    for name in ("judge_results", "archive_old_files", "renew_dashboards"):
        with monkeypatch.context() as patch:
            patch.setattr(f"xomflow.workflow.ending.summary.{name}", Mock(return_value=["a sentence"]))
            assert place("job", "publish", str(tick.files.folder)).code == 0
        assert read_summary(tick.files).site_errors == [MOVED, "a sentence"]
    for error in (full, away):
        (tick.paths.page / "data/status.js").unlink(missing_ok=True)
        with monkeypatch.context() as patch:
            patch.setattr("xomflow.workflow.ending.summary.open_store", Mock(side_effect=error))
            assert place("job", "publish", str(tick.files.folder)).code == 0
        assert tick.name in (tick.paths.page / "data/status.js").read_text()


def test_a_store_that_is_deleted_while_jobs_run_is_made_anew_and_not_missed(tick: Tick, place: Console) -> None:
    shutil.rmtree(tick.paths.store)
    assert place("job", "publish", str(tick.files.folder)).code == 0
    assert tick.paths.store.is_dir()
    check_folders(tick.paths)


def test_a_step_that_is_done_again_publishes_nothing_anew(summary: Summary, tick: Tick, place: Console) -> None:
    before = tick.files.published.read_bytes()
    assert place("job", "publish", str(tick.files.folder)).out == [""]
    assert (tick.files.published.read_bytes(), read_summary(tick.files).published) == (before, summary.published)


def test_a_dry_run_foresees_what_a_tick_takes_and_changes_nothing(
    place: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.site.analysis("bad", "pass", needs=["event_info"])
    place.site.write_config()
    before = {path: path.stat().st_mtime_ns for path in place.site.work.rglob("*")}
    monkeypatch.delenv(TICK_VARIABLE)
    tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=True)
    assert (tick.name, tick.pending()) == ("dry-run", CLAIMED)
    assert tick.limits_of("good", "052011") == AttemptLimits(1, 4000, 1800.0, 1000)
    *sentences, last = capsys.readouterr().err.splitlines()
    assert (len(sentences), last) == (1, "5 runs to analyse")
    assert {path: path.stat().st_mtime_ns for path in place.site.work.rglob("*")} == before

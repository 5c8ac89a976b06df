"""Commands that look: a whole site, with everything that they print."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.factory import NOW, failed, keep, keep_failure, key_of, outcome, run
from support.site import document
from support.typed import Console, Typed
from support.verdicts import alarm, put_alarms
from xomflow.cli.commands import measure
from xomflow.core import times
from xomflow.core.errors import ContextError
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key, group_id
from xomflow.core.paths import TickPaths
from xomflow.core.state import ATTENTION, FAILURES, WAITINGS, State
from xomflow.core.tick_summary import ListedKey
from xomflow.jobs.run_lock import hold_run, leave_run, write_owner
from xomflow.outcomes.campaigns.current import Groups, Revision
from xomflow.outcomes.campaigns.groups import KnownGroups, write_groups
from xomflow.outcomes.files import Failure, failure_path
from xomflow.planning.progress.claims import Claim, write_claims
from xomflow.rundb.run_metadata import RunMetadata
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.requests.looking import folder_sizes
from xomflow.workflow.requests.looking.folder_sizes import Files, Folder
from xomflow.workflow.requests.looking.space import Space, total
from xomflow.workflow.requests.looking.states_now import StatesNow
from xomlib.files import dump_json, write_atomically
from xomlib.printing import WARNING

BEFORE = "tick 20261120T120000-vm-1 had looked"
NO_LOOK = [
    "tick 20261120T140000-vm-3 did not look for work: it ended before",
    "tick 20261120T130000-vm-2 did not look for work: the disk is full",
]
GONE = "not in the run list: it was not selected then, or the run database did not have it"
GOOD = Key("good", "v1", "052007")
LATE = Key("late", "v1", "052007")


@pytest.fixture
def look(console: Console) -> Iterator[Console]:
    """A site with runs in all states, a trial, logs, locks, three ticks of the past and the copies of a file system."""
    site = console.site
    site.analysis("good", "pass", trial={"version": "v2"})
    site.analysis("camp", "pass", period={"gap": "3 h"})
    site.analysis("late", "pass", min_run=52004)
    site.runs([52001, 52002, 52003, 52006, 52007, document(52011, mode="tpc_kr83m", tags=["calm"])])
    for number, wall in ((52001, 100.0), (52002, 300.0), (52003, 7200.0)):
        used = {"wall_s": wall, "cpu_s": 2 * wall, "peak_memory_mb": None}
        keep(site.paths, outcome(key_of(number, "good"), resources=used))
    keep(site.paths, outcome(key_of(52001, "good", "v2"), message=f"all is well\n{WARNING}odd data"))
    for attempt, kind in ((1, "raised"), (2, "timeout")):
        record = failure_path(site.paths, key_of(52006, "good"), Failure(attempt, kind, times.now()))
        ended = times.text(times.now() - timedelta(hours=2 - attempt))
        keep_failure(record, failed(key_of(52006, "good"), kind, attempt=attempt, ended=ended))
    _ticks(console)
    shutil.copytree(site.paths.outcomes / "good", site.paths.outcomes / ".snapshot")
    for key, attempt in ((GOOD, 2), (LATE, 1)):
        lock = hold_run(site.paths, key)
        write_owner(lock, key, attempt, "t", 10.0)
        if key is LATE:
            leave_run(lock)
        else:
            held = lock
    yield console
    held.close()


def _ticks(console: Console) -> None:
    paths = console.site.paths
    ticks = [TickPaths(paths.tick(f"20261120T{hour}0000-vm-{number}")) for number, hour in enumerate((12, 13, 14), 1)]
    for tick in ticks:
        tick.run_list("good").parent.mkdir(parents=True)
    settings = {"analyses": {"good": {"version": "v1"}, "late": {"version": "v1"}, "gone": {"version": "v0"}}}
    dump_json(ticks[0].settings, {"configuration": settings})
    head = "run\tstate\treason\tnext_try\n"
    rows = ["052006\tfailed\tit broke\t2026-11-20T13:00:00Z", "...\tready\t5 more runs\t", "052007-ab\tready\tfine\t"]
    write_atomically(ticks[0].run_list("good"), head + "\n".join(rows))
    write_atomically(ticks[0].run_list("late"), f"{head}052006\twaiting\tno data\t\n")
    write_claims(ticks[0], [Claim(key_of(52006, "good"), 2), Claim(LATE, 1)])
    dump_json(ticks[1].trouble, {"sentence": "the disk is full", "exit_code": 6})


def test_what_only_looks_changes_no_file(look: Console) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in look.site.work.rglob("*")}

    before = files()
    commands = ("status", "why 52001", "why 52001 --at 2026-11-20T12:30", "history 52001", "slow", "du", "alarms")
    for command in (*commands, "outdated", "outdated --runs", "log good 52001", "decisions"):
        look(command)
        assert files() == before, command


# --- status -----------------------------------------------------------------------------------------------------------
def test_status_has_all_counts_and_a_line_for_each_reason(look: Console) -> None:
    assert look("status").out == [
        "analysis | ready | running | done | failed",
        "good | 1 | 1 | 3 | 1",
        "camp | 2 | . | . | .",
        "late | 3 | . | . | .",
        "good+v2 | 5 | . | 1 | .",
        "",
        "state | runs | analysis | such as | reason | next try",
        "failed | 1 | good | 052006 | timeout: it broke | TIME",
        look("status").out[-1],
    ]
    assert look("status").out[-1].startswith("the oldest ready run is 052002 of good, which ended ")


def test_status_of_each_run_has_its_log(look: Console) -> None:
    assert look("status --failed --run").out == [
        "run | state | analysis | reason | next try | log",
        "052006 | failed | good | timeout: it broke | TIME | a.log",
    ]
    assert look("status --failed --run 52006") == look("status --failed --run")
    assert look("status --failed --run 52007").out == ["none of the runs failed"]
    assert look("status --waiting").out == ["none of the runs waits"]
    assert look("status --waiting --failed 52007").out == ["none of the runs failed or waits"]
    assert look("status --documents").out == ["every run document can be understood"]


def test_status_asks_for_the_states_that_were_named_or_all_that_need_attention(
    look: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[State]] = []

    def states_now(config: object, states: set[State], wanted: object) -> StatesNow:
        asked.append(set(states))
        return StatesNow({}, listed, [], ExitCode.OK)

    listed: list[ListedKey] = []
    monkeypatch.setattr("xomflow.workflow.requests.looking.states_now.states_now", states_now)
    assert look("status").out == ["analysis | done", ""], "no sentence, no line"
    for options in ("--failed", "--waiting", "--failed --waiting"):
        look(f"status {options}")
    assert asked == [set(ATTENTION), set(FAILURES), set(WAITINGS), {*FAILURES, *WAITINGS}]
    listed += [ListedKey(key_of(number), State.FAILED, "it broke") for number in (52001, 52003, 52002)]
    assert [line.split()[0] for line in look("status --failed --run").out[1:]] == ["052003", "052002", "052001"]


def test_status_as_json_has_counts_and_the_rows_by_their_headings(look: Console) -> None:
    found = json.loads("\n".join(look("status --json --run").out))
    assert list(found) == ["counts", "not_done", "sentences"]
    assert found["counts"]["good"] == {"ready": 1, "running": 1, "failed": 1, "done": 3}
    assert found["not_done"] == [
        {
            "run": "052006",
            "state": "failed",
            "analysis": "good",
            "reason": "timeout: it broke",
            "next try": "TIME",
            "log": "a.log",
        }
    ]


def test_status_ends_with_the_code_of_what_a_person_has_to_do(look: Console) -> None:
    look.site.analysis("bad", "pass", needs=["event_info"])
    done = look("status --waiting")
    assert (done.code, done.err) == (3, [])


def test_a_document_that_cannot_be_understood_is_listed(look: Console) -> None:
    look.site.runs([document(52012, start=...), document(52013, end="soon")])
    lines = look("status --documents").out
    assert [f"run document {number}: " in line for number, line in zip((52012, 52013), lines, strict=True)] == [
        True
    ] * 2
    assert look("why 52012").out == ["run document 52012: start is missing"]


# --- why --------------------------------------------------------------------------------------------------------------
def test_why_has_a_line_for_each_analysis_and_trial(look: Console) -> None:
    ready = "ready: all needed data can be read"
    camp = f"camp v1 run 052001-acfd: {ready}"
    outside = "not selected: run number {} is outside 52004 to today"
    assert look("why 52001").out == [
        "good v1 run 052001: done: the outcome is there",
        camp,
        f"late v1 run 052001: {outside.format(52001)}",
        f"good v2 run 052001: done: the outcome is there; {WARNING}odd data",
    ]
    assert look("why 52006").out == [
        "good v1 run 052006: failed: timeout: it broke; log a.log",
        camp,
        f"late v1 run 052006: {ready}",
        f"good v2 run 052006: {ready}",
    ]
    assert look("why 52007").out == [
        f"good v1 run 052007: running: attempt 2 runs at {os.uname().nodename}, process {os.getpid()}",
        camp,
        "late v1 run 052007: ready: attempt 2 is due after: lost",
        f"good v2 run 052007: {ready}",
    ]
    assert look("why 52009").out == ["the run database has no run 52009"]
    assert json.loads("".join(look("why 52009 --json").out)) == [{"sentence": "the run database has no run 52009"}]
    look.site.paths.outcome(key_of(52001, "good", "v2")).write_text("{")
    assert look("why 52001").out[-1] == "good v2 run 052001: done: the outcome is there"


def test_why_a_campaign_has_a_run_or_not(look: Console) -> None:
    def camp(number: int) -> list[str]:
        return [line for line in look(f"why {number}").out if line.startswith("camp ")]

    look.site.runs([document(52012, end=None)])
    look.site.tree["analyses"]["camp"]["run_modes"] = ["tpc_bkg"]
    assert camp(52011) == ["camp v1 run 052011: not selected: its mode is tpc_kr83m"]
    assert camp(52012)[0].startswith(f"camp v1 run {group_id([52012])}: stale: 1 of 1 runs cannot be read: ")
    assert look("why 52012").out[0] == "good v1 run 052012: not selected: the run is not finished"
    whole = Key("camp", "v1", "052001-acfd")
    keep(
        look.site.paths, outcome(whole, run={"runs": [f"0{number}" for number in (52001, 52002, 52003, 52006, 52007)]})
    )
    result = f"camp v1 result {whole.run} of 5 runs: current"
    assert camp(52002) == ["camp v1 run 052002: done: the outcome is there", result]
    look("veto", "52002", "camp", "--why", "a valve")
    assert camp(52002)[0] == "camp v1 run 052002: not selected: vetoed by WHO: a valve"
    assert "decided: veto camp run 052002: WHO: a valve (TIME)" in look("why 52002").out


def test_a_run_that_the_run_database_does_not_show_any_more_is_said_to_be_kept(look: Console) -> None:
    RunMetadata(look.site.paths).keep([run(52020)])
    gone = "the run database had its document before and does not show it now"
    assert look("why 52020").out[0] == f"run 052020: {gone}; nothing about it changes"
    assert not any(gone in line for line in look("why 52002").out)


def test_why_names_the_alarms_between_their_first_run_and_the_one_with_which_they_were_found(look: Console) -> None:
    put_alarms(look.site.paths, alarm(first_run="052002", noticed_run="052006"))
    numbers = (52001, 52002, 52003, 52006, 52007)
    assert [
        number
        for number in numbers
        if any(line.startswith("alarm kr83m-v1-052894: ") for line in look(f"why {number}").out)
    ] == [52002, 52003, 52006]


def test_why_at_a_time_is_what_the_tick_had_seen_that_looked_last(look: Console) -> None:
    seen = ["good v1 run 052006: failed: it broke; next try TIME", "late v1 run 052006: waiting: no data"]
    assert look("why 52006 --at 2026-11-20T12:00:10Z").out == [
        f"{BEFORE} 10 s before TIME; the next tick began 60 min later",
        *seen,
    ]
    assert look("why 52006 --at 2026-11-20T12:00:00").out[1:] == seen
    assert look("why 52006 --at 2026-11-20T12:59:59").out == [
        f"{BEFORE} 60 min before TIME; the next tick began 1 s later",
        *seen,
    ]
    assert look("why 52007 --at 2026-11-20T14:30").out == [
        f"{BEFORE} 2.5 h before TIME; none began since",
        *NO_LOOK,
        "good v1 run 052007-ab: ready: fine",
        f"late v1 run 052007: {GONE}",
    ]
    assert look("why 52001 --at 2026-11-20T14:30").out[-2:] == [
        "good v1 run 052001: done: its outcome was there since TIME",
        f"late v1 run 052001: {GONE}",
    ]
    assert look("why 52009 --at 2026-11-20T13:00").out == [
        f"{BEFORE} 1.0 h before TIME; the next tick began 1.0 h later",
        NO_LOOK[1],
        "good v1 run 052009: not listed by itself: 5 more runs, or it was not selected then",
        f"late v1 run 052009: {GONE}",
    ]
    assert look("why 52006 --at 2026-11-19").out == [
        "no tick that began before TIME is kept and has looked for work; the oldest that is kept began at TIME"
    ]


def test_an_outcome_that_came_after_a_tick_was_not_there_for_it(look: Console) -> None:
    for ended, is_there in (("2026-11-20T12:00:00Z", True), ("2026-11-20T12:00:01Z", False)):
        keep(look.site.paths, outcome(Key("late", "v1", "052011"), ended=ended))
        lines = look("why 52011 --at 2026-11-20T14:30").out
        assert any("its outcome was there" in line for line in lines) == is_there
    look.site.paths.outcome(Key("late", "v1", "052011")).write_text("{")
    assert look("why 52011 --at 2026-11-20T14:30").out[-1] == f"late v1 run 052011: {GONE}"


def test_a_tick_with_odd_settings_has_not_looked_for_work(look: Console) -> None:
    settings = TickPaths(look.site.paths.tick("20261120T120000-vm-1")).settings
    for odd in ('"x"', "[]", "{}", '{"configuration": {"analyses": "x"}}', '{"configuration": {"analyses": 5}}', "{"):
        settings.write_text(odd)
        lines = look("why 52006 --at 2026-11-20T12:30").out
        assert lines[-1] == "tick 20261120T120000-vm-1 did not look for work: it ended before"


def test_a_site_without_ticks_has_seen_nothing(look: Console) -> None:
    shutil.rmtree(look.site.paths.ticks)
    (line,) = look("why 52006 --at 2026-11-20T12:30").out
    assert line.endswith(" is kept and has looked for work; none is kept")


# --- log --------------------------------------------------------------------------------------------------------------
def test_a_log_is_that_of_an_attempt_or_the_newest_and_others_are_named(look: Console) -> None:
    log = look.site.paths.log(key_of(52001, "good"))
    log.parent.mkdir(parents=True)
    for name, text in (("", "first\nsecond"), (".attempt-2", "other\n"), ("-aaaa", "campaign\n"), ("1", "no\n")):
        log.with_name(f"052001{name}.log").write_text(text)
    log.with_name("052001.tsv").write_text("no log")
    folder = "work/logs/good/v1/052"
    assert look("log good 52001") == Typed(["first", "second"], [f"{folder}/052001.log"])
    assert look("log good 52001 --attempt 2") == Typed(["other"], [f"{folder}/052001.attempt-2.log"])
    assert look("log good 52001 --attempt 3").err == [
        "good v1 run 052001: there is no log 052001.attempt-3.log: there are 052001-aaaa.log, 052001.attempt-2.log, "
        "052001.log"
    ]
    deleted = "it was never started, or its log was deleted"
    assert look("log good+v2 52001") == Typed([], [f"good v2 run 052001: there is no log 052001.log: {deleted}"], 2)
    assert look("log god 52001 --version v1").err == [f"god v1 run 052001: there is no log 052001.log: {deleted}"]
    assert look("log god 52001").err == [
        "the configuration has no analysis 'god'; did you mean 'good'?; give --version for an older one"
    ]


def test_a_log_that_is_followed_has_each_state_once_and_what_is_added(
    look: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [("it works", []), ("it works", ["a", "b"]), ("it is done", ["c"])]
    monkeypatch.setattr("xomflow.workflow.requests.looking.follow.follow", lambda config, key: iter(steps))
    key = "good v1 run 052007"
    assert look("log good 52007 -f") == Typed(["a", "b", "c"], [f"{key}: it works", f"{key}: it is done"])


@pytest.mark.parametrize(
    ("words", "function"),
    [("history 1", "history.history"), ("outdated", "outdated.outdated"), ("du", "space.space_of")],
)
def test_what_could_not_be_read_is_said_beside_the_answer(
    look: Console, monkeypatch: pytest.MonkeyPatch, words: str, function: str
) -> None:
    monkeypatch.setattr(f"xomflow.workflow.requests.looking.{function}", lambda *_: ([], ["a folder cannot be read"]))
    found = look(words)
    assert (found.err, bool(found.out)) == (["a folder cannot be read"], True)


# --- history ----------------------------------------------------------------------------------------------------------
def test_the_history_of_a_run_has_attempts_ticks_and_locks(look: Console) -> None:
    where = f"{os.uname().nodename}, process {os.getpid()}"
    head = "time | about | event | details"
    assert look("history 52006").out == [
        head,
        "TIME | good v1 run 052006 | a tick took it | tick 20261120T120000-vm-1, attempt 2",
        "TIME | good v1 run 052006 | attempt 1 failed | raised: it broke (2 s at node01); log a.log",
        "TIME | good v1 run 052006 | attempt 2 failed | timeout: it broke (2 s at node01); log a.log",
    ]
    assert look("history 52007").out == [
        head,
        "TIME | late v1 run 052007 | a tick took it | tick 20261120T120000-vm-1, attempt 1",
        f"TIME | good v1 run 052007 | attempt 2 works on it | {where}",
        f"TIME | late v1 run 052007 | attempt 1 worked on it and left its lock | {where}",
    ]
    assert look("history 52001").out == [
        head,
        "TIME | good v1 run 052001 | attempt 1 is done | 2 min at node01",
        "TIME | good v2 run 052001 | attempt 1 is done | 2 s at node01",
    ]
    path = look.site.paths.outcome(key_of(52003, "good"))
    path.rename(path.with_name("052003.superseded.json"))
    done = "TIME | good v1 run 052003 | attempt 1 is done | 2.0 h at node01; its outcome is superseded"
    assert look("history 52003").out == [head, done]
    assert look("history 1").out == ["nothing has happened to run 000001; its state: xom why 1"]
    assert json.loads("".join(look("history 1 --json").out)) == []


def test_the_history_of_a_run_has_the_job_that_is_to_work_on_it(look: Console) -> None:
    for key, job in ((key_of(52002, "good"), "17"), (key_of(52003, "good"), ""), (GOOD, "18")):
        submissions.note(look.site.paths, Submission(key, 2, "tick-1", NOW, job))
    submitted = "TIME | good v1 run {} | attempt 2 was submitted | {}"
    assert submitted.format("052002", "job 17") in look("history 52002").out
    assert submitted.format("052003", "its job has no number yet") in look("history 52003").out
    assert not any("was submitted" in line for line in look("history 52007").out), "it works already"


def test_the_history_of_a_run_has_its_time_and_the_jobs_that_made_its_results(look: Console) -> None:
    RunMetadata(look.site.paths).keep([run(52001), run(52002, end=None)])
    made = outcome(key_of(52002, "good"))
    made["provenance"]["batch_job"] = {"system": "Slurm", "job": "17"}
    keep(look.site.paths, made)
    assert look("history 52001").out[1:3] == [
        "TIME | the run began | mode tpc_bkg",
        "TIME | the run ended | it took 50 min",
    ]
    assert look("history 52002").out[1:] == [
        "TIME | the run began | mode tpc_bkg",
        "TIME | good v1 run 052002 | attempt 1 is done | 2 s at node01, job 17 in Slurm",
    ]


def test_the_history_of_a_run_has_what_happened_to_its_campaigns_of_today_and_before(look: Console) -> None:
    members, before = (52006, 52007), (52006, 52011)
    today, former = (Key("camp", "v1", group_id(runs)) for runs in (members, before))
    groups = KnownGroups(Groups((members,)), {former.run: Revision(before, (), "2026-11-20T12:00:00Z")})
    write_groups(look.site.paths, {("camp", "v1"): groups})
    keep(look.site.paths, outcome(former))
    keep_failure(failure_path(look.site.paths, today, Failure(1, "raised", times.now())), failed(today))

    def of_campaigns(number: int) -> set[tuple[str, ...]]:
        events = [line.split(" | ") for line in look(f"history {number}").out[1:]]
        return {(about, what) for _, about, what, *_ in events if about.startswith("camp")}

    failure, result = (str(today), "attempt 1 failed"), (str(former), "attempt 1 is done")
    assert of_campaigns(52006) == {failure, result}
    assert (of_campaigns(52007), of_campaigns(52011), of_campaigns(52001)) == ({failure}, {result}, set())


def test_a_record_that_cannot_be_read_is_named_beside_the_history(
    look: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = look.site.paths.shelves("good", "v1") / "052"
    (outcomes / "052001.json").write_text("{")
    (outcomes / "052004.json").mkdir()
    (outcomes / "052005.json").symlink_to("moved")
    for number in (52001, 52004, 52005):
        found = look(f"history {number}").err
        assert len(found) == 1 and f"good/v1/052/0{number}.json: " in found[0]
    gone = outcomes / "052002.json"
    monkeypatch.setattr("xomflow.workflow.requests.looking.history._records", lambda *_: [gone])
    assert look("history 52002").err == []  # it was there when its folder was listed
    gone.unlink()
    assert look("history 52002").err == []
    look.site.paths.decisions.mkdir()
    (look.site.paths.decisions / "odd.json").write_text("{}")
    (odd,) = look("history 52002").err
    assert "odd.json is no decision" in odd


def test_the_history_of_a_run_has_the_decisions_about_it_and_what_took_them_back(look: Console) -> None:
    for words in ("veto 52001 good --until 3d", "redo good 52002", "pause good", "unveto 52001", "undrain"):
        look(*words.split(), "--why", "a valve")
    assert look("history 52001").out[-2:] == [
        "TIME | good | WHO decided: veto | a valve, until TIME (TIME-veto-WHO.json)",
        "TIME | WHO decided: withdraw | a valve (TIME-withdraw-WHO.json)",
    ]
    assert look("history 52002").out[-1] == "TIME | good v1 | WHO decided: redo | a valve (TIME-redo-WHO.json)"


# --- slow, du, outdated, alarms ---------------------------------------------------------------------------------------
def test_slow_has_the_analyses_by_their_time_and_the_longest_runs(look: Console) -> None:
    *lines, running = look("slow --most 2").out
    assert lines == [
        "analysis | results | expected | mean | all together | processor",
        "good v1 | 3 | 5 min | 42 min | 2.1 h | 4.2 h",
        "good v2 | 1 | 2 s | 2 s | 2 s | 1 s",
        "camp v1 | 0 | 0 s | 0 s | 0 s",
        "late v1 | 0 | 0 s | 0 s | 0 s",
        "",
        "longest results | analysis | took | of what is expected",
        "052003 | good v1 | 2.0 h | 24.0 times",
        "052002 | good v1 | 5 min | 1.0 times",
        "",
        "running now | analysis | took | of what is expected",
    ]
    assert running.startswith("052007 | good v1 | ")
    (one,) = json.loads("\n".join(look("slow --json").out))["running"]
    assert (one["run"], one["expected_s"], 0 <= one["wall_s"] < 600) == ("052007", 300.0, True)
    assert one["ratio"] == one["wall_s"] / 300
    held = hold_run(look.site.paths, Key("camp", "v1", "052001-acfd"))
    write_owner(held, Key("camp", "v1", "052001-acfd"), 1, "t", 10.0)
    found = {one["analysis"]: one["ratio"] for one in json.loads("\n".join(look("slow --json").out))["running"]}
    assert found.keys() == {"good", "camp"} and found["camp"] is None
    (row,) = [line for line in look("slow").out if line.startswith("052001-acfd | camp v1 | ")]
    assert row.count(" | ") == 2
    held.close()


def test_du_has_a_line_for_each_kind_and_a_year_of_it_where_runs_are_a_day_apart(look: Console) -> None:
    for number, start in ((52001, "2026-01-01T00:00:00Z"), (52002, "2026-01-02T00:00:01Z")):
        keep(look.site.paths, outcome(key_of(number, "late"), run={"start": start}))
    for number, start in ((52001, "2026-01-01T00:00:00Z"), (52002, "2026-01-02T00:00:00Z")):
        keep(look.site.paths, outcome(key_of(number, "camp"), run={"start": start}))
    found = [line.strip().split(" | ") for line in look("du --exact").out[1:]]
    assert [(*one[:-3], one[-2]) if len(one) > 4 else tuple(one[:-1]) for one in found] == [
        ("camp", "outcomes", "2"),
        ("good", "outcomes", "4"),
        ("good", "failure records", "2"),
        ("late", "outcomes", "2", "730"),
        ("locks", "2"),
        ("ticks", "5"),
        ("all", "17", "730"),
    ]
    rows = json.loads("\n".join(look("du --exact --json").out))
    assert rows[-1]["files"] == sum(one["files"] for one in rows[:-1])
    assert rows[-1]["size"] == sum(one["size"] for one in rows[:-1]) > 0
    assert rows[3]["size_a_year"] / rows[3]["size"] == rows[3]["files_a_year"] / rows[3]["files"]
    assert (rows[-1]["files_a_year"], rows[-1]["size_a_year"]) == (rows[3]["files_a_year"], rows[3]["size_a_year"])


def test_growth_in_a_year_is_that_of_what_is_known() -> None:
    known = [Space("a", "outcomes", 1, 10.0, 2.0, 20.0), Space("b", "outcomes", 2, 20.0, 3.0, 30.0)]
    assert total([*known, Space("", "ticks", 4, 40.0)]) == Space("", "all", 7, 70.0, 5.0, 50.0)
    assert total([Space("", "ticks", 4, 40.0)]) == Space("", "all", 4, 40.0)


def test_du_follows_no_link_and_names_what_it_cannot_read(look: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    before = look("du").out
    (look.site.work / "again").symlink_to("outcomes")
    failures = look.site.paths.shelves("camp", "v1") / "052"
    assert look("du").out == before
    keep_failure(failures / "052001.failed-1-raised-1.json", failed(key_of(52001, "camp")))
    (look.site.paths.outcomes / "late" / "v1").mkdir(parents=True)
    assert look("du").out[1].startswith("camp | failure records | 1 | ")
    away = "{} is not counted: Input/output error".format
    monkeypatch.setattr(folder_sizes, "_folder", lambda place, exact: Folder(Files(), Files(), [], away(place)))
    assert away("work/outcomes/good") in look("du").err


def test_sizes_are_in_thousands_of_bytes() -> None:
    sizes = {None: None, 0: "0 B", 999.4: "999 B", 999.5: "1 kB", 1000: "1 kB", 999_600: "1 MB", 1.5e6: "1.5 MB"}
    sizes |= {2.5e9: "2.5 GB", 7e15: "7e+03 TB"}
    assert {size: measure._bytes(size) for size in sizes} == sizes


def test_an_outcome_that_cannot_be_read_costs_du_the_year_only(look: Console) -> None:
    first, last = (key_of(number, "late") for number in (52001, 52003))
    path = look.site.paths.outcome(last)

    def years() -> list[float | None]:
        rows = json.loads("\n".join(look("du --exact --json").out))
        return [one["files_a_year"] for one in rows if (one["analysis"], one["kind"]) == ("late", "outcomes")]

    keep(look.site.paths, outcome(first, run={"start": "2026-01-01T00:00:00Z"}))
    keep(look.site.paths, outcome(last, run={"start": "2026-01-03T00:00:00Z"}))
    assert years() == [365.25]
    keep(look.site.paths, outcome(last, run={"start": None}))
    assert years() == [None]
    path.write_text("{")
    assert years() == [None]
    path.unlink()
    path.symlink_to("moved")
    assert years() == [None]


def test_outdated_names_what_was_made_by_other_software(look: Console) -> None:
    assert look("outdated").out == [
        "analysis | version | results | outdated | lineage | software | script | settings | such as",
        "good | v1 | 3 | 3 | 0 | 3 | 0 | 0 | 052003",
        "camp | v1 | 0 | 0 | 0 | 0 | 0 | 0",
        "late | v1 | 0 | 0 | 0 | 0 | 0 | 0",
        "good | v2 | 1 | 1 | 0 | 1 | 0 | 0 | 052001",
    ]
    assert look("outdated --runs").out == [
        "analysis | version | run | differs in",
        "good | v1 | 052003 | software",
        "good | v1 | 052002 | software",
        "good | v1 | 052001 | software",
        "good | v2 | 052001 | software",
    ]


def test_what_a_tick_has_made_is_outdated_once_its_settings_or_its_script_change(console: Console) -> None:
    site, saved = console.site, "xomlib.Xomresult(variable_name='rate', variable_value=1.5, error=0.1).save()"
    site.analysis("answer", saved, settings={"b": 1, "a": 2})
    site.runs([52001])
    assert site.tick().returncode == 0
    row = "answer | v1 | 1 | {} | 0 | 0 | {} | {}".format
    assert console("outdated").out[1] == row(0, 0, 0)
    assert console("outdated --runs").out[1:] == []
    site.tree["analyses"]["answer"]["settings"] = {"a": 2, "b": 1}
    assert console("outdated").out[1] == row(0, 0, 0), "their order is nothing"
    site.tree["analyses"]["answer"]["settings"] = {"a": 3, "b": 1}
    assert console("outdated").out[1] == f"{row(1, 0, 1)} | 052001"
    site.analysis("answer", f"{saved}\npass", settings={"a": 2, "b": 1})
    assert console("outdated").out[1] == f"{row(1, 1, 0)} | 052001"


def test_an_analysis_without_data_types_is_compared_by_the_packages_of_another_one(
    look: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(probe: object, program: object, context: object, types: set[str]) -> object:
        assert types == {"peaks"}
        return SimpleNamespace(hashes={}, versions={"strax": "2.2.3"})

    monkeypatch.setattr("xomflow.storage.context_probe.ContextProbe.describe", describe)
    look.site.tree["analyses"]["late"]["needs"] = ["peaks"]
    assert look("outdated").out[1] == "good | v1 | 3 | 0 | 0 | 0 | 0 | 0", "its interpreter has only moved"


def test_outdated_compares_each_run_with_its_own_software_and_names_what_it_cannot_compare(
    look: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ContextError("the context is away")

    tree, old = look.site.tree, look.site.folder / "python"
    old.symlink_to("/bin/sh")
    tree["software"] = [{"interpreter": str(old), "max_run": 52001}, {**tree["software"][0], "min_run": 52002}]
    for number, more in ((52001, {}), (52002, {}), (52003, {}), (52011, {"script": "another"})):
        made = outcome(key_of(number, "good"))
        made["provenance"] |= {"software": str(old), **more}
        keep(look.site.paths, made)
    runs = ["good | v1 | 052011 | software, script", "good | v1 | 052003 | software", "good | v1 | 052002 | software"]
    assert look("outdated").out[1] == "good | v1 | 4 | 3 | 0 | 3 | 1 | 0 | 052011"
    assert look("outdated --runs").out[1:] == [*runs, "good | v2 | 052001 | software"]
    _, new = tree["software"]
    tree["software"] = [
        {"interpreter": new["interpreter"], "max_run": 52001},
        {"interpreter": str(old), "min_run": 52002},
    ]
    assert look("outdated --runs").out[1:3] == ["good | v1 | 052011 | script", "good | v1 | 052001 | software"]
    tree["software"], tree["software_may_have_holes"] = [new], True
    assert look("outdated").out[1] == "good | v1 | 4 | 3 | 0 | 3 | 1 | 0 | 052011"
    assert look("outdated --runs").out[1:] == runs
    tree["analyses"]["good"]["needs"] = ["peaks"]
    monkeypatch.setattr("xomflow.storage.context_probe.ContextProbe.describe", fail)
    found = look("outdated")
    assert found.out[1] == "good | v1 | 4 | 3 | 0 | 3 | 1 | 0 | 052011"
    assert found.err == ["the context is away; its lineage is not compared"]


def test_alarms_are_those_that_need_a_person_or_all(look: Console) -> None:
    assert look("alarms --all").out == ["no alarm needs a person"]
    put_alarms(look.site.paths, alarm(sentence="it fell"), alarm(id="b", sentence="it rose", state="ended"))
    head = "began | run | alarm | state | what | reason"
    fell = "TIME | 052894 | kr83m-v1-052894 | open | it fell"
    assert look("alarms").out == [head, fell]
    assert look("alarms --all").out == [head, fell, "TIME | 052894 | b | ended | it rose"]
    assert [one["id"] for one in json.loads("\n".join(look("alarms --json").out))] == ["kr83m-v1-052894"]

"""Commands that decide: which keys each touches, what it passes over, and what it refuses."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from support.factory import failed, keep, keep_failure, key_of, outcome, result, run
from support.site import document
from support.typed import Console, Typed
from support.verdicts import alarm, put_alarms
from xomflow.cli import conventions
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.decisions.files import standing_decisions, write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.files import Failure, failure_path
from xomflow.planning.queue import middle
from xomflow.rundb.run_metadata import RunMetadata

NO_RUNS = "no run is given: write RUNS such as 52894 or 52801-52899, or give --mode, --tag or --since"
OF_ALL = "passed over: TIME-veto-WHO.json is a veto for all analyses: leave the analysis out to take it back"


def fail(paths: Paths, key: Key, *kinds: str) -> None:
    """Leave the records of failed attempts, the last one of now."""
    for attempt, kind in enumerate(kinds, start=1):
        ended = times.now() - timedelta(hours=len(kinds) - attempt)
        keep_failure(failure_path(paths, key, Failure(attempt, kind, ended)), failed(key, kind, attempt=attempt))


@pytest.fixture
def decide(console: Console) -> Console:
    """A site with runs that are done, ready, failed and given up, one analysis of later runs and one of campaigns."""
    site = console.site
    site.tree["retries"] = {"attempts": 3, "first_wait": "1 d"}
    site.analysis("good", "pass")
    site.analysis("late", "pass", min_run=52004)
    site.analysis("camp", "pass", period={"gap": "3 h"})
    site.runs([52001, 52002, 52003, 52006, 52007, document(52011, mode="tpc_kr83m", tags=["calm"])])
    keep(site.paths, *(outcome(key_of(number, "good")) for number in (52001, 52002)))
    fail(site.paths, key_of(52003, "good"), "raised", "timeout")
    fail(site.paths, key_of(52007, "good"), "raised", "raised", "raised")
    return console


@pytest.fixture
def tried(console: Console) -> Console:
    """A site with a trial, which has another result and another failure than what is published."""
    site = console.site
    site.analysis("good", "pass", trial={"version": "v2"}, variables={"light_yield": {}})
    site.analysis("late", "pass", min_run=52004)
    site.runs([52001, 52002, 52003, 52006, 52007, 52011])
    keep(site.paths, *(outcome(key_of(number, "good")) for number in (52001, 52002, 52003)))
    keep(site.paths, *(outcome(key_of(number, "good", "v2")) for number in (52001, 52006)))
    fail(site.paths, key_of(52007, "good"), "raised", "raised", "raised")
    fail(site.paths, key_of(52011, "good", "v2"), "raised")
    return console


def act(console: Console, command: str) -> Typed:
    return console(*command.split(), "--why", "a valve")


def refused(console: Console, command: str, code: int = 2) -> str:
    """The sentence with which a command is refused."""
    done = act(console, command)
    assert (done.out, len(done.err), done.code) == ([], 1, code), done
    return done.err[0]


def files_of(folder: Path) -> dict[Path, int]:
    """When each file and folder changed."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def planned(console: Console, command: str) -> list[str]:
    """What a command is about to do, and does not do with --dry-run."""
    before = files_of(console.site.work)
    done = act(console, f"{command} --dry-run")
    assert files_of(console.site.work) == before
    assert (done.out[-1], done.err, done.code) == ("nothing was done", [], 0), done
    return done.out[:-1]


def done(console: Console, command: str) -> list[str]:
    """What a command has done, without the decisions that it wrote."""
    found = act(console, command)
    assert (found.err, found.code) == ([], 0), found
    return [line for line in found.out if not line.startswith("decided: work/decisions/TIME-")]


def listed(console: Console, *words: str) -> list[str]:
    """The decisions that are listed."""
    return console("decisions", *words).out[1:]


# --- orders -----------------------------------------------------------------------------------------------------------
def test_a_retry_is_of_the_runs_that_failed_and_names_the_others(decide: Console) -> None:
    keys = "good v1 run 052007, good v1 run 052003"
    assert planned(decide, "retry good") == ["passed over: 2 ready", f"2 keys to be tried again now: {keys}"]
    assert planned(decide, "retry good 52001-52006 52011 52099") == [
        "52011 names no run of good that failed",
        "52099 names no run of good that failed",
        "passed over: 2 ready",
        "1 key to be tried again now: good v1 run 052003",
    ]
    assert planned(decide, "retry good --class raised") == [
        "passed over: 2 ready",
        "passed over: 1 failed (timeout)",
        "1 key to be tried again now: good v1 run 052007",
    ]
    assert refused(decide, "retry good --class lost") == (
        "passed over: 2 ready; passed over: 1 gave up (raised); passed over: 1 failed (timeout); "
        "no run of good is left to try again: nothing was done"
    )
    assert refused(decide, "retry god", 3) == "the configuration has no analysis 'god'; did you mean 'good'?"


def test_a_retry_follows_the_last_attempt_of_each_run(decide: Console) -> None:
    assert done(decide, "retry good --attempts 2")[1:] == [
        "2 keys to be tried again now: good v1 run 052007, good v1 run 052003"
    ]
    lines = decide("why 52003").out + decide("why 52007").out
    assert [line for line in lines if line.startswith("good")] == [
        "good v1 run 052003: ready: attempt 3 was ordered by WHO: a valve",
        "good v1 run 052007: ready: attempt 4 was ordered by WHO: a valve",
    ]
    assert listed(decide) == ["TIME-retry-WHO | yes | retry good v1 run 052007, 052003 | 2 | WHO | TIME | a valve"]
    fail(decide.site.paths, key_of(52007, "good"), "raised", "raised", "raised", "raised")
    (name,) = (path.name for path in decide.site.paths.decisions.iterdir())
    assert planned(decide, f"withdraw {name}") == ["1 key of orders to be taken back: good v1 run 052003"]
    fail(decide.site.paths, key_of(52003, "good"), "raised", "timeout", "raised")
    assert refused(decide, f"withdraw {name}") == (
        "TIME-retry-WHO holds no more, it has begun: there is nothing to take back"
    )


def test_a_redo_is_of_the_runs_that_are_done_and_not_ordered_yet(decide: Console) -> None:
    assert planned(decide, "redo good") == ["2 keys to be made again: good v1 run 052002, good v1 run 052001"]
    assert planned(decide, "redo good 52002-52007 52008") == [
        "52008 names no run of good that is done",
        "1 key to be made again: good v1 run 052002",
    ]
    assert done(decide, "redo good 52002") == ["1 key to be made again: good v1 run 052002"]
    assert planned(decide, "redo good") == [
        "passed over: 1 that are to be made again already",
        "1 key to be made again: good v1 run 052001",
    ]
    assert refused(decide, "redo good 52002-52003") == (
        "passed over: 1 that are to be made again already; no run of good is left to make again: nothing was done"
    )
    keep(decide.site.paths, *(outcome(key_of(52006, analysis)) for analysis in ("good", "late")))
    done(decide, "redo good 52006")
    assert planned(decide, "redo late") == ["1 key to be made again: late v1 run 052006"]


def test_an_order_is_taken_back_by_its_name_once(decide: Console) -> None:
    done(decide, "redo good")
    done(decide, "pause late")
    (name,) = (path.name for path in decide.site.paths.decisions.glob("*redo*"))
    assert done(decide, f"withdraw {name} {name}") == [
        "2 keys of orders to be taken back: good v1 run 052002, good v1 run 052001"
    ]
    assert refused(decide, f"withdraw {name.removesuffix('.json')}") == (
        "TIME-redo-WHO holds no more, it was taken back: there is nothing to take back"
    )
    assert refused(decide, f"withdraw {name}x").startswith("there is no decision 'TIME-redo-WHO.jsonx'; did you mean ")
    assert listed(decide) == ["TIME-pause-WHO | yes | pause late | WHO | TIME | a valve"]
    assert listed(decide, "--all") == [
        "TIME-withdraw-WHO | it took others back | withdraw TIME-redo-WHO.json | WHO | TIME | a valve",
        "TIME-pause-WHO | yes | pause late | WHO | TIME | a valve",
        "TIME-redo-WHO | it was taken back | redo good v1 run 052002, 052001 | 2 | WHO | TIME | a valve",
    ]


def test_what_stands_is_taken_back_without_keys(decide: Console) -> None:
    done(decide, "pause late --until 3d")
    (name,) = (path.stem for path in decide.site.paths.decisions.iterdir())
    assert listed(decide) == ["TIME-pause-WHO | yes | pause late | WHO | TIME | TIME | a valve"]
    assert done(decide, f"withdraw {name}") == ["0 keys of orders to be taken back"]
    assert listed(decide) == []


# --- vetoes -----------------------------------------------------------------------------------------------------------
def test_a_veto_is_of_runs_for_some_analyses_or_for_all_once(decide: Console) -> None:
    assert done(decide, "veto 52002 52006 99") == [
        "99 names no run that the run database has",
        "5 keys to be vetoed: good v1 run 052002, good v1 run 052006, late v1 run 052006 and 2 more",
    ]
    assert refused(decide, "veto 52002 good") == (
        "passed over: 1 that are vetoed already; no run is left to veto: nothing was done"
    )
    assert done(decide, "veto 52001-52007 late good") == [
        "passed over: 2 that are vetoed already",
        "passed over: 2 that are vetoed already",
        "4 keys to be vetoed: good v1 run 052001, good v1 run 052003, good v1 run 052007 and 1 more",
    ]
    assert listed(decide) == [
        "TIME-veto-WHO | yes | veto good run 052001, 052003, 052007 | 3 | WHO | TIME | a valve",
        "TIME-veto-WHO | yes | veto late run 052001, 052003, 052007 | 3 | WHO | TIME | a valve",
        "TIME-veto-WHO | yes | veto run 052002, 052006 | 2 | WHO | TIME | a valve",
    ]
    assert refused(decide, "unveto 52006 good") == f"{OF_ALL}; none of these runs is vetoed: nothing was done"
    assert done(decide, "unveto 52002-52003 good") == [
        OF_ALL,
        "passed over: TIME-veto-WHO.json is a veto of late",
        "1 key to be vetoed no longer: good v1 run 052003",
    ]
    assert done(decide, "unveto 52001-52011") == [
        "8 keys to be vetoed no longer: good v1 run 052002, good v1 run 052006, late v1 run 052006 and 5 more"
    ]
    done(decide, "retry good 52007")
    assert refused(decide, "unveto 52001-52011") == "none of these runs is vetoed: nothing was done"


def test_runs_of_a_veto_are_named_by_mode_tag_or_campaign(decide: Console) -> None:
    of_mode = ["3 keys to be vetoed: good v1 run 052011, late v1 run 052011, camp v1 run 052011"]
    assert planned(decide, "veto --mode tpc_kr*") == planned(decide, "veto --tag cal*") == of_mode
    assert planned(decide, "veto @camp/052001-acfd") == [
        "12 keys to be vetoed: good v1 run 052001, good v1 run 052002, good v1 run 052003 and 9 more"
    ]
    for campaign in ("@camp/052001-aaaa", "@good/052001-acfd"):
        assert refused(decide, f"veto {campaign}") == (
            f"{campaign} names no run that the run database has; no run is left to veto: nothing was done"
        )


def test_a_campaign_of_an_unknown_analysis_is_refused(decide: Console) -> None:
    sentence = "the configuration has no analysis 'god'; did you mean 'good'?"
    assert refused(decide, "veto @god/052001-acfd", 3) == sentence


def test_runs_of_a_campaign_that_is_done_are_vetoed_and_made_again_by_its_id(decide: Console) -> None:
    runs = ["052001", "052002", "052003", "052006", "052007"]
    keep(decide.site.paths, outcome(Key("camp", "v1", "052001-acfd"), run={"runs": runs, "runs_missing": []}))
    assert planned(decide, "veto @camp/052001-acfd camp")[0].startswith("5 keys to be vetoed: camp v1 run 052001, ")
    assert planned(decide, "redo camp @camp/052001-acfd 52011") == [
        "52011 names no run of camp that is done",
        "1 key to be made again: camp v1 run 052001-acfd",
    ]


def test_vetoes_need_runs_and_known_analyses(decide: Console) -> None:
    assert refused(decide, "veto") == refused(decide, "unveto") == refused(decide, "bad-run") == NO_RUNS
    for command in ("veto 52001 god", "unveto 52001 god", "pause god", "resume god", "mute god --until 3d"):
        assert refused(decide, command, 3) == "the configuration has no analysis 'god'; did you mean 'good'?"


# --- pauses and drains ------------------------------------------------------------------------------------------------
def test_a_pause_is_of_one_analysis_until_it_is_resumed(decide: Console) -> None:
    keys = "good v1 run 052011, good v1 run 052006"
    assert done(decide, "pause late")[0].startswith("3 keys ready, to wait meanwhile: late v1 run 052011, ")
    assert refused(decide, "resume good") == "good is not paused: nothing was done"
    assert done(decide, "pause good") == [f"2 keys ready, to wait meanwhile: {keys}"]
    assert refused(decide, "pause good") == "good is paused already: nothing was done"
    assert done(decide, "resume good") == [f"2 keys ready for the next tick: {keys}"]
    assert refused(decide, "resume good") == "good is not paused: nothing was done"
    assert listed(decide) == ["TIME-pause-WHO | yes | pause late | WHO | TIME | a valve"]
    assert refused(decide, "pause camp --until 2001-01-01") == "--until: '2001-01-01' is past"


def test_a_drain_that_waits_names_what_it_waits_for(decide: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xomflow.workflow.decisions.draining.wait_until_quiet", lambda config: iter(["1 job runs"]))
    shown = decide("drain", "--wait", "--dry-run", "--why", "a valve")
    assert (shown.out[-1], listed(decide)) == ("nothing was done", [])
    assert decide("drain", "--wait", "--why", "a valve").out[-1] == "1 job runs"
    assert len(listed(decide)) == 1
    assert decide("drain", "--wait", "--why", "a valve") == Typed(["1 job runs"], []), "it is drained already"
    assert decide("drain", "--wait", "--json", "--why", "a valve") == Typed([], ["1 job runs"])


def test_a_drained_site_takes_nothing_until_all_drains_are_taken_back(decide: Console) -> None:
    keys = "good v1 run 052011, good v1 run 052006, late v1 run 052011 and 4 more"
    for _ in range(2):
        assert done(decide, "drain") == [f"7 keys ready, to wait meanwhile: {keys}"]
    assert listed(decide) == ["TIME-drain-WHO | yes | drain | WHO | TIME | a valve"] * 2
    assert done(decide, "undrain") == [f"7 keys ready for the next tick: {keys}"]
    assert (listed(decide), refused(decide, "undrain")) == ([], "the site is not drained: nothing was done")


def test_a_decision_of_a_clock_that_is_ahead_is_listed_with_its_time_and_can_be_taken_back(decide: Console) -> None:
    soon = times.now() + timedelta(hours=1)
    path = write_decision(decide.site.paths, Decision(Verb.PAUSE, Subject("late"), "kim", soon, "a valve"))
    rows = decide("decisions", "--all").out
    assert [row.split(" | ")[1] for row in rows[1:]] == ["it begins at TIME"]
    assert done(decide, f"withdraw {path.stem}")[0].startswith("0 keys of orders to be taken back")
    assert standing_decisions(decide.site.paths, soon + timedelta(seconds=1)) == ()


def test_a_decision_whose_time_is_over_has_ended(decide: Console) -> None:
    when = times.now() - timedelta(hours=2)
    over = Decision(Verb.PAUSE, Subject("late"), "kim", when, "a valve", until=when + timedelta(hours=1))
    write_decision(decide.site.paths, over)
    assert listed(decide) == []
    assert [row.split(" | ")[1] for row in listed(decide, "--all")] == ["it has ended"]


def test_a_pause_counts_the_ready_runs_that_are_not_listed(decide: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middle, "MOST_READY", 2)
    decide.site.analysis("good", "pass", max_jobs_per_tick=2)
    decide.site.runs(range(51_001, 51_011))
    keys = "good v1 run 052011, good v1 run 052006, good v1 run 051002 and 1 more"
    assert planned(decide, "pause good") == [
        "8 more keys are ready, to wait meanwhile",
        f"4 keys ready, to wait meanwhile: {keys}",
    ]


def test_only_what_changes_no_run_is_done_without_a_question(tried: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conventions, "MANY", 0)
    for words in ("retry good+v2", "redo good", "veto 52001", "backfill late 52001", "bad-run 52001"):
        done = act(tried, words)
        assert (done.code, "more than 0, and there is no terminal to ask" in done.err[0]) == (2, True), words
    for words in ("pause good", "resume good", "drain", "undrain", "promote good v2"):
        assert act(tried, words).code == 0, words


# --- what is expected -------------------------------------------------------------------------------------------------
def test_alarms_are_named_by_their_ids(decide: Console) -> None:
    put_alarms(decide.site.paths, alarm(), alarm(id="kr83m-v1-052001", first_run="052001"))
    assert planned(decide, "acknowledge kr83m-v1-052894") == ["1 alarm, kr83m-v1-052894, to have the reason"]
    assert planned(decide, "acknowledge kr83m-v1-052894 kr83m-v1-052001") == [
        "2 alarms, kr83m-v1-052894, kr83m-v1-052001, to have this reason"
    ]
    assert refused(decide, "acknowledge kr83m-v1-052894 kr83m-v2-052894") == (
        "there is no alarm 'kr83m-v2-052894'; did you mean 'kr83m-v1-052894'? (xom alarms --all lists them): "
        "nothing was done"
    )


def test_a_new_level_and_a_mute_are_of_one_variable_or_of_all(tried: Console) -> None:
    assert refused(tried, "expect good light --from 52006") == refused(tried, "mute good light --until 3d")
    assert refused(tried, "mute good light --until 3d") == (
        "good has no variable 'light'; did you mean 'light_yield'?: nothing was done"
    )
    assert done(tried, "expect good light_yield --from 52006") == [
        "light_yield of good to have a new level from run 052006 on"
    ]
    assert planned(tried, "expect late any --from 52006") == ["any of late to have a new level from run 052006 on"]
    keep(
        tried.site.paths,
        outcome(key_of(52006, "late"), [result("there")]),
        outcome(key_of(52006, "good"), [result("more")]),
    )
    sentence = "late has no variable 'any': nothing was done"
    assert refused(tried, "expect late any --from 52006") == refused(tried, "mute late any --until 3d") == sentence
    assert planned(tried, "mute good more --until 3d") == ["more of good to be muted"], "saved without a promise"
    assert done(tried, "mute good --until 3d") == ["all variables of good to be muted"]
    assert refused(tried, "mute good --until 2001-01-01") == "--until: '2001-01-01' is past"
    assert listed(tried) == [
        "TIME-mute-WHO | yes | mute good | WHO | TIME | TIME | a valve",
        "TIME-expect-WHO | yes | expect good light_yield run 052006 | 1 | WHO | TIME | a valve",
    ]


def test_bad_runs_concern_all_results_of_them(tried: Console) -> None:
    assert planned(tried, "bad-run 52001-52002 52011") == [
        "2 keys from which nothing is to be expected: good v1 run 052001, good v1 run 052002"
    ]
    assert refused(tried, "bad-run 99") == "these words name no run that the run database has: nothing was done"


# --- trials and backfills ---------------------------------------------------------------------------------------------
def test_a_retry_of_the_published_version_names_the_failures_of_its_trial(tried: Console) -> None:
    assert planned(tried, "retry good") == [
        "passed over: 2 ready",
        "passed over: 1 of its trial that failed; give good+v2 as the analysis",
        "1 key to be tried again now: good v1 run 052007",
    ]
    assert planned(tried, "retry good 52007") == ["1 key to be tried again now: good v1 run 052007"]
    assert planned(tried, "retry good+v2") == [
        "passed over: 3 ready",
        "1 key to be tried again now: good v2 run 052011",
    ]


def test_only_the_trial_of_an_analysis_is_promoted(tried: Console) -> None:
    assert refused(tried, "promote good v3") == "analyses.good has no trial v3, its trial is v2: nothing was done"
    assert refused(tried, "promote late v2") == (
        "analyses.late has no trial v2, v1 is published, without a trial: nothing was done"
    )
    phrase = "to be published, and v2 to be analysed from now on instead of v1"
    assert done(tried, "promote good v2") == [
        "v2 lacks 2 runs that v1 has",
        f"2 keys {phrase}: good v2 run 052001, good v2 run 052006",
    ]
    assert tried("why 52006").out[0] == "good v2 run 052006: done: the outcome is there"


def test_a_trial_that_lacks_nothing_is_promoted_without_a_note(tried: Console) -> None:
    keep(tried.site.paths, *(outcome(key_of(number, "good", "v2")) for number in (52002, 52003)))
    (plan,) = planned(tried, "promote good v2")
    assert plan.startswith("4 keys to be published")


def test_a_backfill_is_of_runs_that_are_not_done_nor_in_another(decide: Console) -> None:
    cost = "a run takes 1.5 s and 1 s of CPU time (medians of the newest 2 outcomes)"
    keys = "good v1 run 052011, good v1 run 052007, good v1 run 052006 and 1 more"
    assert planned(decide, "backfill good 52001-52011 52099") == [
        "52099 names no run that the run database has",
        "passed over: 2 that are done",
        f"about 1.0 h with a tick every 1.0 h, and 0.0 core hours: {cost}",
        f"4 keys to be analysed after all others, 100 at a time: {keys}",
    ]
    unknown = "no run of late v1 is done yet, so it is unknown how long this takes"
    assert done(decide, "backfill late 52001-52002 --at-once 2 --nice 7") == [
        unknown,
        "2 keys to be analysed after all others, 2 at a time: late v1 run 052002, late v1 run 052001",
    ]
    assert done(decide, "backfill late 52001-52003") == [
        "passed over: 2 that are in a backfill already",
        unknown,
        "1 key to be analysed after all others, 100 at a time: late v1 run 052003",
    ]
    assert [line for line in decide("status").out if line.startswith("backfill of")] == [
        "backfill of late v1 by WHO: 0 of 2 runs done, 2 ready",
        "backfill of late v1 by WHO: 0 of 1 runs done, 1 ready",
    ]
    keep(decide.site.paths, *(outcome(key_of(number, "late")) for number in (52001, 52002)))
    assert [line.split(" | ")[1] for line in listed(decide, "--all")] == ["yes", "all of its runs are done"]


def test_a_backfill_names_what_it_does_not_have(decide: Console) -> None:
    assert refused(decide, "backfill good") == (
        "no run is given: write RUNS such as 49000-51999, or narrow all runs down by --mode, --tag or --since"
    )
    assert refused(decide, "backfill good 52001") == (
        "passed over: 1 that are done; no run of good is left to analyse: nothing was done"
    )
    decide.site.tree["selection"] = {"excluded_modes": ["tpc_kr*"]}
    assert refused(decide, "backfill late 52011") == (
        "passed over: 1 that are not selected, such as 052011: its mode tpc_kr83m is never monitored; "
        "no run of late is left to analyse: nothing was done"
    )


def test_a_backfill_of_campaigns_is_of_those_that_are_to_be_done(decide: Console) -> None:
    assert planned(decide, "backfill camp 52001 52099") == [
        "52099 names no campaign of camp that is to be done; its campaigns have runs within its min_run and max_run "
        "only",
        "no run of camp v1 is done yet, so it is unknown how long this takes",
        "1 key to be analysed after all others, 100 at a time: camp v1 run 052001-acfd",
    ]


def test_nothing_is_accepted_where_nothing_waits(decide: Console) -> None:
    assert done(decide, "accept") == ["no tick waits: nothing is to be accepted"]


def test_what_is_accepted_holds_until_a_tick_has_gone_on_with_it(console: Console) -> None:
    site, numbers = console.site, range(52001, 52007)
    site.analysis("good", "pass")
    site.runs(numbers)
    keep(site.paths, *(outcome(key_of(number, "good")) for number in numbers))
    console("rebuild")
    shutil.rmtree(site.paths.outcomes / "good")
    RunMetadata(site.paths).keep([run(52020)])
    gone = "1 runs are gone from the run database, such as 052020"
    words, later, keys = done(console, "accept")
    assert later == f"not accepted: {gone}; if this is right too, type the command again"
    assert words == "to accept: good v1: 6 of 6 results, 6 gone from work/outcomes (such as 052006)"
    assert keys.startswith("6 keys to be accepted as they are now: good v1 run 052001, ")
    now = times.now().timestamp()
    for number, changed in enumerate((None, now - 60, now + 60)):
        claims = TickPaths(site.paths.tick(f"20261122T12000{number}-host-5")).claims
        claims.parent.mkdir(parents=True)
        if changed is not None:
            claims.touch()
            os.utime(claims, (changed, changed))
        holds = "a tick has gone on with it" if number == 2 else "yes"
        assert [line.split(" | ")[1] for line in listed(console, "--all")] == [holds]
    assert planned(console, "accept") == [f"to accept: {gone}", "1 key to be given up: run 052020"]

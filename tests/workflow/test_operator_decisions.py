"""What people decide through the console: retry, veto, redo, pause, drain, and taking it back."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.decisions.files import read_decisions, standing_decisions
from xomflow.decisions.model import Verb
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.current_points import CurrentPoints

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
BROKEN = "raise ValueError('broken')"
WHY = ("--why", "a valve")


def decide(site: FastSite, *words: str, code: int = 0) -> str:
    site.work.mkdir(exist_ok=True)
    done = site.xom(*words, *WHY)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def why(site: FastSite, number: int = 52001) -> str:
    return site.xom("why", str(number)).stdout


def stored(site: FastSite, analysis: str = "good") -> set[str]:
    """The ids of the runs of which the store has points."""
    lines = [line for path in site.paths.store.rglob(f"{analysis}/**/*.lp") for line in path.read_text().splitlines()]
    return {line.partition('run_id="')[2].partition('"')[0] for line in lines}


def shown(site: FastSite) -> str:
    """The data of the page."""
    return "".join(path.read_text() for path in (site.paths.page / "data").rglob("*.js"))


def attempts(site: FastSite, number: int = 52001) -> list[int]:
    return [record["attempt"] for record in site.failures("good", number)]


# --- retry ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def gave_up(site: FastSite) -> FastSite:
    site.tree["retries"] = {"attempts": 1, "first_wait": "1 h"}
    site.runs([52001, 52002])
    site.analysis("good", BROKEN)
    assert site.tick().returncode == ExitCode.FAILED_RUNS
    return site


def test_a_retry_is_one_more_attempt_whose_number_follows_on(gave_up: FastSite) -> None:
    assert "1 key to be tried again now: good v1 run 052001" in decide(gave_up, "retry", "good", "52001")
    assert gave_up.pending() == {("good", "052001")}
    assert "ready: attempt 2 was ordered by " in why(gave_up) and ": a valve" in why(gave_up)
    gave_up.tick()
    gave_up.tick()
    assert (attempts(gave_up), attempts(gave_up, 52002)) == ([1, 2], [1])
    assert "gave up: " in why(gave_up)
    assert "retry" not in gave_up.xom("status").stdout


def test_a_retry_that_succeeded_is_over_also_if_its_run_is_vetoed(gave_up: FastSite) -> None:
    decide(gave_up, "retry", "good", "52001")
    gave_up.analysis("good", GOOD)
    gave_up.tick()
    decide(gave_up, "veto", "52001")
    assert [line for line in gave_up.xom("status").stdout.splitlines() if line.startswith("retry")] == []
    assert "retry" not in gave_up.xom("decisions").stdout
    decide(gave_up, "retry", "good", "52002")
    decide(gave_up, "veto", "52002")
    assert "retry" in gave_up.xom("decisions").stdout


def test_several_attempts_wait_as_usual_between_them(gave_up: FastSite) -> None:
    decide(gave_up, "retry", "good", "--attempts", "2")
    gave_up.tick()
    (_, record) = gave_up.failures("good", 52001)
    assert record["failure"]["next_try"] is not None
    assert "failed: raised: ValueError: broken" in why(gave_up)
    gave_up.tree["retries"]["first_wait"] = "0 s"
    for _ in range(2):
        gave_up.tick()
    assert attempts(gave_up) == attempts(gave_up, 52002) == [1, 2, 3]


def test_a_retry_is_for_failed_runs_and_for_one_class_if_wanted(gave_up: FastSite) -> None:
    gave_up.runs([52003])
    assert "no run of good is left to try again" in decide(gave_up, "retry", "good", "52003", code=ExitCode.USAGE)
    refused = decide(gave_up, "retry", "good", "--class", "timeout", code=ExitCode.USAGE)
    assert "passed over: 2 gave up (raised)" in refused
    told = decide(gave_up, "retry", "good", "52001-52003", "51000", "--class", "raised")
    assert "passed over: 1 ready" in told and "51000 names no run of good that failed" in told
    assert gave_up.pending() == {("good", "052001"), ("good", "052002"), ("good", "052003")}
    assert "no analysis 'god'; did you mean 'good'?" in decide(gave_up, "retry", "god", code=ExitCode.CONFIGURATION)


def test_an_order_can_be_taken_back_until_it_has_begun(gave_up: FastSite) -> None:
    decide(gave_up, "retry", "good", "52001")
    (row,) = json.loads(gave_up.xom("decisions", "--json").stdout)
    assert (row["decided"], row["why"]) == ("retry good v1 run 052001", "a valve")
    decide(gave_up, "withdraw", row["name"])
    assert (gave_up.pending(), gave_up.xom("decisions", "--json").stdout.strip()) == (set(), "[]")
    assert "it was taken back" in decide(gave_up, "withdraw", row["name"], code=ExitCode.USAGE)
    decide(gave_up, "retry", "good", "52001")
    name = json.loads(gave_up.xom("decisions", "--json").stdout)[0]["name"]
    gave_up.tick()
    assert f"{name} holds no more, it has begun" in decide(gave_up, "withdraw", name, code=ExitCode.USAGE)
    assert "there is no decision 'x'" in decide(gave_up, "withdraw", "x", code=ExitCode.USAGE)


# --- redo -------------------------------------------------------------------------------------------------------------
def test_a_redo_replaces_outcomes_that_are_there(site: FastSite) -> None:
    site.runs([52001, 52002])
    site.analysis("good", GOOD)
    site.tick()
    assert "2 keys to be made again" in decide(site, "redo", "good", "52001-52009", "--dry-run")
    assert site.pending() == set()
    decide(site, "redo", "good", "52001")
    assert "its outcome is made again, ordered by " in why(site)
    assert "passed over: 1 that are to be made again already" in decide(site, "redo", "good", "52001", code=2)
    assert site.pending() == {("good", "052001")}
    site.tick()
    assert (site.outcome("good", 52001)["attempt"], site.pending()) == (2, set())
    assert "52009 names no run of good that is done" in decide(site, "redo", "good", "52009", code=ExitCode.USAGE)


def test_a_redo_of_a_campaign_is_about_its_id_or_any_of_its_runs(site: FastSite) -> None:
    site.runs([52001, 52002])
    site.analysis("good", GOOD, period={"gap": "2 h"})
    site.tick()
    (path,) = site.paths.outcomes.glob("good/v1/052/*.json")
    for word in (f"@good/{path.stem}", "52002"):
        assert f"good v1 run {path.stem}" in decide(site, "redo", "good", word, "--dry-run")
    decide(site, "redo", "good", "52002")
    site.tick()
    assert json.loads(path.read_text())["attempt"] == 2


# --- veto -------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with three runs that two analyses have done."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.runs([52001, 52002, 52003])
    site.analysis("good", GOOD)
    site.analysis("other", GOOD)
    assert site.tick().returncode == 0
    return site


@pytest.fixture
def finished(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def test_a_vetoed_run_has_no_points_and_its_outcome_stays(finished: FastSite) -> None:
    before = finished.paths.outcome(Key("good", "v1", "052001")).read_bytes()
    assert "2 keys to be vetoed" in decide(finished, "veto", "52001")
    assert finished.xom("verify").returncode == ExitCode.STORE_DIFFERS
    for _ in range(2):
        assert finished.tick().returncode == 0
    assert stored(finished) == stored(finished, "other") == {"052002", "052003"}
    assert finished.xom("verify").returncode == 0
    assert finished.paths.outcome(Key("good", "v1", "052001")).read_bytes() == before
    assert (finished.pending(), why(finished).count("vetoed by ")) == (set(), 2)
    line = "veto run 052001: "
    assert line in finished.xom("status").stdout and line in finished.ticks()[-1].summary.read_text()
    assert line in shown(finished)
    events = "".join(path.read_text() for path in finished.paths.store.rglob("*.lp"))
    assert 'title="veto run 052001"' in events
    decide(finished, "unveto", "52001")
    finished.tick()
    assert stored(finished) == {"052001", "052002", "052003"}
    assert finished.outcome("good", 52001)["attempt"] == 1


def test_points_of_a_vetoed_run_go_even_if_the_ledger_is_lost(finished: FastSite) -> None:
    decide(finished, "veto", "52001", "good")
    shutil.rmtree(finished.paths.ledger)
    assert CurrentPoints(finished.paths, "test_").superseded(Shelf("good", "v1", "052")) == {"052001"}
    finished.tick()
    assert (stored(finished), finished.xom("verify").returncode) == ({"052002", "052003"}, 0)


def test_a_veto_may_be_about_some_analyses_and_some_of_its_runs_are_taken_back(finished: FastSite) -> None:
    decide(finished, "veto", "52001-52002", "good", "--until", "3 d")
    finished.tick()
    assert (stored(finished), stored(finished, "other")) == ({"052003"}, {"052001", "052002", "052003"})
    assert "none of these runs is vetoed" in decide(finished, "unveto", "52003", code=ExitCode.USAGE)
    assert "is a veto of good" in decide(finished, "unveto", "52001", "other", code=ExitCode.USAGE)
    decide(finished, "unveto", "52001", "good")
    finished.tick()
    assert stored(finished) == {"052001", "052003"}
    assert "passed over: 1 that are vetoed already" in decide(finished, "veto", "52002", "good", code=ExitCode.USAGE)
    assert "no run is given" in decide(finished, "veto", code=ExitCode.USAGE)
    assert "no run is left to veto" in decide(finished, "veto", "--mode", "none", code=ExitCode.USAGE)
    assert "52009 names no run that the run database has" in decide(finished, "veto", "52009", code=ExitCode.USAGE)


def test_a_run_can_be_vetoed_while_its_document_cannot_be_understood(finished: FastSite) -> None:
    file = finished.folder / "runs.jsonl"
    whole = file.read_text()
    run = min(stored(finished))
    file.write_text("".join(line[:40] + "\n" if run in line else line for line in whole.splitlines(keepends=True)))
    assert finished.tick().returncode == 0
    assert run in stored(finished)
    decide(finished, "veto", run)
    assert finished.tick().returncode == 0
    assert run not in stored(finished)
    decide(finished, "unveto", run)
    file.write_text(whole)
    assert finished.tick().returncode == 0
    assert run in stored(finished)


def test_a_run_that_is_vetoed_before_it_is_done_is_not_analysed(site: FastSite) -> None:
    site.runs([52001, 52002])
    site.analysis("good", GOOD)
    decide(site, "veto", "52001")
    site.tick()
    assert site.done("good") == {52002}
    summary = json.loads(site.ticks()[-1].summary.read_text())
    assert [one["run"] for one in summary["items"]] == []
    counts = summary["counts"]["good"]
    assert (counts["vetoed"], counts["done"], counts["ready"]) == (1, 1, 0)


def test_groups_go_on_without_a_vetoed_run_at_once_and_the_brake_does_not_count_it(site: FastSite) -> None:
    site.runs(
        [
            document(
                number,
                start={"$date": f"2026-09-{day:02}T0{hour}:00:00Z"},
                end={"$date": f"2026-09-{day:02}T0{hour}:50:00Z"},
            )
            for day in range(1, 7)
            for hour in range(1, 4)
            for number in [52000 + 10 * day + hour]
        ]
    )
    site.analysis("good", GOOD, period={"gap": "3 h"})
    assert site.tick().returncode == 0
    first = stored(site)
    assert len(first) == 6
    decide(site, "veto", *[str(52002 + 10 * day) for day in range(1, 7)])
    assert "not selected: vetoed by " in why(site, 52012)
    assert site.tick().returncode == 0
    second = stored(site)
    assert (len(second), first & second) == (6, set())
    assert all(
        json.loads(path.read_text())["run"]["runs"] == [f"0520{d}1", f"0520{d}3"]
        for d in range(1, 7)
        for path in site.paths.outcomes.glob(f"good/v1/052/0520{d}1-*.json")
        if "superseded" not in path.name
    )
    decide(site, "unveto", "52001-52999")
    assert site.tick().returncode == 0
    assert (stored(site), site.pending()) == (first, set())


def test_a_campaign_is_vetoed_with_all_of_its_runs(site: FastSite) -> None:
    site.runs([52001, 52002, 52103])
    site.analysis("good", GOOD, period={"gap": "2 h"})
    site.tick()
    campaign = next(path.stem for path in site.paths.outcomes.glob("good/v1/052/052001-*.json"))
    for words in (("veto", f"@good/{campaign}"), ("unveto", f"@good/{campaign}")):
        decide(site, *words)
        assert site.tick().returncode == 0
        assert (campaign in stored(site)) == (words[0] == "unveto")


# --- pause and drain --------------------------------------------------------------------------------------------------
def test_no_run_of_a_paused_analysis_is_taken(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    site.analysis("other", GOOD)
    assert "1 key ready, to wait meanwhile" in decide(site, "pause", "good", "--until", "1 d")
    assert "good is paused already" in decide(site, "pause", "good", code=ExitCode.USAGE)
    assert site.tick().returncode == 0
    assert (site.done("good"), site.done("other")) == (set(), {52001})
    assert "; good is paused until " in why(site) and "pause good: " in site.xom("status").stdout
    decide(site, "resume", "good")
    assert site.pending() == {("good", "052001")}
    assert "good is not paused" in decide(site, "resume", "good", code=ExitCode.USAGE)


def test_a_drained_site_takes_nothing_and_publishes_what_ended(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    tick = site.claim()
    site.xom("job", "run", str(tick.folder), "good", "v1", "052001")
    site.runs([52002])
    assert "nothing runs" in decide(site, "drain", "--wait")
    assert site.tick().returncode == 0
    assert (site.done("good"), stored(site)) == ({52001}, {"052001"})
    assert "the site is drained by " in why(site, 52002)
    assert "nothing runs" in decide(site, "drain", "--wait")
    assert len(list(site.paths.decisions.glob("*-drain-*"))) == 1
    decide(site, "undrain")
    assert site.pending() == {("good", "052002")}
    assert "the site is not drained" in decide(site, "undrain", code=ExitCode.USAGE)


# --- all of them ------------------------------------------------------------------------------------------------------
def test_a_decision_needs_a_reason_and_may_end_by_itself(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    assert "--why" in site.xom("veto", "52001").stderr
    assert "a reason is needed" in site.xom("veto", "52001", "--why", " ").stderr
    for text, sentence in (("soon", "'soon' is no time"), ("2026-01-01", "'2026-01-01' is past")):
        assert f"--until: {sentence}" in decide(site, "veto", "52001", "--until", text, code=ExitCode.USAGE)
    assert not list(Path(site.paths.decisions).glob("*.json"))


def test_nothing_is_decided_before_there_is_a_work_folder(site: FastSite) -> None:
    site.analysis("good", GOOD)
    done = site.xom("drain", *WHY)
    assert done.returncode == ExitCode.USAGE
    assert (
        done.stderr.splitlines()[-1] == "work: there is no such folder, so nothing can be decided: start a tick first"
    )
    assert not site.work.exists()


@pytest.mark.slow
def test_a_command_that_is_killed_anywhere_has_decided_all_or_nothing(site: FastSite) -> None:
    site.tree["retries"] = {"attempts": 1, "first_wait": "1 h"}
    site.runs([52001, 52002])
    site.analysis("good", f"if run_id == '052001': {BROKEN}\n{GOOD}")
    site.tick()
    commands = (
        *(("retry", "good", "52001"), ("redo", "good", "52002"), ("veto", "52001-52002"), ("unveto", "52002")),
        *(("pause", "good"), ("resume", "good"), ("drain", "--wait"), ("undrain",), ("withdraw",)),
    )
    for words in commands:
        if words == ("withdraw",):
            words = ("withdraw", *(one.name for one in read_decisions(site.paths).made if one.what is Verb.RETRY))
        before = len(read_decisions(site.paths).made)
        for number in itertools.count(1):
            done = site.killed_command(number, *words, *WHY)
            found = read_decisions(site.paths)
            assert (done.returncode in (0, -signal.SIGKILL), found.problems) == (True, ()), done.stdout + done.stderr
            if len(found.made) > before or done.returncode == 0:
                break
        assert number > 3, words
        assert (len(found.made), found.made[-1].why) == (before + 1, "a valve"), words
    assert [one.what for one in standing_decisions(site.paths)] == [Verb.REDO, Verb.VETO]
    site.tick()
    assert (why(site).count("vetoed by"), site.outcome("good", 52002)["attempt"]) == (1, 2)

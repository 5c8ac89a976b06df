"""Every way in which an analysis can go wrong leaves a record of its own kind, and costs no other run anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import Site
from xomflow.workflow.ending.summary import read_summary
from xomlib.files import read_json

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
WAYS = {
    "raises": ("raise ValueError('no peaks at all')", "raised", "ValueError: no peaks at all"),
    "silent": ("pass", "no_result", "saved nothing"),
    "twice": (f"{GOOD}\n{GOOD}", "bad_result", "'answer' is saved twice"),
    "other_run": (GOOD.replace("value=1", "value=1, runid=int(run_id) + 1"), "bad_result", "runid is 52002"),
    "other_version": (GOOD.replace("value=1", "value=1, analysis_version='v9'"), "bad_result", "'v9'"),
    "not_a_number": (GOOD.replace("value=1", "value=float('nan')"), "bad_result", "answer is nan"),
    "infinite": (GOOD.replace("value=1", "value=1, error=float('inf')"), "bad_result", "error is inf"),
    "swallows": (f"{GOOD}\ntry:\n    {GOOD}\nexcept Exception:\n    pass", "bad_result", "saved twice"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "killed", "SIGKILL"),
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", "killed", "SIGSEGV"),
    "vanishes": (f"{GOOD}\nos._exit(0)", "killed", "ended without a report"),
    "exits": ("sys.exit('cannot go on')", "raised", "exit status cannot go on"),
    "broken": ("raise xomlib.DataBroken('chunk 3 is missing')", "data_broken", "chunk 3 is missing"),
    "hungry": ("x = bytearray(3_000_000_000)", "out_of_memory", "MemoryError"),
    "endless": ("print('patience', flush=True)\ntime.sleep(600)", "timeout", "time limit of 3 s"),
}


@pytest.fixture(scope="module", params=["cold", "warm"])
def bad_day(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Site, subprocess.CompletedProcess[str]]:
    """A tick in which everything goes wrong that can, beside a good analysis; the cold one is Snakemake's."""
    kind = Site if request.param == "cold" else FastSite
    site = kind(tmp_path_factory.mktemp(request.param))
    site.runs([52001])
    site.tree["warm_start"] = {"enabled": request.param == "warm", "least_jobs": 1, "preload": ["json"]}
    site.tree["context"] = {"function": "json:loads"}
    site.analysis("good", GOOD)
    for name, (body, _, _) in WAYS.items():
        site.analysis(name, body, memory_mb=1000, time_limit="3 s" if name == "endless" else "2 min")
    return site, site.tick()


@pytest.mark.parametrize("name", WAYS)
def test_each_failure_is_told_apart(bad_day: tuple[Site, subprocess.CompletedProcess[str]], name: str) -> None:
    site, _ = bad_day
    _, kind, words = WAYS[name]
    (record,) = site.failures(name, 52001)
    assert record["failure"]["class"] == kind
    assert words in record["failure"]["message"]
    assert record["attempt"] == 1
    assert record["failure"]["next_try"] > record["ended"]
    assert not site.done(name)


def test_the_good_run_is_done_and_published(bad_day: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, _ = bad_day
    assert site.done("good") == {52001}
    assert (site.paths.store / "test/good/v1/052.lp").exists()
    assert read_json(site.ticks()[0].summary)["counts"]["good"]["done"] == 1


def test_the_tick_fails_and_its_last_lines_name_what_failed(
    bad_day: tuple[Site, subprocess.CompletedProcess[str]],
) -> None:
    site, done = bad_day
    assert done.returncode == 7
    last = done.stderr.splitlines()[-len(WAYS) - 1 :]
    assert last[0].startswith(f"this tick: 1 of {len(WAYS) + 1} runs done, {len(WAYS)} not:")
    for name in WAYS:
        (line,) = [line for line in last if f" {name} v1 run 052001: " in line]
        log = line.rsplit("log ", 1)[1]
        assert (site.folder / log).exists()


def test_the_log_of_a_failure_is_in_its_record(bad_day: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, _ = bad_day
    assert any(
        "ValueError: no peaks at all" in line for line in site.failures("raises", 52001)[0]["failure"]["log_tail"]
    )
    assert "patience" in site.failures("endless", 52001)[0]["failure"]["log_tail"]


def test_no_process_and_no_lock_is_left(bad_day: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, _ = bad_day
    assert list(site.paths.locks.glob("*.lock")) == []
    assert list((site.work / "drafts").glob("*")) == []


def test_failures_are_tried_again_when_due_and_then_given_up(site: Site) -> None:
    site.runs([52001])
    site.tree["retries"] = {"attempts": 2, "first_wait": "0 s"}
    site.analysis("raises", "raise ValueError('again')")
    assert site.tick().returncode == 7
    assert site.tick().returncode == 7
    third = site.tick()
    assert third.returncode == 0
    assert [record["attempt"] for record in site.failures("raises", 52001)] == [1, 2]
    assert site.failures("raises", 52001)[1]["failure"]["next_try"] is None
    assert "gave up   raises v1 run 052001" in third.stderr


def test_the_whole_log_of_each_failed_attempt_is_kept(site: Site) -> None:
    site.runs([52001])
    site.tree["retries"] = {"attempts": 3, "first_wait": "0 s"}
    site.analysis("raises", "raise ValueError('again')")
    for _ in range(2):
        site.tick()
    logs = [(site.folder / record["failure"]["log"]).read_text() for record in site.failures("raises", 52001)]
    assert [log.count("--- attempt") for log in logs] == [1, 1]
    assert [f"--- attempt {number}," in log for number, log in enumerate(logs, 1)] == [True, True]
    assert all("ValueError: again" in log for log in logs)


def test_a_failure_is_not_tried_again_before_it_is_due(site: Site) -> None:
    site.runs([52001])
    site.analysis("raises", "raise ValueError('once')")
    site.tick()
    assert site.tick().returncode == 0
    assert len(site.failures("raises", 52001)) == 1


def test_removing_the_record_by_hand_makes_the_run_ready_at_once(site: Site) -> None:
    site.runs([52001])
    site.analysis("raises", "raise ValueError('once')")
    site.tick()
    for record in site.paths.outcomes.rglob("*.failed-*"):
        record.unlink()
    assert site.pending() == {("raises", "052001")}


def test_a_script_that_breaks_is_tried_once_a_tick_until_it_is_corrected(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.analysis("breaks", "raise KeyError(run_id)")
    site.runs(range(52000, 52012))
    assert site.tick().returncode == 7
    site.runs(range(52100, 52104))
    suspended = site.tick()
    assert suspended.returncode == 8
    assert "analyses.breaks is suspended for old runs (old_after), its last 10 attempts on diff" in suspended.stderr
    assert "failed in the same way, raised KeyError: correct its script" in suspended.stderr
    listed = {one.key.run: one.state for one in read_summary(site.ticks()[-1]).listed}
    assert {run for run, state in listed.items() if state == "suspended"} == {"052100", "052101", "052102"}
    assert listed["052103"] == "failed"
    assert "breaks v1 run 052100: suspended: the last runs of" in site.xom("why", "52100").stdout
    site.analysis("breaks", GOOD)
    site.claim()  # a tick that is killed before its job begins
    assert site.pending() == {("breaks", "052102")}
    ended = site.tick()
    assert (ended.returncode, site.done("breaks")) == (0, {52102})
    assert ended.stderr.count("analyses.breaks is suspended for") == 1
    assert "it has ended: analyses.breaks is suspended for" in ended.stderr
    assert site.tick().returncode == 0
    assert site.done("breaks") == {52100, 52101, 52102}

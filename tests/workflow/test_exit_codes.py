"""What a tick ends with, when several things are wrong at a time and when the disk cannot be written."""

import os
import re
import shutil
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from support.factory import tick_item, tick_summary
from support.in_process import FastSite
from support.site import Site
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.ending.terminal import exit_code

RAISES = "raise ValueError('no')"
MISTAKE, TROUBLE, PERSON = {"mistakes": ["a"]}, {"troubles": ["b"]}, {"for_person": ["c"]}
FAILURE = {"taken": [tick_item("052001", "failed")]}


@pytest.mark.parametrize(
    ("summary", "failed", "refused", "code"),
    [
        ({}, False, "", ExitCode.OK),
        ({}, True, "", ExitCode.UNFORESEEN),
        (FAILURE, False, "", ExitCode.FAILED_RUNS),
        (FAILURE, True, "", ExitCode.FAILED_RUNS),
        (PERSON | FAILURE, True, "", ExitCode.WAITS_FOR_PERSON),
        (TROUBLE | PERSON | FAILURE, True, "", ExitCode.STORE_OR_DISK),
        (TROUBLE | FAILURE, True, "no such partition", ExitCode.SLURM),
        (FAILURE, False, "a limit, for a while", ExitCode.FAILED_RUNS),
        (MISTAKE | TROUBLE | FAILURE, True, "no such partition", ExitCode.CONFIGURATION),
    ],
)
def test_what_waits_for_a_person_comes_first(
    summary: dict[str, Any], failed: bool, refused: str, code: ExitCode
) -> None:
    made = tick_summary(**{"mistakes": [], "troubles": [], "taken": [], **summary})
    assert exit_code(made, failed, refused) == code


def test_what_lasts_keeps_its_code_and_is_mailed_when_it_begins_and_ends(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    site.analysis("good", "xomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
    in_the_way, documents = site.work / "page", site.folder / "runs.jsonl"

    def ends(code: ExitCode, mails: bool, words: str = "") -> None:
        done = site.tick()
        assert (done.returncode, "no mail is due" not in done.stderr) == (code, mails), done.stderr
        assert words in done.stderr

    ends(ExitCode.OK, True)
    shutil.rmtree(in_the_way)
    in_the_way.symlink_to("nowhere/at/all")
    ends(ExitCode.STORE_OR_DISK, True)
    ends(ExitCode.STORE_OR_DISK, False)
    documents.rename(site.folder / "away")
    ends(ExitCode.RUN_DATABASE, True)
    ends(ExitCode.RUN_DATABASE, False)
    (site.folder / "away").rename(documents)
    ends(ExitCode.STORE_OR_DISK, True, "it has ended: ")
    site.tree["max_jobs_per_tick"] = "many"
    ends(ExitCode.CONFIGURATION, True)
    ends(ExitCode.CONFIGURATION, False)
    del site.tree["max_jobs_per_tick"]
    in_the_way.unlink()
    ends(ExitCode.OK, True, "it has ended: the page cannot be renewed")
    assert "it has ended" not in site.tick().stderr


def test_a_file_that_was_moved_has_no_end_that_is_mailed(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    site.analysis("good", "xomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
    site.tick()
    for number in range(2):
        site.paths.outcome(Key("good", "v1", "052001")).write_text(f"{{{number}")
        moved = site.tick()
        assert (moved.returncode, "no mail is due" in moved.stderr) == (ExitCode.STORE_OR_DISK, False)
        site.tick()
    assert site.tick().returncode == ExitCode.OK


def test_what_xom_does_not_expect_is_not_taken_for_failed_runs() -> None:
    for made, code in ((TROUBLE, ExitCode.STORE_OR_DISK), ({"troubles": []}, ExitCode.UNFORESEEN)):
        assert exit_code(tick_summary(**made | FAILURE, mistakes=[]), True, "", unforeseen=True) == code


def test_a_store_that_refuses_is_known_beside_failed_runs_and_in_the_status(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("bad", RAISES)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(site.folder / "nowhere.json")}
    done = site.tick()
    assert done.returncode == ExitCode.STORE_OR_DISK, done.stderr
    words = "nowhere.json cannot be read: No such file or directory"
    assert words in done.stderr
    (line,) = [line for line in site.xom("status").stdout.splitlines() if words in line]
    assert line.startswith("the tick that ended at ")


@pytest.mark.parametrize("place", ["ticks", "page"])
def test_a_disk_that_takes_nothing_is_one_sentence(site: Site, place: str) -> None:
    site.runs([52001])
    site.analysis("good", "xomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
    site.work.mkdir()
    (site.work / place).symlink_to("nowhere/at/all")  # so it can be neither made nor written to, not even by root
    done = site.snakemake()
    assert done.returncode == ExitCode.STORE_OR_DISK, done.stderr
    said = done.stdout + done.stderr
    before, then = ("the page cannot be renewed: ", "") if place == "page" else ("", "; nothing that was done is lost")
    assert re.search(
        rf"^{before}\S*work/{place}: it is a link to nothing: mount its disk, or remove the link{then}$",
        said,
        re.MULTILINE,
    ), said
    assert "Traceback" not in said
    assert site.done("good") == (set() if place == "ticks" else {52001})
    (site.work / place).unlink()
    assert site.tick().returncode == 0
    assert site.done("good") == {52001}


def test_each_tick_warns_of_a_unit_that_counts_a_crash_as_success(site: Site) -> None:
    unit = site.folder / "home/.config/systemd/user/xom.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nSuccessExitStatus=1\n")
    for _ in range(2):
        done = site.tick(HOME=str(site.folder / "home"))
        assert done.returncode == ExitCode.OK
        assert f"{unit}: it counts exit code 1, a crash, as success" in done.stderr


def test_a_job_that_slurm_holds_waits_for_a_person(site: Site) -> None:
    site.runs([52001])
    site.analysis("good", "xomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
    record = Submission(Key("good", "v1", "052001"), 1, "20261122T120000-host-5", times.now(), "17")
    submissions.note(site.paths, record)
    squeue = site.folder / "bin/squeue"
    squeue.parent.mkdir()
    squeue.write_text("#!/bin/sh\necho '17|SPECIAL_EXIT|None|N/A||project42'\n")
    squeue.chmod(0o755)
    path = f"{squeue.parent}:{os.environ['PATH']}"
    words = "Slurm job 17 of good v1 run 052001 waits for a person, SPECIAL_EXIT: scontrol release 17 lets it go on"
    done = site.tick(PATH=path)
    assert done.returncode == ExitCode.WAITS_FOR_PERSON
    assert words in done.stderr
    assert site.done("good") == set()
    shown = run(
        [sys.executable, "-m", "xomflow", "status"],
        cwd=site.folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.returncode, words in shown.stdout) == (ExitCode.WAITS_FOR_PERSON, True)

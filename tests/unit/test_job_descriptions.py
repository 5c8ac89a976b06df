"""The file with the jobs of an analysis: what discovery writes is what the tick and its jobs read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.factory import KEY, settings
from support.jobs import analysis_jobs, run_job
from xomflow.config.model import Retries
from xomflow.config.software import Program
from xomflow.core.paths import SOURCE, TickPaths
from xomflow.jobs.description import AnalysisJobs, WarmStart, how_started, read_job, write_jobs
from xomflow.outcomes.retries import RetryPolicy
from xomlib.documents.job_description import PREFIX
from xomlib.files import read_json

IMAGE = Program(Path("/opt/python"), image="/images/a.sif", binds=("/data", "/dali"), launcher="singularity")
JOBS = analysis_jobs({KEY.run: run_job(3, program=IMAGE), "052895": run_job()}, warm=WarmStart(True, 5.0, ["straxen"]))
STARTED = {"arguments": ["--runs", "[run]"], "compat": True}
# As the version before this one wrote it.
OLDER = {
    "script": "/xom/scripts/analyses/kr83m.py",
    "settings": {"limit": 5},
    "retries": {**Retries().model_dump()},
    "warm": {"enabled": True, "idle_s": 60.0, "preload": ["straxen"]},
    "runs": {
        KEY.run: {
            "facts": {"number": 52894},
            "context": {"function": "json:loads", "arguments": {}, "storage": []},
            "program": {"interpreter": "/opt/python", "image": "", "binds": [], "launcher": "apptainer", "set_up": ""},
            "lineage": {"peaks": "abcdefghij"},
            "attempt": 2,
            "memory_mb": 4000,
            "time_limit_s": 7200.0,
        }
    },
}


def test_jobs_come_back_as_they_were_written(tmp_path: Path) -> None:
    tick = TickPaths(tmp_path)
    for written in (replace(JOBS, started=STARTED), JOBS):
        write_jobs(tick, KEY.analysis, written)
        assert AnalysisJobs.from_json(read_json(tick.jobs(KEY.analysis))) == written
    job = read_job(tick, KEY)
    assert (job.own, job.attempt) == (JOBS.runs[KEY.run], 3)
    assert job.common.runs.keys() == {KEY.run}


def test_a_key_that_the_tick_did_not_claim_has_no_job(tmp_path: Path) -> None:
    write_jobs(TickPaths(tmp_path), KEY.analysis, analysis_jobs({"052895": run_job()}))
    with pytest.raises(KeyError, match=KEY.run):
        read_job(TickPaths(tmp_path), KEY)


def test_the_form_of_the_file_is_that_of_the_version_before() -> None:
    jobs = AnalysisJobs.from_json(OLDER)
    assert jobs.retries == RetryPolicy.of(Retries())
    assert jobs.needs is None
    written = jobs.to_json()
    assert written.pop("needs") is None, "which the version before passes over"
    assert json.loads(json.dumps({**written, "retries": OLDER["retries"]})) == OLDER
    assert written["retries"].items() <= Retries().model_dump().items()


def test_the_process_of_the_analysis_gets_what_holds_for_its_run(tmp_path: Path) -> None:
    write_jobs(TickPaths(tmp_path), KEY.analysis, replace(JOBS, started=STARTED))
    description = read_job(TickPaths(tmp_path), KEY).description("/work/drafts/x")
    assert description.key.to_json() == KEY.as_dict()
    assert (description.script, description.settings, description.draft) == (
        "script.py",
        {"limit": 5},
        "/work/drafts/x",
    )
    assert description.run == JOBS.runs[KEY.run].run
    assert (description.arguments, description.compat) == (STARTED["arguments"], True)


def test_a_script_gets_the_arguments_of_its_block_with_the_prefix_of_measurements() -> None:
    given = {"version": "v1", "arguments": ["--prefix", f"{PREFIX}kr", "[run]"], "compat": True}
    blocks = settings(analyses={"old": given, "new": {"version": "v1"}}).analyses
    assert how_started(blocks["old"], "test_") == {"arguments": ["--prefix", "test_kr", "[run]"], "compat": True}
    assert how_started(blocks["new"], "test_") == {}


def test_the_path_of_a_job_imports_no_other_part_of_a_tick() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import xomflow.cli.job, xomflow.jobs.runner\n"
    code += "print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, str(SOURCE)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "xomflow.jobs.processes.cold_start" in loaded
    strangers = {"xomflow.planning", "xomflow.slurm", "xomflow.storage", "xomflow.rundb", "xomflow.workflow"}
    assert not loaded & strangers

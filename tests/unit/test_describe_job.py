"""The description of a single job, and where a script that is tried by hand finds the command that gives it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.factory import settings
from support.site import document
from xomflow.core.errors import ConfigurationError, RunDBError, UsageError
from xomflow.core.key import group_id
from xomflow.workflow.requests.describe_job import describe_job, with_documents
from xomlib import JobError, by_hand
from xomlib.by_hand import find_xom
from xomlib.documents.job_description import ContextSpec, JobDescription

OLD, NEW, OWN = ({"function": f"{name}:context"} for name in ("old", "new", "own"))


def described(folder: Path, run: str, **block: Any) -> JobDescription:
    ranges = ({"max_run": 52001}, {"min_run": 52002, "max_run": 52009, "context": NEW}, {"min_run": 52010})
    software = [{"interpreter": "python3", **one} for one in ranges]
    analyses = {"mine": {"version": "v1", **block}}
    rundb = {"kind": "file", "file": str(folder / "runs.jsonl")}
    return describe_job(settings(context=OLD, software=software, analyses=analyses, rundb=rundb), "mine", run, "here")


@pytest.mark.parametrize(("run", "context"), [("52001", OLD), ("52002", NEW), ("052009", NEW), ("52010", OLD)])
def test_the_context_is_that_of_the_software_for_the_run(tmp_path: Path, run: str, context: dict[str, str]) -> None:
    assert described(tmp_path, run).context == ContextSpec(**context)
    assert described(tmp_path, run, context=OWN).context == ContextSpec(**OWN)


@pytest.mark.parametrize(
    ("software", "clean"), [({"interpreter": "python3"}, True), ({"image": "a.simg"}, False), ({"set_up": "b"}, False)]
)
def test_only_an_interpreter_has_an_environment_that_is_cleaned(software: dict[str, str], clean: bool) -> None:
    by_hand_of_job = describe_job(settings(software=[software]), "kr83m", "7", "here").by_hand
    assert by_hand_of_job is not None and by_hand_of_job.clean is clean


def test_without_software_for_the_run_there_is_a_sentence() -> None:
    config = settings(software=[{"interpreter": "python3", "min_run": 50000}], software_may_have_holes=True)
    with pytest.raises(ConfigurationError, match="here: no software is configured for run 000007"):
        describe_job(config, "kr83m", "7", "here")


def test_an_unknown_analysis_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"here has no analyses.kr38m: add its block first.*kr83m"):
        describe_job(settings(), "kr38m", "7", "here")


def test_the_run_is_as_a_tick_has_it_whether_a_tick_would_take_it_or_not(tmp_path: Path) -> None:
    one = document(52001, end=None, mode="other", tags=["messy"])
    (tmp_path / "runs.jsonl").write_text(json.dumps(one))
    made = described(tmp_path, "52001", excluded_tags=["messy"], run_modes=["tpc_bkg"])
    assert made.run is not None
    assert (made.key.run, made.run["number"], made.run["mode"], made.run["end"]) == ("052001", 52001, "other", None)


def test_a_campaign_has_all_its_members_whatever_their_state(tmp_path: Path) -> None:
    runs = (document(52000), document(52001), document(52002, end=None), document(52003, mode="other"))
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, runs)))
    made = described(tmp_path, group_id([52001, 52002]), period={"gap": "1 d"}, run_modes=["tpc_bkg"], min_run=52001)
    assert made.run is not None
    assert made.run["runs"] == ["052001", "052002"]


def test_what_is_no_campaign_of_the_analysis_is_named(tmp_path: Path) -> None:
    runs = (document(52001), document(52002), document(52009))
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, runs)))
    period, whole = {"gap": "2 h"}, group_id([52001, 52002])
    for block, wanted, sentence in (
        ({}, whole, f"{whole} is the id of a campaign, and analyses.mine has no period: give a run id"),
        ({"period": period}, "052001-0000", f"no campaign 052001-0000 of mine: run 52001 belongs to {whole}"),
        ({"period": period}, "052005-0000", "there is no campaign 052005-0000 of mine: run 52005 belongs to none"),
        ({}, "0520011", "run id '0520011' is not a number of at most six digits, nor the id of a campaign"),
    ):
        with pytest.raises(UsageError) as caught:
            described(tmp_path, wanted, **block)
        assert sentence in str(caught.value)


def test_why_there_is_no_document_of_a_run_goes_with_the_job_but_a_campaign_needs_its_runs(tmp_path: Path) -> None:
    runs = tmp_path / "runs.jsonl"
    runs.write_text(json.dumps({"number": 52001}))
    assert "has no document of run 52004: give --documents FILE" in described(tmp_path, "52004").why_no_run
    runs.write_text('{"number": 52001}\n{"name": "052004"}\n')
    others = " (1 other documents cannot be read): give --documents FILE"
    assert f"has no document of run 52004{others}" in described(tmp_path, "52004").why_no_run
    assert described(tmp_path, "52001").why_no_run.endswith(f" (file {runs})")
    runs.unlink()
    with pytest.raises(RunDBError):
        described(tmp_path, group_id([52001, 52002]), period={"gap": "2 h"})


def test_named_documents_take_the_place_of_any_run_database(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps(document(52001)))
    config = with_documents(settings(rundb={"kind": "mongodb"}), tmp_path / "mine.jsonl")
    made = describe_job(config, "kr83m", "52001", "here").run
    assert made is not None
    assert made["number"] == 52001


# --- the command of the workflow --------------------------------------------------------------------------------------
def environment(folder: Path, name: str) -> Path:
    """An environment with a command ``xom``."""
    command = folder / name / "bin" / "xom"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return command


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of environments without that of the workflow; this process runs in that of the analyses."""
    own = environment(tmp_path, "analysis")
    monkeypatch.setattr(sys, "prefix", str(own.parents[1]))
    monkeypatch.setattr(by_hand, "__file__", str(tmp_path / "src" / "xomlib" / "by_hand.py"))
    monkeypatch.setenv("PATH", str(own.parent))
    return tmp_path


def test_the_command_is_that_of_the_workflow_environment_beside_this_one(elsewhere: Path) -> None:
    workflow = environment(elsewhere, "workflow")
    assert find_xom() == str(workflow)


def test_else_it_is_that_of_the_checkout(elsewhere: Path) -> None:
    workflow = environment(elsewhere, "work/envs/workflow")
    assert find_xom() == str(workflow)


def test_else_it_is_the_first_on_the_path_but_for_that_of_the_analyses(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = environment(elsewhere, "other")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{other.parent}")
    assert find_xom() == str(other)


def test_a_command_that_cannot_be_started_is_a_sentence_that_says_what_to_do(elsewhere: Path) -> None:
    """As in an image that has no interpreter for it."""
    environment(elsewhere, "workflow").write_text("#!/no/such/python\n")
    with pytest.raises(JobError, match=r"xom cannot be started here: No such file.*`xom job describe a 7 > job.json`"):
        by_hand.describe("a", "7", Path("config.yaml"))


def test_what_leads_to_other_packages_is_kept_from_the_workflow(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(elsewhere, "workflow").write_text("#!/bin/sh\n/usr/bin/env | cut -d= -f1 >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/bin:/bin")
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "XENON_CONFIG"):
        monkeypatch.setenv(name, "/somewhere")
    with pytest.raises(JobError) as caught:
        by_hand.describe("a", "7", Path("config.yaml"))
    names = str(caught.value).split()
    assert "XENON_CONFIG" in names
    assert not [name for name in names if name.startswith(("PYTHON", "LD_"))]


def test_else_there_is_a_sentence(elsewhere: Path) -> None:
    with pytest.raises(JobError, match=r"xom is not on the PATH: type `source work/activate`"):
        find_xom()

"""Which outcome follows from how a process ended and from the files that it left."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.factory import KEY, NOW, result
from support.jobs import analysis_jobs, run_job
from xomflow.jobs.description import Job
from xomflow.jobs.ends.compose import Draft, WorkerReport, compose, failure_of, git_revision
from xomflow.jobs.processes.process import ProcessEnd
from xomflow.outcomes.model import Outcome, Result
from xomlib.files import digest, dump_json
from xomlib.printing import WARNING
from xomlib.process.reads import JOURNAL

DRAFT = {"results": [result()], "figures": ["a.png"], "messages": ["one", "two"], "problems": []}
REPORT = {"failure": None, "versions": {"strax": "2.2.3"}, "cpu_s": 1.5, "peak_memory_mb": 400}
WELL, KILLED = ProcessEnd(0), ProcessEnd(signal.SIGKILL)
RAISED = {**REPORT, "failure": {"class": "raised", "message": "ValueError: no peaks"}}


def outcome_of(folder: Path, end: ProcessEnd, draft: Any = DRAFT, report: Any = REPORT, **changes: Any) -> Outcome:
    """The outcome of an attempt that left this draft and this report; None: it left none."""
    for name, content in (("draft.json", draft), ("end.json", report)):
        if content is not None:
            dump_json(folder / name, content)
    jobs = analysis_jobs({KEY.run: run_job(3)}, **changes)
    return compose(Job(KEY, jobs, jobs.runs[KEY.run]), NOW, end, folder, folder / "log")


def reason(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.message


def test_an_attempt_that_ended_well_has_what_the_script_saved(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, WELL)
    assert (outcome.status, outcome.attempt, outcome.failure, outcome.message) == ("done", 3, None, "one\ntwo")
    assert [(one.variable, one.value) for one in outcome.results] == [("light_yield", 10.5)]
    assert (outcome.figures, outcome.resources.cpu_s) == (["a.png"], 1.5)
    assert outcome.provenance.versions == {"strax": "2.2.3"}


@pytest.mark.parametrize(
    ("end", "draft", "report", "kind", "message"),
    [
        (ProcessEnd(None, stopped_by="SIGTERM"), DRAFT, None, "stopped", "its job was stopped by SIGTERM"),
        (ProcessEnd(9, out_of_memory=True), DRAFT, None, "out_of_memory", "the kernel killed the process: its job had"),
        (ProcessEnd(None, timed_out=True), DRAFT, None, "timeout", "it ran longer than its time limit of 1 min"),
        (KILLED, DRAFT, None, "killed", "the process was ended by SIGKILL"),
        (WELL, DRAFT, None, "killed", "the process ended without a report"),
        (WELL, {**DRAFT, "problems": ["'a' is saved twice"]}, RAISED, "bad_result", "'a' is saved twice"),
        (WELL, DRAFT, RAISED, "raised", "ValueError: no peaks"),
        (WELL, {**DRAFT, "results": []}, REPORT, "no_result", "the script ended well but saved nothing"),
        (WELL, None, REPORT, "no_result", "the script ended well but saved nothing"),
    ],
)
def test_each_end_has_a_class_and_a_sentence(
    tmp_path: Path, end: ProcessEnd, draft: Any, report: Any, kind: str, message: str
) -> None:
    outcome = outcome_of(tmp_path, end, draft, report)
    assert outcome.status == "failed"
    assert reason(outcome)[0] == kind
    assert reason(outcome)[1].startswith(message)
    assert (outcome.results, outcome.figures) == ([], [])


def test_a_disk_that_takes_nothing_is_the_reason_where_no_report_was_written_in_time(tmp_path: Path) -> None:
    draft, promised = Draft(), {"a": "Hz"}
    report = WorkerReport.from_json(REPORT)
    disk, limit = ("disk", "it is full"), ("timeout", "it ran longer than its time limit of 1 min")
    killed = ("killed", "the process was ended by SIGKILL")
    no_memory = ("out_of_memory", "the kernel killed the process: its job had no memory left")
    for end, given, trouble, expected in (
        (KILLED, None, "it is full", disk),
        (KILLED, None, "", killed),
        (ProcessEnd(9, out_of_memory=True), None, "it is full", no_memory),
        (ProcessEnd(None, timed_out=True), None, "it is full", limit),
        (ProcessEnd(None, timed_out=True), report, "", limit),
        (WELL, report, "it is full", ("no_result", "the script ended well but saved nothing")),
    ):
        assert failure_of(end, given, draft, 60.0, trouble, promised) == expected, end
    found = [
        Draft([Result(**result(variable, unit=unit))]) for variable, unit in (("a", "Hz"), ("a", "s"), ("b", "Hz"))
    ]
    missing = "the script saved no a, promised in variables; without a number give insufficient"
    assert [failure_of(WELL, report, one, 60.0, "", promised) for one in found] == [
        None,
        ("bad_result", "a has the unit 's', but variables promises 'Hz'"),
        ("missing_result", missing),
    ]


def test_a_disk_that_takes_no_file_of_the_script_or_no_log_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, draft, logs = analysis_jobs({KEY.run: run_job(3)}), tmp_path / "draft", tmp_path / "logs"
    job, full = Job(KEY, jobs, jobs.runs[KEY.run]), set[Path]()
    monkeypatch.setattr("xomflow.jobs.ends.compose.trouble_in", lambda place: "it is full" if place in full else "")
    assert reason(compose(job, NOW, KILLED, draft, logs / "log"))[0] == "killed"
    for place in (draft, logs):
        full.add(place)
        assert reason(compose(job, NOW, KILLED, draft, logs / "log")) == ("disk", "it is full")
        full.clear()


def test_a_process_that_ended_well_in_spite_of_a_killed_child_is_done(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, ProcessEnd(0, out_of_memory=True)).status == "done"


@pytest.mark.parametrize("odd", [[], 5, None, "x", {}, {"results": [5]}, {**DRAFT, "results": [{"odd": 1}]}])
def test_a_draft_of_another_form_counts_as_none(tmp_path: Path, odd: Any) -> None:
    (tmp_path / "draft.json").write_text("{")
    assert reason(outcome_of(tmp_path, WELL, odd))[0] == "no_result"


@pytest.mark.parametrize("odd", [[], 5, "x", {}, {**REPORT, "cpu_s": None}, {**REPORT, "failure": {}, "versions": 5}])
def test_a_report_of_another_form_counts_as_none(tmp_path: Path, odd: Any) -> None:
    assert reason(outcome_of(tmp_path, WELL, DRAFT, odd))[0] == "killed"


def test_the_job_of_a_batch_system_is_in_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert outcome_of(tmp_path, WELL).provenance.batch_job is None
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    found = outcome_of(tmp_path, WELL).provenance.batch_job
    assert found is not None
    assert (found.system, found.job) == ("slurm", "17")
    monkeypatch.setenv("XOM_BATCH_JOB", "htcondor 5.0")
    found = outcome_of(tmp_path, WELL).provenance.batch_job
    assert found is not None
    assert (found.system, found.job) == ("htcondor", "5.0")


def test_the_revision_is_that_of_the_checkout_and_says_whether_it_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xomflow.jobs.ends.compose.ROOT", tmp_path)
    found = git_revision.__wrapped__  # a process asks once
    assert found() is None

    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    with monkeypatch.context() as without_git:
        without_git.setenv("PATH", str(tmp_path))
        assert found() is None
    git("init", "--quiet")
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    git("tag", "--annotate", "v1", "--message", "a tag is not the revision")
    revision = git("rev-parse", "HEAD")
    assert found() == revision
    (tmp_path / "file").write_text("b")
    assert found() == f"{revision}-dirty"


def test_an_outcome_names_what_was_read_and_warns_of_what_needs_lacks(tmp_path: Path) -> None:
    lines = [{"type": "peaks", "lineage": "aaaa"}, {"type": "events", "lineage": "bbbb"}]
    lines += [{"type": "peaks", "lineage": "cccc"}]
    (tmp_path / JOURNAL).write_text("\n".join([*map(json.dumps, lines), '{"type": "cut of']))
    outcome = outcome_of(tmp_path, WELL, needs=["peaks", "more"])
    assert outcome.provenance.lineage == {"peaks": "aaaa cccc", "events": "bbbb"}
    warning = "the script reads events, which analyses.kr83m.needs lacks: add it, so that runs wait for it"
    assert outcome.message == f"one\ntwo\n{WARNING}{warning}"
    assert outcome_of(tmp_path, WELL, needs=["peaks", "events"]).message == "one\ntwo"
    assert outcome_of(tmp_path, WELL).message == "one\ntwo", "a tick of an earlier version does not say the needs"


def test_without_a_record_of_reads_nothing_was_read_unless_this_strax_cannot_be_watched(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, WELL, report={**REPORT, "versions": {}}).provenance.lineage == {}
    assert outcome_of(tmp_path, WELL).provenance.lineage == {"peaks": "abc"}


def test_an_outcome_has_digests_of_script_and_settings(tmp_path: Path) -> None:
    origin = outcome_of(tmp_path, WELL, report={**REPORT, "script": "0123456789abcdef"}).provenance
    assert (origin.script, origin.settings) == ("0123456789abcdef", digest(b'{"limit": 5}'))
    (tmp_path / "end.json").unlink()
    assert outcome_of(tmp_path, KILLED, report=None).provenance.script is None
    one, two = (outcome_of(tmp_path, WELL, settings=given) for given in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert one.provenance.settings == two.provenance.settings, "their order in the configuration does not count"

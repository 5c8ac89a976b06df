"""The outcome of an attempt, made of the files that its process left in the draft folder."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.files.disk import trouble_in
from xomflow.core.files.kept_json import dict_of, list_of, read_kept
from xomflow.core.paths import ROOT
from xomflow.jobs.description import Job
from xomflow.jobs.processes.process import ProcessEnd
from xomflow.outcomes.document import log_tail, new_outcome, own_provenance
from xomflow.outcomes.model import FailureDetails, FailureKind, Outcome, Result, RunFacts
from xomlib.files import digest
from xomlib.process.reads import JOURNAL, lineage_in
from xomlib.process.verdict import failure_of_process, failure_of_script, warnings_of


@dataclass(frozen=True, slots=True)
class Draft:
    """What the script saved, as `xomlib.job` writes it (``draft.json``).

    Parameters
    ----------
    results, figures, messages
        Of the outcome.
    problems
        Sentences about results that were refused.
    """

    results: list[Result] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, content: Any) -> Draft:
        """Return the draft in a JSON object; one of the errors of `read_kept` for another form."""
        results = [Result(**one) for one in list_of(dict)(content["results"])]
        return cls(results, *(list_of(str)(content[name]) for name in ("figures", "messages", "problems")))


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What the process reports at its end, as `xomlib.process.worker` writes it (``end.json``).

    Parameters
    ----------
    failure
        Class and message of the failure; None: the script ended well.
    versions
        Versions of strax, straxen and others.
    cpu_s, peak_memory_mb
        What the process used.
    script
        Digest of the script; None: it was not read.
    has_strax
        Whether it had loaded strax.
    """

    failure: tuple[FailureKind, str] | None
    versions: dict[str, str]
    cpu_s: float
    peak_memory_mb: float
    script: str | None
    has_strax: bool

    @classmethod
    def from_json(cls, content: Any) -> WorkerReport:
        """Return the report in a JSON object; one of the errors of `read_kept` for another form."""
        failure, used = content["failure"], (float(content["cpu_s"]), float(content["peak_memory_mb"]))
        versions, script = dict_of(str)(content["versions"]), content.get("script")
        has_strax = content.get("has_strax", "strax" in versions)  # an older worker named what it had loaded
        return cls(failure and (failure["class"], failure["message"]), versions, *used, script, bool(has_strax))


def compose(job: Job, began: datetime, end: ProcessEnd, draft_folder: Path, log: Path) -> Outcome:
    """Return the outcome of an attempt.

    Parameters
    ----------
    job
        What it worked on.
    began
        When it began.
    end
        How its process ended.
    draft_folder
        Folder with its draft and its report, either of which may be missing.
    log
        Its log.
    """
    draft = read_kept(draft_folder / "draft.json", Draft.from_json) or Draft()
    report = read_kept(draft_folder / "end.json", WorkerReport.from_json)
    versions, used = (report.versions, (report.cpu_s, report.peak_memory_mb)) if report else ({}, (None, None))
    lineage = _lineage(job, draft_folder, report is not None and report.has_strax)
    provenance = own_provenance(lineage, job.own.program.name, versions, git_revision())
    settings = digest(json.dumps(job.common.settings, sort_keys=True).encode())
    provenance = replace(provenance, script=report.script if report else None, settings=settings)
    trouble = trouble_in(draft_folder) or trouble_in(log.parent) if report is None else ""
    reason = failure_of(end, report, draft, job.own.limits.time_limit_s, trouble, job.common.promised)
    failure = FailureDetails(*reason, str(log), log_tail(log), None) if reason else None
    warnings = warnings_of(job.key.analysis, lineage, job.common.needs)
    run, message = RunFacts(**job.own.run), "\n".join([*draft.messages, *warnings])
    outcome = new_outcome(job.key, job.attempt, run, began, provenance, failure, used, message)
    return outcome if failure else replace(outcome, results=draft.results, figures=draft.figures)


def _lineage(job: Job, draft_folder: Path, has_strax: bool) -> dict[str, str]:
    """Return the data types that the script read; those of the configuration, if its strax cannot be watched."""
    try:
        return lineage_in(draft_folder / JOURNAL)
    except FileNotFoundError:
        return job.own.lineage if has_strax else {}


def failure_of(
    end: ProcessEnd,
    report: WorkerReport | None,
    draft: Draft,
    time_limit: float,
    disk_trouble: str,
    promised: Mapping[str, str | None],
) -> tuple[FailureKind, str] | None:
    """Return class and message of the failure of an attempt; None if it is done.

    Parameters
    ----------
    end
        How its process ended.
    report
        The report of the process; None: it wrote none.
    draft
        What the script saved.
    time_limit
        Seconds.
    disk_trouble
        Why its folder takes no file, such as a report; empty if it does.
    promised
        Units by variable that the script promises to save.
    """
    if end.stopped_by:
        return "stopped", f"its job was stopped by {end.stopped_by}"
    if end.out_of_memory and report is None:
        return "out_of_memory", "the kernel killed the process: its job had no memory left"
    if report is None and disk_trouble and not end.timed_out:
        return "disk", disk_trouble
    limit = times.span(time_limit)
    found = failure_of_process(end.signal_name, end.timed_out, report is not None, limit)
    if found is None:
        assert report is not None  # else the process did not come to its end
        results = [{"variable": one.variable, "unit": one.unit} for one in draft.results]
        found = failure_of_script(draft.problems, report.failure, results, dict(promised))
    return found


@functools.cache
def git_revision() -> str | None:
    """Return the revision of the checkout that runs, "-dirty" if it was edited; None if it is not a git checkout."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(describe, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

"""Run one analysis for one run and leave exactly one file about it: the outcome, or a record of the failure."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import ROOT, Paths, TickPaths
from xomflow.jobs.cold_start import run_cold
from xomflow.jobs.description import Job, read_job
from xomflow.jobs.oom import oom_kills
from xomflow.jobs.process import ProcessEnd, ProcessSpec, raise_on_stop
from xomflow.jobs.run_lock import hold_run, release_run, write_owner
from xomflow.jobs.warm_start import run_warm
from xomflow.outcomes.document import keep_log, log_tail, new_outcome, own_provenance
from xomflow.outcomes.files import Failure, failure_path, failures_of, supersede, write_outcome
from xomflow.outcomes.model import FailureDetails, FailureKind, Outcome, Result, RunFacts
from xomflow.outcomes.retries import next_try
from xomlib.files import read_json
from xomlib.schema import SchemaError


def run_job(paths: Paths, tick: TickPaths, key: Key, in_batch: bool = False) -> int:
    """Run the job of a key that a tick claimed; 0 if its outcome is there afterwards, else 1.

    Parameters
    ----------
    paths, tick, key
        What.
    in_batch
        Whether it is a job of the batch system, which cannot reach the tick's preloaded process.

    Raises
    ------
    OSError
        If the tick's files cannot be read.
    KeyError
        If the tick did not claim the key.
    """
    job = read_job(tick, key, in_batch)
    lock = hold_run(paths, key)
    try:
        if paths.outcome(key).exists():
            print(f"{key}: another process has done it meanwhile")
            return 0
        if any(failure.attempt >= job.attempt for failure in failures_of(paths, key)):
            print(f"{key}: another process has made attempt {job.attempt} meanwhile, and failed")
            return 1
        write_owner(lock, key, job.attempt, tick.folder.name)
        return _attempt(paths, tick, job, lock)
    finally:
        release_run(paths, key, lock)


def _attempt(paths: Paths, tick: TickPaths, job: Job, lock: IO[str]) -> int:
    key, began = job.key, times.now()
    draft = paths.draft(key)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    log = paths.log(key)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        print(f"--- attempt {job.attempt}, {times.text(began)}, tick {tick.folder.name}", file=file, flush=True)
        kills = oom_kills()
        end = _launch(paths, tick, job, draft, file, lock)
    end = replace(end, out_of_memory=oom_kills() > kills)
    if end.stopped_by and job.in_batch:
        return 1  # only the batch system has the reason, and it may start the job again
    outcome = compose(job, began, end, draft, log)
    if outcome.failure is None:
        _keep_figures(draft, paths.figures(key), outcome.figures)
        supersede(paths, key)  # first: a kill in between leaves a group that is done again, not two of it
        write_outcome(paths.outcome(key), outcome)
    else:
        _record_failure(paths, job, outcome, outcome.failure)
    shutil.rmtree(draft, ignore_errors=True)
    return 0 if outcome.failure is None else 1


def _launch(paths: Paths, tick: TickPaths, job: Job, draft: Path, log: IO[str], lock: IO[str]) -> ProcessEnd:
    own, warm = job.own, job.common.warm
    description = job.description(str(draft.absolute()))
    spec = ProcessSpec(own.program, description, draft, log, lock, own.limits.time_limit_s, own.limits.memory_mb)
    with raise_on_stop():
        end = None
        if warm.enabled and not job.in_batch:
            preload = [*warm.preload, own.context.function.partition(":")[0]]
            end = run_warm(spec, paths, tick, preload, warm.idle_s)
        return run_cold(spec, paths) if end is None else end


def compose(job: Job, began: datetime, end: ProcessEnd, draft: Path, log: Path) -> Outcome:
    """Make the outcome of what a process left behind.

    Parameters
    ----------
    job
        What it worked on.
    began
        When it began.
    end
        How it ended.
    draft
        Folder with its draft and its last word, either of which may be missing.
    log
        Its log.
    """
    said = _read(draft / "draft.json") or {"results": [], "figures": [], "messages": [], "problems": []}
    last = _read(draft / "end.json")
    provenance = own_provenance(job.own.lineage, job.own.program.name, last["versions"] if last else {}, git_revision())
    used = (last["cpu_s"], last["peak_memory_mb"]) if last else (None, None)
    reason = _failure(end, last, said, job.own.limits.time_limit_s)
    failure = FailureDetails(*reason, str(log), log_tail(log), None) if reason else None
    run, message = RunFacts(**job.own.run), "\n".join(said["messages"])
    outcome = new_outcome(job.key, job.attempt, run, began, provenance, failure, used, message)
    if failure:
        return outcome
    return replace(outcome, results=[Result(**one) for one in said["results"]], figures=said["figures"])


def _failure(
    end: ProcessEnd, last: dict[str, Any] | None, said: dict[str, Any], time_limit: float
) -> tuple[FailureKind, str] | None:
    """Return class and message of the failure; None if it was none."""
    if end.stopped_by:
        return "stopped", f"its job was told to end ({end.stopped_by})"
    if end.out_of_memory and last is None:
        return "out_of_memory", "the kernel ended the process: its job had no memory left"
    if end.timed_out:
        return "timeout", f"it ran longer than its time limit of {times.span(time_limit)}"
    if last is None:
        how = f"by {end.signal_name}" if end.signal_name else "by something that left no word"
        return "killed", f"the process was ended {how}"
    if said["problems"]:
        return "bad_result", said["problems"][0]
    if last["failure"]:
        return last["failure"]["class"], last["failure"]["message"]
    if not said["results"]:
        return "no_result", "the script ended well but saved nothing"
    return None


def _record_failure(paths: Paths, job: Job, outcome: Outcome, details: FailureDetails) -> None:
    failure = Failure(job.attempt, details.kind, times.moment(outcome.ended))
    earlier = failures_of(paths, job.key)
    due = next_try([*earlier, failure], job.common.retries)
    log = keep_log(paths, job.key, failure.attempt)
    details = replace(details, next_try=times.text(due) if due else None, log=str(log))
    try:
        write_outcome(failure_path(paths, job.key, failure), replace(outcome, failure=details))
    except SchemaError as error:
        sys.exit(f"{job.key}: the failure record is not valid: {error}")
    then = f"next try {times.text(due)}" if due else "that was the last try"
    print(f"{job.key}: {failure.kind}: {details.message}; {then}; log {log}")


def _keep_figures(draft: Path, place: Path, names: list[str]) -> None:
    if names:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft / "figures", place)


def git_revision() -> str | None:
    """Return the revision of the checkout that runs, "-dirty" if it was edited; None where it is not a git checkout."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(describe, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None

"""Run one analysis for one run, and write exactly one file about it: the outcome, or a failure record."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from xomflow.core import times
from xomflow.core.errors import DiskError
from xomflow.core.files.disk import in_a_sentence
from xomflow.core.files.folder_marks import FolderAwayError, check_folders
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.description import Job
from xomflow.jobs.ends.compose import compose, git_revision
from xomflow.jobs.job_files import begin_log, keep_figures, mark_made, shorten_log
from xomflow.jobs.processes.cold_start import run_cold
from xomflow.jobs.processes.local_memory import hold_memory
from xomflow.jobs.processes.oom import oom_kills
from xomflow.jobs.processes.process import ProcessEnd, ProcessSpec, StopRequested, raise_on_stop
from xomflow.jobs.processes.surroundings import Surroundings
from xomflow.jobs.processes.warm_start import run_warm
from xomflow.jobs.redo import attempts_that_failed, is_done
from xomflow.jobs.retry import next_try_of
from xomflow.jobs.run_lock import hold_run, leave_run, release_run, write_owner
from xomflow.outcomes.document import keep_log, log_tail, new_outcome, own_provenance
from xomflow.outcomes.files import (
    Failure,
    digest_of,
    failure_path,
    failures_of,
    replace_outcome,
    write_outcome,
)
from xomflow.outcomes.model import FailureDetails, Outcome, RunFacts
from xomflow.outcomes.retries import DISK
from xomlib.documents.schema import SchemaError
from xomlib.files import open_file
from xomlib.printing import printable, say

# A batch system signals the processes of a job in any order: the runner may get its signal after its analysis did.
_STOP_SECONDS = 2.0


def run_job(paths: Paths, tick: TickPaths, job: Job, around: Surroundings) -> int:
    """Run a job that a tick described; 0 if its outcome is there afterwards, else 1.

    A job of the batch system that is stopped leaves its lock file, as a killed process does: so it is known that the
    attempt had begun, and the batch system has the reason for its end.

    Parameters
    ----------
    paths, tick, job
        Where things are, the tick, and its job.
    around
        Where it runs.

    Raises
    ------
    OSError
        If a disk cannot be written.
    """
    key, memory = job.key, (job.own.limits.memory_mb, job.common.local_memory_mb)
    try:
        with contextlib.nullcontext() if around.in_batch_job else hold_memory(paths, *memory):
            code = _run_locked(paths, tick, job, around)
        if code == 0:
            mark_made(tick, key)
    except (OSError, DiskError) as error:
        sentence = in_a_sentence(error, paths.work) if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):  # the tick then learns at least that it was the disk
            tick.disk_note(key).parent.mkdir(parents=True, exist_ok=True)
            tick.disk_note(key).write_text(sentence, encoding="utf-8")
        raise
    return code


def _run_locked(paths: Paths, tick: TickPaths, job: Job, around: Surroundings) -> int:
    """Run a job under the lock of its run."""
    lock = hold_run(paths, job.key)
    try:
        code = _attempt_once(paths, tick, job, around, lock)
    except StopRequested:
        leave_run(lock)
        return 1
    except BaseException:
        release_run(paths, job.key, lock)
        raise
    release_run(paths, job.key, lock)
    return code


def _attempt_once(paths: Paths, tick: TickPaths, job: Job, around: Surroundings, lock: IO[str]) -> int:
    """Make the attempt unless another process has made it, or has finished the key."""
    key = job.key
    if is_done(paths, key):
        say(f"{key}: done by another process meanwhile")
        return 0
    if any(failure.attempt >= job.attempt for failure in failures_of(paths, key)):
        say(f"{key}: attempt {job.attempt} was made by another process meanwhile, and failed")
        return 1
    write_owner(lock, key, job.attempt, tick.folder.name, job.own.limits.time_limit_s)
    return _attempt(paths, tick, job, around, lock)


def _attempt(paths: Paths, tick: TickPaths, job: Job, around: Surroundings, lock: IO[str]) -> int:
    """Run the script and keep its files; an error of the disk is no failure of the analysis."""
    # A process that outlived an earlier attempt still writes into a draft: into its own.
    began = times.now()
    draft = paths.draft(job.key, f"{job.attempt}-{os.uname().nodename}-{os.getpid()}-{began:%Y%m%dT%H%M%S%f}")
    try:
        draft.mkdir(parents=True)
        return _attempt_in(draft, paths, tick, job, around, began, lock)
    except FolderAwayError:
        raise
    except OSError as error:
        message = in_a_sentence(error, paths.work)
        _record_failure(paths, job, _without_results(job, began, message, paths.log(job.key)))
        return 1
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _attempt_in(
    draft: Path, paths: Paths, tick: TickPaths, job: Job, around: Surroundings, began: datetime, lock: IO[str]
) -> int:
    key, log = job.key, paths.log(job.key)
    replaced = digest_of(paths.outcome(key))  # there is one only if a person wants another one in its place
    log.parent.mkdir(parents=True, exist_ok=True)
    if not around.is_alone:  # else the batch system writes into it already
        begin_log(paths, tick, key)
    with open_file(log, "a", encoding="utf-8") as file:
        file.write(f"--- attempt {job.attempt}, {times.text(began)}, tick {tick.folder.name}\n")
        file.flush()
        kills = oom_kills()
        end = _launch(paths, job, around, draft, file, lock)
    shorten_log(log)
    # Of several runs on one account of memory, the one whose process was killed is meant.
    is_meant = around.is_alone or end.may_be_for_want_of_memory
    end = replace(end, out_of_memory=is_meant and oom_kills() > kills)
    if end.stopped_by and around.in_batch_job:
        raise StopRequested(end.stopped_by)  # only the batch system has the reason, and it may start the job again
    outcome = compose(job, began, end, draft, log)
    check_folders(paths)  # a disk may have gone since the start
    if outcome.failure is not None:
        _record_failure(paths, job, outcome)
        return 1
    if digest_of(paths.outcome(key)) == replaced:
        keep_figures(paths, key, draft / "figures", outcome.figures)
    if not replace_outcome(paths.outcome(key), outcome, replaced):
        say(f"{key}: done by another process meanwhile")
    return 0


def _without_results(job: Job, began: datetime, message: str, log: Path) -> Outcome:
    """Return the outcome of an attempt that a disk ended."""
    failure = FailureDetails(DISK, message, str(log), log_tail(log), None)
    provenance = own_provenance({}, job.own.program.name, {}, git_revision())
    return new_outcome(job.key, job.attempt, RunFacts(**job.own.run), began, provenance, failure)


def _launch(paths: Paths, job: Job, around: Surroundings, draft: Path, log: IO[str], lock: IO[str]) -> ProcessEnd:
    own = job.own
    description = job.description(str(draft.absolute()))
    spec = ProcessSpec(own.program, description, draft, log, lock, own.limits.time_limit_s, own.limits.memory_mb)
    with raise_on_stop():
        try:
            end = _run_warm_if_possible(spec, paths, job, around) or run_cold(spec, paths)
            if around.in_batch_job and end.may_be_a_stop and not (draft / "end.json").exists():
                time.sleep(_STOP_SECONDS)
        except StopRequested as stop:
            return ProcessEnd(None, stopped_by=str(stop))
        return end


def _run_warm_if_possible(spec: ProcessSpec, paths: Paths, job: Job, around: Surroundings) -> ProcessEnd | None:
    warm = job.common.warm
    if around.home is None or not warm.enabled:
        return None
    preload = [*warm.preload, job.own.context.function.partition(":")[0]]
    return run_warm(spec, paths, around.home, preload, warm.idle_s)


def _record_failure(paths: Paths, job: Job, outcome: Outcome) -> None:
    details = outcome.failure
    assert details is not None
    # The clock of this machine may be ahead, and the next attempt would wait for it.
    ended = times.bounded(times.moment(outcome.ended), paths.log(job.key))
    failure = Failure(job.attempt, details.kind, ended)
    earlier = attempts_that_failed(paths, job.key)
    due = next_try_of(paths, job.key, [*earlier, failure], job.common.retries)
    log = keep_log(paths, job.key, failure.attempt)
    details = replace(details, next_try=times.text_or_none(due), log=str(log))
    try:
        write_outcome(failure_path(paths, job.key, failure), replace(outcome, failure=details))
    except SchemaError as error:
        sys.exit(printable(f"{job.key}: the failure record is not valid: {error}"))
    then = f"next try {times.text(due)}" if due else "that was the last try"
    say(f"{job.key}: {failure.kind}: {details.message}; {then}; log {log}")

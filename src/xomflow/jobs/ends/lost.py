"""Failure records of attempts that could not write one: their process, their machine or their job is gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.description import read_job
from xomflow.jobs.redo import attempts_that_failed, is_done
from xomflow.jobs.retry import next_try_of
from xomflow.jobs.run_lock import lock_owners, take_left_behind
from xomflow.outcomes.document import log_tail, silent_failure
from xomflow.outcomes.files import Failure, failure_path, write_outcome
from xomflow.outcomes.retries import DISK, RetryPolicy

if TYPE_CHECKING:  # jobs need no model of the configuration
    from xomflow.config.model import Retries


def record_lost(paths: Paths, retries: Retries, submitted: Collection[Key]) -> None:
    """Write failure records for processes that vanished, and remove the locks that they left.

    Parameters
    ----------
    paths, retries
        Where, and how failures are tried again.
    submitted
        Keys that the batch system has or had; `slurm.settle` decides about these.
    """
    for key, owner in lock_owners(paths).items():
        if owner.held or key in submitted or (taken := take_left_behind(paths, key)) is None:
            continue
        message = f"the process that worked on it vanished ({taken.where}): killed, or its machine went down"
        record_failure(paths, retries, key, Failure(taken.attempt, "lost", min(taken.began, times.now())), message)


def record_unstarted(
    paths: Paths,
    retries: Retries,
    tick: TickPaths,
    claims: Mapping[Key, int],
    failed: Collection[Key],
    submitted: Collection[Key],
) -> int:
    """Write failure records for the claimed runs whose jobs Snakemake could not start; return how many.

    Parameters
    ----------
    paths, retries, tick
        Where, how failures are tried again, and the tick that claimed the runs.
    claims
        The claimed keys, with the number of the attempt.
    failed
        Keys whose jobs Snakemake calls failed.
    submitted
        Keys that the batch system has or had.
    """
    at_work = lock_owners(paths).keys() | set(submitted)
    message = "its job ended before XOM's runner began; Snakemake's own log, in .snakemake/log, has the reason"
    written = 0
    for key, attempt in claims.items():
        if key in failed and key not in at_work:
            run, kind, why = read_job(tick, key).own.run, "not_started", message
            if trouble := disk_trouble(paths, tick, key):
                kind, why = DISK, trouble
            written += record_failure(paths, retries, key, Failure(attempt, kind, times.now()), why, run)
    return written


def disk_trouble(paths: Paths, tick: TickPaths, key: Key) -> str:
    """Return the note of a key's job about a disk that takes no files; empty if there is none."""
    note = tick.disk_note(key)
    return (" ".join(log_tail(note)) or f"{paths.work} cannot be written") if note.exists() else ""


def record_failure(
    paths: Paths,
    retries: Retries | RetryPolicy,
    key: Key,
    failure: Failure,
    message: str,
    facts: dict[str, Any] | None = None,
) -> bool:
    """Write a failure record, unless the attempt has written its outcome or a record after all; return whether."""
    earlier = attempts_that_failed(paths, key)
    if is_done(paths, key) or any(one.attempt >= failure.attempt for one in earlier):
        return False
    due = next_try_of(paths, key, [*earlier, failure], retries)
    outcome = silent_failure(paths, key, failure, message, due, facts)
    write_outcome(failure_path(paths, key, failure), outcome)
    return True

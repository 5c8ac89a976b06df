"""Make outcomes: of an attempt that ends, and of one whose process vanished."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from xomflow.core import times
from xomflow.core.key import Key, first_run
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure
from xomflow.outcomes.model import (
    BatchJob,
    FailureDetails,
    FailureKind,
    Outcome,
    Provenance,
    Resources,
    RunFacts,
)
from xomlib.files import open_file

_LOG_LINES = 20
_LOG_BYTES = 20_000


def new_outcome(
    key: Key,
    attempt: int,
    run: RunFacts,
    began: datetime,
    provenance: Provenance,
    failure: FailureDetails | None,
    used: tuple[float | None, float | None] = (None, None),
    message: str = "",
) -> Outcome:
    """Return the outcome of an attempt that ends now, without results.

    Parameters
    ----------
    key, attempt, run
        What was worked on.
    began
        When the attempt began.
    provenance
        What made it.
    failure
        Why it failed; None: it is done.
    used
        Seconds of processor time and MB of memory; None: not known.
    message
        What the analysis printed for the outcome.
    """
    ended = times.now()
    return Outcome(
        schema="xom-outcome-2",
        key=key,
        status="failed" if failure else "done",
        attempt=attempt,
        message=message,
        failure=failure,
        results=[],
        figures=[],
        run=run,
        provenance=provenance,
        resources=Resources(round(max(0.0, (ended - began).total_seconds()), 3), *used),
        started=times.text(began),
        ended=times.text(ended),
    )


def own_provenance(lineage: dict[str, str], software: str, versions: dict[str, str], git: str | None) -> Provenance:
    """Return the provenance of what this process makes, with its host and its job of a batch system."""
    system, _, job = os.environ.get("XOM_BATCH_JOB", "").partition(" ")
    if not job:  # of a job that version 1.0 submitted
        system, job = "slurm", os.environ.get("SLURM_JOB_ID", "")
    batch_job = BatchJob(system, job) if job else None
    return Provenance(lineage, software, versions, git, os.uname().nodename, batch_job)


def silent_failure(
    paths: Paths, key: Key, failure: Failure, message: str, next_try: datetime | None, facts: dict[str, Any] | None
) -> Outcome:
    """Return the failure record of an attempt whose process wrote none.

    Parameters
    ----------
    paths, key
        Where, and which key.
    failure
        Attempt, class, and when it ended or, if that is unknown, began.
    message
        What is known about it.
    next_try
        When the next attempt is due; None: never.
    facts
        The run's facts, as `Run.as_dict` gives them; None where they are not at hand.
    """
    unknown = RunFacts(first_run(key.run), "", "", None, None, detectors=[], tags=[], comments=[], rate={})
    run = RunFacts(**facts) if facts else unknown
    log = keep_log(paths, key, failure.attempt)
    due = times.text_or_none(next_try)
    details = FailureDetails(cast(FailureKind, failure.kind), message, str(log), log_tail(log), due)
    return new_outcome(key, failure.attempt, run, failure.ended, Provenance({}, "", {}, None, "", None), details)


def keep_log(paths: Paths, key: Key, attempt: int) -> Path:
    """Give the log of a failed attempt a name of its own, which stays when the next attempt begins, and return it.

    It is the same file, so what a process still writes into it is kept. Where no link can be made: the log as it is.
    """
    log, kept = paths.log(key), paths.log_of_attempt(key, attempt)
    try:
        if log.exists():
            kept.unlink(missing_ok=True)
        kept.hardlink_to(log)
    except OSError:
        return log
    return kept


def log_tail(log: Path) -> list[str]:
    """Return the last lines of a log; none if it cannot be read."""
    try:
        with open_file(log) as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_BYTES))
            return file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return []

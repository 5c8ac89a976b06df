"""Put outcome documents together."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.key import Key, first_run
from xomflow.core.paths import Paths
from xomflow.outcomes.files import SCHEMA_NAME, Failure

_LOG_LINES = 20
_LOG_BYTES = 20_000


def new_outcome(
    key: Key, attempt: int, facts: dict[str, Any], began: datetime, provenance: dict[str, Any], log: Path
) -> dict[str, Any]:
    """Return an outcome in which nothing has been said yet, which is a failure of class ``no_result``.

    Parameters
    ----------
    key, attempt
        What was worked on.
    facts
        The run's facts, as `Run.as_dict` gives them.
    began
        When the attempt began.
    provenance
        What is known about software and data.
    log
        The log of the job.
    """
    return {
        "schema": SCHEMA_NAME,
        "key": key.as_dict(),
        "status": "failed",
        "attempt": attempt,
        "message": "",
        "failure": {
            "class": "no_result",
            "message": "the script ended well but saved nothing",
            "log": str(log),
            "log_tail": [],
            "next_try": None,
        },
        "results": [],
        "figures": [],
        "run": facts,
        "provenance": {
            "lineage": {},
            "software": "",
            "versions": {},
            "git": None,
            "host": os.uname().nodename,
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            **provenance,
        },
        "resources": {
            "wall_s": round(max(0.0, (times.now() - began).total_seconds()), 3),
            "cpu_s": None,
            "peak_memory_mb": None,
        },
        "started": times.text(began),
        "ended": times.text(times.now()),
    }


def silent_failure(
    paths: Paths, key: Key, failure: Failure, message: str, next_try: datetime | None, facts: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the failure record of an attempt that left no word itself.

    Parameters
    ----------
    paths, key
        Of what.
    failure
        Attempt, class, and when it ended or, if nobody knows that, began.
    message
        What is known about it.
    next_try
        When the next attempt is due; None: never.
    facts
        The run's facts, as `Run.as_dict` gives them; None where they are not at hand.
    """
    unknown: dict[str, Any] = {"mode": "", "source": "", "start": None, "end": None}
    unknown |= {"number": first_run(key.run), "detectors": [], "tags": [], "comments": [], "rate": {}}
    log = keep_log(paths, key, failure.attempt)
    record = new_outcome(key, failure.attempt, facts or unknown, failure.ended, {"host": ""}, log)
    record["failure"] |= {
        "class": failure.kind,
        "message": message,
        "log_tail": log_tail(log),
        "next_try": times.text(next_try) if next_try else None,
    }
    return record


def keep_log(paths: Paths, key: Key, attempt: int) -> Path:
    """Return the log of a failed attempt under a name of its own, which stays when the next attempt begins.

    It is the same file, so whoever still writes into it is heard. Where that cannot be: the log as it is.
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
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_BYTES))
            return file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return []

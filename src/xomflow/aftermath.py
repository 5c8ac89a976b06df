"""Write down the attempts that ended without a word of their own: their process, their machine or their job is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from xomflow import claims, clock, outcomes, records, slurm, submissions
from xomflow.errors import SlurmError
from xomflow.keys import Key
from xomflow.outcomes import Failure
from xomflow.paths import Paths, TickPaths
from xomflow.settings import Retries
from xomflow.states import next_try
from xomflow.submissions import Standing
from xomlib.files import read_json


def settle(paths: Paths, retries: Retries, standings: Mapping[Key, Standing]) -> None:
    """Write down how Slurm ended jobs, forget those about which all is known, cancel what it would keep for ever."""
    with contextlib.suppress(SlurmError):  # whatever becomes of such a job, its attempt is over
        slurm.cancel([one.to_cancel for one in standings.values() if one.to_cancel])
    for key, standing in standings.items():
        if standing.working:
            continue
        if standing.kind:
            claims.take_left_behind(paths, key)
            failure = Failure(standing.submission.attempt, standing.kind, clock.now())
            _record(paths, retries, key, failure, standing.message)
        submissions.forget(paths, key, standing.submission.tick, standing.submission.attempt)


def record_lost(paths: Paths, retries: Retries, standings: Mapping[Key, Standing]) -> None:
    """Write down the attempts of processes that vanished, and remove the locks that they left."""
    for key, mark in claims.marks(paths).items():
        if mark.held or key in standings or (taken := claims.take_left_behind(paths, key)) is None:
            continue
        message = f"the process that worked on it vanished ({taken.where}): killed, or its machine went down"
        _record(paths, retries, key, Failure(taken.attempt, "lost", taken.began), message)


def record_unstarted(paths: Paths, retries: Retries, tick: TickPaths, failed: Collection[str]) -> None:
    """Write down the claimed runs whose jobs Snakemake could not start: of ``failed``, the outcomes it did not get."""
    at_work = claims.marks(paths).keys() | submissions.noted(paths).keys()
    message = "its job ended before XOM's runner began; Snakemake's own log, in .snakemake/log, says why"
    for *parts, attempt in read_json(tick.claims):
        key = Key(*parts)
        if str(paths.outcome(key)) in failed and key not in at_work:
            facts = read_json(tick.jobs(key.analysis))["runs"][key.run]["facts"]
            _record(paths, retries, key, Failure(attempt, "not_started", clock.now()), message, facts)


def _record(
    paths: Paths, retries: Retries, key: Key, failure: Failure, message: str, facts: dict[str, Any] | None = None
) -> None:
    """Write a failure record, unless the attempt had said its last word after all."""
    earlier = outcomes.failures_of(paths, key)
    if paths.outcome(key).exists() or any(one.attempt >= failure.attempt for one in earlier):
        return
    due = next_try([*earlier, failure], retries)
    document = records.without_word(paths, key, failure, message, due, facts)
    outcomes.write(outcomes.failure_path(paths, key, failure), document)

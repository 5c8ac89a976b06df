"""End jobs that a person, or XOM itself, does not want any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.ends.last_words import LastWords
from xomflow.slurm.batch_system import BatchSystem
from xomflow.slurm.submitting.submissions import Submission, noted


def end_jobs(batch: BatchSystem, found: Collection[Submission]) -> None:
    """End the jobs of submissions, each on its cluster."""
    for cluster in sorted({one.cluster for one in found}):
        elsewhere = cluster if cluster != batch.cluster() else ""
        batch.cancel(sorted({one.job for one in found if one.cluster == cluster}), elsewhere)


def keys_at_work(paths: Paths) -> list[Key]:
    """Return the keys whose jobs are known and have not ended, in order."""
    words = LastWords(paths)
    return sorted(one.key for one in noted(paths).values() if one.job and not words.has_ended(one.key, one.attempt))


def cancel(paths: Paths, batch: BatchSystem, keys: Collection[Key]) -> list[str]:
    """End what works on some keys, and return a sentence about each.

    A job ends if all that it still has to do is wanted to end; otherwise the batch is asked to leave these runs.

    Parameters
    ----------
    paths, batch
        Where, and the batch system.
    keys
        Which keys.
    """
    words, jobs = LastWords(paths), defaultdict(list)
    for one in noted(paths).values():
        if one.job and not words.has_ended(one.key, one.attempt):
            jobs[one.label].append(one)
    said, whole = [], []
    for members in jobs.values():
        wanted = [one for one in members if one.key in keys]
        if len(wanted) == len(members):
            whole += members
            continue
        for one in wanted:
            _ask_to_leave(paths, one)
            said.append(f"asked job {one.job}, which goes on with other runs, to end {one.key}")
    end_jobs(batch, whole)
    return [*(f"cancelled job {one.job}: {one.key}" for one in whole), *said]


def _ask_to_leave(paths: Paths, one: Submission) -> None:
    request = TickPaths(paths.tick(one.tick)).cancelled(one.key)
    request.parent.mkdir(parents=True, exist_ok=True)
    request.touch()

"""Which keys are being worked on: claims, run locks and submissions together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.batches.batch_file import read_batch
from xomflow.jobs.run_lock import LockOwner, lock_owners
from xomflow.outcomes.files import Failure
from xomflow.planning.progress.claims import live_claims
from xomflow.planning.progress.unclear import Unclear
from xomflow.slurm.asked import statuses
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.status import SubmissionStatus
from xomflow.slurm.submitting import submissions

# A tick that has reached its time limit still publishes and reports, for at most this long.
_END_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class InProgress:
    """The keys that are being worked on.

    Parameters
    ----------
    claimed
        Claims of live ticks: the tick and the number of the attempt.
    owners
        Owners of run locks, held or left behind.
    submissions
        Status of what was submitted to Slurm and is at work, or ended without a file about it.
    unclear
        What may be being worked on, by files that cannot be read.
    asked
        Status of all that was submitted to Slurm.
    """

    claimed: dict[Key, tuple[str, int]] = field(default_factory=dict)
    owners: dict[Key, LockOwner] = field(default_factory=dict)
    submissions: dict[Key, SubmissionStatus] = field(default_factory=dict)
    unclear: Unclear = field(default_factory=Unclear)
    asked: dict[Key, SubmissionStatus] = field(default_factory=dict)

    def runs_of(self, analysis: str) -> set[str] | None:
        """Return the ids of the runs of an analysis that may be worked on, of any version; None: any run."""
        if analysis in self.unclear.analyses:
            return None
        keys = {*self.claimed, *self.owners, *self.asked}
        return {key.run for key in keys if key.analysis == analysis} | {run for _, run in self.unclear.runs}

    def failures(self, key: Key, recorded: list[Failure], now: datetime) -> list[Failure]:
        """Return the recorded failures and, if there is one, the attempt that ended without writing a record."""
        submission, owner = self.submissions.get(key), self.owners.get(key)
        if submission is not None:
            silent = Failure(submission.submission.attempt, submission.kind, now) if submission.kind else None
        else:
            silent = Failure(owner.attempt, "lost", min(owner.began, now)) if owner and not owner.held else None
        if silent is None or any(failure.attempt == silent.attempt for failure in recorded):
            return recorded
        return sorted([*recorded, silent], key=lambda failure: failure.attempt)

    def describe(self, key: Key, failures: Iterable[Failure]) -> str:
        """Return a phrase about the process or job that works on a key; empty if none does."""
        submission, owner = self.submissions.get(key), self.owners.get(key)
        if submission is not None and submission.working:
            return submission.working
        if owner is not None and owner.held:
            return f"attempt {owner.attempt} runs at {owner.where}"
        if key in self.claimed:
            tick, attempt = self.claimed[key]
            if all(failure.attempt < attempt for failure in failures):
                return f"claimed by tick {tick}"
        return self.unclear.about(key) if submission is None else ""

    def working(self) -> set[Key]:
        """Return the keys on which a process or a job works, or may work, whether they are selected or not."""
        submitted = {key for key, one in self.submissions.items() if one.working}
        return submitted | {key for key, one in self.owners.items() if one.held}


def read_in_progress(config: Config, now: datetime) -> InProgress:
    """Return the keys that are being worked on now; reads only."""
    paths = Paths(config.work)
    # Claims first: a job takes its lock, or gets its record, while the claim still counts.
    unclear = Unclear()
    claimed = live_claims(paths, config.slurm.tick_limit + _END_SECONDS, now, unclear)
    owners = lock_owners(paths)
    known = statuses(paths, open_batch_system(config), config.slurm.latency)
    submitted = {key: one for key, one in known.items() if one.working or one.kind}
    for path, error in submissions.damaged(paths):
        phrase = unclear.note(path, error, "its run waits; delete this file once no job works on the run")
        for key in _keys_of(paths, path):
            unclear.runs[key.analysis, key.run] = f"a job may work on it, but {phrase}"
    unclear.sentences += [owner.trouble for owner in owners.values() if owner.trouble]
    return InProgress(claimed, owners, submitted, unclear, known)


def _keys_of(paths: Paths, record: Path) -> Iterable[Key]:
    """Return the keys of a record that cannot be read, from its name: it has a key, or the tick and name of a batch."""
    parts = record.stem.split("+")
    if len(parts) == 3:
        return [Key(*parts)]
    if len(parts) == 2:
        with contextlib.suppress(*UNREADABLE):
            return read_batch(TickPaths(paths.tick(parts[0])), parts[1]).members
    return []

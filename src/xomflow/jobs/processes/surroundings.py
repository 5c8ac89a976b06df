"""Where a runner works: beside its tick, alone in a job of the batch system, or in one that a batch of runs shares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from xomflow.core.paths import TickPaths


@dataclass(frozen=True, slots=True)
class Home:
    """Where the preloaded processes of a tick, or of a job that runs share, are started and found.

    Parameters
    ----------
    folder
        A folder of this machine.
    lock
        Lock file of the tick or job for which they work; they end once it is free.
    """

    folder: Path
    lock: Path

    def of(self, software: str) -> Path:
        """Return the folder of the preloaded process of one software."""
        return self.folder / hashlib.sha256(software.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for all that a runner does.

    Parameters
    ----------
    in_batch_job
        Whether it works in a job of the batch system: only that system has the reason why the job is stopped.
    home
        Where it finds preloaded processes; None: it can reach none.
    """

    in_batch_job: bool
    home: Home | None

    @property
    def is_alone(self) -> bool:
        """Whether a job of the batch system, and so its log and its memory, belongs to this run alone."""
        return self.in_batch_job and self.home is None


def beside(tick: TickPaths) -> Surroundings:
    """Return the surroundings on the machine of the tick."""
    return Surroundings(in_batch_job=False, home=Home(tick.warm, tick.lock))


ALONE_IN_BATCH_JOB = Surroundings(in_batch_job=True, home=None)

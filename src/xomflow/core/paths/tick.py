"""Places of the files of a tick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xomflow.core.key import Key


@dataclass(frozen=True, slots=True)
class TickPaths:
    """The files of one tick.

    Parameters
    ----------
    folder
        The tick's own folder.
    """

    folder: Path

    @property
    def lock(self) -> Path:
        """Held by the tick's Snakemake as long as it lives."""
        return self.folder / "lock"

    @property
    def settings(self) -> Path:
        """The complete configuration of this tick, and the errors in rule files."""
        return self.folder / "settings.json"

    @property
    def claims(self) -> Path:
        """The claims of this tick; the output of the checkpoint."""
        return self.folder / "claims.json"

    def jobs(self, analysis: str) -> Path:
        """Descriptions of the jobs of one analysis, for the runner."""
        return self.folder / "jobs" / f"{analysis}.json"

    @property
    def batch_plan(self) -> Path:
        """Which of the claimed keys are to share jobs of the batch system."""
        return self.folder / "batches.json"

    def batch(self, name: str) -> Path:
        """Which keys share one job of the batch system."""
        return self.folder / "batches" / f"{name}.json"

    def cancelled(self, key: Key) -> Path:
        """If it is there, the job of a batch ends this key of the batch, or does not begin it."""
        return self.folder / "cancelled" / f"{key.analysis}+{key.version}+{key.run}"

    def run_list(self, analysis: str) -> Path:
        """The run list of one analysis, for people."""
        return self.folder / "runs" / f"{analysis}.tsv"

    @property
    def survey(self) -> Path:
        """Counts and reasons at discovery time."""
        return self.folder / "survey.json"

    @property
    def published(self) -> Path:
        """Receipt of publishing."""
        return self.folder / "published.json"

    @property
    def summary(self) -> Path:
        """The summary of the tick; the output of the rule ``publish``."""
        return self.folder / "summary.json"

    @property
    def trouble(self) -> Path:
        """The error for which the tick could not look for work."""
        return self.folder / "trouble.json"

    def log(self, step: str) -> Path:
        """Log of a step of the tick itself."""
        return self.folder / "logs" / f"{step}.log"

    def made(self, key: Key) -> Path:
        """What Snakemake takes for the output of the job of a key; it deletes outputs, so that is not the outcome."""
        return self.folder / "made" / key.analysis / key.shelf / key.run

    def disk_note(self, key: Key) -> Path:
        """Why the job of a key could write neither its files nor a failure record."""
        return self.folder / "disk" / key.analysis / key.run

    def log_link(self, key: Key) -> Path:
        """What Snakemake takes for the log of the job of a key, and deletes before the job: a link to the log."""
        return self.folder / "logs" / key.analysis / key.shelf / f"{key.run}.log"

    @property
    def warm(self) -> Path:
        """Folder of the preloaded processes."""
        return self.folder / "warm"

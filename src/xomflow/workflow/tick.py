"""One tick: its configuration and files, and the keys that it works on."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Collection
from typing import IO, Any

from xomflow.config.load import check_configuration
from xomflow.core import times
from xomflow.core.account import must_own, other_owner, whose
from xomflow.core.files.file_lock import TICK_VARIABLE, check_locks
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.files.maintenance import check_finished
from xomflow.core.files.work_format import bring_up_to_date, check_format
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.description import read_jobs_of
from xomflow.jobs.ends.lost import record_unstarted
from xomflow.outcomes.retries import AttemptLimits
from xomflow.planning.progress.claims import hold_tick, new_tick, read_claims
from xomflow.slurm.submitting import submissions
from xomflow.workflow.documents import TickStart
from xomflow.workflow.trials import as_decided
from xomflow.workflow.upkeep.older_version import has_older_jobs
from xomlib.files import dump_json
from xomlib.printing import say


class Tick:
    """One timed invocation of Snakemake.

    Parameters
    ----------
    tree
        The configuration, as it was read.
    source
        Where it was read from.
    main
        Whether this is the tick's own process rather than one of its jobs.
    dry
        Whether this is a dry-run: nothing is written and nothing claimed.

    Attributes
    ----------
    config
        The configuration.
    rule_errors
        Errors in rule files, by analysis: all runs of these analyses wait.
    """

    def __init__(self, tree: dict[str, Any], source: str, main: bool, dry: bool) -> None:
        self.config = as_decided(check_configuration(tree, source))
        self.paths = Paths(self.config.work)
        if main and not dry:
            must_own(self.config.work)
        elif main and (owner := other_owner(self.config.work)):
            say(whose(self.config.work, owner), file=sys.stderr)
        check_folders(self.paths)
        check_format(self.paths, will_convert=main and not dry)
        check_finished(self.paths)
        self._tree = tree
        self.dry = dry
        self._began = times.now()
        if main and not dry:
            os.environ[TICK_VARIABLE] = new_tick(self._began)
        self.name = os.environ.get(TICK_VARIABLE, "dry-run")
        self.files = TickPaths(self.paths.tick(self.name))
        self.rule_errors: dict[str, str] = {}
        self._pending: list[Key] | None = None
        self._limits: dict[Key, AttemptLimits] = {}

    def begin(self) -> IO[bytes]:
        """Take the tick's lock, before anything is claimed, and write what its steps need; return the lock."""
        for folder in (self.paths.ticks, self.paths.locks):
            check_locks(folder)
        bring_up_to_date(self.paths, has_older_jobs)
        lock = hold_tick(self.files)
        dump_json(self.files.settings, TickStart(self._tree, self.rule_errors).to_json())
        return lock

    def pending(self) -> list[Key]:
        """Return the keys that this tick works on; in a dry-run those that a tick started now would take."""
        if self._pending is None:
            self._pending = self._foreseen() if self.dry else self._claimed()
        return self._pending

    def _foreseen(self) -> list[Key]:
        # Only a dry-run surveys in Snakemake's own process; a tick starts faster without it.
        from xomflow.workflow.discover import disk_troubles, limits_of, survey_now
        from xomflow.workflow.mass_changes import stop_before

        survey = survey_now(self.config, may_write=False, rule_errors=self.rule_errors)
        stop_before(survey.mass_changes)
        troubles = disk_troubles(self.paths, survey, may_write=False)
        if troubles:
            survey.chosen = []
        sentences = [*survey.warnings, *survey.for_person, *survey.configuration_errors, *troubles]
        say(*sentences, f"{len(survey.chosen)} runs to analyse", file=sys.stderr)
        self._limits = {item.key: limits_of(self.config, item) for item in survey.chosen}
        return list(self._limits)

    def _claimed(self) -> list[Key]:
        keys = [claim.key for claim in read_claims(self.files)]
        self._limits = {job.key: job.own.limits for job in read_jobs_of(self.files, keys)}
        return keys

    def limits_of(self, analysis: str, run: str) -> AttemptLimits:
        """Return the attempt of a pending run, and what it may use."""
        return self._limits[self._versions[analysis, run]]

    def version_of(self, analysis: str, run: str) -> str:
        """Return the version of an analysis for which a run is pending; a tick takes it for one at most."""
        return self._versions[analysis, run].version

    @functools.cached_property
    def _versions(self) -> dict[tuple[str, str], Key]:
        return {(key.analysis, key.run): key for key in self.pending()}

    def key_of(self, made: str) -> Key:
        """Return the pending key whose job has this output."""
        return self._made[made][1]

    def place_of(self, made: str) -> int:
        """Return the place of the job with this output in the tick's order; -1 for the tick's own steps."""
        return self._made[made][0] if self._pending is not None and made in self._made else -1

    @functools.cached_property
    def _made(self) -> dict[str, tuple[int, Key]]:
        """The pending keys with their places in the tick's order, by the outputs of their jobs."""
        return {str(self.files.made(key)): (place, key) for place, key in enumerate(self.pending())}

    def record_unstarted(self, failed: Collection[str]) -> int:
        """Write failure records for the claimed runs whose jobs Snakemake could not start; return how many.

        Parameters
        ----------
        failed
            Outputs of the jobs that Snakemake calls failed.
        """
        claims = {claim.key: claim.attempt for claim in read_claims(self.files)}
        submitted = submissions.noted(self.paths).keys()
        keys = {key for key in claims if str(self.files.made(key)) in failed}
        return record_unstarted(self.paths, self.config.retries, self.files, claims, keys, submitted)

"""One tick, as the Snakefile sees it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import IO, Any

from xomflow.config.load import check_configuration
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.lost import record_unstarted
from xomflow.planning.claims import hold_tick, new_tick
from xomflow.slurm import submissions
from xomflow.workflow.discover import granted, look
from xomlib.files import dump_json, read_json

# Jobs inherit the tick's name; nothing else of a tick is known to them when they parse the Snakefile again.
_VARIABLE = "XOM_TICK"


class Tick:
    """One timed invocation of Snakemake.

    Parameters
    ----------
    tree
        The configuration as it was read.
    source
        Where it was read from.
    main
        Whether this is the tick's own process rather than one of its jobs.
    dry
        Whether this is a dry-run: nothing is written and nothing claimed.

    Attributes
    ----------
    wrong
        What is wrong with the rule file of an analysis, whose runs must wait therefore.
    """

    def __init__(self, tree: dict[str, Any], source: str, main: bool, dry: bool) -> None:
        self.settings = check_configuration(tree, source)
        self.paths = Paths(self.settings.work)
        self._tree = tree
        self.dry = dry
        self._began = times.now()
        if main and not dry:
            os.environ[_VARIABLE] = new_tick(self._began)
        self.name = os.environ.get(_VARIABLE, "dry-run")
        self.files = TickPaths(self.paths.tick(self.name))
        self.wrong: dict[str, str] = {}
        self._pending: list[Key] | None = None
        self._orders: dict[Key, dict[str, Any]] = {}

    def begin(self) -> IO[bytes]:
        """Take the tick's lock, before anything is claimed, note the configuration it runs with; return the lock."""
        lock = hold_tick(self.files)
        dump_json(self.files.settings, {"configuration": self._tree, "wrong": self.wrong})
        return lock

    def pending(self) -> list[Key]:
        """Return the keys this tick works on: of a dry-run those that a tick started now would take."""
        if self._pending is None:
            self._pending = self._foreseen() if self.dry else self._claimed()
        return self._pending

    def _foreseen(self) -> list[Key]:
        survey = look(self.settings, may_write=False, wrong=self.wrong)
        print(*survey.mistakes, f"{len(survey.chosen)} runs to analyse", sep="\n", file=sys.stderr)
        self._orders = {item.key: granted(self.settings, item) for item in survey.chosen}
        return list(self._orders)

    def _claimed(self) -> list[Key]:
        keys = [Key(*entry[:3]) for entry in read_json(self.files.claims)]
        runs = {name: read_json(self.files.jobs(name))["runs"] for name in {key.analysis for key in keys}}
        self._orders = {key: runs[key.analysis][key.run] for key in keys}
        return keys

    def granted(self, analysis: str, run: str) -> dict[str, Any]:
        """Return what the job of a pending run may use: ``memory_mb``, ``time_limit_s``; and its number of attempt."""
        return self._orders[Key(analysis, self.settings.analyses[analysis].version, run)]

    def key_of(self, outcome: str) -> Key:
        """Return which of the pending keys has this outcome."""
        return next(key for key in self.pending() if str(self.paths.outcome(key)) == outcome)

    def record_unstarted(self, failed: Collection[str]) -> None:
        """Write down the claimed runs whose jobs Snakemake could not start; see `aftermath.record_unstarted`."""
        record_unstarted(self.paths, self.settings.retries, self.files, failed, submissions.noted(self.paths).keys())

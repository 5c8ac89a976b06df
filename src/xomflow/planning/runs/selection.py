"""Which runs an analysis selects: a pure decision on the content of the run documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from xomflow.config.model import Analysis, Selection
from xomflow.core.reason import Reason
from xomflow.rundb.run import Run

NO_RUNS: Mapping[int, Reason] = MappingProxyType({})


def selection_key(run: Run) -> tuple:
    """Return all properties of a run that selection uses, except its number.

    Few different ones exist, so the selection of each is decided once.
    """
    return (run.mode, run.detectors, run.tags, run.status, run.end is None)


class Selector:
    """Decides for one analysis whether a run is selected.

    Parameters
    ----------
    common
        The selection for all analyses.
    analysis
        The block of this one, which narrows it.
    vetoed
        Numbers of the runs that are vetoed for it, with the reason.
    backfilled
        Numbers of runs in a backfill of it, for which its own range does not count. The groups of an analysis over a
        period would change by more runs, so there it counts.
    """

    def __init__(
        self,
        common: Selection,
        analysis: Analysis,
        vetoed: Mapping[int, Reason] = NO_RUNS,
        backfilled: Collection[int] = (),
    ) -> None:
        self._common = common
        self._analysis = analysis
        self.vetoed = vetoed
        self.added = frozenset(() if analysis.period else (run for run in backfilled if not analysis.covers(run)))
        self._excepted = frozenset(analysis.except_runs)
        self._excluded_tags = {*common.excluded_tags, *analysis.excluded_tags}
        self._included_tags = frozenset(analysis.included_tags)

    def refusal(self, run: Run) -> Reason | None:
        """Return the reason why the analysis does not select ``run``; None if it does."""
        return self.refusal_by_number(run.number) or self.refusal_by_looks(run)

    def refusal_by_number(self, number: int) -> Reason | None:
        """Return the reason why the analysis does not select a run of this number; None if it does."""
        for block in (self._common, self._analysis):
            if not block.covers(number) and not (block is self._analysis and number in self.added):
                end = "today" if block.max_run is None else block.max_run
                return Reason(f"run number {number} is outside {block.min_run} to {end}")
        return Reason("the run is listed in except_runs") if number in self._excepted else None

    def refusal_in_groups(self, number: int) -> Reason | None:
        """Return the reason why a run of this number is in no group of runs, whatever it looks like; None if it may be.

        A vetoed run stays selected, with a state of its own, but groups go on without it.
        """
        return self.refusal_by_number(number) or self.vetoed.get(number)

    def refusal_by_looks(self, run: Run) -> Reason | None:
        """Return the reason why the analysis does not select runs that look like ``run``; None if it does."""
        return self.refusal_by_progress(run) or self.refusal_by_kind(run)

    def refusal_by_progress(self, run: Run) -> Reason | None:
        """Return the reason why no analysis can take ``run`` yet; None if one can."""
        if run.end is None:
            return Reason("the run is not finished")
        if run.status not in self._common.status:
            return Reason(f"its status is {run.status or 'not set'}")
        return None

    def refusal_by_kind(self, run: Run) -> Reason | None:
        """Return the reason why the analysis is not about runs like ``run``, finished or not; None if it is."""
        wanted = self._analysis.run_modes
        if wanted and not matches(run.mode, wanted):
            return Reason(f"its mode is {run.mode}")
        if not wanted and matches(run.mode, self._common.excluded_modes):
            return Reason(f"its mode {run.mode} is never monitored")
        missing = set(self._analysis.detectors) - run.detectors
        if missing:
            return Reason(f"{', '.join(sorted(missing))} did not take part")
        excluded = run.tags & self._excluded_tags
        if excluded:
            return Reason(f"it is tagged {', '.join(sorted(excluded))}")
        if self._included_tags and not run.tags & self._included_tags:
            return Reason(f"it has none of the tags {', '.join(sorted(self._included_tags))}")
        return None


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether ``name`` is one of ``patterns``, in which ``*`` stands for any text."""
    return any(_matches(name, pattern) for pattern in patterns)


@lru_cache(maxsize=10_000)
def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))

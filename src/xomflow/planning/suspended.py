"""Which analyses are suspended now: reads failure records and outcomes for `xomflow.planning.suspension`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from xomflow.config.model import Config
from xomflow.core.files.kept_json import read_kept
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.outcomes.files import Failure, failure_path
from xomflow.outcomes.successes import Successes
from xomflow.planning.suspension import IN_A_ROW, FailedAttempt, find_suspension
from xomflow.rundb.run import Run

# What a suspension holds up, or may still.
_TO_DO = frozenset({State.SUSPENDED, State.READY, State.RUNNING, State.FAILED})
_TYPE = re.compile(r"[A-Za-z_][\w.]*(?=:)")


@dataclass(frozen=True, slots=True)
class SuspendedRuns:
    """Which runs of an analysis are suspended, new and old ones by themselves: a backfill shows nothing about new runs.

    Parameters
    ----------
    analysis, contact
        Its name, and the person to ask about it; empty if none is configured.
    is_old
        Whether a run ended so long ago that newer ones go first.
    causes
        What the last failures have in common: of old runs under True, of new ones under False; nothing where they are
        not suspended.
    """

    analysis: str
    contact: str
    is_old: Callable[[Run], bool]
    causes: Mapping[bool, Reason]

    def about(self, run: Run) -> Reason | None:
        """Return for what a run is suspended; None if it is not."""
        return self.causes.get(self.is_old(run)) if self.causes else None

    def count(self, ready: Sequence[Run]) -> Counter[State]:
        """Return the states of runs that would be ready."""
        if not self.causes:
            return Counter({State.READY: len(ready)})
        return Counter(State.SUSPENDED if self.about(run) else State.READY for run in ready)

    def sentences(self, states: Iterable[tuple[bool, State]]) -> list[str]:
        """Return sentences for a person about what is suspended, if it has anything to do.

        Parameters
        ----------
        states
            The states of the runs, each with whether the run is old.
        """
        to_do = {old for old, state in states if state in _TO_DO}
        return [self._sentence(old, cause) for old, cause in self.causes.items() if old in to_do]

    def _sentence(self, old: bool, cause: Reason) -> str:
        which = " for old runs (old_after)" if old else ""
        contact = f"; contact: {self.contact}" if self.contact else ""
        return (
            f"analyses.{self.analysis} is suspended{which}, its last {IN_A_ROW} attempts on different runs failed "
            f"alike, {cause}: correct its script or settings; one run a tick is tried, and all go on once one succeeds"
            f"{contact}"
        )


class SuspendedAnalyses:
    """Which analyses are suspended.

    Parameters
    ----------
    config
        The configuration.
    now
        The present.
    """

    def __init__(self, config: Config, now: datetime) -> None:
        self._config = config
        self._now = now
        self._paths = Paths(config.work)
        self._successes = Successes(self._paths)

    def of(self, analysis: str, failed: Iterable[Run], failures: Mapping[str, Sequence[Failure]]) -> SuspendedRuns:
        """Return which runs of an analysis are suspended.

        Parameters
        ----------
        analysis
            Its name.
        failed
            The runs and campaigns that are not done and failed before.
        failures
            The recorded failures, by id.
        """
        attempts: dict[bool, list[FailedAttempt]] = {False: [], True: []}
        for run in failed:
            attempts[self._is_old(run)] += [FailedAttempt(run.id, one) for one in failures[run.id]]
        found = {old: self._cause(analysis, old, made) for old, made in attempts.items()}
        causes = {old: Reason(cause) for old, cause in found.items() if cause}
        return SuspendedRuns(analysis, self._config.analyses[analysis].contact, self._is_old, causes)

    def _is_old(self, run: Run) -> bool:
        return self._has_aged(run.end or run.start)

    def _has_aged(self, ended: datetime) -> bool:
        return (self._now - ended).total_seconds() > self._config.old_after

    def keep(self) -> None:
        """Keep what was read."""
        self._successes.keep()

    def _cause(self, analysis: str, old: bool, attempts: list[FailedAttempt]) -> str:
        version = self._config.analyses[analysis].version
        return find_suspension(
            attempts,
            lambda since: self._successes.newest(analysis, version, since, lambda end: self._has_aged(end) == old),
            partial(self._describe, analysis, version),
        )

    def _describe(self, analysis: str, version: str, one: FailedAttempt) -> str:
        """Return class and, of an exception of the script, its type, as in ``raised KeyError``."""
        if one.failure.kind != "raised":
            return one.failure.kind
        path = failure_path(self._paths, Key(analysis, version, one.run), one.failure)
        found = read_kept(path, _type_in)
        return f"{one.failure.kind} {found}" if found else one.failure.kind


def _type_in(document: Any) -> str:
    """Return the type of the exception in a failure record; empty if it has none."""
    found = _TYPE.match(document["failure"]["message"])
    return found.group() if found else ""

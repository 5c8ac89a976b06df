"""Which analyses are suspended now: reads failure records and outcomes for the decision about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from xomflow.outcomes.past.successes import Successes
from xomflow.planning.suspensions.suspension import IN_A_ROW, FailedAttempt, find_suspension
from xomflow.rundb.run import Run

# What a suspension holds up, or may still.
_TO_DO = frozenset({State.SUSPENDED, State.READY, State.RUNNING, State.FAILED})
_TYPE = re.compile(r"[A-Za-z_][\w.]*(?=:)")


@dataclass(frozen=True, slots=True)
class SuspendedRuns:
    """Which runs of an analysis are suspended, new ones and others by themselves.

    The others are old or in a backfill: they show nothing about new runs.

    Parameters
    ----------
    name, contact
        Its name in lists, and the person to ask about it; empty if none is configured.
    is_apart
        Whether a run is old or in a backfill.
    causes
        What the last failures have in common: of runs apart under True, of new ones under False; nothing where they
        are not suspended.
    """

    name: str
    contact: str
    is_apart: Callable[[Run], bool]
    causes: Mapping[bool, Reason]

    def about(self, run: Run) -> Reason | None:
        """Return for what a run is suspended; None if it is not."""
        return self.causes.get(self.is_apart(run)) if self.causes else None

    def count(self, ready: Collection[Run]) -> Counter[State]:
        """Return the states of runs that would be ready."""
        if not self.causes:
            return Counter({State.READY: len(ready)})
        return Counter(State.SUSPENDED if self.about(run) else State.READY for run in ready)

    def sentences(self, states: Iterable[tuple[bool, State]]) -> dict[bool, str]:
        """Return sentences for a person about what is suspended, if it has anything to do: of runs apart under True.

        Parameters
        ----------
        states
            The states of the runs, each with whether the run is apart.
        """
        to_do = {apart for apart, state in states if state in _TO_DO}
        return {apart: self._sentence(apart, cause) for apart, cause in self.causes.items() if apart in to_do}

    def _sentence(self, apart: bool, cause: Reason) -> str:
        which = " for old runs (old_after)" if apart else ""
        contact = f"; contact: {self.contact}" if self.contact else ""
        return (
            f"analyses.{self.name} is suspended{which}, its last {IN_A_ROW} attempts on different runs failed "
            f"in the same way, {cause}: correct its script or settings; each tick tries one run, and after the first "
            f"success all go on{contact}"
        )


def is_old(ended: datetime, config: Config, now: datetime) -> bool:
    """Return whether a run ended so long ago that newer ones go first."""
    return (now - ended).total_seconds() > config.old_after


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
        self._blocks = config.blocks
        self._successes = Successes(self._paths)

    def of(
        self,
        analysis: str,
        failed: Iterable[Run],
        failures: Mapping[str, Sequence[Failure]],
        backfilled: Collection[str] = (),
    ) -> SuspendedRuns:
        """Return which runs of an analysis are suspended.

        Parameters
        ----------
        analysis
            Its name in lists.
        failed
            The runs and campaigns that are not done and failed before.
        failures
            The recorded failures, by id.
        backfilled
            Ids of the runs and campaigns in backfills, finished or not.
        """

        def is_apart(run: str, ended: datetime) -> bool:
            return run in backfilled or is_old(ended, self._config, self._now)

        attempts: dict[bool, list[FailedAttempt]] = {False: [], True: []}
        for run in failed:
            attempts[is_apart(run.id, run.end or run.start)] += [FailedAttempt(run.id, one) for one in failures[run.id]]
        found = {
            apart: self._cause(analysis, made, lambda *one, apart=apart: is_apart(*one) == apart)
            for apart, made in attempts.items()
        }
        causes = {apart: Reason(cause) for apart, cause in found.items() if cause}
        contact = self._blocks[analysis][1].contact
        return SuspendedRuns(analysis, contact, lambda run: is_apart(run.id, run.end or run.start), causes)

    def keep(self) -> None:
        """Keep what was read."""
        self._successes.keep()

    def _cause(self, analysis: str, attempts: list[FailedAttempt], belongs: Callable[[str, datetime], bool]) -> str:
        of, block = self._blocks[analysis]
        return find_suspension(
            attempts,
            lambda since: self._successes.newest(of, block.version, since, belongs),
            partial(self._describe, of, block.version),
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

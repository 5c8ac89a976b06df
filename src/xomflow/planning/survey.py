"""Look at everything, decide the state of every key, choose what this tick works on.

The survey only reads; the dry-run and the checkpoint both use it, so they cannot disagree. `claim` writes what the
survey chose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from xomflow.config.model import Config, Period, Software
from xomflow.core import times
from xomflow.core.errors import ContextError
from xomflow.core.key import Key, run_id
from xomflow.core.paths import Paths
from xomflow.core.state import StateName
from xomflow.jobs.run_lock import LockOwner, lock_owners
from xomflow.outcomes.files import Failure
from xomflow.planning import pending as inventories
from xomflow.planning.campaigns import Campaign, as_run
from xomflow.planning.claims import live_claims
from xomflow.planning.decide import Facts, State, decide
from xomflow.planning.pending import PendingRuns
from xomflow.planning.selection import Selector
from xomflow.rundb.database import RunDB
from xomflow.rundb.run import Run, late_words
from xomflow.slurm import submissions
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.submissions import SubmissionStatus
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.data_directory import Folders
from xomflow.storage.locations import DataLocations

# Within which a tick whose time is up has published and reported.
_END_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Item:
    """One key that is not done, and what is known about it."""

    key: Key
    run: Run
    state: State
    failures: tuple[Failure, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what reports tell of it."""
        return {
            **self.key.as_dict(),
            "state": self.state.name,
            "reason": self.state.reason,
            "attempt": self.state.attempt,
            "since": times.text(self.run.end) if self.run.end else None,
            "next_try": times.text(self.state.next_try) if self.state.next_try else None,
        }


@dataclass(slots=True)
class Survey:
    """What a look at everything found.

    Parameters
    ----------
    counts
        Number of keys in each state, by analysis.
    items
        Every selected key that is not done, newest first, by analysis.
    chosen
        Those of them that a tick started now works on.
    foreign
        Files among the outcomes that are none.
    problems
        Sentences about documents that could not be understood.
    mistakes
        Sentences about what is configured wrongly, so that the runs of an analysis wait.
    troubles
        Sentences about anything else that somebody has to look at.
    """

    counts: dict[str, Counter[StateName]] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=dict)
    chosen: list[Item] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def unsettled(self) -> list[Item]:
        """Every selected key that is not done."""
        return [item for items in self.items.values() for item in items]


@dataclass(frozen=True, slots=True)
class InProgress:
    """Who holds which keys: what claims, locks and Slurm say together.

    Parameters
    ----------
    claimed
        By live ticks: the tick and the number of the attempt.
    marks
        Of run locks, held or left behind.
    standings
        Of what was given to Slurm.
    """

    claimed: dict[Key, tuple[str, int]] = field(default_factory=dict)
    marks: dict[Key, LockOwner] = field(default_factory=dict)
    standings: dict[Key, SubmissionStatus] = field(default_factory=dict)

    def failures(self, key: Key, known: list[Failure], now: datetime) -> list[Failure]:
        """Add the attempt that ended without a word of its own to those that are recorded, if there is one."""
        standing, mark = self.standings.get(key), self.marks.get(key)
        if standing is not None:
            silent = Failure(standing.submission.attempt, standing.kind, now) if standing.kind else None
        else:
            silent = Failure(mark.attempt, "lost", mark.began) if mark and not mark.held else None
        if silent is None or any(failure.attempt == silent.attempt for failure in known):
            return known
        return sorted([*known, silent], key=lambda failure: failure.attempt)

    def who_works(self, key: Key, failures: Iterable[Failure]) -> str:
        """Say who works on a key now; empty if nobody does."""
        standing, mark = self.standings.get(key), self.marks.get(key)
        if standing is not None and standing.working:
            return standing.working
        if mark is not None and mark.held:
            return f"attempt {mark.attempt} runs at {mark.where}"
        if key in self.claimed:
            tick, attempt = self.claimed[key]
            if all(failure.attempt < attempt for failure in failures):
                return f"claimed by tick {tick}"
        return ""


class Surveyor:
    """Looks at everything once.

    Parameters
    ----------
    settings
        The configuration.
    rundb
        The run database.
    asker
        Knows the contexts.
    now
        The present.
    may_write
        Whether what was expensive to find may be kept on disk; False in a dry-run.
    wrong
        What is wrong with the rule file of an analysis, whose runs wait therefore.
    """

    def __init__(
        self,
        settings: Config,
        rundb: RunDB,
        asker: ContextProbe,
        now: datetime,
        may_write: bool = False,
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._paths = Paths(settings.work)
        self._rundb = rundb
        ends = settings.selection.min_run, settings.selection.max_run
        self._available = Availability(
            asker,
            rundb,
            Folders(self._paths, may_write),
            DataLocations(rundb, ends, self._paths.whereabouts, may_write),
        )
        self._now = now
        self._may_write = may_write
        self._wrong = wrong or {}
        self._mistakes = list(self._wrong.values())
        self._unanswered: dict[str, dict[str, None]] = {}  # analyses, in order, by what went wrong

    def survey(self) -> Survey:
        """Decide the state of every key and choose what to work on; reads only."""
        inventory = inventories.load_pending(self._settings, self._rundb, self._may_write)
        found = Survey(foreign=inventory.foreign, problems=inventory.problems, mistakes=self._mistakes)
        held = InProgress(
            live_claims(self._paths, self._settings.slurm.tick_limit + _END_SECONDS, self._now),
            lock_owners(self._paths),
            submissions.statuses(self._paths, open_batch_system(self._settings), self._settings.slurm.latency),
        )
        for analysis, stock in inventory.stocks.items():
            period = self._settings.analyses[analysis].period
            waiting = self._groups(analysis, stock, period) if period else self._runs(analysis, stock)
            items = [self._decide(analysis, run, stock, words, held) for run, words in waiting]
            found.items[analysis] = items
            found.counts[analysis] = Counter(item.state.name for item in items)
            found.counts[analysis]["done"] = stock.done + len(stock.groups) - len(waiting) * bool(period)
            due = [item for item in items if item.state.due]
            found.chosen += due[: self._settings.limit_of(analysis)]
        self._available.keep()
        found.mistakes += [f"{', '.join(names)}: {why}" for why, names in self._unanswered.items()]
        return found

    def _runs(self, analysis: str, stock: PendingRuns) -> list[tuple[Run, str]]:
        """Return the runs of an analysis that are not done, each with what it lacks, in words."""
        missing = self._missing(analysis, stock.pending)
        return [(run, missing.get(run.id, "")) for run in stock.pending]

    def _groups(self, analysis: str, stock: PendingRuns, period: Period) -> list[tuple[Run, str]]:
        """Return the groups of runs that are not done, each as if it were one run, with what it lacks, in words."""
        selector = Selector(self._settings.selection, self._settings.analyses[analysis])
        members = [run for group in stock.groups for run in group.members]
        unready = {run.id: words for run in members if (words := selector.refusal_by_progress(run))}
        unready |= self._missing(analysis, [run for run in members if run.id not in unready])
        found = [campaign_as_run(group, unready, period, self._now) for group in stock.groups]
        return [(run, words) for run, words in found if run.id not in stock.done_ids]

    def _decide(self, analysis: str, run: Run, stock: PendingRuns, missing: str, held: InProgress) -> Item:
        key = Key(analysis, self._settings.analyses[analysis].version, run.id)
        failures = held.failures(key, stock.failures.get(run.id, []), self._now)
        facts = Facts(False, failures, held.who_works(key, failures), missing, run.end or run.start)
        state = decide(facts, self._settings.retries, self._settings.stale_after, self._now)
        return Item(key, run, state, tuple(failures))

    def _missing(self, analysis: str, runs: list[Run]) -> dict[str, str]:
        """Say for each run which data it lacks, where it lacks any."""
        if analysis in self._wrong:
            return {run.id: f"its rule file must be mended: {self._wrong[analysis]}" for run in runs}
        block = self._settings.analyses[analysis]
        words: dict[str, str] = {}
        for software, ids in _by_software(self._settings, runs):
            if software is None:
                words |= dict.fromkeys(ids, "no software is configured for this run")
            if not block.types or software is None:
                continue
            program, context = software.program, self._settings.context_of(analysis, software)
            try:
                words |= self._available.lacking(program, context, ids, block.alternatives)
                self._mistakes += self._available.absent_places(program, context, block.types)
            except ContextError as error:  # one analysis that cannot be asked about must not stop the others
                self._unanswered.setdefault(str(error), {})[f"analyses.{analysis}"] = None
                words |= dict.fromkeys(ids, f"nobody knows what it needs: {error}")
        for run in runs if block.needs_document else ():
            late = late_words(run, block.needs_document)
            words[run.id] = "; ".join(filter(None, [late, words.get(run.id)]))
        return words


def campaign_as_run(group: Campaign, unready: Mapping[str, str], period: Period, now: datetime) -> tuple[Run, str]:
    """Return a group as if it were one run, and what it waits for, in words; empty if it can be analysed.

    Members that cannot be read are waited for; after a time the group goes on without them, and says which are missing.

    Parameters
    ----------
    group
        Runs that belong together.
    unready
        What the runs that cannot be analysed lack, by run id.
    period
        For how long they are waited for.
    now
        The present.
    """
    ready = [run for run in group.members if run.id not in unready]
    absent = [run for run in group.members if run.id in unready]
    if group.unclear:
        who = ", ".join(map(run_id, group.unclear))
        return as_run(group.members), f"the documents of these runs cannot be understood, and they may belong: {who}"
    if words := group.open_words(period, now):
        return as_run(group.members), words
    if absent and (not ready or now < group.end + timedelta(seconds=period.wait)):
        count = f"{len(absent)} of {len(group.members)} runs cannot be read"
        return as_run(group.members), f"{count}: {absent[0].id}: {unready[absent[0].id]}"
    return as_run(ready, absent), ""


def _by_software(settings: Config, runs: Iterable[Run]) -> Iterable[tuple[Software | None, list[str]]]:
    """Return the ids of runs by what runs their analyses."""
    groups: dict[int, tuple[Software | None, list[str]]] = {}
    for run in runs:
        software = settings.software_of(run.number)
        groups.setdefault(id(software), (software, []))[1].append(run.id)
    return groups.values()

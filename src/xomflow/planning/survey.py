"""The survey: look at everything, decide the state of every key, choose the keys for this tick.

A survey reads only. The dry-run and the checkpoint both take it, so they cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.core.tick_summary import JobCounts
from xomflow.outcomes.campaigns.groups import GroupsOfAll
from xomflow.planning.brake import MassChange
from xomflow.planning.choose import choose
from xomflow.planning.decide import Evidence, decide, waiting_state
from xomflow.planning.items import Item, with_tried_runs
from xomflow.planning.missing_data import MissingData
from xomflow.planning.pending.find import load_pending
from xomflow.planning.pending.work import PendingRuns, PendingWork
from xomflow.planning.progress.have_ended import have_ended
from xomflow.planning.progress.in_progress import InProgress, read_in_progress
from xomflow.planning.queue.middle import without_middle
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.planning.standing import Standing
from xomflow.planning.suspensions.suspended import SuspendedAnalyses, is_old
from xomflow.planning.undone import find_undone
from xomflow.rundb.database import RunDB
from xomflow.rundb.run import Run
from xomflow.slurm.status import SubmissionStatus, count_jobs, held_jobs
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.locations import DataLocations


@dataclass(frozen=True, slots=True)
class Shown:
    """What a survey has among its items, although a tick would only count it.

    Parameters
    ----------
    runs
        Ids of runs.
    all_waiting
        Whether all runs are that wait for something.
    """

    runs: frozenset[str] = frozenset()
    all_waiting: bool = False


NOTHING_MORE = Shown()


@dataclass(slots=True)
class Survey:
    """The result of one look at everything.

    Parameters
    ----------
    counts
        Number of keys in each state, by analysis.
    items
        Every selected key that is not done, newest first, by analysis; of very many that are ready, or that wait for
        data, those in the middle are only counted.
    chosen
        Those of them that a tick started now takes, in the order in which it begins them.
    foreign
        Files among the outcomes that are no outcomes.
    warnings, configuration_errors
        Sentences for people, see `xomflow.core.tick_summary`.
    science_runs
        When the science runs were.
    unseen
        Numbers of the runs that the run database had before and does not show now.
    known_groups
        What decides which outcomes of groups are current, by analysis and version.
    mass_changes
        Changes before which a tick stops.
    for_person
        Sentences about what waits for a person.
    ended_by
        The keys of which one has to succeed to end what a sentence is about: a suspended analysis.
    batch_jobs
        Number of runs in the batch system, by analysis.
    submissions
        The status of what was submitted to it, asked after the claims were read.
    standing
        What people decided.
    only_counted
        Number of the runs in each state that are neither among the items nor taken by a tick, by analysis.
    backfills
        Number of keys in each state, by name of the backfill that has them.
    """

    counts: dict[str, Counter[State]] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=dict)
    chosen: list[Item] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    configuration_errors: list[str] = field(default_factory=list)
    science_runs: list[ScienceRunTimes] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()
    known_groups: GroupsOfAll = field(default_factory=dict)
    mass_changes: tuple[MassChange, ...] = ()
    for_person: list[str] = field(default_factory=list)
    ended_by: dict[str, list[Key]] = field(default_factory=dict)
    batch_jobs: dict[str, JobCounts] = field(default_factory=dict)
    submissions: dict[Key, SubmissionStatus] = field(default_factory=dict)
    only_counted: dict[str, Counter[State]] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    backfills: dict[str, Counter[State]] = field(default_factory=dict)

    @property
    def undone(self) -> list[Item]:
        """Every selected key that is not done."""
        return [item for items in self.items.values() for item in items]


def take_survey(
    config: Config,
    rundb: RunDB,
    probe: ContextProbe,
    now: datetime,
    may_write: bool = False,
    rule_errors: Mapping[str, str] | None = None,
    shown: Shown = NOTHING_MORE,
) -> Survey:
    """Decide the state of every key and choose the keys to work on; reads only.

    Parameters
    ----------
    config
        The configuration.
    rundb
        The run database.
    probe
        Describes the strax contexts.
    now
        The present.
    may_write
        Whether what was expensive to find may be kept on disk; False in a dry-run.
    rule_errors
        Errors in rule files, by analysis: all runs of these analyses wait.
    shown
        What is among the items in any case, even of very many.
    """
    paths, numbers = Paths(config.work), (config.selection.min_run, config.selection.max_run)
    locations = DataLocations(rundb, numbers, paths.data_locations, may_write)
    available = Availability(probe, rundb, FolderListings(paths, may_write), locations)
    configs = [config, *filter(None, [config.trials])]
    missing = [(one, MissingData(one, available, rule_errors or {})) for one in configs]
    suspended = SuspendedAnalyses(config, now)

    def decided(pending: PendingWork) -> Survey:
        standing = Standing.read(paths, now, pending.to_redo)
        look = _Look(config, pending, read_in_progress(config, now), standing, suspended, now, shown)
        survey = look.empty()
        for one, lack in missing:
            look.add(survey, one, lack)
        survey.for_person += held_jobs(look.in_progress.submissions.values())
        return survey

    survey = decided(load_pending(config, rundb, may_write))
    if have_ended(paths, {item.key: item.failures for item in survey.chosen}):
        survey = decided(load_pending(config, rundb, may_write, anew=True))
    available.keep()
    if may_write:
        suspended.keep()
    survey.configuration_errors = list(dict.fromkeys(error for _, one in missing for error in one.configuration_errors))
    return survey


@dataclass(frozen=True, slots=True)
class _Look:
    """All that the states of keys follow from, as of one moment, but for the data that they need."""

    config: Config
    pending: PendingWork
    in_progress: InProgress
    standing: Standing
    suspended: SuspendedAnalyses
    now: datetime
    shown: Shown

    def empty(self) -> Survey:
        """Return a survey with what is about no analysis."""
        pending, in_progress = self.pending, self.in_progress
        return Survey(
            foreign=pending.foreign,
            warnings=[*pending.warnings, *in_progress.unclear.sentences],
            for_person=list(pending.for_person),
            science_runs=pending.science_runs,
            unseen=pending.unseen,
            known_groups=pending.known_groups(self.config),
            batch_jobs=count_jobs(in_progress.submissions),
            submissions=in_progress.asked,
            standing=self.standing,
        )

    def add(self, survey: Survey, config: Config, missing: MissingData) -> None:
        """Add the analyses of a configuration, or its trials: these take what others leave, whatever the bounds are.

        A tick takes a run for one version of an analysis only, so a run that it takes for the published one is taken
        for the trial by a later tick.
        """
        names = {one: self.config.title_of(one, block.version) for one, block in config.analyses.items()}
        found = {
            analysis: self._add_analysis(survey, config, missing, analysis, name) for analysis, name in names.items()
        }
        counted = {analysis: survey.only_counted[name] for analysis, name in names.items()}
        chosen, left = choose(found, counted, config, self.in_progress)
        if config is self.config:
            survey.chosen, survey.warnings = chosen, [*survey.warnings, *left]
            return
        in_progress = sum(counts[State.RUNNING] for counts in survey.counts.values()) + len(survey.chosen)
        taken = {(item.key.analysis, item.key.run) for item in survey.chosen}
        fit = [item for item in chosen if (item.key.analysis, item.key.run) not in taken]
        survey.chosen += fit[: max(0, config.max_running - in_progress)]

    def _add_analysis(
        self, survey: Survey, config: Config, missing: MissingData, analysis: str, name: str
    ) -> list[Item]:
        pending, standing, block = self.pending, self.standing, config.analyses[analysis]
        runs, vetoed = pending.analyses[name], standing.vetoed(analysis)
        undone = find_undone(config, analysis, runs, missing, pending.unseen, vetoed, self.now)
        done = runs.done + (len(runs.campaigns) - len(undone.runs) if runs.campaigns else 0)
        failures = runs.failures
        failed = [run for run in undone.runs if run.id in failures and run.number not in vetoed] if failures else []
        backfilled = standing.backfilled(analysis, block.version)
        breaker = self.suspended.of(name, failed, failures, backfilled)
        working = self.in_progress.runs_of(analysis)
        apart = None if working is None else working | failures.keys() | standing.apart(analysis) | self.shown.runs
        all_waiting = self.shown.all_waiting or block.period is not None
        listed, middle = without_middle(
            undone.runs, undone.incomplete, apart, config.limit_of(analysis), backfilled, all_waiting
        )
        lacks = undone.describe(listed)
        items = with_tried_runs(
            [self._item(config, analysis, run, runs, lacks.get(run.id), breaker.about(run)) for run in listed]
        )
        waiting = [(run, waiting_state(run.end or run.start, config.stale_after, self.now)) for run in middle.waiting]
        counted = breaker.count(middle.ready)
        counted.update(state for _, state in waiting)
        survey.items[name], survey.only_counted[name] = items, counted
        survey.counts[name] = Counter(item.state.name for item in items) + counted
        survey.counts[name][State.DONE] = done
        more = [*((run, State.READY) for run in middle.ready), *waiting] if backfilled else []
        keys = [(Key(analysis, block.version, run.id), state) for run, state in more]
        _count_backfilled(survey, items, keys, standing)
        for is_apart, sentence in breaker.sentences((item.is_apart, item.state.name) for item in items).items():
            survey.for_person.append(sentence)
            tried = (item.key for item in items if item.is_apart == is_apart and item.state.name is State.READY)
            survey.ended_by[sentence] = list(tried)
        return items

    def _item(
        self, config: Config, analysis: str, run: Run, runs: PendingRuns, lacks: Reason | None, about: Reason | None
    ) -> Item:
        standing, key = self.standing, Key(analysis, config.analyses[analysis].version, run.id)
        made = standing.to_redo.get(key, 0)
        recorded = [failure for failure in runs.failures.get(run.id, []) if failure.attempt > made]
        failures = self.in_progress.failures(key, recorded, self.now)
        working = Reason.of(self.in_progress.describe(key, failures))
        evidence = Evidence(failures, working, lacks, run.end or run.start, made, about, standing.decided(key, run))
        state = decide(evidence, config.retries, config.stale_after, self.now)
        backfill = standing.backfill_of(key)
        if backfill and state.due:
            state = replace(state, reason=f"{state.reason}; taken last, in a backfill of {backfill.words}")
        return Item(key, run, state, tuple(failures), is_old(evidence.ended, config, self.now), backfill)


def _count_backfilled(
    survey: Survey, items: Iterable[Item], counted: Iterable[tuple[Key, State]], standing: Standing
) -> None:
    found = [(item.backfill, item.state.name) for item in items]
    for backfill, state in [*found, *((standing.backfill_of(key), state) for key, state in counted)]:
        if backfill:
            survey.backfills.setdefault(backfill.name, Counter())[state] += 1

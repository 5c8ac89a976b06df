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
from xomflow.core.key import Key, first_run
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.core.tick_summary import JobCounts
from xomflow.outcomes.campaigns.groups import GroupsOfAll
from xomflow.planning.brake import MassChange
from xomflow.planning.decide import Evidence, decide, waiting_state
from xomflow.planning.items import Item, describe_left, few_lost, with_probes
from xomflow.planning.missing_data import MissingData
from xomflow.planning.pending.find import load_pending
from xomflow.planning.pending.work import PendingRuns, PendingWork
from xomflow.planning.progress.have_ended import have_ended
from xomflow.planning.progress.in_progress import InProgress, read_in_progress
from xomflow.planning.queue.backfills import take_of_backfills
from xomflow.planning.queue.middle import without_middle
from xomflow.planning.queue.share import Queue, count_older, in_order, old_room, take
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.planning.standing import Standing
from xomflow.planning.suspensions.suspended import SuspendedAnalyses, SuspendedRuns, is_old
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
        Knows the strax contexts.
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
    locations = DataLocations(rundb, numbers, paths.whereabouts, may_write)
    available = Availability(probe, rundb, FolderListings(paths, may_write), locations)
    missing = MissingData(config, available, rule_errors or {})
    pending = load_pending(config, rundb, may_write)
    suspended = SuspendedAnalyses(config, now)
    survey = _survey_of(pending, config, missing, suspended, now, shown)
    if have_ended(paths, {item.key: item.failures for item in survey.chosen}):
        pending = load_pending(config, rundb, may_write, anew=True)
        survey = _survey_of(pending, config, missing, suspended, now, shown)
    missing.keep()
    if may_write:
        suspended.keep()
    survey.configuration_errors = missing.configuration_errors
    return survey


def _survey_of(
    pending: PendingWork,
    config: Config,
    missing: MissingData,
    suspended: SuspendedAnalyses,
    now: datetime,
    shown: Shown,
) -> Survey:
    paths = Paths(config.work)
    survey = Survey(foreign=pending.foreign, warnings=pending.warnings, science_runs=pending.science_runs)
    survey.known_groups, survey.unseen = pending.known_groups(config), pending.unseen
    in_progress, standing = read_in_progress(config, now), Standing.read(paths, now, pending.to_redo)
    survey.warnings = [*survey.warnings, *in_progress.unclear.sentences]
    for analysis, runs in pending.analyses.items():
        vetoed = standing.vetoed(analysis)
        undone = find_undone(config, analysis, runs, missing, pending.unseen, vetoed, now)
        done = runs.done + (len(runs.campaigns) - len(undone.runs) if runs.campaigns else 0)
        failures = runs.failures
        failed = [run for run in undone.runs if run.id in failures and run.number not in vetoed] if failures else []
        backfilled = standing.backfilled(analysis, config.analyses[analysis].version)
        breaker = suspended.of(analysis, failed, failures, backfilled)
        working = in_progress.runs_of(analysis)
        apart = None if working is None else working | failures.keys() | standing.apart(analysis) | shown.runs
        all_waiting = shown.all_waiting or config.analyses[analysis].period is not None
        listed, middle = without_middle(
            undone.runs, undone.incomplete, apart, config.limit_of(analysis), backfilled, all_waiting
        )
        lacks = undone.describe(listed)
        items = [
            _item(config, analysis, run, runs, lacks.get(run.id), in_progress, now, standing, breaker) for run in listed
        ]
        survey.items[analysis] = items = with_probes(items)
        waiting = [(run, waiting_state(run.end or run.start, config.stale_after, now)) for run in middle.waiting]
        survey.only_counted[analysis] = breaker.count(middle.ready)
        survey.only_counted[analysis].update(state for _, state in waiting)
        survey.counts[analysis] = Counter(item.state.name for item in items) + survey.only_counted[analysis]
        survey.counts[analysis][State.DONE] = done
        counted = [*((run, State.READY) for run in middle.ready), *waiting] if backfilled else []
        _count_backfilled(survey, config, analysis, counted, standing)
        for is_apart, sentence in breaker.sentences((item.is_apart, item.state.name) for item in items).items():
            survey.for_person.append(sentence)
            tried = (item.key for item in items if item.is_apart == is_apart and item.state.name is State.READY)
            survey.ended_by[sentence] = list(tried)
    _choose(survey, config, in_progress)
    survey.standing = standing
    survey.for_person += held_jobs(in_progress.submissions.values())
    survey.batch_jobs, survey.submissions = count_jobs(in_progress.submissions), in_progress.asked
    return survey


def _count_backfilled(
    survey: Survey, config: Config, analysis: str, counted: Iterable[tuple[Run, State]], standing: Standing
) -> None:
    version = config.analyses[analysis].version
    found = [(item.backfill, item.state.name) for item in survey.items[analysis]]
    for backfill, state in [
        *found,
        *((standing.backfill_of(Key(analysis, version, run.id)), state) for run, state in counted),
    ]:
        if backfill:
            survey.backfills.setdefault(backfill.name, Counter())[state] += 1


def _choose(survey: Survey, config: Config, in_progress: InProgress) -> None:
    """Choose the runs that a tick takes, within the bounds of what may be in progress over all ticks."""
    ready: dict[str, list[Item]] = {}
    for analysis, items in survey.items.items():
        due = [item for item in items if item.state.due and item.backfill is None]
        ready[analysis] = few_lost(due, (item for others in ready.values() for item in others))
    working = in_progress.working()
    running = {
        name: [one.key for one in items if one.state.name is State.RUNNING] for name, items in survey.items.items()
    }
    others = working.difference(*running.values())  # of other versions, or not selected any more
    queues = {name: _queue(config, name, found, running[name], others) for name, found in ready.items()}
    total = sum(map(len, running.values())) + len(others)
    taken = take(queues, config.max_running, total)
    survey.chosen = in_order(taken, lambda item: item.is_old)
    survey.chosen += _of_backfills(survey, config, total + len(survey.chosen))
    for name, queue in queues.items():
        if left := describe_left(name, config, queue, taken[name], survey.only_counted[name][State.READY]):
            survey.warnings = [*survey.warnings, left]


def _of_backfills(survey: Survey, config: Config, in_progress: int) -> list[Item]:
    """Return the runs of backfills that a tick takes after all others."""
    items = [item for item in survey.undone if item.backfill]
    ready = few_lost([item for item in items if item.state.due], survey.chosen)
    running = Counter(item.backfill.name for item in items if item.backfill and item.state.name is State.RUNNING)
    bounds = {name: block.max_running for name, block in config.analyses.items() if block.max_running is not None}
    used = Counter(item.key.analysis for item in survey.undone if item.state.name is State.RUNNING)
    used += Counter(item.key.analysis for item in survey.chosen)
    room = {name: most - used[name] for name, most in bounds.items()}
    return take_of_backfills(ready, running, old_room(config.max_running, in_progress), room)


def _queue(config: Config, name: str, ready: list[Item], running: list[Key], others: Iterable[Key]) -> Queue[Item]:
    return Queue(
        ready,
        config.limit_of(name),
        new=sum(not item.is_old for item in ready),
        running=len(running) + sum(key.analysis == name for key in others),
        older=count_older((first_run(key.run) for key in running), [item.run.number for item in ready]),
        most=config.analyses[name].max_running,
    )


def _item(
    config: Config,
    analysis: str,
    run: Run,
    runs: PendingRuns,
    lacks: Reason | None,
    in_progress: InProgress,
    now: datetime,
    standing: Standing,
    suspended: SuspendedRuns,
) -> Item:
    key = Key(analysis, config.analyses[analysis].version, run.id)
    made = standing.to_redo.get(key, 0)
    recorded = [failure for failure in runs.failures.get(run.id, []) if failure.attempt > made]
    failures = in_progress.failures(key, recorded, now)
    working = Reason.of(in_progress.describe(key, failures))
    about = suspended.about(run)
    evidence = Evidence(failures, working, lacks, run.end or run.start, made, about, standing.decided(key, run))
    state = decide(evidence, config.retries, config.stale_after, now)
    backfill = standing.backfill_of(key)
    if backfill and state.due:
        state = replace(state, reason=f"{state.reason}; taken last, in a backfill of {backfill.words}")
    return Item(key, run, state, tuple(failures), is_old(evidence.ended, config, now), backfill)

"""Discovery, the work of the checkpoint: survey, claim, write run lists and the descriptions of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xomflow.config.load import check_configuration, script_of
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.collector import uncollected
from xomflow.core.files.disk import trouble_in, trouble_seen_in
from xomflow.core.files.file_lock import exclusive
from xomflow.core.files.folder_marks import mark_folders
from xomflow.core.files.maintenance import check_finished
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import ONLY_COUNTED
from xomflow.core.tick_summary import ListedKey, OldestReady, oldest_of
from xomflow.decisions.files import read_decisions
from xomflow.jobs.batches.plan import write_plan
from xomflow.jobs.description import AnalysisJobs, RunJob, WarmStart, how_started, units_promised, write_jobs
from xomflow.jobs.ends.lost import record_lost
from xomflow.outcomes.campaigns.groups import write_groups
from xomflow.outcomes.files import quarantine
from xomflow.outcomes.retries import DISK, AttemptLimits, RetryPolicy, next_resources
from xomflow.outcomes.trial_marks import renew_marks
from xomflow.planning.items import Item
from xomflow.planning.progress.claims import Claim, write_claims
from xomflow.planning.runs.runs_now import given_up
from xomflow.planning.survey import NOTHING_MORE, Shown, Survey, take_survey
from xomflow.publishing.open_store import StoreConfig
from xomflow.rundb.database import open_rundb
from xomflow.slurm.nodes import describe_nodes_out
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.settle import settle
from xomflow.storage.context_probe import ContextProbe
from xomflow.workflow.batches import batches_of
from xomflow.workflow.documents import ReportConfig, TickStart
from xomflow.workflow.mass_changes import mass_changes, stop_before
from xomflow.workflow.run_lists import run_list
from xomflow.workflow.survey_document import SurveyDocument
from xomflow.workflow.trials import as_decided
from xomflow.workflow.upkeep.installed_units import units_that_hide_crashes
from xomlib.documents.job_description import ContextSpec
from xomlib.files import dump_json, read_json, write_atomically


def survey_now(
    config: Config, may_write: bool, rule_errors: Mapping[str, str] | None = None, shown: Shown = NOTHING_MORE
) -> Survey:
    """Return a survey at the present time, see `take_survey`."""
    rundb, now = open_rundb(config.rundb), times.now()
    with uncollected():
        probe = open_context_probe(config, may_write)
        survey = take_survey(config, rundb, probe, now, may_write, rule_errors, shown)
    pending = sum(one.pending for one in survey.batch_jobs.values())
    survey.warnings = [*survey.warnings, *describe_nodes_out(open_batch_system(config), pending)]
    paths, decisions = Paths(config.work), read_decisions(Paths(config.work))
    survey.warnings = [*config.warnings, *survey.warnings, *decisions.problems, *decisions.begin_later(now)]
    survey.mass_changes = mass_changes(
        paths, StoreConfig.of(config.store), decisions.made, survey.known_groups, frozenset(given_up(paths))
    )
    return survey


def discover(tick: TickPaths) -> Survey:
    """Survey everything, claim the runs of this tick, and write its run lists.

    Parameters
    ----------
    tick
        The tick, whose lock is held by its Snakemake.
    """
    start = TickStart.from_json(read_json(tick.settings))
    config = as_decided(check_configuration(start.configuration, str(tick.settings)))
    paths = Paths(config.work)
    with exclusive(paths.discovery_lock, config.longest_wait):
        check_finished(paths)  # it may have been interrupted since the tick began
        survey = survey_now(config, may_write=True, rule_errors=start.rule_errors)
        stop_before(survey.mass_changes)
        mark_folders(paths, StoreConfig.of(config.store).is_local)
        statuses = survey.submissions
        settle(paths, open_batch_system(config), config.retries, statuses)
        record_lost(paths, config.retries, {key for key, one in statuses.items() if one.working or one.kind})
        moved = [quarantine(paths, path, "is not an outcome") for path in survey.foreign]
        if troubles := disk_troubles(paths, survey):
            moved, survey.chosen = [*moved, *troubles], []
        for name, items in survey.items.items():
            analysis, _, trial = name.partition("+")
            chosen = [item for item in survey.chosen if config.title_of(item.key.analysis, item.key.version) == name]
            if chosen:
                own = (config.trials if trial else None) or config
                write_jobs(tick, name, describe_jobs(own, analysis, chosen))
            write_atomically(tick.run_list(name), run_list(items, chosen, survey.only_counted[name]))
        renew_marks(paths, config.methods, config.trials.methods if config.trials else ())
        write_plan(tick, batches_of(config, survey.chosen, [limits_of(config, item) for item in survey.chosen]))
        survey.warnings.extend(units_that_hide_crashes())
        write_groups(paths, survey.known_groups)
        dump_json(tick.survey, survey_document(survey, config, moved).to_json())
        # Last: from here on the claims count.
        write_claims(tick, [Claim(item.key, item.state.attempt) for item in survey.chosen])
    return survey


def disk_troubles(paths: Paths, survey: Survey, may_write: bool = True) -> list[str]:
    """Return why the disk does not take what the chosen runs will write; then it is better to take no run.

    Parameters
    ----------
    paths, survey
        Where they write, and the survey that chose them.
    may_write
        Whether to try it; False in a dry-run, which only sees that a disk is full or read-only.
    """
    look = trouble_in if may_write else trouble_seen_in
    folders = [paths.outcomes, paths.drafts, paths.locks, paths.logs] if survey.chosen else []
    if any(item.failures and item.failures[-1].kind == DISK for item in survey.chosen):
        folders.append(paths.all_figures)  # which only some analyses need
    found = dict.fromkeys(trouble for folder in folders if (trouble := look(folder)))
    return [f"{trouble}; no runs are taken while this lasts" for trouble in found]


def describe_jobs(config: Config, analysis: str, chosen: Iterable[Item]) -> AnalysisJobs:
    """Return the jobs of one analysis, for the runner."""
    block, warm = config.analyses[analysis], config.warm_start
    probe = open_context_probe(config, may_write=True)
    runs = {}
    for item in chosen:
        software = config.software_of(item.run.number)
        assert software is not None  # a run without software is not ready
        program, context = software.program, config.context_of(analysis, software)
        lineage = probe.describe(program, context, block.types).hashes if block.types else {}
        spec = ContextSpec(**context.model_dump())
        runs[item.key.run] = RunJob(limits_of(config, item), item.run.as_dict(), spec, program, lineage)
    return AnalysisJobs(
        script=str(script_of(config, analysis).absolute()),
        settings=block.settings,
        retries=RetryPolicy.of(config.retries),
        warm=WarmStart(warm.enabled and len(runs) >= warm.least_jobs, warm.idle, warm.preload),
        runs=runs,
        needs=sorted(block.types),
        local_memory_mb=config.local_memory_mb,
        promised=units_promised(block),
        started=how_started(block, config.store.prefix),
    )


def limits_of(config: Config, item: Item) -> AttemptLimits:
    """Return the next attempt of a key, and what it may use."""
    block = config.analyses[item.key.analysis]
    more = next_resources(item.failures, config.retries, block.memory_mb, block.time_limit)
    return AttemptLimits(item.state.attempt, **more, nice=_nice(config, item))


def _nice(config: Config, item: Item) -> int:
    if item.backfill and item.backfill.nice:
        return item.backfill.nice
    return config.slurm.nice_if_old if item.is_old or item.backfill else 0


def survey_document(survey: Survey, config: Config, site_errors: list[str]) -> SurveyDocument:
    """Return the part of a survey that the report needs."""
    chosen = {item.key for item in survey.chosen}
    return SurveyDocument(
        config=ReportConfig.of(config),
        counts={analysis: dict(counts) for analysis, counts in survey.counts.items()},
        listed=[as_listed(item) for item in survey.undone if item.state.name not in ONLY_COUNTED or item.key in chosen],
        configuration_errors=survey.configuration_errors,
        site_errors=site_errors,
        warnings=survey.warnings,
        science_runs=survey.science_runs,
        for_person=survey.for_person,
        ended_by=survey.ended_by,
        batch_jobs=survey.batch_jobs,
        oldest_ready=oldest_ready(item for item in survey.undone if item.key not in chosen),
        decisions=survey.standing.lines(item for item in survey.undone if item.key not in chosen),
    )


def oldest_ready(items: Iterable[Item]) -> dict[str, OldestReady]:
    """Return the oldest ready run by analysis, but for those of backfills, which may wait."""
    due = (item for item in items if item.state.due and item.backfill is None)
    return oldest_of((item.key, item.run.end or item.run.start) for item in due)


def as_listed(item: Item) -> ListedKey:
    """Return an item of a survey as survey and summary list it."""
    state = item.state
    return ListedKey(
        item.key, state.name, state.reason, state.attempt, item.run.end, state.next_try, start=item.run.start
    )


def open_context_probe(config: Config, may_write: bool) -> ContextProbe:
    """Return the probe of the contexts; it asks about the types of all analyses at once, so strax is loaded once."""
    types = {name for _, block in config.blocks.values() for name in block.types}
    keys = {one.program: f"software[{index}].{one.kind}" for index, one in enumerate(config.software)}
    return ContextProbe(Paths(config.work), may_write, types, keys)

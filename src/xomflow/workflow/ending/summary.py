"""The summary of a tick: what became of the claimed runs; then alarms, points of boards and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from itertools import islice, repeat
from typing import Any

from xomflow import page
from xomflow.core import times
from xomflow.core.errors import XomError, cause_of, sentence_of
from xomflow.core.files.file_lock import exclusive
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import ATTENTION, FAILURES, State
from xomflow.core.tick_summary import ListedKey, Receipt, Summary, oldest_of
from xomflow.core.verdicts import read_learning
from xomflow.jobs.redo import attempts_that_failed, is_done
from xomflow.jobs.retry import next_try_of
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.files import failure_path, failures_of
from xomflow.outcomes.reading import read_outcome
from xomflow.outcomes.retries import DISK
from xomflow.page.refresh import PageRefresh
from xomflow.planning.progress.claims import is_overtaken, read_claims
from xomflow.publishing import self_monitoring
from xomflow.publishing.boards.events import Event
from xomflow.publishing.open_store import open_store
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.boards import happened, publish_boards
from xomflow.workflow.ending.dashboards import renew_dashboards
from xomflow.workflow.ending.expected import judge_results
from xomflow.workflow.survey_document import SurveyDocument
from xomflow.workflow.upkeep.archives import archive_old_files
from xomlib.documents.schema import SchemaError
from xomlib.files import dump_json, read_json


def read_summary(tick: TickPaths) -> Summary:
    """Return the summary that a tick wrote."""
    return Summary.from_json(read_json(tick.summary))


def write_report(tick: TickPaths, survey: SurveyDocument, renewal: PageRefresh) -> None:
    """Write the summary of a tick and renew the page."""
    config, paths = survey.config, Paths(survey.config.work)
    summary, events = summarize(tick, paths, survey), cache(partial(_happened, paths, survey))
    if not is_overtaken(paths, tick, times.now()):
        summary.site_errors.extend(judge_results(paths, config))
    summary.site_errors.extend(_publish_own_points(paths, tick, survey, summary, events))
    summary.site_errors.extend(archive_old_files(paths, config.keep_ticks_s, times.now()))
    try:
        with exclusive(paths.publishing_lock, config.longest_wait_s):
            refreshed = renewal.all()
            summary.site_errors.extend(refreshed.problems)
            if not is_overtaken(paths, tick, times.now()):
                summary.site_errors.extend(renew_dashboards(paths, config, lambda: refreshed.makers))
            dump_json(tick.summary, summary.to_json())
            if not is_overtaken(paths, tick, times.now()):
                learning = [one.sentence for one in read_learning(paths)]
                page.write_status(paths.page, status_document(summary, survey, events(), learning))
    except OSError as error:  # the summary counts more than the page
        place, words = cause_of(error, paths.page)
        summary.site_errors.append(f"the page cannot be renewed: {place}: {words}")
        dump_json(tick.summary, summary.to_json())


def _publish_own_points(
    paths: Paths, tick: TickPaths, survey: SurveyDocument, summary: Summary, events: Callable[[], list[Event]]
) -> list[str]:
    """Publish how the tick went and what boards show; return a sentence if that failed: the next tick tries again."""
    if summary.published and summary.published.away:
        return []  # publishing has reported it
    try:
        lock = exclusive(paths.publishing_lock, survey.config.longest_wait_s)
        with closing(open_store(survey.config.store, paths)) as store, lock:
            self_monitoring.publish(paths, store, survey.config.store.prefix, summary)
            if not is_overtaken(paths, tick, times.now()):
                publish_boards(paths, store, survey, summary.listed, events())
    except (XomError, OSError) as error:
        return [sentence_of(error)]
    return []


def _happened(paths: Paths, survey: SurveyDocument) -> list[Event]:
    """Return what page and boards show of the past; without versions and software if the store cannot be named."""
    try:
        with closing(open_store(survey.config.store, paths)) as store:
            name = store.name
    except (XomError, OSError):
        name = ""
    return happened(paths, survey, name)


def claimed_shelves(tick: TickPaths) -> set[Shelf]:
    """Return the shelves of the runs that a tick claimed; what became of these is looked at in any case."""
    return {Shelf(key.analysis, key.version, key.shelf) for key in (claim.key for claim in read_claims(tick))}


def summarize(tick: TickPaths, paths: Paths, survey: SurveyDocument) -> Summary:
    """Return the summary of a tick: its survey, with what became of the claimed runs."""
    claimed = {claim.key: claim.attempt for claim in read_claims(tick)}
    counts = {analysis: Counter(numbers) for analysis, numbers in survey.counts.items()}
    submitted = submissions.noted(paths)
    listed, taken = [], []
    for one in survey.listed:
        now = one
        if one.key in claimed:
            now = _after_work(paths, survey.config, one, claimed[one.key], submitted)
            name = survey.config.title_of(one.key)
            counts[name].subtract([one.state])
            counts[name].update([now.state])
            taken.append(now)
        elif one.state in FAILURES:
            now = with_record(paths, one)
        if now.state is not State.DONE:
            listed.append(now)
    done = {one.key for one in taken if one.state is State.DONE}
    left = [(Key(name, "", one.run), one.since) for name, one in survey.oldest_ready.items()]
    published = Receipt.from_json(read_json(tick.published)) if tick.published.exists() else None
    return Summary(
        tick=tick.folder.name,
        started=times.from_epoch(int(tick.settings.stat().st_mtime)),
        ended=times.now().replace(microsecond=0),  # as it will be read again
        counts={analysis: {state: numbers[state] for state in State} for analysis, numbers in counts.items()},
        taken=taken,
        listed=listed,
        configuration_errors=survey.configuration_errors,
        site_errors=[*survey.site_errors, *_disk_errors(taken), *(published.problems if published else [])],
        warnings=survey.warnings,
        published=published,
        for_person=[one for one in survey.for_person if done.isdisjoint(survey.ended_by.get(one, ()))],
        decisions=survey.decisions,
        batch_jobs=survey.batch_jobs,
        oldest_ready=oldest_of([*left, *((one.key, one.since) for one in taken if one.state is State.READY)]),
    )


def _disk_errors(taken: Iterable[ListedKey]) -> list[str]:
    """Return a sentence for each reason for which files of runs could not be written."""
    runs = Counter(one.reason.removeprefix(f"{DISK}: ") for one in taken if one.kind == DISK)
    return [f"{reason}; {number} runs are tried again, no result is lost" for reason, number in runs.items()]


def _after_work(
    paths: Paths, config: ReportConfig, one: ListedKey, attempt: int, submitted: Mapping[Key, Submission]
) -> ListedKey:
    """Return a claimed key as it is now."""
    key = one.key
    if is_done(paths, key):
        return replace(one, state=State.DONE, reason="the outcome is there", next_try=None)
    failures = attempts_that_failed(paths, key)
    if not failures or failures[-1].attempt < attempt:
        if key in submitted and submitted[key].job:
            return replace(one, state=State.RUNNING, reason=f"it was submitted, job {submitted[key].job}")
        left = "this tick did not start it, or its job ended without a record"
        return replace(one, state=State.READY, reason=left, log=str(paths.log(key)))
    due = next_try_of(paths, key, failures, config.retries)
    state = State.FAILED if due else State.GAVE_UP
    return with_record(paths, replace(one, state=state, attempt=attempt, next_try=due))


def with_record(paths: Paths, one: ListedKey) -> ListedKey:
    """Return a failed key with the reason and the log of its newest failure record."""
    one = replace(one, log=str(paths.log(one.key)))
    failures = failures_of(paths, one.key)
    if not failures:
        return one
    one = replace(one, attempt=failures[-1].attempt, kind=failures[-1].kind)
    try:
        failure = read_outcome(failure_path(paths, one.key, failures[-1])).failure
    except (OSError, SchemaError):
        return one
    return replace(one, reason=f"{failure.kind}: {failure.message}", log=failure.log) if failure else one


def with_records(paths: Paths, listed: Iterable[ListedKey], most: int | None = None) -> list[ListedKey]:
    """Return listed keys, the failed ones with the reason and the log of their newest failure records.

    Parameters
    ----------
    paths
        Where the records are.
    listed
        The keys.
    most
        How many records are read; None: all. Of further keys only the names of the records are known.
    """
    left = islice(repeat(True), most)
    return [with_record(paths, one) if one.state in FAILURES and next(left, False) else one for one in listed]


def status_document(
    summary: Summary, survey: SurveyDocument, events: Iterable[Event], learning: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the page shows about a tick.

    Parameters
    ----------
    summary, survey
        Of the tick.
    events
        What may explain a change of results.
    learning
        Sentences about histories that are being learned.
    """
    config = survey.config
    return {
        "generated": times.text(summary.ended),
        "tick": {
            "id": summary.tick,
            "started": times.text(summary.started),
            "ended": times.text(summary.ended),
            "interval_hint_s": config.interval_s,
        },
        "states": [{"name": state, "meaning": state.meaning, "urgency": state.urgency} for state in State],
        "counts": {
            analysis: {"version": config.version_of(analysis), "states": numbers}
            for analysis, numbers in summary.counts.items()
        },
        "attention": [{"log": None, **one.to_json()} for one in summary.listed if one.state in ATTENTION],
        "problems": summary.configuration_errors + summary.site_errors + summary.for_person + summary.warnings,
        "decisions": summary.decisions,
        "learning": learning,
        "minimum": config.expected.minimum,
        "science_runs": [one._asdict() for one in survey.science_runs],
        "events": [one._asdict() for one in events],
        "titles": {
            analysis: {
                "title": block.title,
                "documentation": block.documentation,
                "contact": block.contact,
                "main": block.main_variables,
                "variables": {name: one._asdict() for name, one in block.variables.items()},
                "limits": {name: one.between for name, one in block.limits.items()},
            }
            for analysis, block in config.analyses.items()
        },
    }

"""One tick: what the Snakefile needs to know, and what the checkpoint writes down."""

from __future__ import annotations

import csv
import gc
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from xomflow.config.load import check_configuration, script_of
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.file_lock import exclusive
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.lost import record_lost
from xomflow.outcomes.files import quarantine
from xomflow.outcomes.retries import next_resources
from xomflow.planning.claims import forget_old_ticks
from xomflow.planning.survey import Item, Survey, Surveyor
from xomflow.rundb.database import open_rundb
from xomflow.slurm import submissions
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.settle import settle
from xomflow.storage.context_probe import ContextProbe
from xomlib.files import dump_json, read_json, write_atomically

_HEADINGS = ("run", "state", "reason", "attempt", "next_try", "mode", "start", "end", "tags")


def look(settings: Config, may_write: bool, wrong: Mapping[str, str] | None = None) -> Survey:
    """Survey everything now; the runs of analyses that ``wrong`` says something about wait."""
    asker = _asker(settings, may_write)
    gc.disable()  # hundreds of thousands of small objects, none in a cycle: collecting takes longer than all the rest
    try:
        return Surveyor(settings, open_rundb(settings.rundb), asker, times.now(), may_write, wrong or {}).survey()
    finally:
        gc.enable()


def discover(files: TickPaths) -> Survey:
    """Survey everything, claim what a tick works on, and write its run lists: the checkpoint's work.

    Parameters
    ----------
    files
        The tick, whose lock is held by its Snakemake.
    """
    given = read_json(files.settings)
    settings = check_configuration(given["configuration"], str(files.settings))
    paths = Paths(settings.work)
    with exclusive(paths.discovery_lock):
        batch = open_batch_system(settings)
        statuses = submissions.statuses(paths, batch, settings.slurm.latency)
        settle(paths, batch, settings.retries, statuses)
        record_lost(paths, settings.retries, statuses)
        survey = look(settings, may_write=True, wrong=given["wrong"])
        survey.troubles += [quarantine(paths, path, "is not an outcome") for path in survey.foreign]
        for analysis in settings.analyses:
            chosen = [item for item in survey.chosen if item.key.analysis == analysis]
            dump_json(files.jobs(analysis), jobs(settings, analysis, chosen))
            write_atomically(files.run_list(analysis), run_list(survey.items[analysis], chosen))
        dump_json(files.survey, {**survey_document(survey), "settings": known_later(settings)})
        forget_old_ticks(paths, settings.keep_ticks, {one.tick for one in submissions.noted(paths).values()})
        # Last: from here on the claims count.
        dump_json(files.claims, [[*_parts(item.key), item.state.attempt] for item in survey.chosen])
    return survey


def jobs(settings: Config, analysis: str, chosen: Iterable[Item]) -> dict[str, Any]:
    """Return all that the runner must know about the runs of one analysis."""
    block = settings.analyses[analysis]
    asker = _asker(settings, may_write=True)
    runs = {}
    for item in chosen:
        software = settings.software_of(item.run.number)
        assert software is not None  # a run without software is not ready
        program, context = software.program, settings.context_of(analysis, software)
        runs[item.key.run] = {
            "facts": item.run.as_dict(),
            "context": context.model_dump(),
            "program": {**asdict(program), "interpreter": str(program.interpreter)},
            "lineage": asker.facts(program, context, block.types).hashes if block.types else {},
            **granted(settings, item),
        }
    return {
        "script": str(script_of(settings, analysis).absolute()),
        "settings": block.settings,
        "retries": settings.retries.model_dump(),
        "warm": {
            "enabled": settings.warm_start.enabled and len(runs) >= settings.warm_start.least_jobs,
            "idle_s": settings.warm_start.idle,
            "preload": settings.warm_start.preload,
        },
        "runs": runs,
    }


def granted(settings: Config, item: Item) -> dict[str, Any]:
    """Return the number of a key's next attempt, and the memory and time that it may use."""
    block = settings.analyses[item.key.analysis]
    more = next_resources(item.failures, settings.retries, block.memory_mb, block.time_limit)
    return {"attempt": item.state.attempt, **more}


def run_list(items: Iterable[Item], chosen: Iterable[Item]) -> str:
    """Return the run list of an analysis: every selected run that is not settled, its state, and why."""
    taken = {item.key for item in chosen}
    out = io.StringIO()
    table = csv.writer(out, dialect="excel-tab", lineterminator="\n")
    table.writerow(_HEADINGS)
    for item in items:
        state = item.state
        reason = f"{state.reason}; taken by this tick" if item.key in taken else state.reason
        if state.due and item.key not in taken:
            reason += "; this tick is full, a later one takes it"
        table.writerow(
            [
                item.key.run,
                state.name,
                _one_line(reason),
                state.attempt,
                _time(state.next_try),
                _one_line(item.run.mode),
                _time(item.run.start),
                _time(item.run.end),
                _one_line(", ".join(sorted(item.run.tags))),
            ]
        )
    return out.getvalue()


def known_later(settings: Config) -> dict[str, Any]:
    """Return what publishing and reporting must know, so that they need not load the model of the configuration."""
    return {
        "work": str(settings.work),
        "store": settings.store.model_dump(mode="json"),
        "retries": settings.retries.model_dump(),
        "interval_s": settings.page.interval,
        "analyses": {
            analysis: {"version": block.version, "title": block.title or analysis, "documentation": block.documentation}
            for analysis, block in settings.analyses.items()
        },
    }


def survey_document(survey: Survey) -> dict[str, Any]:
    """Return what the report needs of a survey."""
    chosen = {item.key for item in survey.chosen}
    return {
        "counts": {analysis: dict(counts) for analysis, counts in survey.counts.items()},
        "problems": survey.problems,
        "mistakes": survey.mistakes,
        "troubles": survey.troubles,
        # What is ready and waits for a later tick is counted and stands in the run lists; a backfill has 100,000 of it.
        "items": [item.as_dict() for item in survey.unsettled if not item.state.due or item.key in chosen],
    }


def _asker(settings: Config, may_write: bool) -> ContextProbe:
    """Return who asks contexts: about the types of all analyses at once, so that strax is loaded once."""
    types = {name for block in settings.analyses.values() for name in block.types}
    keys = {one.program: f"software[{index}].{one.kind}" for index, one in enumerate(settings.software)}
    return ContextProbe(Paths(settings.work), may_write, types, keys)


def _parts(key: Key) -> tuple[str, str, str]:
    return key.analysis, key.version, key.run


def _time(value: datetime | None) -> str:
    return times.text(value) if value else ""


def _one_line(value: str) -> str:
    """Return text as one printable line, whatever a run document puts into it."""
    return "".join(letter if letter.isprintable() else " " for letter in value)

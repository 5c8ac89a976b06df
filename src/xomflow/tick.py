"""One tick: what the Snakefile needs to know, and what the checkpoint writes down."""

from __future__ import annotations

import csv
import gc
import io
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from xomflow import aftermath, claims, clock, configuration, outcomes, report, states, submissions
from xomflow.contexts import ContextAsker
from xomflow.discovery import Item, Survey, Surveyor
from xomflow.keys import Key
from xomflow.paths import Paths, TickPaths
from xomflow.rundb import open_rundb
from xomflow.selection import Selector
from xomflow.settings import Settings
from xomlib.files import dump_json, read_json, write_atomically

# Jobs inherit the tick's name; nothing else of a tick is known to them when they parse the Snakefile again.
_VARIABLE = "XOM_TICK"
_HEADINGS = ("run", "state", "reason", "attempt", "next_try", "mode", "start", "end", "tags")


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
        self.settings = configuration.check(tree, source)
        self.paths = Paths(self.settings.work)
        self._tree = tree
        self.dry = dry
        self._began = clock.now()
        if main and not dry:
            os.environ[_VARIABLE] = claims.new_tick(self._began)
        self.name = os.environ.get(_VARIABLE, "dry-run")
        self.files = TickPaths(self.paths.tick(self.name))
        self.wrong: dict[str, str] = {}
        self._pending: list[Key] | None = None
        self._orders: dict[Key, dict[str, Any]] = {}

    def begin(self) -> IO[bytes]:
        """Take the tick's lock, before anything is claimed, note the configuration it runs with; return the lock."""
        lock = claims.hold_tick(self.files)
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
        aftermath.record_unstarted(self.paths, self.settings.retries, self.files, failed)


def look(settings: Settings, may_write: bool, wrong: Mapping[str, str] | None = None) -> Survey:
    """Survey everything now; the runs of analyses that ``wrong`` says something about wait."""
    asker = _asker(settings, may_write)
    gc.disable()  # hundreds of thousands of small objects, none in a cycle: collecting takes longer than all the rest
    try:
        return Surveyor(settings, open_rundb(settings.rundb), asker, clock.now(), may_write, wrong or {}).survey()
    finally:
        gc.enable()


def why(settings: Settings, number: int) -> list[str]:
    """Say for each analysis what state a run is in, or why the analysis does not look at it.

    Parameters
    ----------
    settings
        The configuration.
    number
        Run number.
    """
    answer = open_rundb(settings.rundb).runs(number, number)
    run = answer.runs.get(number)
    if run is None:
        return answer.problems or [f"the run database has no run {number}"]
    survey = look(settings, may_write=False)
    lines = []
    for analysis, block in settings.analyses.items():
        selector = Selector(settings.selection, block)
        kind = selector.refusal_by_number(number) or selector.refusal_by_kind(run)
        refusal = kind if block.period else selector.refusal(run)
        own = [one for one in survey.items[analysis] if number in (one.run.members or (one.run.number,))]
        words = own[0].state.words if own else "done: the outcome is there"
        if own and own[0].state.name in report.FAILED:
            (item,) = report.with_why(Paths(settings.work), [own[0].as_dict()])
            words = f"{own[0].state.name}: {item['reason']}; log {item['log']}"
        name = own[0].key.run if own else run.id
        lines.append(f"{analysis} {block.version} run {name}: " + (f"not selected: {refusal}" if refusal else words))
    return lines


def discover(files: TickPaths) -> Survey:
    """Survey everything, claim what a tick works on, and write its run lists: the checkpoint's work.

    Parameters
    ----------
    files
        The tick, whose lock is held by its Snakemake.
    """
    given = read_json(files.settings)
    settings = configuration.check(given["configuration"], str(files.settings))
    paths = Paths(settings.work)
    with claims.alone(paths.discovery_lock):
        standings = submissions.standings(paths, settings.slurm.latency)
        aftermath.settle(paths, settings.retries, standings)
        aftermath.record_lost(paths, settings.retries, standings)
        survey = look(settings, may_write=True, wrong=given["wrong"])
        survey.troubles += [outcomes.set_aside(paths, path, "is not an outcome") for path in survey.foreign]
        for analysis in settings.analyses:
            chosen = [item for item in survey.chosen if item.key.analysis == analysis]
            dump_json(files.jobs(analysis), jobs(settings, analysis, chosen))
            write_atomically(files.run_list(analysis), run_list(survey.items[analysis], chosen))
        dump_json(files.survey, {**survey_document(survey), "settings": known_later(settings)})
        claims.forget_old_ticks(paths, settings.keep_ticks, {one.tick for one in submissions.noted(paths).values()})
        # Last: from here on the claims count.
        dump_json(files.claims, [[*_parts(item.key), item.state.attempt] for item in survey.chosen])
    return survey


def jobs(settings: Settings, analysis: str, chosen: Iterable[Item]) -> dict[str, Any]:
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
        "script": str(configuration.script_of(settings, analysis).absolute()),
        "settings": block.settings,
        "retries": settings.retries.model_dump(),
        "warm": {
            "enabled": settings.warm_start.enabled and len(runs) >= settings.warm_start.least_jobs,
            "idle_s": settings.warm_start.idle,
            "preload": settings.warm_start.preload,
        },
        "runs": runs,
    }


def granted(settings: Settings, item: Item) -> dict[str, Any]:
    """Return the number of a key's next attempt, and the memory and time that it may use."""
    block = settings.analyses[item.key.analysis]
    more = states.granted(item.failures, settings.retries, block.memory_mb, block.time_limit)
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
                _line(reason),
                state.attempt,
                _time(state.next_try),
                _line(item.run.mode),
                _time(item.run.start),
                _time(item.run.end),
                _line(", ".join(sorted(item.run.tags))),
            ]
        )
    return out.getvalue()


def known_later(settings: Settings) -> dict[str, Any]:
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


def _asker(settings: Settings, may_write: bool) -> ContextAsker:
    """Return who asks contexts: about the types of all analyses at once, so that strax is loaded once."""
    types = {name for block in settings.analyses.values() for name in block.types}
    keys = {one.program: f"software[{index}].{one.kind}" for index, one in enumerate(settings.software)}
    return ContextAsker(Paths(settings.work), may_write, types, keys)


def _parts(key: Key) -> tuple[str, str, str]:
    return key.analysis, key.version, key.run


def _time(value: datetime | None) -> str:
    return clock.text(value) if value else ""


def _line(value: str) -> str:
    """Return text as one printable line, whatever a run document puts into it."""
    return "".join(letter if letter.isprintable() else " " for letter in value)

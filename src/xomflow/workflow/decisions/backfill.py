"""Backfills: which runs one has, what it is expected to cost, and how far it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.decisions.effects import backfills
from xomflow.decisions.files import standing_decisions
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.files import finished_in
from xomflow.outcomes.past.expected_times import Cost, expected_cost
from xomflow.planning.runs.runs_now import read_runs
from xomflow.planning.runs.selection import Selector
from xomflow.planning.runs.wanted import WantedRuns
from xomflow.planning.survey import Survey
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.decisions.proposal import Proposal, method_named
from xomflow.workflow.discover import survey_now


def backfill(config: Config, name: str, wanted: WantedRuns, at_once: int | None = None, nice: int = 0) -> Proposal:
    """Return the order to analyse runs at low priority, with an estimate of what they cost; reads only.

    Parameters
    ----------
    config, name
        The configuration, and which of its analyses or trials, see `Config.title_of`.
    wanted
        Which of its runs: also those outside ``min_run`` to ``max_run`` of the analysis, unless it is over a period.
    at_once
        How many of them are in progress at a time; None: as many as one tick takes of the analysis.
    nice
        ``--nice`` of their jobs; 0: that of old runs.
    """
    analysis, block = method_named(config, name)
    if wanted.is_all:
        raise UsageError(
            "no run is given: write RUNS such as 49000-51999, or narrow all runs down by --mode, --tag or --since"
        )
    version, most = block.version, at_once or config.limit_of(analysis)
    runs, notes = (_campaigns if block.period else _runs)(config, name, wanted)
    there = backfills(standing_decisions(Paths(config.work)))
    keys = tuple(key for run in runs if (key := Key(analysis, version, run.id)) not in there)
    if len(keys) < len(runs):
        notes += (f"passed over: {len(runs) - len(keys)} that are in a backfill already",)
    if not keys:
        raise UsageError("; ".join([*notes, f"no run of {name} is left to analyse: nothing was done"]))
    subject = Subject(analysis, version, tuple(key.run for key in keys), most=most, nice=nice)
    cost = expected_cost(Paths(config.work), analysis, version)
    estimate = describe_cost(f"{analysis} {version}", len(keys), most, config.page.interval, cost)
    return Proposal(
        Verb.BACKFILL, (subject,), keys, f"to be analysed after all others, {most} at a time", (*notes, estimate)
    )


def describe_cost(method: str, runs: int, at_once: int, interval: float, cost: Cost | None) -> str:
    """Return a sentence about the time and the core hours that a backfill needs.

    Parameters
    ----------
    method
        Analysis and version.
    runs, at_once
        How many runs it has, and how many are in progress at a time.
    interval
        Seconds between two ticks.
    cost
        What a run needs; None: not known.
    """
    if cost is None:
        return f"no run of {method} is done yet, so it is unknown how long this takes"
    time = times.span(_seconds_left(runs, at_once, interval, cost))
    return (
        f"about {time} with a tick every {times.span(interval)}, and {runs * cost.cpu_s / 3600:.1f} core hours: a run "
        f"takes {cost.wall_s:.3g} s and {cost.cpu_s:.3g} s of CPU time (medians of the newest {cost.outcomes} outcomes)"
    )


def _seconds_left(runs: int, at_once: int, interval: float, cost: Cost) -> float:
    """Return how long runs take: those that have ended have others in their place from the next tick on."""
    return math.ceil(runs / at_once) * max(cost.wall_s, interval)


def describe_progress(config: Config, survey: Survey) -> Iterator[str]:
    """Yield a sentence for each backfill that is not finished: how far it is."""
    for one in survey.standing.made:
        left = survey.backfills.get(one.name)
        if one.what is Verb.BACKFILL and left:
            yield _describe_one(config, one, left)


def _describe_one(config: Config, one: Decision, left: Counter[State]) -> str:
    paths, about = Paths(config.work), one.subject
    done, total = len(_done_among(paths, about.analysis, about.version, about.runs)), len(about.runs)
    words = [f"{done} of {total} runs done", *(f"{left[state]} {state}" for state in State if left[state])]
    if gone := total - done - left.total():
        words.append(f"{gone} not selected any more")
    to_do = left[State.READY] + left[State.RUNNING] + left[State.FAILED]
    cost = expected_cost(paths, about.analysis, about.version) if to_do else None
    ahead = f"; about {times.span(_seconds_left(to_do, about.most, config.page.interval, cost))} more" if cost else ""
    return f"backfill of {about.analysis} {about.version} by {one.who}: {', '.join(words)}{ahead}"


def _done_among(paths: Paths, analysis: str, version: str, runs: Iterable[str]) -> set[str]:
    """Return which of some runs have an outcome."""
    asked = set(runs)
    shelves = {paths.outcome(Key(analysis, version, run)).parent for run in asked}
    return asked & {run for shelf in shelves for run in finished_in(shelf)}


def _runs(config: Config, name: str, wanted: WantedRuns) -> tuple[list[Run], tuple[str, ...]]:
    """Return the single runs that are meant and not done, newest first, and sentences about the others."""
    (analysis, block), known = config.blocks[name], read_runs(config, open_rundb(config.rundb), *wanted.bounds).runs
    meant = wanted.choose(analysis, [known[number] for number in sorted(known, reverse=True)])
    selector = Selector(config.selection, block, backfilled=[run.number for run in meant])
    refused = {run.id: refusal for run in meant if (refusal := selector.refusal(run))}
    selected = [run for run in meant if run.id not in refused]
    done = _done_among(Paths(config.work), analysis, block.version, (run.id for run in selected))
    empty = wanted.without_run((analysis, run) for run in known.values())
    notes = tuple(f"{word} names no run that the run database has" for word in empty)
    if refused:
        last = max(refused)
        notes += (f"passed over: {len(refused)} that are not selected, such as {last}: {refused[last]}",)
    if done:
        notes += (f"passed over: {len(done)} that are done",)
    return [run for run in selected if run.id not in done], notes


def _campaigns(config: Config, name: str, wanted: WantedRuns) -> tuple[list[Run], tuple[str, ...]]:
    """Return the campaigns that are meant and not done, newest first, and sentences about words that name none."""
    analysis, _ = config.blocks[name]
    pending = [item.run for item in survey_now(config, may_write=False).items[name]]
    what = f"no campaign of {name} that is to be done; its campaigns have runs within its min_run and max_run only"
    empty = wanted.without_run((analysis, run) for run in pending)
    return wanted.choose(analysis, pending), tuple(f"{word} names {what}" for word in empty)

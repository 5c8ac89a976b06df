"""Standing decisions: vetoes of runs, paused analyses, a drained site. And how they are taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.decisions.effects import vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.campaigns.groups import revisions_of
from xomflow.outcomes.files import list_outcomes
from xomflow.planning.runs.runs_now import known_runs
from xomflow.planning.runs.selection import Selector
from xomflow.planning.runs.wanted import WantedRuns
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.decisions.proposal import Proposal, check_analysis
from xomflow.workflow.discover import survey_now


def veto(config: Config, wanted: WantedRuns, analyses: Iterable[str]) -> Proposal:
    """Return the decision that runs have no results that count; reads only.

    Parameters
    ----------
    config
        The configuration.
    wanted
        Which runs; of a campaign, all of its runs are meant.
    analyses
        For which analyses; none: for all, also later ones.
    """
    names = tuple(analyses)
    _check(config, wanted, names)
    runs, notes = _named_runs(config, wanted)
    stand = standing_decisions(Paths(config.work))
    subjects, keys = [], []
    for name in names or ("",):
        known = vetoes(stand, name)
        new = {number: run for number, run in runs.items() if number not in known}
        if len(new) < len(runs):
            notes += (f"passed over: {len(runs) - len(new)} that are vetoed already",)
        subjects += [Subject(name, runs=tuple(run.id for run in new.values()))] if new else []
        keys += list(_touched(config, names, new.values()))
    if not subjects:
        raise UsageError("; ".join([*notes, "no run is left to veto: nothing was done"]))
    return Proposal(Verb.VETO, tuple(subjects), tuple(dict.fromkeys(keys)), "to be vetoed", notes)


def unveto(config: Config, wanted: WantedRuns, analyses: Iterable[str]) -> Proposal:
    """Return the withdrawal of the vetoes of runs; reads only."""
    names = tuple(analyses)
    _check(config, wanted, names)
    runs, notes = _named_runs(config, wanted)
    ids = {run.id for run in runs.values()}
    concerned, back = [], set()
    for one in standing_decisions(Paths(config.work)):
        here = ids.intersection(one.subject.runs) if one.what is Verb.VETO else set()
        if here and names and one.subject.analysis not in names:
            notes += (_describe_other(one),)
        elif here:
            concerned.append(one)
            back |= here
    if not back:
        raise UsageError("; ".join([*notes, "none of these runs is vetoed: nothing was done"]))
    subject = Subject(runs=tuple(sorted(back)), decisions=tuple(one.name for one in concerned))
    keys = dict.fromkeys(key for one in concerned for key in _touched(config, _scope(one), _runs_of(one, runs)))
    return Proposal(Verb.WITHDRAW, (subject,), tuple(keys), "to be vetoed no longer", notes)


def _describe_other(one: Decision) -> str:
    """Return why a veto stays that is not made for the analyses that are named."""
    if one.subject.analysis:
        return f"passed over: {one.name} is a veto of {one.subject.analysis}"
    return f"passed over: {one.name} is a veto for all analyses: leave the analysis out to take it back"


def pause(config: Config, analysis: str) -> Proposal:
    """Return the decision that no run of an analysis is taken; reads only."""
    check_analysis(config, analysis)
    if any(_is_pause(one, analysis) for one in standing_decisions(Paths(config.work))):
        raise UsageError(f"{analysis} is paused already: nothing was done")
    return Proposal(Verb.PAUSE, (Subject(analysis),), *_ready(config, [analysis], "ready, to wait meanwhile"))


def resume(config: Config, analysis: str) -> Proposal:
    """Return the withdrawal of the pauses of an analysis; reads only."""
    check_analysis(config, analysis)
    found = [one.name for one in standing_decisions(Paths(config.work)) if _is_pause(one, analysis)]
    if not found:
        raise UsageError(f"{analysis} is not paused: nothing was done")
    return _take_back(config, found, [analysis])


def drain(config: Config) -> Proposal:
    """Return the decision that no run is taken; reads only."""
    return Proposal(Verb.DRAIN, (Subject(),), *_ready(config, config.analyses, "ready, to wait meanwhile"))


def undrain(config: Config) -> Proposal:
    """Return the withdrawal of what drains the site; reads only."""
    found = [one.name for one in standing_decisions(Paths(config.work)) if one.what is Verb.DRAIN]
    if not found:
        raise UsageError("the site is not drained: nothing was done")
    return _take_back(config, found, config.analyses)


def _take_back(config: Config, names: Iterable[str], analyses: Iterable[str]) -> Proposal:
    subject = Subject(decisions=tuple(names))
    return Proposal(Verb.WITHDRAW, (subject,), *_ready(config, analyses, "ready for the next tick"))


def _is_pause(one: Decision, analysis: str) -> bool:
    return one.what is Verb.PAUSE and one.subject.analysis == analysis


def _ready(config: Config, analyses: Iterable[str], phrase: str) -> tuple[tuple[Key, ...], str, tuple[str, ...]]:
    """Return the ready keys of analyses and their trials, the phrase, and a sentence about those only counted."""
    survey, chosen = survey_now(config, may_write=False), frozenset(analyses)
    names = [name for name, (analysis, _) in config.blocks.items() if analysis in chosen]
    keys = tuple(item.key for name in names for item in survey.items[name] if item.state.name is State.READY)
    more = sum(survey.only_counted[name][State.READY] for name in names)
    return keys, phrase, ((f"{more} more keys are {phrase}",) if more else ())


def _check(config: Config, wanted: WantedRuns, analyses: Iterable[str]) -> None:
    if wanted.is_all:
        raise UsageError("no run is given: write RUNS such as 52894 or 52801-52899, or give --mode, --tag or --since")
    for name in analyses:
        check_analysis(config, name)


def _named_runs(config: Config, wanted: WantedRuns) -> tuple[Mapping[int, Run], tuple[str, ...]]:
    """Return the single runs that are meant, by number, and sentences about words that name none."""
    known = known_runs(config, open_rundb(config.rundb), *wanted.bounds)
    members = {word.text: set(_members(config, word.analysis, word.campaign)) for word in wanted.words if word.campaign}
    chosen = wanted.with_runs(members).choose("", [known[number] for number in sorted(known)])
    empty = wanted.with_runs(members).without_run(("", run) for run in known.values())
    return {run.number: run for run in chosen}, tuple(
        f"{word} names no run that the run database has" for word in empty
    )


def _members(config: Config, analysis: str, campaign: str) -> Iterator[int]:
    """Yield the numbers of the runs of a campaign that is pending, or has an outcome."""
    check_analysis(config, analysis)
    for item in survey_now(config, may_write=False).items[analysis]:
        if item.key.run == campaign:
            yield from item.run.members
    paths, version = Paths(config.work), config.analyses[analysis].version
    found = revisions_of(paths, analysis, version, list_outcomes(paths, analysis, version), {}).get(campaign)
    yield from found.runs if found else ()


def _runs_of(one: Decision, runs: Mapping[int, Run]) -> list[Run]:
    return [run for run in runs.values() if run.id in one.subject.runs]


def _scope(one: Decision) -> tuple[str, ...]:
    return (one.subject.analysis,) if one.subject.analysis else ()


def _touched(config: Config, analyses: tuple[str, ...], runs: Iterable[Run]) -> Iterator[Key]:
    """Yield the keys that a veto of runs touches: of an analysis over a period, one for each run."""
    there = list(runs)
    for analysis, block in config.blocks.values():
        if not analyses or analysis in analyses:
            selector = Selector(config.selection, block)
            yield from (Key(analysis, block.version, run.id) for run in there if not selector.refusal(run))

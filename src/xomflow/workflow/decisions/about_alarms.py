"""Decisions about alarms, and about what is expected."""

from __future__ import annotations

from collections.abc import Sequence

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.key import Key, run_id
from xomflow.core.messages import did_you_mean, some_of
from xomflow.core.paths import Paths
from xomflow.core.verdicts import is_same, read_alarms
from xomflow.decisions.model import Subject, Verb
from xomflow.outcomes.files import list_outcomes
from xomflow.outcomes.past.makers import look_at_makers
from xomflow.planning.runs.runs_now import known_runs
from xomflow.planning.runs.wanted import WantedRuns
from xomflow.rundb.database import open_rundb
from xomflow.workflow.decisions.proposal import Proposal, check_analysis

# Of more shelves that changed since the last tick the outcomes are not read.
_MOST_SHELVES = 20


def acknowledge(config: Config, ids: Sequence[str]) -> Proposal:
    """Return the decision that gives the reason of alarms; reads only."""
    there = read_alarms(Paths(config.work))
    for one in ids:
        if not any(is_same(one, alarm.id) for alarm in there):
            hint = did_you_mean(one, [alarm.id for alarm in there])
            raise UsageError(f"there is no alarm {one!r}{hint} (xom alarms --all lists them): nothing was done")
    about = f"{len(ids)} alarm{'s' if len(ids) > 1 else ''}, {some_of(ids)},"
    phrase = "to have the reason" if len(ids) == 1 else "to have this reason"
    return Proposal(Verb.ACKNOWLEDGE, (Subject(alarms=tuple(ids)),), (), phrase, about=about)


def expect(config: Config, analysis: str, variable: str, number: int) -> Proposal:
    """Return the decision that a new level is expected from a run on; reads only."""
    _check(config, analysis, variable)
    subject = Subject(analysis, runs=(run_id(number),), variable=variable)
    phrase = f"to have a new level from run {run_id(number)} on"
    return Proposal(Verb.EXPECT, (subject,), (), phrase, about=_name(analysis, variable))


def mute(config: Config, analysis: str, variable: str) -> Proposal:
    """Return the decision that alarms are told to no person for a time; reads only."""
    _check(config, analysis, variable)
    subject = Subject(analysis, variable=variable)
    return Proposal(Verb.MUTE, (subject,), (), "to be muted", about=_name(analysis, variable))


def bad_run(config: Config, wanted: WantedRuns) -> Proposal:
    """Return the decision that runs are bad; reads only."""
    if wanted.is_all:
        raise UsageError("no run is given: write RUNS such as 52894 or 52801-52899, or give --mode, --tag or --since")
    known = known_runs(config, open_rundb(config.rundb), *wanted.bounds)
    runs = [run.id for run in wanted.choose("", [known[number] for number in sorted(known)])]
    if not runs:
        raise UsageError("these words name no run that the run database has: nothing was done")
    done = {method: list_outcomes(Paths(config.work), *method).done for method in sorted(config.methods)}
    keys = tuple(Key(*method, run) for method, there in done.items() for run in runs if run in there)
    return Proposal(Verb.BAD_RUN, (Subject(runs=tuple(runs)),), keys, "from which nothing is to be expected")


def _check(config: Config, analysis: str, variable: str) -> None:
    check_analysis(config, analysis)
    if not variable:
        return
    look = look_at_makers(Paths(config.work), _MOST_SHELVES)
    known = {name for shelf, one in look.found.items() if shelf.analysis == analysis for name in one.units}
    known.update(config.analyses[analysis].variables)
    if known and not look.unknown and variable not in known:
        hint = did_you_mean(variable, known)
        raise UsageError(f"{analysis} has no variable {variable!r}{hint}: nothing was done")


def _name(analysis: str, variable: str) -> str:
    return f"{variable} of {analysis}" if variable else f"all variables of {analysis}"

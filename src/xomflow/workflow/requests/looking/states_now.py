"""The states of all keys now, and why keys are not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomflow.core.state import WAITINGS, State
from xomflow.core.tick_summary import ListedKey
from xomflow.planning.runs.wanted import WantedRuns
from xomflow.planning.survey import Shown, Survey
from xomflow.workflow.decisions.backfill import describe_progress
from xomflow.workflow.discover import as_listed, oldest_ready, survey_now
from xomflow.workflow.ending.expected import open_alarms
from xomflow.workflow.ending.summary import with_records
from xomflow.workflow.ending.terminal import status_sentences
from xomflow.workflow.makers import maker_lines

# Number of failure records that are read; of further keys only the names of the files are used.
_MOST_RECORDS = 2000


@dataclass(frozen=True, slots=True)
class StatesNow:
    """The states of all keys at one moment, with what a person should know beside them.

    Parameters
    ----------
    counts
        Number of keys in each state, by analysis.
    listed
        The keys that were asked for, newest first by analysis; the failed ones with the reasons in their records.
    sentences
        Backfills, alarms, decisions, warnings and errors, a sentence each.
    exit_code
        That of `xom status`.
    """

    counts: dict[str, Counter[State]]
    listed: list[ListedKey]
    sentences: list[str]
    exit_code: ExitCode


def states_now(config: Config, states: Collection[State], wanted: WantedRuns) -> StatesNow:
    """Return the states of all keys now; reads only.

    Parameters
    ----------
    config
        The configuration.
    states
        Which states are listed.
    wanted
        Which runs are listed.
    """
    shown = Shown(all_waiting=not WAITINGS.isdisjoint(states))
    paths, survey = Paths(config.work), survey_now(config, may_write=False, shown=shown)
    listed = [one for one in _wanted(survey, wanted) if one.state in states]
    progress = describe_progress(config, survey)
    alarms = [f"alarm {one.id}: {one.sentence}" for one in open_alarms(paths)]
    sentences = [
        *progress,
        *alarms,
        *status_sentences(survey, oldest_ready(survey.undone), paths),
        *maker_lines(config),
    ]
    return StatesNow(survey.counts, with_records(paths, listed, _MOST_RECORDS), sentences, _exit_code(survey))


def _wanted(survey: Survey, wanted: WantedRuns) -> Iterator[ListedKey]:
    for analysis, items in survey.items.items():
        if wanted.is_all:
            yield from map(as_listed, items)
        else:
            runs = {run.id for run in wanted.choose(analysis, (item.run for item in items))}
            yield from (as_listed(item) for item in items if item.run.id in runs)


def _exit_code(survey: Survey) -> ExitCode:
    if survey.configuration_errors:
        return ExitCode.CONFIGURATION
    return ExitCode.WAITS_FOR_PERSON if survey.mass_changes or survey.for_person else ExitCode.OK

"""Explain the state of one run."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.key import Key, first_run, run_id
from xomflow.core.paths import Paths
from xomflow.core.state import FAILURES
from xomflow.core.verdicts import Alarm, read_alarms
from xomflow.decisions.effects import backfilled, vetoes
from xomflow.outcomes.campaigns.groups import CurrentResults
from xomflow.outcomes.reading import read_outcome
from xomflow.planning.items import Item
from xomflow.planning.runs.runs_now import NOT_SHOWN, read_runs
from xomflow.planning.runs.selection import Selector
from xomflow.planning.survey import Shown, Survey
from xomflow.rundb.complaints import summarize
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.discover import as_listed, survey_now
from xomflow.workflow.ending.summary import with_record
from xomlib.documents.schema import SchemaError
from xomlib.printing import WARNING


def why(config: Config, number: int) -> list[str]:
    """Return a line for each analysis: the state of a run, or the reason why the analysis does not select it.

    Then a line for each result of several runs that has this one: whether it is current, and why not.

    Parameters
    ----------
    config
        The configuration.
    number
        Run number.
    """
    answer = read_runs(config, open_rundb(config.rundb), number, number)
    run = answer.runs.get(number)
    survey = survey_now(config, may_write=False, shown=Shown(frozenset({run_id(number)})))
    if run is None:
        own = [one.sentence for one in answer.complaints if one.number == number]
        lines = own or [f"the run database has no run {number}", *summarize(answer.complaints)]
    else:
        lines = [f"run {run.id}: {NOT_SHOWN}; nothing about it changes"] if number in answer.unseen else []
        lines += [_line(config, analysis, run, survey, analysis) for analysis in config.analyses]
        if trials := config.trials:
            names = {one: config.title_of(one, block.version) for one, block in trials.analyses.items()}
            lines += [_line(trials, one, run, survey, name) for one, name in names.items()]
    lines += [f"decided: {one}" for one in survey.standing.about(number, survey.undone)]
    lines += [f"alarm {one.id}: {one.sentence}" for one in read_alarms(Paths(config.work)) if _is_in(number, one)]
    return lines + CurrentResults(Paths(config.work), survey.known_groups).describe(number)


def _is_in(number: int, alarm: Alarm) -> bool:
    """Return whether an alarm began with a run, or was found with it or in between."""
    return first_run(alarm.first_run) <= number <= first_run(alarm.noticed_run)


def document_problems(config: Config) -> list[str]:
    """Return a sentence for each run document that cannot be understood."""
    answer = open_rundb(config.rundb).runs(config.selection.min_run, config.selection.max_run)
    return answer.problems or ["every run document can be understood"]


def _line(config: Config, analysis: str, run: Run, survey: Survey, name: str) -> str:
    """Return the line for an analysis, which the survey lists under a name."""
    block, decided = config.analyses[analysis], survey.standing.made
    selector = Selector(
        config.selection, block, vetoes(decided, analysis), backfilled(decided, analysis, block.version)
    )
    # A campaign also waits for members that are not finished.
    kind = selector.refusal_in_groups(run.number) or selector.refusal_by_kind(run)
    refusal = kind if block.period else selector.refusal(run)
    item = next((one for one in survey.items[name] if run.number in (one.run.members or (one.run.number,))), None)
    name = f"{analysis} {block.version} run {item.key.run if item else run.id}"
    if refusal:
        return f"{name}: not selected: {refusal}"
    paths = Paths(config.work)
    if item is None:
        return f"{name}: done: the outcome is there{_warnings(paths, Key(analysis, block.version, run.id))}"
    return f"{name}: {_state(paths, item)}"


def _warnings(paths: Paths, key: Key) -> str:
    """Return the warnings in the outcome of a run; of a campaign, whose id is not at hand, none."""
    try:
        outcome = read_outcome(paths.outcome(key))
    except (OSError, SchemaError):
        return ""
    return "".join(f"; {line}" for line in outcome.message.splitlines() if line.startswith(WARNING))


def _state(paths: Paths, item: Item) -> str:
    if item.state.name in FAILURES:
        one = with_record(paths, as_listed(item))
        return f"{one.state}: {one.reason}; log {one.log}"
    return item.state.sentence

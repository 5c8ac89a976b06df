"""Single orders: one more attempt at runs that failed, or another one at runs that are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.state import FAILURES
from xomflow.decisions.model import Subject, Verb
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.files import digest_of, list_outcomes
from xomflow.planning.items import Item
from xomflow.planning.pending.find import find_pending
from xomflow.planning.runs.campaigns import as_run
from xomflow.planning.runs.runs_now import read_runs
from xomflow.planning.runs.wanted import WantedRuns
from xomflow.planning.survey import Survey
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.decisions.proposal import Proposal, method_named
from xomflow.workflow.discover import survey_now


def retry(config: Config, name: str, wanted: WantedRuns, kind: str | None = None, attempts: int = 1) -> Proposal:
    """Return the order to try runs again now whose last attempt failed, whatever the limits are; reads only.

    Parameters
    ----------
    config, name
        The configuration, and which of its analyses or trials, see `Config.title_of`.
    wanted
        Which of its runs.
    kind
        Only those whose last attempt failed with this class; None: any.
    attempts
        How many attempts; the normal waits are between them.
    """
    analysis, block = method_named(config, name)
    survey = survey_now(config, may_write=False)
    items = survey.items[name]
    meant = {run.id for run in wanted.choose(analysis, [item.run for item in items])}
    chosen = [item for item in items if item.key.run in meant and _has_failed(item, kind)]
    others = Counter(_state(item) for item in items if item.key.run in meant) - Counter(map(_state, chosen))
    failed = [(analysis, item.run) for item in items if item.state.name in FAILURES]
    notes = tuple(f"{word} names no run of {name} that failed" for word in wanted.without_run(failed))
    notes += tuple(f"passed over: {number} {state}" for state, number in others.items())
    if trial := _failed_of_trial(config, name, survey, wanted, kind):
        notes += (trial,)
    if not chosen:
        raise UsageError("; ".join([*notes, f"no run of {name} is left to try again: nothing was done"]))
    subject = Subject(
        analysis,
        block.version,
        tuple(item.key.run for item in chosen),
        attempts=tuple(item.failures[-1].attempt for item in chosen),
        most=attempts,
    )
    return Proposal(Verb.RETRY, (subject,), tuple(item.key for item in chosen), "to be tried again now", notes)


def redo(config: Config, name: str, wanted: WantedRuns) -> Proposal:
    """Return the order to replace the outcomes of runs by new ones; reads only.

    Parameters
    ----------
    config, name
        The configuration, and which of its analyses or trials, see `Config.title_of`.
    wanted
        Which of its runs that are done.
    """
    (analysis, block), paths = method_named(config, name), Paths(config.work)
    version = block.version
    done = list(_done_runs(config, name, wanted))
    ordered = {key.run for key in outcomes_to_redo(paths) if (key.analysis, key.version) == (analysis, version)}
    meant = wanted.choose(analysis, done)
    keys = tuple(Key(analysis, version, run.id) for run in meant if run.id not in ordered)
    empty = wanted.without_run((analysis, run) for run in done)
    notes = tuple(f"{word} names no run of {name} that is done" for word in empty)
    if already := len(meant) - len(keys):
        notes += (f"passed over: {already} that are to be made again already",)
    if not keys:
        raise UsageError("; ".join([*notes, f"no run of {name} is left to make again: nothing was done"]))
    digests = tuple(digest_of(paths.outcome(key)) for key in keys)
    subject = Subject(analysis, version, tuple(key.run for key in keys), digests)
    return Proposal(Verb.REDO, (subject,), keys, "to be made again", notes)


def _failed_of_trial(config: Config, name: str, survey: Survey, wanted: WantedRuns, kind: str | None) -> str:
    """Return a sentence about the runs of its trial that failed, where the published version is named; else nothing."""
    trial = config.analyses[name].trial if name in config.analyses else None
    if trial is None:
        return ""
    title = config.title_of(name, trial.version)
    failed = [item.run for item in survey.items[title] if _has_failed(item, kind)]
    number = len(wanted.choose(name, failed))
    return f"passed over: {number} of its trial that failed; give {title} as the analysis" if number else ""


def _has_failed(item: Item, kind: str | None) -> bool:
    return item.state.name in FAILURES and kind in (None, item.failures[-1].kind)


def _state(item: Item) -> str:
    last = f" ({item.failures[-1].kind})" if item.state.name in FAILURES else ""
    return f"{item.state.name}{last}"


def _done_runs(config: Config, name: str, wanted: WantedRuns) -> Iterator[Run]:
    """Yield the runs of an analysis with an outcome, newest first; of one over a period, the campaigns of today."""
    (analysis, block), rundb = config.blocks[name], open_rundb(config.rundb)
    done = list_outcomes(Paths(config.work), analysis, block.version).done
    if block.period is None:
        runs = read_runs(config, rundb, *wanted.bounds).runs
        yield from (runs[number] for number in sorted(runs, reverse=True) if runs[number].id in done)
        return
    groups = find_pending(config, rundb).analyses[name].known_groups
    runs = read_runs(config, rundb, config.selection.min_run, config.selection.max_run).runs
    for members in reversed(groups.groups.members if groups else ()):
        whole = as_run([runs[number] for number in members])
        if whole.id in done:
            yield whole

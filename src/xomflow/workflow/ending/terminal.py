"""What a tick and ``xom status`` print, and the exit code of a tick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import ATTENTION, FAILURES, State
from xomflow.core.tick_summary import ListedKey, OldestReady, Summary
from xomflow.core.verdicts import read_learning
from xomflow.outcomes.files import MOVED
from xomflow.planning.same_reason import SameReason, group_by_reason

if TYPE_CHECKING:
    from xomflow.planning.survey import Survey

_MOST_LINES = 20
_MOST_DECISIONS = 10
_COLUMN = max(map(len, State)) + 1


def closing_lines(summary: Summary, paths: Paths, left: str, batch_system: str) -> list[str]:
    """Return the last lines of a tick: states, what needs attention, the page, and the new failures.

    Parameters
    ----------
    summary
        Of the tick.
    paths
        Where the page is.
    left
        Why the tick left some of its runs to the next one; empty if it did not.
    batch_system
        Its name.
    """
    now = {state: [one for one in summary.taken if one.state is state] for state in State}
    expected = {State.DONE, State.RUNNING} | ({State.READY} if left else set())
    undone = [f"{_key_line(one)}; log {one.log}" for one in summary.taken if one.state not in expected]
    done = f"this tick: {len(now[State.DONE])} of {len(summary.taken)} runs done"
    return [
        *count_lines(summary.counts),
        "",
        *decision_lines(summary.decisions),
        *_attention_lines(summary),
        *oldest_ready_line(summary.oldest_ready, summary.ended),
        *summary.warnings,
        f"page: {paths.page.absolute() / 'index.html'}",
        *_left_lines(len(now[State.RUNNING]), len(now[State.READY]), left, batch_system),
        done + f", {len(undone)} not:" * bool(undone),
        *undone,
        *summary.for_person,
        *summary.configuration_errors,
        *summary.site_errors,
    ]


def troubles_of(summary: Summary, failed: bool, refused: str) -> list[str]:
    """Return what needs a person after a tick and may last, a sentence for each; see `exit_code`."""
    of_slurm = [refused] if failed and refused else []
    lasting = [one for one in summary.site_errors if not is_event(one)]
    if exit_code(summary, failed, refused) is ExitCode.UNFORESEEN:
        return ["a job failed, and no run"]
    return [*summary.configuration_errors, *of_slurm, *lasting, *summary.for_person]


def is_event(sentence: str) -> bool:
    """Return whether a site error is about something that happened and does not last: a file was moved."""
    return MOVED in sentence


def exit_code(summary: Summary, failed: bool, refused: str, unforeseen: bool = False) -> ExitCode:
    """Return the exit code of a tick; if several apply, the one that a person has to act on first.

    Parameters
    ----------
    summary
        Of the tick.
    failed
        Whether Snakemake reports a failed job.
    refused
        The batch system's newest reason for refusing jobs; empty if it refuses none.
    unforeseen
        Whether a step of the tick, or the start of a job, failed in a way that XOM does not expect.
    """
    has_failed_runs = any(one.state in FAILURES for one in summary.taken)
    applies = {
        ExitCode.CONFIGURATION: bool(summary.configuration_errors),
        ExitCode.SLURM: failed and bool(refused),
        ExitCode.STORE_OR_DISK: bool(summary.site_errors),
        ExitCode.WAITS_FOR_PERSON: bool(summary.for_person),
        ExitCode.UNFORESEEN: unforeseen or (failed and not has_failed_runs),
        ExitCode.FAILED_RUNS: has_failed_runs,
    }
    return next((code for code, holds in applies.items() if holds), ExitCode.OK)


def _left_lines(running: int, ready: int, why: str, batch_system: str) -> list[str]:
    going_on = f"{running} runs go on in {batch_system}, a later tick takes up what they leave"
    left = f"{why}: {ready or 'no'} runs are left for the next tick"
    return [going_on] * bool(running) + [left] * bool(why)


def status_sentences(survey: Survey, oldest: Mapping[str, OldestReady], paths: Paths) -> list[str]:
    """Return the sentences about a survey beside its keys, and the site errors of the newest tick.

    Parameters
    ----------
    survey
        A survey made just now.
    oldest
        Its oldest ready run, by analysis.
    paths
        Where the ticks are.
    """
    return [
        *decision_lines(survey.standing.lines(survey.undone)),
        *oldest_ready_line(oldest, times.now()),
        *(one.sentence for one in read_learning(paths)),
        *survey.warnings,
        *(change.sentence for change in survey.mass_changes),
        *survey.for_person,
        *survey.configuration_errors,
        *_newest_site_errors(paths),
    ]


def decision_lines(decisions: Sequence[str]) -> list[str]:
    """Return a line for each decision that holds; of many only for the newest ones."""
    more = f"... and {len(decisions) - _MOST_DECISIONS} more, see: xom decisions"
    return [*decisions[:_MOST_DECISIONS], *([more] if len(decisions) > _MOST_DECISIONS else [])]


def oldest_ready_line(oldest: Mapping[str, OldestReady], now: datetime) -> list[str]:
    """Return a line about the ready run that ended first; none if no run is ready."""
    if not oldest:
        return []
    analysis, one = min(oldest.items(), key=lambda entry: entry[1].since)
    age = times.span(max(0.0, (now - one.since).total_seconds()))
    return [f"the oldest ready run is {one.run} of {analysis}, which ended {age} ago"]


def _newest_site_errors(paths: Paths) -> list[str]:
    """Return the site errors of the newest tick that has ended; a survey publishes nothing, so it has none itself."""
    summaries = [TickPaths(folder).summary for folder in paths.ticks.iterdir()] if paths.ticks.is_dir() else []
    newest = max((path for path in summaries if path.exists()), default=None, key=lambda path: path.stat().st_mtime)
    summary = read_kept(newest, Summary.from_json) if newest else None
    if summary is None:
        return []
    return [f"the tick that ended at {times.text(summary.ended)}: {error}" for error in summary.site_errors]


def count_lines(counts: Mapping[str, Mapping[State, int]], most: int | None = None) -> list[str]:
    """Return a table of the number of keys in each state that there is, by analysis.

    Parameters
    ----------
    counts
        The numbers.
    most
        How long a line may be; where the states do not fit beside each other they stand in tables below each other.
    """
    width = max([len("analysis"), *map(len, counts)])
    states = [one for one in State if one is State.DONE or any(numbers.get(one) for numbers in counts.values())]
    beside = len(states) if most is None else max(1, (most - width) // _COLUMN)
    tables = [_count_table(counts, states[first : first + beside], width) for first in range(0, len(states), beside)]
    return [line for one in tables for line in ("", *one)][1:]


def _count_table(counts: Mapping[str, Mapping[State, int]], states: list[State], width: int) -> Iterator[str]:
    yield f"{'analysis':{width}}" + "".join(f"{state:>{_COLUMN}}" for state in states)
    for analysis, numbers in counts.items():
        yield f"{analysis:{width}}" + "".join(f"{numbers.get(state, 0) or '.':>{_COLUMN}}" for state in states)


def _attention_lines(summary: Summary) -> list[str]:
    """Return a line for each reason why keys need attention, the most urgent first; then one about those not listed."""
    groups = group_by_reason(one for one in summary.listed if one.state in ATTENTION)
    lines = [_line(group, summary.counts) for group in groups[:_MOST_LINES]]
    if len(groups) > _MOST_LINES:
        lines.append(f"... and {len(groups) - _MOST_LINES} more reasons: xom status --run lists all runs")
    more = summary.only_counted
    words = [f"{more[state]} {state}" for state in ATTENTION if more[state]]
    return [*lines, f"... and {', '.join(words)} between these: xom status --run lists all runs"] if words else lines


def _line(group: SameReason, counts: Mapping[str, object]) -> str:
    if len(group.keys) == 1:
        return _key_line(group.example)
    runs = f"{len(group.keys)} runs of {group.analyses(counts)}, such as {group.example.key.run}"
    return f"{group.state:{_COLUMN - 1}} {runs}: {group.example.reason}{_then(group.next_try)}"


def _key_line(one: ListedKey) -> str:
    return f"{one.state:{_COLUMN - 1}} {one.key}: {one.reason}{_then(one.next_try)}"


def _then(next_try: datetime | None) -> str:
    return f"; next try {times.text(next_try)}" if next_try else ""

"""What a tick and ``xom status`` print, and the exit code of a tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xomflow.core.errors import EXIT_CONFIGURATION, EXIT_FAILED, EXIT_SLURM, EXIT_TROUBLE
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import STATES
from xomlib.files import read_json

if TYPE_CHECKING:
    from xomflow.planning.survey import Survey

from xomflow.workflow.summary import ATTENTION, FAILED, with_why

_MOST_LINES = 20


def closing_lines(summary: dict[str, Any], paths: Paths, left: str) -> list[str]:
    """Return what a tick says last: states, what needs attention, where the page is, and what failed just now.

    Parameters
    ----------
    summary
        Of the tick.
    paths
        Where the page is.
    left
        Why it did not come to all that it had claimed; empty if it did.
    """
    went = {state: [item for item in summary["taken"] if item["state"] == state] for state in STATES}
    expected = {"done", "running", "ready"} if left else {"done", "running"}
    undone = [f"{_item_line(item)}; log {item['log']}" for item in summary["taken"] if item["state"] not in expected]
    return [
        *_table(summary["counts"]),
        "",
        *_attention_lines(summary["items"]),
        *summary["problems"],
        f"page: {paths.page.absolute() / 'index.html'}",
        *_left_lines(len(went["running"]), len(went["ready"]), left),
        f"this tick: {len(went['done'])} of {len(summary['taken'])} runs done" + f", {len(undone)} not:" * bool(undone),
        *undone,
        *summary["mistakes"],
        *summary["troubles"],
    ]


def exit_code(summary: dict[str, Any], failed: bool, refused: str) -> int:
    """Return what a tick ends with: what waits for a person comes before what the next tick tries by itself.

    Parameters
    ----------
    summary
        Of the tick.
    failed
        Whether Snakemake calls a job failed.
    refused
        What Slurm said last about jobs that it does not take.
    """
    if summary["mistakes"]:
        return EXIT_CONFIGURATION
    if failed and refused:
        return EXIT_SLURM
    if summary["troubles"]:
        return EXIT_TROUBLE
    return EXIT_FAILED if failed or any(item["state"] in FAILED for item in summary["taken"]) else 0


def _left_lines(running: int, ready: int, why: str) -> list[str]:
    going_on = f"{running} runs go on in Slurm, a later tick takes up what they leave"
    left = f"{why}: {ready or 'no'} runs are left for the next tick"
    return [going_on] * bool(running) + [left] * bool(why)


def status_lines(survey: Survey, paths: Paths) -> list[str]:
    """Return where everything stands according to a survey made just now, and what troubled the newest tick."""
    return [
        *_table(survey.counts),
        "",
        *_attention_lines(with_why(paths, [item.as_dict() for item in survey.unsettled])),
        *survey.problems,
        *survey.mistakes,
        *survey.troubles,
        *_newest_troubles(paths),
    ]


def _newest_troubles(paths: Paths) -> list[str]:
    """Return what the newest tick that has ended could not do, such as publish; a survey does not try that."""
    summaries = [TickPaths(folder).summary for folder in paths.ticks.iterdir()] if paths.ticks.is_dir() else []
    newest = max((path for path in summaries if path.exists()), default=None, key=lambda path: path.stat().st_mtime)
    summary = read_json(newest) if newest else {"troubles": []}
    return [f"the tick that ended at {summary['ended']}: {words}" for words in summary["troubles"]]


def _table(counts: Mapping[str, Mapping[Any, int]]) -> list[str]:
    width = max([len("analysis"), *map(len, counts)])
    lines = [f"{'analysis':{width}}" + "".join(f"{state:>9}" for state in STATES)]
    for analysis, numbers in counts.items():
        lines.append(f"{analysis:{width}}" + "".join(f"{numbers.get(state, 0) or '.':>9}" for state in STATES))
    return lines


def _attention_lines(items: list[dict[str, Any]]) -> list[str]:
    """Return a line for each key that failed, gave up, is stale or waits, the worst first."""
    rows = [item for state in ATTENTION for item in items if item["state"] == state]
    lines = [_item_line(item) for item in rows[:_MOST_LINES]]
    if len(rows) > _MOST_LINES:
        lines.append(f"... and {len(rows) - _MOST_LINES} more, see the run lists of the tick or the page")
    return lines


def _item_line(item: dict[str, Any]) -> str:
    then = f"; next try {item['next_try']}" if item.get("next_try") else ""
    return f"{item['state']:8} {item['analysis']} {item['version']} run {item['run']}: {item['reason']}{then}"

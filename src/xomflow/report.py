"""Where everything stands at the end of a tick: for the page, for the terminal, for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from xomflow import clock, outcomes, page, states, tick
from xomflow.discovery import Survey
from xomflow.index import Index, Stamps
from xomflow.keys import Key
from xomflow.paths import Paths, TickPaths
from xomflow.settings import Settings
from xomlib.files import dump_json, read_json
from xomlib.schema import SchemaError

_MOST_LINES = 20
_ATTENTION = ("failed", "gave up", "stale", "waiting")


def write_report(files: TickPaths, settings: Settings) -> dict[str, Any]:
    """Write the summary of a tick and renew the page; return the summary.

    Parameters
    ----------
    files
        The tick.
    settings
        The configuration it runs with.
    """
    paths = Paths(settings.work)
    summary = summarize(files, paths, settings)
    summary["troubles"] += renew_page(paths)
    page.write_status(paths.page, status_document(summary, settings))
    dump_json(files.summary, summary)
    return summary


def summarize(files: TickPaths, paths: Paths, settings: Settings) -> dict[str, Any]:
    """Return the survey of a tick, brought up to date with what became of the claimed runs.

    Returns
    -------
    dict
        ``tick``, ``started``, ``ended``, ``counts`` (analysis to state to number), ``taken`` (what became of each
        claim), ``items`` (every key that is not done), ``problems``, ``troubles``, ``published``.
    """
    survey = read_json(files.survey)
    claimed = {(analysis, run): attempt for analysis, _, run, attempt in read_json(files.claims)}
    counts = {analysis: Counter(numbers) for analysis, numbers in survey["counts"].items()}
    items, taken = [], []
    for item in survey["items"]:
        analysis, run = item["analysis"], item["run"]
        if (analysis, run) in claimed:
            was = item["state"]
            item = _present(paths, settings, item, claimed[analysis, run])
            counts[analysis][was] -= 1
            counts[analysis][item["state"]] += 1
            taken.append(item)
        if item["state"] != "done":
            items.append(item)
    published = read_json(files.published) if files.published.exists() else None
    return {
        "tick": files.folder.name,
        "started": clock.text(clock.from_epoch(int(files.settings.stat().st_mtime))),
        "ended": clock.text(clock.now()),
        "counts": {
            analysis: {state: numbers[state] for state in states.STATES} for analysis, numbers in counts.items()
        },
        "taken": taken,
        "items": items,
        "problems": survey["problems"],
        "troubles": survey["troubles"] + (published["problems"] if published else []),
        "published": published,
    }


def _present(paths: Paths, settings: Settings, item: dict[str, Any], attempt: int) -> dict[str, Any]:
    """Return the item of a claimed key as it stands now."""
    key = Key(item["analysis"], item["version"], item["run"])
    if paths.outcome(key).exists():
        return {**item, "state": "done", "reason": "the outcome is there", "next_try": None}
    failures = outcomes.failures_of(paths, key)
    if not failures or failures[-1].attempt < attempt:
        return {**item, "state": "ready", "reason": "this tick did not come to it, or it still runs"}
    due = states.next_try(failures, settings.retries)
    try:
        failure = outcomes.read(outcomes.failure_path(paths, key, failures[-1]))["failure"]
        reason, log = f"{failure['class']}: {failure['message']}", failure["log"]
    except (OSError, SchemaError):
        reason, log = failures[-1].kind, str(paths.log(key))
    return {
        **item,
        "state": "failed" if due else "gave up",
        "reason": reason,
        "attempt": attempt,
        "next_try": clock.text(due) if due else None,
        "log": log,
    }


def renew_page(paths: Paths) -> list[str]:
    """Write the chunks of the page whose outcomes changed; return sentences about outcomes that could not be read."""
    page.write_frame(paths.page)
    index = Index(paths)
    stamps = Stamps(paths.page / "stamps.json")
    shelves = index.shelves()
    for shelf in shelves:
        stamp = index.stamp(shelf)
        if not stamps.seen(shelf, stamp):
            done = [entry.outcome for entry in index.entries(shelf).values()]
            page.write_chunk(paths.page, shelf.analysis, shelf.version, shelf.name, done)
            stamps.note(shelf, stamp)
    page.write_index(paths.page, [(shelf.analysis, shelf.version, shelf.name) for shelf in shelves])
    stamps.keep()
    return index.problems


def status_document(summary: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the page is told about a tick."""
    return {
        "generated": summary["ended"],
        "tick": {
            "id": summary["tick"],
            "started": summary["started"],
            "ended": summary["ended"],
            "interval_hint_s": settings.page.interval,
        },
        "counts": {
            analysis: {"version": settings.analyses[analysis].version, "states": numbers}
            for analysis, numbers in summary["counts"].items()
        },
        "attention": [{"log": None, **item} for item in summary["items"] if item["state"] in _ATTENTION],
        "problems": summary["troubles"] + summary["problems"],
        "science_runs": [],
        "titles": {
            analysis: {"title": block.title or analysis, "documentation": ""}
            for analysis, block in settings.analyses.items()
        },
    }


def closing_words(summary: dict[str, Any], paths: Paths) -> list[str]:
    """Return what a tick says last: states, what needs attention, where the page is, and what failed just now."""
    failed = [
        f"{_line(item)}; log {item['log']}" for item in summary["taken"] if item["state"] in ("failed", "gave up")
    ]
    done = sum(item["state"] == "done" for item in summary["taken"])
    return [
        *_table(summary["counts"]),
        "",
        *_attention(summary["items"]),
        *summary["problems"],
        f"page: {paths.page.absolute() / 'index.html'}",
        f"this tick: {done} of {len(summary['taken'])} runs done" + (f", {len(failed)} failed:" if failed else ""),
        *failed,
        *summary["troubles"],
    ]


def status_words(survey: Survey) -> list[str]:
    """Return where everything stands according to a survey made just now."""
    items = tick.survey_document(survey)["items"]
    return [*_table(survey.counts), "", *_attention(items), *survey.problems, *survey.troubles]


def _table(counts: Mapping[str, Mapping[Any, int]]) -> list[str]:
    width = max([len("analysis"), *map(len, counts)])
    lines = [f"{'analysis':{width}}" + "".join(f"{state:>9}" for state in states.STATES)]
    for analysis, numbers in counts.items():
        lines.append(f"{analysis:{width}}" + "".join(f"{numbers.get(state, 0) or '.':>9}" for state in states.STATES))
    return lines


def _attention(items: list[dict[str, Any]]) -> list[str]:
    """Return a line for each key that failed, gave up, is stale or waits, the worst first."""
    rows = [item for state in _ATTENTION for item in items if item["state"] == state]
    lines = [_line(item) for item in rows[:_MOST_LINES]]
    if len(rows) > _MOST_LINES:
        lines.append(f"... and {len(rows) - _MOST_LINES} more, see the run lists of the tick or the page")
    return lines


def _line(item: dict[str, Any]) -> str:
    then = f"; next try {item['next_try']}" if item.get("next_try") else ""
    return f"{item['state']:8} {item['analysis']} {item['version']} run {item['run']}: {item['reason']}{then}"

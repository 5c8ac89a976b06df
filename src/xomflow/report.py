"""Where everything stands at the end of a tick: for the page, for the terminal, for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from xomflow import clock, health, outcomes, page, states, stores, submissions
from xomflow.claims import alone, is_overtaken
from xomflow.errors import EXIT_CONFIGURATION, EXIT_FAILED, EXIT_SLURM, EXIT_TROUBLE, XomError
from xomflow.index import Index, Stamps
from xomflow.keys import Key, Pattern
from xomflow.paths import Paths, TickPaths
from xomflow.submissions import Submission
from xomlib.files import dump_json, read_json
from xomlib.schema import SchemaError

if TYPE_CHECKING:
    from xomflow.discovery import Survey

_MOST_LINES = 20
FAILED = ("failed", "gave up")
_ATTENTION = (*FAILED, "stale", "waiting")


def write_report(files: TickPaths) -> dict[str, Any]:
    """Write the summary of a tick and renew the page; return the summary."""
    survey = read_json(files.survey)
    settings = survey["settings"]
    paths = Paths(Path(settings["work"]))
    summary = summarize(files, paths, survey)
    summary["troubles"] += publish_health(paths, settings, summary)
    with alone(paths.publishing_lock):
        summary["troubles"] += renew_page(paths)
        dump_json(files.summary, summary)
        if not is_overtaken(paths, files, clock.now()):
            page.write_status(paths.page, status_document(summary, settings))
    return summary


def publish_health(paths: Paths, settings: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    """Publish how XOM itself is doing; return a sentence where that failed, the next tick makes up for it."""
    if summary["published"] and summary["published"]["away"]:
        return []  # which has been said
    try:
        with closing(stores.open_store(settings["store"], paths)) as store, alone(paths.publishing_lock):
            health.publish(paths, store, settings["store"]["prefix"], summary)
    except (XomError, OSError) as error:
        return [str(error)]
    return []


def summarize(files: TickPaths, paths: Paths, survey: dict[str, Any]) -> dict[str, Any]:
    """Return the survey of a tick, brought up to date with what became of the claimed runs.

    Returns
    -------
    dict
        ``tick``, ``started``, ``ended``, ``counts`` (analysis to state to number), ``taken`` (what became of each
        claim), ``items`` (every key that is not done), ``problems``, ``mistakes``, ``troubles``, ``published``.
    """
    claimed = {(analysis, run): attempt for analysis, _, run, attempt in read_json(files.claims)}
    counts = {analysis: Counter(numbers) for analysis, numbers in survey["counts"].items()}
    retries = SimpleNamespace(**survey["settings"]["retries"])
    given = submissions.noted(paths)
    items, taken = [], []
    for item in survey["items"]:
        analysis, run = item["analysis"], item["run"]
        if (analysis, run) in claimed:
            was = item["state"]
            item = _after_work(paths, retries, item, claimed[analysis, run], given)
            counts[analysis][was] -= 1
            counts[analysis][item["state"]] += 1
            taken.append(item)
        elif item["state"] in FAILED:
            item = _with_record(paths, item)
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
        "mistakes": survey["mistakes"],
        "troubles": survey["troubles"] + (published["problems"] if published else []),
        "published": published,
    }


def _after_work(
    paths: Paths, retries: Any, item: dict[str, Any], attempt: int, given: Mapping[Key, Submission]
) -> dict[str, Any]:
    """Return the item of a claimed key as it stands now."""
    key = _key(item)
    if paths.outcome(key).exists():
        return {**item, "state": "done", "reason": "the outcome is there", "next_try": None}
    failures = outcomes.failures_of(paths, key)
    if not failures or failures[-1].attempt < attempt:
        if key in given and given[key].job:
            return {**item, "state": "running", "reason": f"it is in Slurm, job {given[key].job}"}
        left = "this tick did not come to it, or its job ended without a word"
        return {**item, "state": "ready", "reason": left, "log": str(paths.log(key))}
    due = states.next_try(failures, retries)
    now = {"state": "failed" if due else "gave up", "attempt": attempt, "next_try": clock.text(due) if due else None}
    return _with_record(paths, {**item, **now})


def _with_record(paths: Paths, item: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a failed key with what its newest failure record says."""
    key = _key(item)
    failures = outcomes.failures_of(paths, key)
    try:
        failure = outcomes.read(outcomes.failure_path(paths, key, failures[-1]))["failure"]
    except (OSError, SchemaError, IndexError):
        return {**item, "log": str(paths.log(key))}
    return {**item, "reason": f"{failure['class']}: {failure['message']}", "log": failure["log"]}


def _key(item: dict[str, Any]) -> Key:
    return Key(item["analysis"], item["version"], item["run"])


def renew_page(paths: Paths) -> list[str]:
    """Write the chunks of the page whose outcomes changed; return sentences about outcomes that could not be read."""
    page.write_frame(paths.page)
    index = Index(paths)
    stamps = Stamps(paths.page_stamps)
    shelves = index.shelves()
    for shelf in shelves:
        stamp = index.stamp(shelf)
        if stamps.seen(shelf, stamp):
            continue
        done = [entry.outcome for entry in index.entries(shelf).values()]
        page.write_chunk(paths.page, shelf.analysis, shelf.version, shelf.name, done)
        stamps.note(shelf, stamp)
    page.write_index(paths.page, [(shelf.analysis, shelf.version, shelf.name) for shelf in shelves])
    stamps.keep()
    return index.problems


def status_document(summary: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the page is told about a tick."""
    return {
        "generated": summary["ended"],
        "tick": {
            "id": summary["tick"],
            "started": summary["started"],
            "ended": summary["ended"],
            "interval_hint_s": settings["interval_s"],
        },
        "counts": {
            analysis: {"version": settings["analyses"][analysis]["version"], "states": numbers}
            for analysis, numbers in summary["counts"].items()
        },
        "attention": [{"log": None, **item} for item in summary["items"] if item["state"] in _ATTENTION],
        "problems": summary["mistakes"] + summary["troubles"] + summary["problems"],
        "science_runs": [],
        "log_pattern": Paths(Path("..")).log(Pattern("{analysis}", "{version}", "{run}")).as_posix(),
        "titles": {
            analysis: {"title": block["title"], "documentation": block["documentation"]}
            for analysis, block in settings["analyses"].items()
        },
    }


def closing_words(summary: dict[str, Any], paths: Paths, left: str) -> list[str]:
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
    went = {state: [item for item in summary["taken"] if item["state"] == state] for state in states.STATES}
    expected = {"done", "running", "ready"} if left else {"done", "running"}
    undone = [f"{_line(item)}; log {item['log']}" for item in summary["taken"] if item["state"] not in expected]
    return [
        *_table(summary["counts"]),
        "",
        *_attention(summary["items"]),
        *summary["problems"],
        f"page: {paths.page.absolute() / 'index.html'}",
        *_left_words(len(went["running"]), len(went["ready"]), left),
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


def _left_words(running: int, ready: int, why: str) -> list[str]:
    going_on = f"{running} runs go on in Slurm, a later tick takes up what they leave"
    left = f"{why}: {ready or 'no'} runs are left for the next tick"
    return [going_on] * bool(running) + [left] * bool(why)


def with_why(paths: Paths, items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items, those that failed with what their newest failure record says."""
    return [_with_record(paths, item) if item["state"] in FAILED else item for item in items]


def status_words(survey: Survey, paths: Paths) -> list[str]:
    """Return where everything stands according to a survey made just now, and what troubled the newest tick."""
    return [
        *_table(survey.counts),
        "",
        *_attention(with_why(paths, [item.as_dict() for item in survey.unsettled])),
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

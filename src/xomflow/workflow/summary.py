"""Where everything stands at the end of a tick: for the page, for the terminal, for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from xomflow import page
from xomflow.core import times
from xomflow.core.errors import XomError
from xomflow.core.file_lock import exclusive
from xomflow.core.key import Key, Pattern
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import STATES
from xomflow.outcomes.files import failure_path, failures_of, read_outcome
from xomflow.outcomes.retries import next_try
from xomflow.planning.claims import is_overtaken
from xomflow.publishing import self_monitoring
from xomflow.publishing.open_store import open_store
from xomflow.slurm import submissions
from xomflow.slurm.submissions import Submission
from xomlib.files import dump_json, read_json
from xomlib.schema import SchemaError

if TYPE_CHECKING:
    pass

from xomflow.page.refresh import refresh_page

FAILED = ("failed", "gave up")
ATTENTION = (*FAILED, "stale", "waiting")


def write_report(files: TickPaths) -> dict[str, Any]:
    """Write the summary of a tick and renew the page; return the summary."""
    survey = read_json(files.survey)
    settings = survey["settings"]
    paths = Paths(Path(settings["work"]))
    summary = summarize(files, paths, survey)
    summary["troubles"] += publish_health(paths, settings, summary)
    with exclusive(paths.publishing_lock):
        summary["troubles"] += refresh_page(paths)
        dump_json(files.summary, summary)
        if not is_overtaken(paths, files, times.now()):
            page.write_status(paths.page, status_document(summary, settings))
    return summary


def publish_health(paths: Paths, settings: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    """Publish how XOM itself is doing; return a sentence where that failed, the next tick makes up for it."""
    if summary["published"] and summary["published"]["away"]:
        return []  # which has been said
    try:
        with closing(open_store(settings["store"], paths)) as store, exclusive(paths.publishing_lock):
            self_monitoring.publish(paths, store, settings["store"]["prefix"], summary)
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
            item = with_record(paths, item)
        if item["state"] != "done":
            items.append(item)
    published = read_json(files.published) if files.published.exists() else None
    return {
        "tick": files.folder.name,
        "started": times.text(times.from_epoch(int(files.settings.stat().st_mtime))),
        "ended": times.text(times.now()),
        "counts": {analysis: {state: numbers[state] for state in STATES} for analysis, numbers in counts.items()},
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
    failures = failures_of(paths, key)
    if not failures or failures[-1].attempt < attempt:
        if key in given and given[key].job:
            return {**item, "state": "running", "reason": f"it is in Slurm, job {given[key].job}"}
        left = "this tick did not come to it, or its job ended without a word"
        return {**item, "state": "ready", "reason": left, "log": str(paths.log(key))}
    due = next_try(failures, retries)
    now = {"state": "failed" if due else "gave up", "attempt": attempt, "next_try": times.text(due) if due else None}
    return with_record(paths, {**item, **now})


def with_record(paths: Paths, item: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a failed key with what its newest failure record says."""
    key = _key(item)
    failures = failures_of(paths, key)
    try:
        failure = read_outcome(failure_path(paths, key, failures[-1]))["failure"]
    except (OSError, SchemaError, IndexError):
        return {**item, "log": str(paths.log(key))}
    return {**item, "reason": f"{failure['class']}: {failure['message']}", "log": failure["log"]}


def _key(item: dict[str, Any]) -> Key:
    return Key(item["analysis"], item["version"], item["run"])


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
        "attention": [{"log": None, **item} for item in summary["items"] if item["state"] in ATTENTION],
        "problems": summary["mistakes"] + summary["troubles"] + summary["problems"],
        "science_runs": [],
        "log_pattern": Paths(Path("..")).log(Pattern("{analysis}", "{version}", "{run}")).as_posix(),
        "titles": {
            analysis: {"title": block["title"], "documentation": block["documentation"]}
            for analysis, block in settings["analyses"].items()
        },
    }


def with_why(paths: Paths, items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items, those that failed with what their newest failure record says."""
    return [with_record(paths, item) if item["state"] in FAILED else item for item in items]

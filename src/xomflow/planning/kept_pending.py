"""Keep the pending work from tick to tick; deleting what is kept changes nothing but the time that a tick takes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.files.folder_marks import mark
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.files import Failure, list_shelves
from xomflow.outcomes.groups import KnownGroups
from xomflow.planning.pending import PendingRuns, PendingWork, find_pending
from xomflow.planning.runs.campaigns import Campaign
from xomflow.planning.runs.runs_now import given_up
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.rundb.database import RunDB
from xomflow.rundb.run import run_of
from xomflow.rundb.run_metadata import RunMetadata

_PACKAGE = Path(__file__).resolve().parents[1]
# More pending runs than this are not worth keeping: a backfill changes them in every tick.
_MOST_KEPT = 5000


def load_pending(config: Config, rundb: RunDB, may_write: bool, anew: bool = False) -> PendingWork:
    """Return the kept pending work if nothing changed since, else find it again and, if allowed, keep it.

    Parameters
    ----------
    config, rundb
        The configuration and the run database.
    may_write
        Whether it may be kept.
    anew
        Whether to find it again in any case.
    """
    paths = Paths(config.work)
    metadata = RunMetadata(paths)
    before = fingerprint(config, rundb)
    kept = None if anew else _read(paths.pending, before)
    if kept is not None and (metadata.known or not may_write):
        return kept
    work = find_pending(config, rundb, may_write)
    small = sum(len(runs.pending) for runs in work.analyses.values()) <= _MOST_KEPT
    # The second look makes sure that nothing changed meanwhile.
    if may_write and before and small and fingerprint(config, rundb, mark(paths.outcomes)) == before:
        write_kept(paths.pending, json.dumps({"fingerprint": before, **_to_json(work)}))
    return work


def fingerprint(config: Config, rundb: RunDB, clock: Path | None = None) -> str:
    """Return a text that differs whenever the pending work might; empty if that cannot be seen.

    Outcomes come and go by renaming, which changes the time stamp of their folder.

    Parameters
    ----------
    config, rundb
        The configuration and the run database.
    clock
        A file beside these folders, for the time by the clock that stamps them; None: by the clock of this machine.
    """
    documents = rundb.fingerprint(config.selection.min_run, config.selection.max_run)
    if not documents:
        return ""
    code = [source.stat().st_mtime_ns for source in sorted(_PACKAGE.rglob("*.py"))]
    stamps: list[Any] = [code, documents, config.model_dump(mode="json")]
    newest, paths = 0, Paths(config.work)
    stamps += [sorted(given_up(paths)), sorted(map(str, outcomes_to_redo(paths)))]
    for analysis, block in config.analyses.items():
        for folder in [paths.shelves(analysis, block.version), *list_shelves(paths, analysis, block.version)]:
            changed = folder.stat().st_mtime_ns if folder.exists() else 0
            newest = max(newest, changed)
            stamps.append([str(folder), changed])
    if not times.settled(newest, times.now_of(clock)):
        return ""
    return hashlib.sha256(json.dumps(stamps, sort_keys=True).encode()).hexdigest()


def _read(place: Path, wanted: str) -> PendingWork | None:
    """Return the kept pending work if it has this fingerprint."""

    def parse(content: Any) -> PendingWork | None:
        return _from_json(content) if wanted and content["fingerprint"] == wanted else None

    return read_kept(place, parse)


def _to_json(work: PendingWork) -> dict[str, Any]:
    return {
        "analyses": {
            analysis: {
                "done": runs.done,
                "pending": [run.as_document() for run in runs.pending],
                "failures": {
                    run: [[failure.attempt, failure.kind, times.text(failure.ended)] for failure in failures]
                    for run, failures in runs.failures.items()
                },
                "campaigns": [
                    [[run.as_document() for run in one.members], one.closed, one.unclear, one.unseen, sorted(one.shown)]
                    for one in runs.campaigns
                ],
                "done_ids": sorted(runs.done_ids),
                "groups": runs.known_groups and runs.known_groups.to_json(),
            }
            for analysis, runs in work.analyses.items()
        },
        "foreign": [str(path) for path in work.foreign],
        "warnings": work.warnings,
        "science_runs": work.science_runs,
        "unseen": sorted(work.unseen),
    }


def _from_json(content: dict[str, Any]) -> PendingWork:
    return PendingWork(
        {analysis: _runs_from_json(runs) for analysis, runs in content["analyses"].items()},
        [Path(path) for path in content["foreign"]],
        content["warnings"],
        [ScienceRunTimes(*one) for one in content["science_runs"]],
        frozenset(content["unseen"]),
    )


def _runs_from_json(content: dict[str, Any]) -> PendingRuns:
    return PendingRuns(
        content["done"],
        [run_of(document) for document in content["pending"]],
        {
            run: [Failure(attempt, kind, times.moment(ended)) for attempt, kind, ended in failures]
            for run, failures in content["failures"].items()
        },
        [_campaign(*one) for one in content["campaigns"]],
        set(content["done_ids"]),
        KnownGroups.from_json(content["groups"]) if content["groups"] else None,
    )


def _campaign(runs: Any, closed: bool, unclear: Any, unseen: Any, shown: Any) -> Campaign:
    return Campaign(tuple(map(run_of, runs)), closed, tuple(unclear), tuple(unseen), frozenset(shown))

"""What is kept of the pending work from tick to tick, in one file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import SOURCE
from xomflow.outcomes.campaigns.groups import KnownGroups
from xomflow.outcomes.files import Failure
from xomflow.planning.pending.shelf import KnownShelf
from xomflow.planning.pending.work import PendingRuns
from xomflow.planning.runs.campaigns import Campaign
from xomflow.rundb.run import run_of


@dataclass(slots=True)
class Kept:
    """What is kept of the pending work.

    Parameters
    ----------
    common
        Fingerprint of all that every part depends on: code and configuration.
    documents
        Fingerprint of all run documents; empty: it could not be seen whether they change.
    shelves
        The shelves of runs.
    whole
        The analyses whose runs depend on each other, with a fingerprint of all that theirs depend on.
    """

    common: str
    documents: str = ""
    shelves: dict[str, KnownShelf] = field(default_factory=dict)
    whole: dict[str, tuple[str, PendingRuns]] = field(default_factory=dict)


def read_kept_work(place: Path, common: str) -> Kept:
    """Return what is kept; nothing if it is damaged, or was made with another configuration or code."""

    def parse(content: Any) -> Kept | None:
        return _from_json(content) if content["common"] == common else None

    return read_kept(place, parse) or Kept(common)


def write_kept_work(place: Path, kept: Kept) -> None:
    """Keep the pending work."""
    content = {
        "common": kept.common,
        "documents": kept.documents,
        "shelves": {name: one.to_json() for name, one in kept.shelves.items()},
        "whole": {name: [stamp, _runs_to_json(runs)] for name, (stamp, runs) in kept.whole.items() if stamp},
    }
    write_kept(place, json.dumps(content, separators=(",", ":")))


def common_fingerprint(config: Config) -> str:
    """Return a text that differs whenever code or configuration do."""
    code = sorted(_sources(str(SOURCE / "xomflow")) + _sources(str(SOURCE / "xomlib")))
    read = {"selection", "science_runs", "analyses"}  # the digests of documents show where these come from
    stamps = [code, config.model_dump(mode="json", include=read)]
    return hashlib.sha256(json.dumps(stamps, sort_keys=True).encode()).hexdigest()


def _sources(folder: str) -> list[tuple[str, int]]:
    """Return each file of the code in a folder, with the time of its last change."""
    with os.scandir(folder) as entries:
        here = [one for one in entries if one.name != "__pycache__"]
    own = [(one.path, one.stat().st_mtime_ns) for one in here if one.name.endswith(".py")]
    return own + [source for one in here if one.is_dir() for source in _sources(one.path)]


def _from_json(content: Mapping[str, Any]) -> Kept:
    return Kept(
        content["common"],
        str(content["documents"]),
        {name: KnownShelf.from_json(one) for name, one in content["shelves"].items()},
        {name: (str(stamp), _runs_from_json(runs)) for name, (stamp, runs) in content["whole"].items()},
    )


def _runs_to_json(runs: PendingRuns) -> dict[str, Any]:
    assert runs.known_groups is not None  # these are analyses whose runs depend on each other
    return {
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
        "done_runs": runs.done_runs,
        "groups": runs.known_groups.to_json(),
    }


def _runs_from_json(content: Mapping[str, Any]) -> PendingRuns:
    return PendingRuns(
        content["done"],
        [run_of(document) for document in content["pending"]],
        {
            run: [Failure(attempt, kind, times.moment(ended)) for attempt, kind, ended in failures]
            for run, failures in content["failures"].items()
        },
        [_campaign(*one) for one in content["campaigns"]],
        {name: tuple(numbers) for name, numbers in content["done_runs"].items()},
        KnownGroups.from_json(content["groups"]),
    )


def _campaign(runs: Any, closed: bool, unclear: Any, unseen: Any, shown: Any) -> Campaign:
    return Campaign(tuple(map(run_of, runs)), closed, tuple(unclear), tuple(unseen), frozenset(shown))

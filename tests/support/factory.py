"""Documents, settings and strategies that tests of several modules need."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from local_servers.mongo import PASSWORD
from support.site import document
from xomflow.config.model import Config
from xomflow.core.key import Key, first_run, run_id
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Summary
from xomflow.outcomes.files import write_outcome
from xomflow.outcomes.model import BatchJob, FailureDetails, Outcome, Provenance, Resources, Result, RunFacts
from xomflow.rundb.run import Run, run_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = Key("kr83m", "v1", "052894")

# Lone surrogates, control characters and line separators included: documents are written by people and machines.
any_text = st.text(st.characters(exclude_categories=()), max_size=20)
plain_values = st.none() | st.booleans() | st.integers() | st.floats() | any_text
json_values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


def result(variable: str = "light_yield", value: float | None = 10.5, **changes: Any) -> dict[str, Any]:
    """One result of an outcome."""
    made = {"variable": variable, "value": value, "error": 0.1, "unit": "PE/keV", "n": 512}
    return {**made, "limit": None, "insufficient": None, "data": {}, **changes}


def outcome(key: Key = KEY, results: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A complete outcome with status "done"; ``changes`` replace keys, those of ``run`` only in part."""
    facts = {
        "number": first_run(key.run),
        "mode": "tpc_kr83m",
        "source": "Kr-83m",
        "start": "2026-09-25T12:00:00Z",
        "end": "2026-09-25T13:00:00Z",
        "detectors": ["tpc"],
        "tags": ["sr1_preliminary"],
        "comments": ["a comment"],
        "rate": {"tpc": 20.1},
        **changes.pop("run", {}),
    }
    return {
        "schema": "xom-outcome-2",
        "key": key.as_dict(),
        "status": "done",
        "attempt": 1,
        "message": "well done",
        "failure": None,
        "results": [result()] if results is None else results,
        "figures": ["overview.png"],
        "run": facts,
        "provenance": {
            "lineage": {"event_info_double": "abcdefghij"},
            "software": "/opt/python",
            "versions": {"strax": "2.2.3"},
            "git": None,
            "host": "node01",
            "batch_job": None,
        },
        "resources": {"wall_s": 1.5, "cpu_s": 1.0, "peak_memory_mb": 400.0},
        "started": "2026-09-25T14:00:00Z",
        "ended": "2026-09-25T14:00:02Z",
        **changes,
    }


def failed(key: Key = KEY, kind: str = "raised", **changes: Any) -> dict[str, Any]:
    """A complete outcome with status "failed"."""
    failure = {"class": kind, "message": "it broke", "log": "a.log", "log_tail": ["a line"], "next_try": None}
    return outcome(key, [], status="failed", failure=failure, figures=[], **changes)


_OF_FAILURES = ("message", "log", "log_tail", "next_try")


def typed(document: dict[str, Any]) -> Outcome:
    """The outcome of a document, not validated."""
    failure = document["failure"]
    batch_job = document["provenance"]["batch_job"]
    return Outcome(
        **{
            **document,
            "key": Key(**document["key"]),
            "failure": failure and FailureDetails(failure["class"], *(failure[name] for name in _OF_FAILURES)),
            "results": [Result(**one) for one in document["results"]],
            "run": RunFacts(**document["run"]),
            "provenance": Provenance(
                **{**document["provenance"], "batch_job": BatchJob(**batch_job) if batch_job else None}
            ),
            "resources": Resources(**document["resources"]),
        }
    )


def keep(paths: Paths, *documents: dict[str, Any]) -> None:
    """Put finished outcomes where they belong."""
    for one in documents:
        write_outcome(paths.outcome(Key(**one["key"])), typed(one))


def keep_failure(path: Path, document: dict[str, Any]) -> None:
    """Put a failure record into its file."""
    write_outcome(path, typed(document))


def tree(work: Path | str = "work", **changes: Any) -> dict[str, Any]:
    """A configuration as YAML gives it, with one analysis ``kr83m`` that the project has."""
    return {
        "work": str(work),
        "rundb": {"kind": "file", "file": "runs.jsonl"},
        "context": {"function": "nobody:asks"},
        "software": [{"interpreter": sys.executable}],
        "analyses": {"kr83m": {"version": "v1"}},
        **changes,
    }


def settings(work: Path | str = "work", **changes: Any) -> Config:
    """The settings of `tree`."""
    return Config.model_validate(tree(work, **changes))


def run(number: int = 52894, **changes: Any) -> Run:
    """An ordinary finished run."""
    return run_of(document(number, **changes))


def key_of(number: int, analysis: str = "kr83m", version: str = "v1") -> Key:
    """The key of a run."""
    return Key(analysis, version, run_id(number))


def rundb_credentials(folder: Path, address: str, mode: int = 0o600, **changes: Any) -> Path:
    """A file with an account of the run database."""
    entries = {"xent_url": address, "xent_user": "xenon", "xent_password": PASSWORD, "xent_database": "xenonnt"}
    lines = [f"{name} = {value}" for name, value in {**entries, **changes}.items() if value is not ...]
    path = folder / "xenon_config"
    path.write_text("\n".join(["[RunDB]", *lines, "[other]", "x = 1"]))
    path.chmod(mode)
    return path


def tick_item(run: str, state: str, analysis: str = "kr83m", since: str = "2026-11-22T11:00:00Z") -> dict[str, Any]:
    """One key, as the summary of a tick lists it."""
    key = {"analysis": analysis, "version": "v1", "run": run}
    return {**key, "state": state, "reason": "because", "attempt": 1, "since": since, "next_try": None}


def tick_summary(tick: str = "20261122T120000-node-1", **changes: Any) -> Summary:
    """The summary of a tick, from the form in its file."""
    day = f"{tick[:4]}-{tick[4:6]}-{tick[6:8]}"
    content = {
        "tick": tick,
        "started": f"{day}T12:00:00Z",
        "ended": f"{day}T12:00:30Z",
        "counts": {"kr83m": {"done": 5, "waiting": 1, "gave up": 1}, "event_rate": {"done": 2, "failed": 1}},
        "items": [tick_item("052001", "waiting"), tick_item("052003", "stale", since="2026-11-20T12:00:30Z")],
        "taken": [
            tick_item("052002", "done"),
            tick_item("052004", "failed"),
            tick_item("052004", "failed", "event_rate"),
        ],
        "problems": ["a"],
        "mistakes": [],
        "troubles": ["b", "c"],
        "published": {"outcomes": 3, "problems": []},
        **changes,
    }
    made = Summary.from_json(content)
    optional = {"for_person", "batch_jobs", "oldest_ready", "decisions"}
    assert changes.keys() <= made.to_json().keys() | optional, "a file has other names than the fields"
    return made

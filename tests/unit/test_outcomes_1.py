"""Outcomes of version 1.0, kept in tests/data/outcomes-1: they are read, and give the same points."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from xomflow.outcomes.model import BatchJob, Outcome
from xomflow.outcomes.reading import parse_outcome
from xomflow.publishing.points import points_of
from xomflow.publishing.stores import line_protocol
from xomlib.documents.schema import SchemaError

KEPT = Path(__file__).resolve().parents[1] / "data/outcomes-1"
DOCUMENTS: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))}


def read(name: str) -> Outcome:
    return parse_outcome(DOCUMENTS[name])


def test_there_are_documents_of_all_kinds() -> None:
    assert set(DOCUMENTS) == {"campaign", "done", "done_in_slurm", "failed", "lost", "odd_but_valid"}
    assert {document["schema"] for document in DOCUMENTS.values()} == {"xom-outcome-1"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_it_is_read_with_its_key_and_status(name: str) -> None:
    document, outcome = DOCUMENTS[name], read(name)
    assert (outcome.schema, outcome.key.as_dict()) == ("xom-outcome-2", document["key"])
    assert (outcome.status, outcome.attempt) == (document["status"], document["attempt"])
    assert [one.variable for one in outcome.results] == [one["variable"] for one in document["results"]]


def test_the_job_of_slurm_becomes_that_of_a_batch_system() -> None:
    assert read("done").provenance.batch_job is None
    assert read("done_in_slurm").provenance.batch_job == BatchJob("slurm", "4711")


def test_the_parts_of_a_failure_are_kept() -> None:
    failure = read("failed").failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("raised", "ValueError: no peak (kr83m.py, line 12)")
    assert (failure.next_try, failure.log_tail[-1]) == ("2026-09-25T15:00:00Z", "ValueError: no peak")


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_blank_reason_beside_a_value_which_version_1_kept_is_none(reason: str) -> None:
    document = copy.deepcopy(next(one for one in DOCUMENTS.values() if one["results"] and one["results"][0]["value"]))
    document["results"][0]["insufficient"] = reason
    assert parse_outcome(document).results[0].insufficient is None
    document["results"][0]["insufficient"] = "too few"
    with pytest.raises(SchemaError, match="exactly one of value and insufficient"):
        parse_outcome(document)


def test_a_campaign_keeps_its_runs() -> None:
    run = read("campaign").run
    assert (run.number, run.runs, run.runs_missing) == (52801, ["052801", "052802"], ["052803"])


def test_points_are_the_same_to_the_byte() -> None:
    made = "".join(
        line_protocol.text(points_of(read(name), "test_")) for name in DOCUMENTS if DOCUMENTS[name]["status"] == "done"
    )
    assert made.encode() == (KEPT / "points.lp").read_bytes()


@pytest.mark.parametrize("change", [{"slurm_job": 5}, {"slurm_job": ["4711"]}, {"slurm_job": ...}, {"host": None}])
def test_what_version_1_refused_is_refused(change: dict[str, Any]) -> None:
    document = copy.deepcopy(DOCUMENTS["done"])
    document["provenance"] |= change
    if change.get("slurm_job") is ...:
        del document["provenance"]["slurm_job"]
    with pytest.raises(SchemaError, match=r"^provenance"):
        parse_outcome(document)


@pytest.mark.parametrize("provenance", [None, [], "text", 5])
def test_a_provenance_of_another_form_is_refused(provenance: Any) -> None:
    with pytest.raises(SchemaError, match=r"^provenance should be object"):
        parse_outcome({**DOCUMENTS["done"], "provenance": provenance})

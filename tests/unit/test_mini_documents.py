"""Run documents of the mini-XENONnT: the RunDB's schema, what is odd about some, the form of mongoexport."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mini_xenonnt import schedule
from mini_xenonnt.documents import HOSTILE_COMMENT, RATE_DELAY, date, run_document, to_lines

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINEAGE = {name: f"hash{i}" for i, name in enumerate(schedule.STORED_TYPES)}
RUNS = schedule.plan(schedule.Parameters(NOW))
DOCUMENTS = {run.run_id: run_document(run, LINEAGE, 1, NOW) for run in RUNS}
FIELDS = {
    "_id",
    "number",
    "name",
    "detectors",
    "user",
    "mode",
    "source",
    "start",
    "end",
    "daq_config",
    "tags",
    "comments",
    "data",
    "deleted_data",
}


def odd(name: str) -> dict[str, Any]:
    return DOCUMENTS[schedule.odd_runs(RUNS)[name]]


def types(document: dict[str, Any]) -> set[str]:
    return {entry["type"] for entry in document["data"]}


def test_every_document_has_the_fields_of_the_rundb() -> None:
    for document in DOCUMENTS.values():
        assert set(document) - {"bootstrax", "status", "rate"} == FIELDS


def test_name_is_the_six_digit_number() -> None:
    assert all(document["name"] == f"{document['number']:06d}" for document in DOCUMENTS.values())


def test_dates_are_in_extended_json() -> None:
    assert date(datetime(2026, 9, 25, 12, tzinfo=UTC)) == {"$date": "2026-09-25T12:00:00Z"}


def test_identifiers_are_unique_object_ids() -> None:
    found = {document["_id"]["$oid"] for document in DOCUMENTS.values()}
    assert len(found) == len(DOCUMENTS)
    assert all(len(bytes.fromhex(oid)) == 12 for oid in found)


def test_each_line_is_one_document() -> None:
    lines = to_lines(DOCUMENTS.values()).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == list(DOCUMENTS.values())


def test_rucio_entries_name_run_type_and_hash() -> None:
    run = next(run for run in RUNS if run.mode == "tpc_kr83m" and not run.odd)
    entries = {entry["type"]: entry for entry in DOCUMENTS[run.run_id]["data"]}
    entry = entries["event_info"]
    assert entry["host"] == "rucio-catalogue"
    assert entry["did"] == f"xnt_{run.run_id}:event_info-{LINEAGE['event_info']}"
    assert entry["meta"]["lineage_hash"] == LINEAGE["event_info"]
    assert set(entries) == {*run.types, "raw_records"}


def test_veto_runs_name_their_own_detectors() -> None:
    found = {tuple(document["detectors"]) for document in DOCUMENTS.values()}
    assert found == {("tpc",), ("muon_veto",), ("neutron_veto",), ("tpc", "muon_veto", "neutron_veto")}
    assert all(set(d["rate"]) == set(d["detectors"]) for d in DOCUMENTS.values() if "rate" in d)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("messy", "messy"),
        ("_messy", "_messy"),
        ("bad", "bad"),
        ("abandon", "abandon"),
        ("preliminary", "_sr1_preliminary"),
    ],
)
def test_tagged_runs_have_their_tag_alone(name: str, tag: str) -> None:
    assert [entry["name"] for entry in odd(name)["tags"]] == [tag]


def test_runs_with_nothing_odd_have_no_tags() -> None:
    assert all(not DOCUMENTS[run.run_id]["tags"] for run in RUNS if run.odd is None)


def test_a_running_run_has_no_end_no_status_no_rate_no_data() -> None:
    document = odd("running")
    assert document["end"] is None
    assert not {"status", "rate", "bootstrax"} & set(document)
    assert document["data"] == []


def test_a_run_that_is_not_transferred_says_so_and_has_data_at_the_event_builder_only() -> None:
    document = odd("not_transferred")
    assert document["status"] == "eb_ready_to_upload"
    assert {entry["host"] for entry in document["data"]} == {f"eb{document['number'] % 6}.xenon.local"}


def test_all_other_finished_runs_are_transferred() -> None:
    others = [d for d in DOCUMENTS.values() if d["end"] and d is not odd("not_transferred")]
    assert {d["status"] for d in others} == {"transferred"}


def test_the_rate_comes_fifteen_minutes_after_the_end() -> None:
    newest = next(run for run in reversed(RUNS) if run.odd is None)
    present = newest.end + RATE_DELAY
    assert "rate" not in run_document(newest, LINEAGE, 1, present - timedelta(seconds=1))
    assert "rate" in run_document(newest, LINEAGE, 1, present)


def test_only_the_run_without_rate_the_newest_and_the_running_one_lack_it() -> None:
    lacking = {document["name"] for document in DOCUMENTS.values() if "rate" not in document}
    newest = next(run.run_id for run in reversed(RUNS) if run.odd is None)
    assert lacking == {odd("no_rate")["name"], newest, odd("running")["name"]}


def test_the_data_of_an_abandoned_run_are_deleted() -> None:
    assert odd("abandon")["data"] == []
    assert odd("abandon")["deleted_data"]


def test_documents_promise_data_that_never_came() -> None:
    assert "event_info" in types(odd("old_no_data"))
    assert types(odd("no_data_yet")) == {"raw_records"}


@pytest.mark.parametrize("name", ["partial", "temp", "exception"])
def test_documents_do_not_promise_what_cannot_be_read(name: str) -> None:
    assert "event_basics" in types(odd(name))
    assert not types(odd(name)) & set(schedule.UPPER_TYPES)


def test_hostile_text_survives_a_line_of_json() -> None:
    document = json.loads(to_lines([odd("markup")]))
    assert document["comments"][0]["comment"] == HOSTILE_COMMENT
    assert "<script>" in document["tags"][0]["name"]
    assert any(ord(character) < 32 for character in HOSTILE_COMMENT)


def test_an_older_comment_has_its_text_under_the_older_name() -> None:
    assert "text" in odd("messy")["comments"][0]


def test_the_seed_changes_nothing_but_noise_of_the_rate() -> None:
    run = RUNS[0]
    one, other = (run_document(run, LINEAGE, seed, NOW) for seed in (1, 2))
    assert one["rate"] != other["rate"]
    assert {**one, "rate": None} == {**other, "rate": None}

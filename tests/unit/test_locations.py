"""Where the data of a waiting run are, in words, and that an idle tick asks nobody for it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from hypothesis import given
from hypothesis import strategies as st

from support.factory import json_values
from support.site import document
from xomflow.rundb.database import FileRunDB
from xomflow.storage import locations
from xomflow.storage.locations import DataEntry, DataLocations, describe_location, entries_of

HASH, OTHER = "abcdefgh23", "zzzzzzzz77"


def entry(**changes: Any) -> dict[str, Any]:
    """An entry as the DAQ writes it."""
    whole = {"type": "peaks", "host": "eb3.xenon.local", "location": f"/data/052894-peaks-{HASH}", "protocol": "strax"}
    return {**whole, **changes}


def rucio(location: str, **changes: Any) -> dict[str, Any]:
    """An entry as data management writes it."""
    whole = {
        "host": "rucio-catalogue",
        "location": location,
        "did": f"xnt_052894:peaks-{HASH}",
        "status": "transferred",
    }
    return entry(**{**whole, **changes})


def said(*entries: Any, deleted: Any = ()) -> str:
    return describe_location(entries_of({"data": list(entries), "deleted_data": list(deleted)}), "peaks", HASH)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry()], "it is at event builder eb3.xenon.local"),
        ([entry(host="dali-login1.rcc")], "it is at host dali-login1.rcc"),
        ([entry(host="web3.lngs")], "it is at host web3.lngs"),
        ([rucio("UC_DALI_USERDISK")], "it is in rucio at UC_DALI_USERDISK"),
        ([rucio("CNAF_TAPE3_USERDISK")], "it is on tape at CNAF_TAPE3_USERDISK"),
        ([rucio("LNGS_USERDISK", status="transferring")], "it is in rucio at LNGS_USERDISK, transferring"),
        ([entry(), rucio("X_TAPE")], "it is at event builder eb3.xenon.local and on tape at X_TAPE"),
        ([rucio("X_TAPE"), rucio("X_TAPE")], "it is on tape at X_TAPE"),
        ([rucio("X", did=f"xnt_052894:peaks-{OTHER}")], "it is in rucio at X, with another lineage"),
        ([entry(meta={"lineage_hash": OTHER})], "it is at event builder eb3.xenon.local, with another lineage"),
        ([entry(meta={"lineage_hash": 5})], "it is at event builder eb3.xenon.local"),
        (
            [entry(meta={"lineage_hash": ""}, location=f"/data/052894-peaks-{OTHER}")],
            "it is at event builder eb3.xenon.local, with another lineage",
        ),
        ([entry(location="/somewhere")], "it is at event builder eb3.xenon.local"),
        ([entry(type="events")], "the run database has no entry of it"),
        ([], "the run database has no entry of it"),
        ([entry(host=None)], "it is at no host that is named"),
        ([entry(host="a\nb\x1b[1m")], "it is at host ab[1m"),
    ],
)
def test_the_words_say_where_the_wanted_data_are(entries: list[Any], words: str) -> None:
    assert said(*entries) == f" ({words})"


def test_what_was_deleted_is_said_unless_it_is_elsewhere(tmp_path: Path) -> None:
    gone = rucio("UC_DALI_USERDISK", status="deleted")
    words = " (it was deleted, and had been in rucio at UC_DALI_USERDISK)"
    assert said(deleted=[gone]) == said(gone) == words
    assert said(deleted=[entry()]) == " (it was deleted, and had been at event builder eb3.xenon.local)"
    other = rucio("X", did=f"xnt_052894:peaks-{OTHER}", status="deleted")
    assert said(other) == " (the run database has no entry of it)"
    assert said(rucio("X_TAPE"), deleted=[gone]) == " (it is on tape at X_TAPE)"


def test_a_document_that_does_not_speak_of_data_says_nothing() -> None:
    assert describe_location(None, "peaks", HASH) == ""


@given(st.fixed_dictionaries({}, optional={"data": json_values, "deleted_data": json_values}))
def test_any_document_is_understood_or_passed_over(odd: dict[str, Any]) -> None:
    assert isinstance(describe_location(entries_of(odd), "peaks", HASH), str)


names = st.dictionaries(st.sampled_from(["type", "host", "location", "did", "status", "meta"]), json_values)


@given(st.lists(names))
def test_any_entry_is_understood_or_passed_over(entries: list[dict[str, Any]]) -> None:
    words = said(*[{"type": "peaks", **one} for one in entries])
    assert words.isprintable()


class Documents:
    """A run database that counts the questions."""

    def __init__(self) -> None:
        self.data: dict[int, dict[str, Any]] = {}
        self.now = "first"
        self.asked: list[list[int]] = []

    def fingerprint(self, min_run: int, max_run: int | None) -> str:
        return self.now

    def data_of(self, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
        self.asked.append(list(numbers))
        return {number: self.data[number] for number in numbers if number in self.data}


def look(documents: Documents, folder: Path, *runs: str, may_write: bool = True) -> dict[str, list[DataEntry] | None]:
    """What one tick finds."""
    one = DataLocations(documents, (0, None), folder / "kept.json", may_write)  # type: ignore[arg-type]
    found = one.of(runs)
    assert one.of(runs) == found
    one.keep()
    return found


def test_an_idle_tick_asks_nobody(tmp_path: Path) -> None:
    documents = Documents()
    documents.data[52894] = {"data": [entry()]}
    first = look(documents, tmp_path, "052894", "052895")
    assert first["052894"] == entries_of(documents.data[52894])
    assert first["052895"] is None
    before = (tmp_path / "kept.json").stat().st_ino
    assert look(documents, tmp_path, "052894", "052895") == first
    assert documents.asked == [[52895, 52894]]
    assert (tmp_path / "kept.json").stat().st_ino == before


def test_where_a_change_of_documents_cannot_be_seen_they_are_asked_for_in_each_tick(tmp_path: Path) -> None:
    documents = Documents()
    documents.now = ""
    for number in (1, 2):
        look(documents, tmp_path, "052894")
        assert len(documents.asked) == number


def test_it_is_asked_anew_when_documents_changed_or_an_hour_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = Documents()
    look(documents, tmp_path, "052894")
    documents.now = "second"
    look(documents, tmp_path, "052894")
    look(documents, tmp_path, "052894")
    assert len(documents.asked) == 2
    monkeypatch.setattr(locations, "_KEPT_SECONDS", 0.0)
    documents.data[52894] = {"data": [entry()]}
    assert look(documents, tmp_path, "052894")["052894"] == entries_of(documents.data[52894])
    assert len(documents.asked) == 3


def test_a_tick_asks_for_the_newest_runs_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "_MOST_ASKED", 2)
    documents = Documents()
    for number in (1, 2, 3):
        look(documents, tmp_path, "052891", "052892", "052893", "052894", "052895")
        assert len(documents.asked) == number
    assert documents.asked == [[52895, 52894], [52893, 52892], [52891]]


def test_nothing_is_written_where_nothing_may_be(tmp_path: Path) -> None:
    look(Documents(), tmp_path, "052894", may_write=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"stamp": "first", "runs": {"052894": [1, [["a"]]]}}', "null"])
def test_what_is_kept_may_be_lost_or_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "kept.json").write_text(content)
    documents = Documents()
    documents.data[52894] = {"data": [entry()]}
    assert look(documents, tmp_path, "052894")["052894"] == entries_of(documents.data[52894])
    assert json.loads((tmp_path / "kept.json").read_text())["runs"].keys() == {"052894"}


def test_runs_that_wait_no_more_are_forgotten(tmp_path: Path) -> None:
    documents = Documents()
    look(documents, tmp_path, "052894", "052895")
    documents.now = "second"
    look(documents, tmp_path, "052895")
    assert json.loads((tmp_path / "kept.json").read_text())["runs"].keys() == {"052895"}


@pytest.mark.parametrize("number", [52894, "52894", {"$numberLong": "52894"}])
def test_a_file_tells_the_data_of_single_runs(tmp_path: Path, number: Any) -> None:
    documents = [document(52893, data=[entry(number=52894)]), {**document(52894, data=[entry()]), "number": number}]
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json_util.dumps(one) + "\n" for one in documents))
    assert FileRunDB(path).data_of([52894, 7]) == {52894: {"data": [entry()]}}

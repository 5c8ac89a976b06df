"""Run documents in the forms of many years: each field, what it becomes, and what is refused with which sentence."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from xomlib.documents import run_document
from xomlib.documents.run_document import (
    BadDocument,
    RunDocument,
    _read_iso_time_as_3_11,
    bare_name,
    number_of,
    read_run_document,
    span_of,
)

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
PLAIN: dict[str, Any] = {"number": 52894, "mode": "tpc_bkg", "detectors": ["tpc"], "start": START}


class Decimal128:
    """As bson gives a decimal."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_decimal(self) -> str:
        return self._text


def sentence(**changes: Any) -> tuple[str, str]:
    """What is wrong with a document, whole and without number and value."""
    document = {name: value for name, value in {**PLAIN, **changes}.items() if value is not ...}
    with pytest.raises(BadDocument) as caught:
        read_run_document(document)
    assert caught.value.number == 52894
    start = "run document 52894: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start), caught.value.kind


def test_a_document_with_everything_is_read_whole() -> None:
    whole = {
        "number": {"$numberLong": "52894"},
        "mode": " __tpc_kr83m\n",
        "source": " Kr-83m ",
        "status": "\ttransferred ",
        "detectors": ["tpc ", "muon_veto"],
        "tags": [{"name": "_sr1"}, "late", {"name": "___"}, {"name": " "}],
        "start": {"$date": "2026-09-01T14:00:00+02:00"},
        "end": {"$date": {"$numberLong": "1788267600000"}},
        "rate": {"tpc": {"avg": 20, "max": {"$numberDouble": "30.5"}}, "nv": {"avg": "x"}, "odd": 5},
        "comments": [{"comment": "one"}, {"text": "two"}, "three", {"comment": ""}, {"comment": None, "text": 5}, 7],
        "more": object(),
    }
    assert read_run_document(whole) == RunDocument(
        52894,
        "tpc_kr83m",
        " Kr-83m ",
        "transferred",
        frozenset({"tpc", "muon_veto"}),
        frozenset({"sr1", "late"}),
        START,
        datetime(2026, 9, 1, 13, tzinfo=UTC),
        (("tpc", 20.0),),
        (("tpc", 30.5),),
        ("one", "two", "three"),
    )


def test_a_document_with_the_least_is_read() -> None:
    least = RunDocument(52894, "tpc_bkg", "", "", frozenset({"tpc"}), frozenset(), START, None, (), (), ())
    for changes in ({}, {"detectors": "tpc"}, {"tags": None, "comments": None, "rate": 5, "source": 7, "status": None}):
        assert read_run_document({**PLAIN, **changes}) == least
    assert read_run_document({**PLAIN, "tags": []}).tags == frozenset()
    assert read_run_document({**PLAIN, "comments": "one"}).comments == ("one",)
    assert read_run_document({**PLAIN, "comments": {"comment": "one"}}).comments == ("one",)
    assert read_run_document({**PLAIN, "comments": ["x" * 2001]}).comments == ("x" * 2000,)
    assert read_run_document({**PLAIN, "end": START}).end == START


# --- numbers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (999_999, 999_999),
        (52894.0, 52894),
        ("052894", 52894),
        ("52894.00", 52894),
        ({"$numberInt": "7"}, 7),
        ({"$numberDouble": "7.0"}, 7),
        ({"$numberDecimal": "7"}, 7),
        (Decimal128("7"), 7),
    ],
)
def test_a_number_is_read_in_every_form(value: Any, number: int) -> None:
    found = number_of({"number": value})
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, -1, 10**6, 7.5, "x", "", "1234567", [], {}, {"a": 1}, {"$numberInt": True}),
        *({"$numberInt": "x"}, {"$numberInt": None}, {"$numberInt": "7", "b": 1}, {"other": "7"}, float("nan")),
        Decimal128("x"),
    ],
)
def test_what_is_no_number_is_refused_with_its_value(value: Any) -> None:
    with pytest.raises(
        BadDocument, match=r"^a run document has the number .*; at most six digits are needed$"
    ) as caught:
        number_of({"number": value, "name": "052894"})
    assert (caught.value.kind, caught.value.number) == ("number", None)


def test_what_is_no_document_or_of_a_superrun_is_named() -> None:
    for document in (5, None, [], "x"):
        with pytest.raises(BadDocument, match="fields are needed") as caught:
            number_of(document)
        assert caught.value.kind == "no document"
    with pytest.raises(BadDocument, match=r"^the document of superrun .* is left out: it has no run") as caught:
        number_of({"name": "_sr1"})
    assert caught.value.kind == "superrun"
    assert [number_of({"name": "_sr1", "number": number}) for number in (5, 5.0)] == [5, 5]


# --- times ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (datetime(2026, 9, 1, 12), START),
        (START.astimezone(timezone(timedelta(hours=5))), START),
        ({"$date": "2026-09-01T12:00:00Z"}, START),
        ({"$date": 1788264000000}, START),
        ({"$date": {"$numberDouble": "1788264000500"}}, START + timedelta(milliseconds=500)),
        ({"$date": 0}, datetime(1970, 1, 1, tzinfo=UTC)),
        ({"$date": "2200-12-31T23:59:59Z"}, datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_every_form(value: Any, moment: datetime) -> None:
    assert read_run_document({**PLAIN, "start": value}).start == moment
    assert span_of({"start": value, "end": value}) == (moment, moment)


NEEDED, RANGE = "a time is needed", "a time from 1970 to 2200 is needed"


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        *((value, NEEDED) for value in (5, "2026-09-01", [], {}, {"$date": None}, {"$date": True}, {"$date": "x"})),
        ({"$date": {"$numberLong": "x"}}, NEEDED),
        ({"$date": float("nan")}, NEEDED),
        ({"$date": 10**18}, RANGE),
        ({"$date": -1}, RANGE),
        ({"$date": "2201-01-01T00:00:00Z"}, RANGE),
        (datetime(1969, 12, 31, 23, 59), RANGE),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), RANGE),
    ],
)
def test_what_is_no_time_is_refused_with_its_value(value: Any, needed: str) -> None:
    words, kind = sentence(end=value)
    assert (words.startswith("end is "), words.endswith(f", {needed}"), kind) == (True, True, f"end: {needed}")
    assert span_of({"start": START, "end": value}) == (START, None)


def test_the_span_of_what_is_no_run_is_unknown() -> None:
    assert span_of(5) == span_of({"name": "_sr1", "start": START, "end": START}) == (None, None)
    assert span_of({"name": "052894", "start": START}) == (START, None)


# --- what is refused --------------------------------------------------------------------------------------------------
def test_what_selection_needs_and_cannot_have_is_refused() -> None:
    rows = {
        "mode": (..., "mode is missing", "mode is missing"),
        "detectors": (None, "detectors is missing", "detectors is missing"),
        "start": (..., "start is missing", "start is missing"),
        "end": (
            START - timedelta(seconds=1),
            "ends at 2026-09-01T11:59:59Z, before its start at 2026-09-01T12:00:00Z",
            "ends before its start",
        ),
    }
    assert {name: sentence(**{name: value}) for name, (value, *_) in rows.items()} == {
        name: (words, kind) for name, (_, words, kind) in rows.items()
    }
    for name, value, needed in (
        ("mode", 5, "a text is needed"),
        ("status", ["a"], "a text is needed"),
        ("detectors", {"a": 1}, "a list of texts is needed"),
        ("detectors", ["a", 5], "a list of texts is needed"),
        ("tags", "a", "a list is needed"),
        ("tags", {}, "a list is needed"),
        ("tags", ["a", 5], "each needs a text as name"),
        ("tags", [{"name": None}], "each needs a text as name"),
    ):
        words, kind = sentence(**{name: value})
        assert words.startswith(f"{name} is ")
        assert words.endswith(f", {needed}")
        assert kind == f"{name}: {needed}"


def test_rates_that_are_no_finite_numbers_are_left_out() -> None:
    infinite, largest = float("inf"), run_document._LARGEST
    given = {
        "a": {"avg": infinite},
        "b": {"avg": float("nan")},
        "c": {"avg": -largest},
        "d": {"avg": None},
        5: {"avg": 1},
    }
    assert read_run_document({**PLAIN, "rate": given}).rate == (("c", -largest), ("5", 1.0))


def test_a_name_comes_without_what_counts_for_nothing() -> None:
    names = {"__a_": "a_", " \u200b_ a\ufeff\n": "a", "": "", "_": "", "a b": "a b"}
    assert {name: bare_name(name) for name in names} == names


# --- ISO 8601 as of Python 3.11 ---------------------------------------------------------------------------------------
ISO = [
    *("2026-09-01", "20260901", "2026-W36-2", "2026W362", "2026-W36", "2026-09-01T12", "2026-09-01T12:30"),
    *("2026-09-01T1230", "2026-09-01T12:30:15", "2026-09-01T123015.5", "2026-09-01 12:30:15,123456789"),
    *("2026-09-01T12:30Z", "2026-09-01T12:30:15+02", "2026-09-01T12:30:15-0230", "2026-09-01T12:30:15.5+02:30:15"),
]
NO_ISO = ["", "2026", "2026-0901", "2026-09-01T", "2026-09-01T12:3015", "2026-13-01", "2026-09-01T12:30+", "x"]


def test_times_are_read_as_by_python_3_11_also_by_older_ones() -> None:
    assert {text: _read_iso_time_as_3_11(text) for text in ISO} == {text: datetime.fromisoformat(text) for text in ISO}
    for text in NO_ISO:
        for read in (_read_iso_time_as_3_11, datetime.fromisoformat):
            with pytest.raises(ValueError, match=r"."):
                read(text)


def test_a_time_without_a_zone_is_utc_whatever_zone_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert span_of({"start": datetime(2026, 9, 1, 12)}) == (START, None)
    finally:
        monkeypatch.undo()
        time.tzset()

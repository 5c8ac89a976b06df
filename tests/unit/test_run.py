"""Run documents, of which people and machines of many years have written many kinds."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, json_util
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import json_values, run
from support.site import document
from xomflow.core import times
from xomflow.rundb.database import FIELDS
from xomflow.rundb.query import read_documents
from xomflow.rundb.run import Run, run_of
from xomlib.documents.run_document import BadDocument, _read_iso_time_as_3_11

numbers = st.integers(0, 999_999) | st.integers(0, 999_999).map(str) | json_values
dates = (
    st.datetimes()
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-14))))
    | st.datetimes().map(lambda value: {"$date": value.isoformat()})
    | st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-14:00", "2026-13-01", "20260925"]).map(
        lambda text: {"$date": text}
    )
    | st.integers().map(lambda value: {"$date": value})
    | json_values
)
named = st.lists(
    st.fixed_dictionaries({}, optional={"name": json_values, "comment": json_values, "text": json_values})
) | (json_values)
rates = (
    st.dictionaries(
        st.text(max_size=3),
        st.fixed_dictionaries({}, optional={"avg": json_values | st.just(10**400), "max": json_values}),
    )
    | json_values
)
odd_documents = st.fixed_dictionaries(
    {"number": numbers},
    optional={name: json_values for name in FIELDS if name != "number"}
    | {"start": dates, "end": dates, "tags": named, "comments": named, "rate": rates},
)


@given(one=odd_documents)
@example(one=document(52894, start={"$date": "0001-01-01T00:00:00+23:59"}))
@example(one=document(52894, end={"$date": "9999-12-31T23:59:59-14:00"}))
@example(one=document(52894, rate={"tpc": {"avg": 10**400}}))
@example(one=document(52894, rate={"tpc": {"avg": 1.5, "max": 2}, "muon_veto": {"avg": 3}, "neutron_veto": {"max": 4}}))
@effort(max_examples=300)
def test_any_document_gives_a_run_or_a_sentence_with_its_number(one: dict[str, Any]) -> None:
    try:
        made = run_of(one)
    except BadDocument as error:
        sentence = str(error)
        assert re.match(r"run document \d{1,6}: |a run document has the number ", sentence)
        assert len(sentence) < 400
        assert "\n" not in sentence
    else:
        assert 0 <= made.number <= 999_999
        assert made.id == f"{made.number:06d}"
        for moment in filter(None, (made.start, made.end)):
            assert times.moment(times.text(moment)) == moment.replace(microsecond=0)
        assert not any(tag.startswith("_") for tag in made.tags)
        kept = json.loads(json.dumps(made.as_document(), allow_nan=False))
        assert run_of(kept) == made  # what the inventory keeps between ticks


@given(one=odd_documents, good=st.integers(1, 999_999))
def test_an_odd_document_costs_only_its_own_run(one: dict[str, Any], good: int) -> None:
    answer = read_documents([one, document(good)], 0, None)
    others = [number for number in answer.runs if number != good]
    assert good in answer.runs or answer.problems
    assert len(others) + len(answer.problems) <= 1


@given(one=json_values)
def test_anything_instead_of_a_document_is_a_problem(one: Any) -> None:
    answer = read_documents([one], 0, None)
    assert (answer.runs, len(answer.problems)) == ({}, 1)


def refusal(**changes: Any) -> str:
    with pytest.raises(BadDocument) as caught:
        run_of(document(52894, **changes))
    return str(caught.value)


def test_an_ordinary_document() -> None:
    assert run(52894, source="Kr-83m", tags=[{"name": "sr1"}], comments=[{"comment": "a"}]) == Run(
        number=52894,
        mode="tpc_bkg",
        source="Kr-83m",
        status="transferred",
        detectors=frozenset(["tpc"]),
        tags=frozenset(["sr1"]),
        start=datetime(2026, 10, 8, 6, tzinfo=UTC),
        end=datetime(2026, 10, 8, 6, 50, tzinfo=UTC),
        rate=(("tpc", 20.0),),
        rate_max=(("tpc", 30.0),),
        comments=("a",),
    )


WHOLE: list[Any] = [7, "7", "000007", 7.0, "7.0", Int64(7), Decimal128("7"), {"$numberDecimal": "7"}]
WHOLE += [{f"$number{kind}": value} for kind in ("Int", "Long", "Double") for value in ("7", 7)]


def test_a_whole_number_is_a_run_number_however_it_is_stored() -> None:
    assert {run_of({**document(1), "number": number}).id for number in WHOLE} == {"000007"}


NOT_NUMBERS: list[Any] = [
    -1,
    1_000_000,
    "0000007",
    "7a",
    "",
    7.5,
    1e9,
    -0.0,
    float("nan"),
    "7.5",
    True,
    None,
    [],
    "7\n",
]
NOT_NUMBERS += [{"$numberLong": []}, {"$numberInt": "7a"}, {"$numberDouble": 7.5}, {"$numberInt": True}, {"$oid": "7"}]


@pytest.mark.parametrize("number", NOT_NUMBERS)
def test_what_is_no_run_number(number: Any) -> None:
    with pytest.raises(BadDocument, match=r"a run document has the number .*at most six digits are needed"):
        run_of({**document(1), "number": number})


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 9, 25, 12),
        datetime(2026, 9, 25, 12, tzinfo=UTC),
        datetime(2026, 9, 25, 7, tzinfo=timezone(timedelta(hours=-5))),
        {"$date": "2026-09-25T12:00:00Z"},
        {"$date": "2026-09-25T12:00:00.000Z"},
        {"$date": "2026-09-25T14:00:00+02:00"},
        {"$date": 1790337600000},
        {"$date": 1790337600000.0},
        {"$date": {"$numberLong": "1790337600000"}},
        {"$date": {"$numberLong": 1790337600000}},
        {"$date": {"$numberDouble": "1790337600000.0"}},
    ],
    ids=[
        "naive",
        "UTC",
        "Chicago",
        "ISO",
        "ISO ms",
        "offset",
        "number",
        "double",
        "canonical",
        "long",
        "wrapped double",
    ],
)
def test_times_in_all_spellings_are_utc(start: Any) -> None:
    made = run(start=start, end=None)
    assert made.start == datetime(2026, 9, 25, 12, tzinfo=UTC)
    assert made.as_dict()["start"] == "2026-09-25T12:00:00Z"


@pytest.mark.parametrize(
    "value", ["2026-09-25", 5, {"$date": "soon"}, {"$date": None}, {"$date": True}, {"$date": []}, {}, [], True]
)
def test_what_is_no_time_is_said(value: Any) -> None:
    assert refusal(end=value) == f"run document 52894: end is {value!r}, a time is needed"


def test_an_end_before_the_start_is_said() -> None:
    times = {"start": datetime(2026, 9, 25, 12), "end": datetime(2026, 9, 25, 11)}
    assert refusal(**times) == (
        "run document 52894: ends at 2026-09-25T11:00:00Z, before its start at 2026-09-25T12:00:00Z"
    )


AROUND = (
    "messy",
    "_messy",
    "__messy",
    "messy ",
    " messy",
    "_messy\n",
    " _ messy\r\n",
    "\tmessy\u00a0",
    "\ufeffmessy\u200b",
)


def test_blanks_line_ends_and_leading_underscores_of_tags_and_modes_count_for_nothing() -> None:
    for name in AROUND:
        made = run(tags=[{"name": name, "user": "x"}, {"name": "messy"}, {"name": " _ "}], mode=name)
        assert (made.tags, made.mode) == ({"messy"}, "messy"), name
    made = run(tags=["ramp up", "bad_"], detectors=["tpc "], status="transferred\n")
    assert (made.tags, made.detectors, made.status) == ({"ramp up", "bad_"}, {"tpc"}, "transferred")


def test_a_document_of_the_first_years() -> None:
    assert run(detectors="tpc", comments=[{"text": "older"}], tags=..., rate=...).detectors == {"tpc"}
    assert run(comments=[{"user": "x", "text": "older"}]).comments == ("older",)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": 5}, "mode is 5, a text is needed"),
        ({"status": {}}, "status is {}, a text is needed"),
        ({"detectors": [1]}, "detectors is [1], a list of texts is needed"),
        ({"tags": [{"user": "x"}]}, "tags is [{'user': 'x'}], each needs a text as name"),
        ({"tags": "messy"}, "tags is 'messy', a list is needed"),
        ({"tags": {"name": "x"}}, "tags is {'name': 'x'}, a list is needed"),
    ],
)
def test_a_field_that_decides_and_is_wrong_is_said(changes: dict[str, Any], sentence: str) -> None:
    assert refusal(**changes) == f"run document 52894: {sentence}"


@pytest.mark.parametrize("name", ["mode", "detectors", "start"])
def test_a_document_that_lacks_what_decides_is_said(name: str) -> None:
    whole = document(52894)
    for lacking in (whole | {name: None}, {key: value for key, value in whole.items() if key != name}):
        answer = read_documents([lacking], 0, None)
        assert (answer.runs, answer.problems) == ({}, [f"run document 52894: {name} is missing"])


def test_a_document_that_stands_twice_is_one_run_and_two_that_differ_are_none() -> None:
    documents = [document(52000), document(52001), document(52000), document(52001, source="Kr-83m")]
    answer = read_documents(documents, 0, None)
    assert (list(answer.runs), answer.unclear) == ([52000], {52001})


def test_a_document_outside_the_range_is_not_complained_about() -> None:
    bad = [document(1, mode=5) | {"number": number} for number in ({"$numberInt": "52000"}, "052001", 52002.0, 52003)]
    assert len(read_documents(bad, 52002, None).problems) == 2


def test_both_ends_belong_to_a_range() -> None:
    answer = read_documents(map(document, range(51999, 52004)), 52000, 52002)
    assert (sorted(answer.runs), answer.problems) == ([52000, 52001, 52002], [])


def test_a_negative_number_is_said() -> None:
    assert len(read_documents([document(-5)], 0, None).problems) == 1


@pytest.mark.parametrize("source", [["Kr-83m"], {"type": "Rn"}, 0, False, None, ...])
def test_a_source_that_is_no_text_is_unknown(source: Any) -> None:
    assert run(source=source).source == ""


@pytest.mark.parametrize("comments", [5, {}, [5], [None], [{"user": "x"}], [{"comment": 5}], [[]], True])
def test_comments_never_make_a_document_bad(comments: Any) -> None:
    assert isinstance(run(comments=comments).comments, tuple)


def test_a_comment_of_a_megabyte_is_cut() -> None:
    made = run(comments=[{"comment": "x" * 1_000_000}])
    assert [len(comment) for comment in made.comments] == [2000]


def test_a_wrong_value_of_a_megabyte_is_cut_in_the_sentence() -> None:
    assert len(refusal(mode=["x" * 1_000_000])) < 200


@pytest.mark.parametrize(
    "rate", [None, 5, [], {}, {"tpc": None}, {"tpc": {}}, {"tpc": {"avg": "20"}}, {"tpc": {"avg": float("nan")}}]
)
def test_a_rate_that_is_not_there_yet_is_no_problem(rate: Any) -> None:
    assert run(rate=rate).rate == ()


def test_rates_in_extended_json_are_numbers() -> None:
    rate = {
        "tpc": {"avg": {"$numberDouble": "20.5"}, "max": {"$numberInt": "30"}},
        "mv": {"avg": {"$numberDouble": "NaN"}},
    }
    assert (run(rate=rate).rate, run(rate=rate).rate_max) == ((("tpc", 20.5),), (("tpc", 30.0),))


def test_canonical_and_relaxed_documents_are_the_same_run() -> None:
    whole = document(52894, start=datetime(2026, 9, 25, 12), end=datetime(2026, 9, 25, 13, 0, 0, 500000))
    whole |= {"tags": [{"name": "a", "date": datetime(2026, 9, 25)}], "_id": ObjectId(), "number": Int64(52894)}
    forms = (json_util.CANONICAL_JSON_OPTIONS, json_util.RELAXED_JSON_OPTIONS, json_util.LEGACY_JSON_OPTIONS)
    made = {run_of(json.loads(json_util.dumps(whole, json_options=one))) for one in forms}
    assert made == {run_of(whole)}


def test_a_run_that_goes_on_has_no_end() -> None:
    assert run(end=None).end is None
    assert run(end=...).end is None


# --- times under older Pythons ----------------------------------------------------------------------------------------
clocks = st.sampled_from(
    ["", "T12", "T12:05", "T1205", "T12:05:07", "T120507", " 12:05:07.5", "T12:05:07,123456789", "T120507.25", "_12"]
)
offsets = st.sampled_from(["", "Z", "+02", "+0200", "-05:30", "+02:00:30", "-023000.5"])
days = st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31)).flatmap(
    lambda day: st.sampled_from(
        [f"{day.isoformat()}", f"{day:%Y%m%d}".rjust(8, "0"), f"{day:%G-W%V-%u}", f"{day:%GW%V%u}", f"{day:%G-W%V}"]
    )
)


@given(day=days, clock=clocks, offset=offsets)
def test_before_python_3_11_the_same_times_are_read(day: str, clock: str, offset: str) -> None:
    text = day + clock + (offset if clock else "")
    try:
        expected = datetime.fromisoformat(text)
    except ValueError:  # the year of a week has to have four digits
        return
    assert _read_iso_time_as_3_11(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "2026-09",
        "2026-9-25",
        "2026-0925",
        "2026-13-01",
        "2026-W54-1",
        "２０２６-09-25",
        "20260925T25",
    ]
    + [f"2026-09-25T{clock}" for clock in ("", "12:0507", "12:05:07.", "12:05:07+", "12:05:07ZZ")],
)
def test_before_python_3_11_the_same_texts_are_no_times(text: str) -> None:
    for read in (datetime.fromisoformat, _read_iso_time_as_3_11):
        with pytest.raises(ValueError):
            read(text)

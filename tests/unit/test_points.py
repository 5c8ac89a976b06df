"""Results as points: nothing of them is lost or mixed up on the way through line protocol."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from line_protocol import Reader

from support.factory import KEY, any_text, key_of, outcome, result, typed
from xomflow.core import times
from xomflow.outcomes.reading import parse_outcome
from xomflow.publishing import line_protocol
from xomflow.publishing.point import Point
from xomflow.publishing.points import points_of, time_of
from xomlib.schema import SCHEMA

NAME = SCHEMA["$defs"]["Result"]["properties"]["variable"]["pattern"]
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
counts = st.integers(0, 2**53 - 1)
names = any_text.filter(lambda text: re.search(NAME, text) is not None and not text.endswith("\n"))
reasons = any_text.filter(lambda text: text.strip() != "")
results = st.fixed_dictionaries(
    {
        "variable": names,
        "value or reason": st.tuples(numbers, st.none()) | st.tuples(st.none(), reasons),
        "error": st.none() | st.floats(0, 1e300),
        "unit": any_text,
        "n": st.none() | counts,
        "limit": st.sampled_from([None, "upper", "lower"]),
        "data": st.dictionaries(names, numbers | any_text | st.booleans(), max_size=4),
    }
).map(lambda made: dict(zip(("value", "insufficient"), made.pop("value or reason"), strict=True)) | made)
starts = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
    lambda naive: times.text(naive.replace(tzinfo=UTC))
)
facts = st.fixed_dictionaries(
    {
        "mode": any_text,
        "source": any_text,
        "start": starts,
        "tags": st.lists(any_text, max_size=3),
        "comments": st.lists(any_text, max_size=3),
    }
)
documents = st.builds(
    lambda number, results, run, software, lineage: outcome(
        key_of(number),
        results,
        run=run,
        provenance={**outcome()["provenance"], "software": software, "lineage": lineage},
    ),
    st.integers(0, 999_999),
    st.lists(results, min_size=1, max_size=3, unique_by=lambda one: one["variable"]),
    facts,
    any_text,
    st.dictionaries(names, any_text, max_size=2),
)


def series(point: Point) -> tuple[str, dict[str, str], int]:
    """All that identifies a point in a store."""
    return point.measurement, point.tags, point.time


def sent(text: str) -> str:
    """A text as a store can hold it: half characters have no UTF-8."""
    return text.encode("utf-8", "replace").decode()


@given(document=documents)
@effort(max_examples=150)
def test_whatever_an_outcome_says_comes_back_from_line_protocol(document: dict[str, Any]) -> None:
    read = Reader(line_protocol.text(points_of(parse_outcome(document), "test_")).encode().decode()).points()
    run = document["run"]
    assert len(read) == len(document["results"])
    for point, said in zip(read, document["results"], strict=True):
        assert point.measurement == "test_kr83m"
        assert point.tags == {"version": "v1", "variable": said["variable"]}
        fields = point.fields
        assert (fields["run"], fields["run_id"]) == (run["number"], document["key"]["run"])
        assert (fields["run_mode"], fields["source"]) == (sent(run["mode"]), sent(run["source"]))
        assert fields["run_tags"] == sent(",".join(run["tags"]))
        assert fields["comments"] == sent("\n".join(run["comments"]))
        assert fields["unit"] == sent(said["unit"])
        for name in ("value", "error"):
            assert fields.get(name) == (None if said[name] is None else float(said[name]))
        for name in ("n", "limit"):
            assert fields.get(name) == said[name]
        assert fields.get("insufficient") == (None if said["insufficient"] is None else sent(said["insufficient"]))
        for name, value in said["data"].items():
            kept = fields[f"data_{name}"]
            assert kept == (sent(value) if isinstance(value, str) else float(value))
            assert isinstance(kept, bool) == isinstance(value, bool)
        for name, value in document["provenance"]["lineage"].items():
            assert fields[f"lineage_{name}"] == sent(value)
        assert fields["version_strax"] == "2.2.3"


@given(document=documents)
def test_only_counters_are_integers(document: dict[str, Any]) -> None:
    """A field that changes its type from one result to the next is refused by the server."""
    for point in points_of(parse_outcome(document), "test_"):
        whole = {name for name, value in point.fields.items() if type(value) is int}
        assert whole <= {"run", "attempt", "n"}
        assert {type(point.fields[name]) for name in ("value", "error") if name in point.fields} <= {float}


@given(document=documents)
def test_counters_are_integers_however_json_wrote_them(document: dict[str, Any]) -> None:
    for one in document["results"]:
        one["n"] = 512.0
    document["attempt"] = 2.0
    for point in points_of(parse_outcome(document), "test_"):
        assert [type(point.fields[name]) for name in ("run", "attempt", "n")] == [int, int, int]


@given(
    start=starts,
    one=st.tuples(st.integers(0, 999_999), st.integers(0, 5)),
    other=st.tuples(st.integers(0, 999_999), st.integers(0, 5)),
)
def test_two_runs_never_share_a_time_and_keep_their_order(
    start: str, one: tuple[int, int], other: tuple[int, int]
) -> None:
    def time(number: int, later: int) -> int:
        moment = times.moment(start) + timedelta(seconds=later)
        return time_of(replace(typed(outcome()).run, number=number, start=times.text(moment)))

    assert (time(*one) == time(*other)) == (one == other)
    if one[1] != other[1]:
        assert (time(*one) < time(*other)) == (one[1] < other[1])


def test_the_time_is_the_start_and_the_number() -> None:
    assert time_of(typed(outcome()).run) == 1790337600 * 10**9 + 52894
    assert times.from_epoch(1790337600) == datetime(2026, 9, 25, 12, tzinfo=UTC)


def test_the_same_outcome_gives_the_same_points() -> None:
    assert points_of(typed(outcome()), "test_") == points_of(typed(json.loads(json.dumps(outcome()))), "test_")


CHANGES = {
    "run": {"tags": ["other"], "comments": ["other"], "mode": "other", "source": "other"},
    "results": [result(value=2.0, error=None, unit="Hz", n=1, data={"x": 1.0})],
    "attempt": 5,
    "provenance": {**outcome()["provenance"], "software": "other", "versions": {}, "lineage": {}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_may_change_later_is_no_tag_so_that_it_hits_the_same_point(change: str) -> None:
    before, after = (
        points_of(typed(outcome()), "test_")[0],
        points_of(typed(outcome(**{change: CHANGES[change]})), "test_")[0],
    )
    assert before.fields != after.fields
    assert before.fingerprint != after.fingerprint
    assert series(before) == series(after)


def test_two_versions_are_two_series() -> None:
    first, second = (points_of(typed(outcome(key_of(52894, version=one))), "test_")[0] for one in ("v1", "v2"))
    assert first.tags != second.tags


def test_the_prefix_is_part_of_the_measurement() -> None:
    assert points_of(typed(outcome(KEY)), "prod_")[0].measurement == "prod_kr83m"


def test_a_result_without_a_number_is_a_point_with_its_reason() -> None:
    said = result(value=None, error=None, insufficient="12 events, 50 needed", n=12)
    fields = points_of(typed(outcome(results=[said])), "test_")[0].fields
    assert "value" not in fields
    assert (fields["insufficient"], fields["n"]) == ("12 events, 50 needed", 12)


# --- what the run database says now -----------------------------------------------------------------------------------

LATE = {"tags": ["late"], "comments": ["late"], "mode": "late", "source": "late", "rate": {"tpc": 5.0}}


@pytest.mark.parametrize("name", LATE)
def test_points_follow_the_present_document(name: str) -> None:
    before = points_of(typed(outcome()), "test_")[0]
    after = points_of(typed(outcome()), "test_", {name: LATE[name]})[0]
    assert before.fingerprint != after.fingerprint
    assert series(before) == series(after)
    assert points_of(typed(outcome(run={name: LATE[name]})), "test_")[0] == after


def test_rates_are_fields_and_odd_names_of_detectors_are_left_out() -> None:
    rate = {"tpc": 5, "muon_veto": 0.5, "a\nb": 1.0, "": 2.0}
    fields = points_of(typed(outcome()), "test_", {"rate": rate})[0].fields
    assert {name: value for name, value in fields.items() if name.startswith("rate")} == {
        "rate_tpc": 5.0,
        "rate_muon_veto": 0.5,
    }


def test_the_fingerprint_has_a_part_that_changes_with_the_names_only() -> None:
    """Only then something would be left behind by writing again."""
    fingerprints = [
        points_of(typed(one), "test_")[0].fingerprint.split("-")
        for one in (outcome(), outcome(run={"tags": ["other"]}), outcome(results=[result(n=None)]))
    ]
    assert len({content for content, _ in fingerprints}) == 3
    assert fingerprints[0][1] == fingerprints[1][1] != fingerprints[2][1]


def test_all_points_of_a_run_have_one_fingerprint() -> None:
    made = points_of(typed(outcome(results=[result("a"), result("b")])), "test_")
    assert len({point.fingerprint for point in made}) == 1

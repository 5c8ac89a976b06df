"""Results as points: nothing of them is lost or mixed up on the way through line protocol."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import KEY, any_text, key_of, outcome, result, typed
from support.line_protocol import Reader
from xomflow.core import times
from xomflow.core.key import Key, run_id
from xomflow.outcomes.reading import parse_outcome
from xomflow.publishing.point import Point, number_in, time_of
from xomflow.publishing.points import points_of
from xomflow.publishing.stores import line_protocol
from xomlib.documents.schema import SCHEMA

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
PREFIXES = {bool: "flag", str: "text", int: "data", float: "data"}
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


def sent(text: str) -> str | None:
    """A text as a store can hold it: half characters have no UTF-8, and an empty one would be lost."""
    return text.encode("utf-8", "replace").decode() or None


@given(document=documents)
@example(document=outcome(results=[result("light_yield", data={"quality": "0", "quality_reason": "1"})]))
@effort(max_examples=150)
def test_whatever_an_outcome_says_comes_back_from_line_protocol(document: dict[str, Any]) -> None:
    read = Reader(line_protocol.text(points_of(parse_outcome(document), "test_")).encode().decode()).points()
    run = document["run"]
    assert len(read) == len(document["results"])
    once = {"source": sent(run["source"]), "run_tags": sent(",".join(run["tags"]))}
    once |= {"comments": sent(" | ".join(run["comments"])), "version_strax": "2.2.3"}
    once |= {f"lineage_{name}": sent(value) for name, value in document["provenance"]["lineage"].items()}
    for point, said in zip(read, document["results"], strict=True):
        assert point.measurement == "test_kr83m"
        assert point.tags == {"version": "v1", "variable": said["variable"]}
        fields = point.fields
        assert (fields["run"], fields["run_id"]) == (run["number"], document["key"]["run"])
        assert fields.get("run_mode") == sent(run["mode"])
        assert {name: fields.get(name) for name in once} == once
        once = dict.fromkeys(once)
        assert fields.get("unit") == sent(said["unit"])
        for name in ("value", "error"):
            assert fields.get(name) == (None if said[name] is None else float(said[name]))
        for name in ("n", "limit"):
            assert fields.get(name) == said[name]
        assert fields.get("insufficient") == (None if said["insufficient"] is None else sent(said["insufficient"]))
        for name, value in said["data"].items():
            is_quality = name in ("quality", "quality_reason") and isinstance(value, str)  # texts of every result
            kept = fields.get(name if is_quality else f"{PREFIXES[type(value)]}_{name}")
            assert kept == (sent(value) if isinstance(value, str) else float(value))
            assert isinstance(kept, bool) == isinstance(value, bool)
        assert "" not in fields.values()


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
        counters = [point.fields[name] for name in ("run", "attempt", "n") if name in point.fields]
        assert {type(counter) for counter in counters} == {int}


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
        return time_of(times.text(moment), run_id(number))

    assert (time(*one) == time(*other)) == (one == other)
    if one[1] != other[1]:
        assert (time(*one) < time(*other)) == (one[1] < other[1])


@given(start=starts, number=st.integers(0, 999_999), digest=st.integers(0, 0xFFFF))
def test_a_campaign_does_not_share_the_time_of_its_first_run(start: str, number: int, digest: int) -> None:
    of_run, of_campaign = (time_of(start, one) for one in (run_id(number), f"{run_id(number)}-{digest:04x}"))
    assert 0 < of_campaign - of_run < 10**9 - number
    assert number_in(of_run) == number_in(of_campaign) == number


def test_the_time_is_the_start_and_the_number() -> None:
    assert points_of(typed(outcome()), "test_")[0].time == 1790337600 * 10**9 + 52894
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


# --- the fields -------------------------------------------------------------------------------------------------------

OF_EACH = {"run", "run_id", "run_mode", "unit", "value", "error", "n", "quality", "form"}


def fields_of(results: list[dict[str, Any]], page_url: str = "", **changes: Any) -> list[dict[str, Any]]:
    """The fields of the points of an outcome."""
    return [point.fields for point in points_of(typed(outcome(results=results, **changes)), "test_", page_url=page_url)]


def test_what_belongs_to_the_run_is_on_its_first_variable_only() -> None:
    first, second = fields_of([result("a"), result("b")])
    assert second.keys() == OF_EACH
    assert {name: value for name, value in first.items() if name not in OF_EACH} == {
        "source": "Kr-83m",
        "run_tags": "sr1_preliminary",
        "comments": "a comment",
        "detectors": "tpc",
        "rate_tpc": 20.1,
        "end": "2026-09-25T13:00:00Z",
        "duration_s": 3600.0,
        "attempt": 1,
        "software": "/opt/python",
        "host": "node01",
        "version_strax": "2.2.3",
        "lineage_event_info_double": "abcdefghij",
        "wall_s": 1.5,
        "cpu_s": 1.0,
        "peak_memory_mb": 400.0,
        "ended": "2026-09-25T14:00:02Z",
        "lag_s": 3602.0,
        "message": "well done",
        "figure": "figures/kr83m/v1/052/052894.overview.png",
        "figures": "overview.png",
    }


def test_a_point_has_both_sides_of_an_error_only_where_they_differ() -> None:
    one, other = fields_of([result("a", error_low=0.05, error_high=0.1), result("b")])
    assert (one["error"], one["error_low"], one["error_high"]) == (0.1, 0.05, 0.1)
    assert "error_low" not in other


def test_the_type_of_data_is_in_the_name() -> None:
    data = {"x": 2, "y": "words", "z": True, "quality_reason": 3.0}
    (fields,) = fields_of([result(data=data)])
    assert {name: fields[name] for name in fields if name.partition("_")[0] in PREFIXES.values()} == {
        "data_x": 2.0,
        "text_y": "words",
        "flag_z": True,
        "data_quality_reason": 3.0,
    }


@pytest.mark.parametrize(
    ("changes", "quality", "reason"),
    [
        ({}, "unchecked", None),
        ({"value": None, "insufficient": "12 events"}, "insufficient", None),
        ({"data": {"quality": "good"}}, "good", None),
        ({"data": {"quality": "poor", "quality_reason": "chi2"}}, "poor", "chi2"),
        ({"value": None, "insufficient": "12 events", "data": {"quality": "poor"}}, "poor", None),
    ],
)
def test_every_point_has_a_quality(changes: dict[str, Any], quality: str, reason: str | None) -> None:
    (fields,) = fields_of([result(**changes)])
    assert (fields["quality"], fields.get("quality_reason")) == (quality, reason)
    assert "text_quality" not in fields


@pytest.mark.parametrize("url", ["https://xom.example.org/work/page/", "https://xom.example.org/work/page/index.html"])
def test_a_figure_has_an_address_where_the_page_has_one(url: str) -> None:
    (fields,) = fields_of([result()], url)
    assert fields["figure_url"] == "https://xom.example.org/work/figures/kr83m/v1/052/052894.overview.png"
    assert {"figure", "figure_url", "figures"} & fields_of([result()], url, figures=[])[0].keys() == set()


def test_a_campaign_lists_its_runs() -> None:
    made = outcome(Key("kr83m", "v1", "052801-0bea"), run={"runs": ["052801", "052803"], "runs_missing": ["052802"]})
    fields = points_of(typed(made), "test_")[0].fields
    assert (fields["runs"], fields["runs_missing"]) == ("052801,052803", "052802")


def test_what_is_unknown_has_no_field() -> None:
    used = {"wall_s": 0, "cpu_s": None, "peak_memory_mb": None}
    (fields,) = fields_of([result()], run={"end": None}, resources=used, message="")
    unknown = {"end", "duration_s", "lag_s", "cpu_s", "peak_memory_mb", "message", "git", "runs", "figure_url"}
    assert (fields["wall_s"], type(fields["wall_s"]), unknown & fields.keys()) == (0.0, float, set())

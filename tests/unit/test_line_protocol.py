"""Line protocol: what the client would write as well, and never less."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point as ClientPoint

from support.line_protocol import Reader
from xomflow.publishing.point import Point
from xomflow.publishing.stores import line_protocol

plain = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\"), min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
values = texts | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
points = st.builds(
    Point,
    measurement=plain.filter(lambda name: not name.startswith("#")),
    tags=st.dictionaries(plain, plain, max_size=3),
    fields=st.dictionaries(plain, values, min_size=1, max_size=4),
    time=st.integers(0, 2**62),
)


@given(points=st.lists(points, max_size=3))
def test_what_is_written_is_read_again(points: list[Point]) -> None:
    read = Reader(line_protocol.text(points)).points()
    assert [(one.measurement, one.tags, one.fields, one.time) for one in read] == [
        (one.measurement, one.tags, one.fields, one.time) for one in points
    ]


@given(point=points)
def test_the_client_understands_the_same_by_a_point(point: Point) -> None:
    theirs = Reader(ClientPoint.from_dict(asdict(point)).to_line_protocol() + "\n").points()
    assert Reader(line_protocol.text([point])).points() == theirs


def point(**changes: Any) -> Point:
    return replace(Point("m", {"variable": "a"}, {"value": 1.0}, 5), **changes)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, [1.0], ""])
def test_what_the_client_would_leave_out_or_an_answer_would_lose_is_an_error(value: Any) -> None:
    with pytest.raises(line_protocol.BadPointError, match="the field value is "):
        line_protocol.text([point(fields={"value": value, "n": 1})])


def test_a_point_without_fields_is_an_error() -> None:
    with pytest.raises(line_protocol.BadPointError, match="has no field"):
        line_protocol.text([point(fields={})])


def test_a_measurement_that_the_server_takes_for_a_comment_is_an_error() -> None:
    with pytest.raises(line_protocol.BadPointError, match="cannot be a measurement"):
        line_protocol.text([point(measurement="#1")])
    assert line_protocol.text([point(tags={"variable": "#1"})])


@pytest.mark.parametrize("name", ["", "a\\", "a\nb", "a\tb", "x" * 70_000])
@pytest.mark.parametrize("where", ["measurement", "tag", "tag value", "field"])
def test_a_name_that_the_server_would_change_or_refuse_is_an_error(where: str, name: str) -> None:
    changes: dict[str, Any] = {
        "measurement": {"measurement": name},
        "tag": {"tags": {name: "a"}},
        "tag value": {"tags": {"variable": name}},
        "field": {"fields": {name: 1.0}},
    }
    with pytest.raises(line_protocol.BadPointError, match="cannot be a name"):
        line_protocol.text([point(**changes[where])])

"""The quality flag follows the limits, and says why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomphysics import quality

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_good_is_what_lies_inside_both_limits(value: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = quality.flag({"p_value": value}, {"p_value": [low, high]})
    assert (found["quality"] == "good") == (low <= value <= high)


def test_nan_is_never_good() -> None:
    assert quality.flag({"p_value": float("nan")}, {"p_value": [None, 1.0]})["quality"] == "poor"


def test_an_open_side_and_a_key_that_is_not_there_judge_nothing() -> None:
    limits = {"p_value": [None, None], "relative_width": [None, 0.2]}
    assert quality.flag({"p_value": -5.0}, limits) == {"quality": "good"}


def test_every_number_that_is_out_of_its_limits_is_named() -> None:
    limits = {"p_value": [1e-3, None], "relative_width": [None, 0.2], "tails": [None, 1.0]}
    found = quality.flag({"p_value": 1e-5, "relative_width": 0.31, "tails": 0.1}, limits)
    assert found == {
        "quality": "poor",
        "quality_reason": "p_value 1e-05 is below 0.001; relative_width 0.31 is above 0.2",
    }


def test_warnings_are_reasons_and_empty_ones_are_none() -> None:
    assert quality.flag({}, {}, "", "a thing is wrong") == {"quality": "poor", "quality_reason": "a thing is wrong"}
    assert quality.flag({}, {}, "") == {"quality": "good"}


def test_every_result_with_a_number_is_judged_and_no_other() -> None:
    number, none = {"variable_name": "a", "variable_value": 1.0}, {"variable_name": "b", "insufficient": "no data"}
    assert quality.judged([number, none], {}) == [number | {"data": {"quality": "good"}}, none]
    assert number == {"variable_name": "a", "variable_value": 1.0}


@pytest.mark.parametrize("pair", [[1, 0], [1], 3, None, [1, 2, 3]])
def test_limits_that_are_none_are_refused_with_their_place(pair: Any) -> None:
    with pytest.raises(ValueError, match=r"settings\.quality\.p_value is "):
        quality.check({"p_value": pair})


def test_limits_with_open_sides_are_taken() -> None:
    quality.check({"a": [None, 1], "b": [1, None], "c": [None, None], "d": [1, 1]})

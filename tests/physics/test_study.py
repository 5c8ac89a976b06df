"""The study holds known biases to what they were."""

from typing import Any

import pytest

from physics.study import Row

ROW: dict[str, Any] = {
    "analysis": "a",
    "scenario": "s",
    "variable": "v",
    "truth": 1.0,
    "numbers": 2000,
    "without": 0,
    "relative_bias": 0.0,
    "events": 10.0,
    "small_p": None,
}


@pytest.mark.parametrize(
    ("mean", "width", "ok"),
    [(-0.65, 1.41, True), (-0.60, 1.35, True), (-0.45, 1.41, False), (0.0, 1.0, False), (-0.65, 1.6, False)],
)
def test_a_known_bias_that_moves_is_not_as_it_should_be(mean: float, width: float, ok: bool) -> None:
    row = Row(**ROW, mean=mean, width=width, known="few", expected_mean=-0.65, expected_width=1.41)
    assert row.ok is ok


@pytest.mark.parametrize(("mean", "width", "ok"), [(0.05, 1.05, True), (0.15, 1.0, False), (0.0, 0.8, False)])
def test_without_a_known_bias_the_pull_is_held_to_zero_and_one(mean: float, width: float, ok: bool) -> None:
    assert Row(**ROW, mean=mean, width=width, known="").ok is ok


def test_a_row_whose_numbers_are_all_flagged_is_as_it_should_be() -> None:
    assert Row(**ROW, mean=None, width=None, known="", judged=0).ok


def test_few_unflagged_numbers_are_held_to_wider_limits() -> None:
    assert Row(**ROW, mean=0.5, width=1.2, known="", judged=20).ok
    assert not Row(**ROW, mean=0.5, width=1.2, known="").ok


def test_a_row_without_numbers_is_never_as_it_should_be() -> None:
    row = Row(**(ROW | {"numbers": 0}), mean=None, width=None, known="few", expected_mean=-0.65, expected_width=1.41)
    assert not row.ok

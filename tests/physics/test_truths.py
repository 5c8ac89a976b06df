"""The truths of many simulated runs come back: the short form of `make physics`."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def rows(run_script: Callable[..., Any]) -> list[dict[str, Any]]:
    """What `study.py --fast` prints."""
    found: list[dict[str, Any]] = run_script("study", "--fast")
    return found


def test_every_pull_has_mean_zero_and_width_one_or_a_reason(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if not row["ok"]] == []


def test_a_number_is_given_in_most_runs_that_are_judged(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if row["numbers"] < row["without"]] == []


def test_goodness_of_fit_is_fair_for_true_models(rows: list[dict[str, Any]]) -> None:
    normal = [row for row in rows if row["scenario"] == "normal" and row["small_p"] is not None]
    assert len(normal) > 10
    assert [row for row in normal if row["small_p"] > 0.05 + 3.5 * (0.05 / row["numbers"]) ** 0.5] == []

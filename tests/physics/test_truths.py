"""The truths of many simulated runs come back: a share of `study.py --fast`, of which `make test-all` has the whole."""

from collections.abc import Callable
from typing import Any

import pytest

from support.effort import EFFORT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def rows(run_script: Callable[..., Any]) -> list[dict[str, Any]]:
    """What `study.py --fast` prints of a share of its runs."""
    found: list[dict[str, Any]] = run_script("study", "--fast", "--share", str(min(0.4 * EFFORT, 1)))
    return found


def test_every_pull_has_mean_zero_and_width_one_or_a_reason(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if not row["ok"]] == []


def test_a_number_is_given_in_most_runs_that_are_judged(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if row["numbers"] < row["without"]] == []


def test_goodness_of_fit_is_fair_for_true_models(rows: list[dict[str, Any]]) -> None:
    normal = [row for row in rows if row["scenario"] == "normal" and row["small_p"] is not None]
    assert len(normal) > 10
    assert [row for row in normal if row["small_p"] > 0.05 + 3.5 * (0.05 / row["numbers"]) ** 0.5] == []

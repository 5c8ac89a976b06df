"""The measurement of docs/normal.md in its short form: half a year of each null, each change, and few variables."""

from __future__ import annotations

import sys

import pytest

from xomflow.core.paths import ROOT
from xomflow.core.verdicts import Kind

sys.path.insert(0, str(ROOT / "benchmarks"))
import normal

SEED, FEW, SHORT = 20, 6, 12
# Half a year of six variables is a third of a month of a hundred; of those, fewer than one in two hundred has more.
MOST = 2
# One null of each kind is part of `make test`; the night has all, of a hundred variables.
NULLS = ("gauss", "small_errors", "walk", "poisson1", "bad_runs", "student", "bursts", "jumps20")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a null have few variables."""
    monkeypatch.setattr(normal, "VARIABLES", FEW)
    monkeypatch.setattr(normal, "NAMES", normal.NAMES[:FEW])


@pytest.mark.slow
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", NULLS)
def test_half_a_year_in_which_nothing_happens_has_hardly_a_message(name: str) -> None:
    _, counted, _ = normal.measure_null((name, SEED, normal.YEAR // 2))
    assert sum(counted[kind] for kind in Kind) <= MOST, counted


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, one in normal.CHANGES.items() if one.goal])
def test_planted_changes_are_found_about_as_soon_as_they_should_be(name: str) -> None:
    _, delays, messages, _ = normal.measure_change((name, SEED, SHORT))
    found = sorted(one if one is not None else normal.AFTER for one in delays)
    goal = normal.CHANGES[name].goal
    assert goal is not None and found[SHORT // 2] <= goal[0] + 2 and found[SHORT * 9 // 10] <= goal[1] + 6
    assert sum(messages) <= 1.25 * SHORT


@pytest.mark.nightly
@pytest.mark.parametrize("name", normal.NULLS)
def test_false_messages_are_as_rare_as_the_documentation_claims(name: str) -> None:
    _, counted, _ = normal.measure_null((name, SEED, normal.YEAR))
    assert sum(counted[kind] for kind in Kind) / (normal.YEAR / normal.MONTH) <= normal.GOAL, counted


def test_the_tables_count_messages_a_month_and_delays() -> None:
    counted = normal.Counter({"step": 6, "outliers": 24, "planted": 5, "named": 4})
    row = normal.null_row("gauss", counted, 12.0)
    assert row == "| Gauss | 0.50 ± 0.20 | 12 | 6 step; 4 of 5 bad runs named | 2.0 |"
    assert "**above 0.6**" in normal.null_row("gauss", counted, 6.0)
    delays = [4] * 5 + [7] * 4 + [None]
    assert normal.change_row("step3", delays, [1] * 10, 0) == (
        "| step of 3 sigma | 90.0 % of 10 | 4 / 7 | 5 / 8 | 1.00 |"
    )

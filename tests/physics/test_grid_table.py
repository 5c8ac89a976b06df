"""The heading table of docs/physics.md: what is far off and not flagged is counted, by cell and together."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any]) -> Any:
    """Return what `grid_table_cases.py` prints."""
    return run_script("grid_table_cases")


def test_a_cell_with_too_many_wrong_numbers_is_marked(found: Any) -> None:
    rows = found["table"]["rows"]
    assert found["table"]["ok"] == [True, False]
    assert [row.endswith("| **too many** |") for row in rows] == [True, False, True]
    assert rows[1].startswith("| good | 2,000 | 3 | 100 | 5 | 0.25% |")


def test_a_cell_of_few_numbers_counts_with_the_others_only(found: Any) -> None:
    assert found["few"] == {"ok": True, "off": 6}


def test_what_is_kept_of_a_study_is_not_done_again(found: Any) -> None:
    said = found["study"]
    assert said["first"] == said["again"]
    assert "scada few alike 1.json" in said["kept"]


def test_a_scenario_with_a_slash_in_its_name_can_be_kept(found: Any) -> None:
    assert found["kept"] == "grid 50 PE per keV 1.json"

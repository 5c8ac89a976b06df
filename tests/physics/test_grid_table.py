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
    assert said["first"] == said["again"] == said["kept"]
    assert said["runs"]["again"] == said["runs"]["kept"] == 0
    assert "few alike 1.json" in said["files"]


def test_a_study_of_more_runs_adds_those_that_lack(found: Any) -> None:
    said = found["study"]
    assert said["runs"]["first"] == said["runs"]["more"] > 0
    assert said["more"] == pytest.approx(said["whole"])


def test_a_scenario_with_a_slash_in_its_name_can_be_kept(found: Any) -> None:
    assert found["kept"] == "50 PE per keV 1.json"


@pytest.mark.parametrize(
    "path",
    [
        "tests/physics/truths/grid.py",
        "tests/physics/truths/peak_rate.py",  # named in a text only
        "tests/physics/simulation.py",
        "scripts/analyses/event_rate.py",
        "src/xomphysics/fits/minimum.py",  # imported by what the truths import
    ],
)
def test_the_digest_of_the_code_has_what_makes_and_analyses_the_runs(found: Any, path: str) -> None:
    assert path in found["sources"]


def test_the_digest_of_the_code_has_nothing_that_changes_no_number(found: Any) -> None:
    without = {"src/xomphysics/figures.py", "tests/physics/study.py", "scripts/analyses/scada.py"}
    without.add("scripts/analyses/busy.py")  # its name is in the truths, as the type of a veto
    assert not without & set(found["sources"])


def test_cells_on_a_page_stay_until_they_are_made_again(found: Any) -> None:
    assert found["renewed"] == {"same": True, "codes": [["a", "old"], ["b", "new"], ["c", "new"]]}


def test_parts_of_the_page_stay_until_they_are_made_again(found: Any) -> None:
    text = found["page"]["text"]
    assert "## [busy](b.md)\n\nas before\n\n## scada\n\n1 rows" in text
    assert "Code 0a1b." in text
    assert "gone" not in text


def test_a_part_some_of_whose_runs_lack_stays(found: Any) -> None:
    assert found["page"]["again"]

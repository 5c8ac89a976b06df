"""docs/corrected.md is a table of tests: each row that names no other row's test names one that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "corrected.md").read_text(encoding="utf-8").splitlines()
ROWS = [line for line in LINES if line.startswith("| ") and not line.startswith(("| truth", "| **"))]
TESTS = {
    name
    for path in (ROOT / "tests" / "physics").glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0][2:40])
def test_every_row_names_tests_that_exist(row: str) -> None:
    columns = [column.strip() for column in row[1:-1].split("|")]
    assert len(columns) == 6
    named = set(re.findall(r"`(test_\w+)`", columns[-1]))
    assert named <= TESTS
    assert named or columns[-1] == "the same"

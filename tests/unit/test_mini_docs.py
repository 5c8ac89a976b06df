"""docs/mini_xenonnt.md says what the code does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mini_xenonnt import schedule, truth

TEXT = (Path(__file__).parents[2] / "docs" / "mini_xenonnt.md").read_text(encoding="utf-8")


def test_the_odd_cases_have_the_run_ids_of_the_default_set() -> None:
    runs = schedule.plan(schedule.Parameters(datetime(2026, 11, 22, 12, tzinfo=UTC)))
    assert dict(re.findall(r"^\| `(\w+)` \| (\d{6}) \|", TEXT, re.MULTILINE)) == schedule.odd_runs(runs)


@pytest.mark.parametrize("name", truth.QUANTITIES)
def test_every_truth_is_explained_with_its_default(name: str) -> None:
    row = next(line for line in TEXT.splitlines() if re.match(rf"\|.*`{name}`.*\|.*\|.*\|", line))
    default = truth.QUANTITIES[name].default
    start = default["start"] if isinstance(default, dict) else default
    assert re.search(rf"(?<![\d.]){start:g}(?![\d.]*\d)", row)


@pytest.mark.parametrize("mode", schedule.MODES)
def test_every_mode_is_explained(mode: str) -> None:
    assert re.search(rf"^\| .*`{mode}`", TEXT, re.MULTILINE)


def test_the_example_of_truths_is_valid() -> None:
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    truth.check_specs(json.loads(example.group(1)))

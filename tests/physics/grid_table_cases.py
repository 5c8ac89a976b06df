"""What the heading table of docs/physics.md makes of rows, as JSON; needs the analysis environment."""

import tempfile
from pathlib import Path
from typing import Any

import cases
import grid_table
import study
from study import HERE, Row, Scenario, kept_at

ROW: dict[str, Any] = {
    "analysis": "grid", "variable": "v", "truth": 1.0, "mean": 0.1, "width": 1.0, "numbers": 2000, "without": 3,
    "relative_bias": 0.0, "events": 10.0, "small_p": None, "known": "",
}  # fmt: skip


def case_table() -> Any:
    """A cell with few and one with many numbers that are off."""
    rows = [Row(**ROW, scenario=name, good=1900, off=off) for name, off in (("good", 5), ("bad", 40))]
    cells = grid_table.cells(
        rows, {name: Scenario(name, "", lambda rng: ([], {})) for name in ("good", "bad", "empty")}
    )
    return {"ok": [cell.ok for cell in cells], "rows": grid_table.grid_table(cells).splitlines()[2:]}


def case_few() -> Any:
    few = grid_table.Cell("few", "", 300, 0, 300, 3, 0.0, 1.0)
    return {"ok": few.ok, "off": grid_table.together([few, few]).off}


def case_kept() -> Any:
    return kept_at(HERE, "grid", "50 PE/keV", 1).name


def case_study() -> Any:
    """A small study, and again from what is kept; a scenario that would fail if it were done."""
    with tempfile.TemporaryDirectory() as name:
        options = (["scada"], False, 1, 1, 0.01, Path(name))
        first = [row.mean for row, _ in study.study(*options)]
        kept = sorted(path.name for path in (Path(name) / study.code_digest()).iterdir())
        before, study.simulate = study.simulate, None
        try:
            again = [row.mean for row, _ in study.study(*options)]
        finally:
            study.simulate = before
    return {"first": first, "again": again, "kept": kept}


if __name__ == "__main__":
    cases.print_all(globals())

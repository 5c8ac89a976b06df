"""What the heading table of docs/physics.md makes of rows, as JSON; needs the analysis environment."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cases
import grid_table
import kept_runs
import numpy as np
import physics_page
import study
from kept_runs import HERE, kept_at
from study import Row, Scenario

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


def case_renewed() -> Any:
    """A table on a page, one cell of which is made again, and one that is new."""
    one, other, new = (grid_table.Cell(name, "what", 2000, 3, 1900, 5, -0.1, 1.1, "old") for name in ("a", "b", "c"))
    read = grid_table.read_table("words\n\n" + grid_table.grid_table([one, other]) + "\n\nmore | words\n")
    cells = grid_table.renewed(read, [other, new], "new")
    return {"same": read == [one, other], "codes": [(cell.name, cell.code) for cell in cells]}


def case_page() -> Any:
    """A page one of whose parts is made again."""
    study_rows = [(Row(**ROW | {"analysis": "scada"}, scenario="normal"), np.zeros(3))]
    scenarios = {"scada": {"normal": Scenario("normal", "runs", lambda rng: ([], {}))}}
    limits = {"seed": 1, "mean": 0.1, "low": 0.9, "high": 1.1, "plenty": 900}
    with tempfile.TemporaryDirectory() as name:
        before, physics_page.DOCS = physics_page.DOCS, Path(name)
        page = physics_page.DOCS / "physics.md"
        page.write_text("# Old\n\n## Table\n\n## [busy](b.md)\n\nas before\n\n## scada\n\ngone\n")
        try:
            physics_page.write(study_rows, scenarios, limits, {"scada": "0a1b"})
            first = page.read_text()
            physics_page.write(study_rows, scenarios, limits, {"scada": "0a1b"})
            more = {"scada": scenarios["scada"] | {"other": Scenario("other", "", lambda rng: ([], {}))}}
            physics_page.write(study_rows, more, limits, {"scada": "2c3d"})
        finally:
            physics_page.DOCS = before
        return {"text": first, "again": page.read_text() == first}


def case_kept() -> Any:
    return kept_at(HERE, "grid", "50 PE/keV", 1).name


def case_sources() -> Any:
    """What the runs of an analysis are made with."""
    every = kept_runs.sources(HERE / "truths" / "grid.py")
    return sorted(str(path.relative_to(kept_runs.ROOT)) for path in every)


def case_study() -> Any:
    """A small study, again from what is kept, where nothing may be done, and one of more runs."""
    done: list[tuple[int, int]] = []
    before = study.simulate

    def counted(analysis: str, name: str, first: int, last: int, seed: int) -> Any:
        done.append((first, last))
        return before(analysis, name, first, last, seed)

    with tempfile.TemporaryDirectory() as name:
        study.simulate, pool = counted, study.ProcessPoolExecutor
        study.ProcessPoolExecutor = ThreadPoolExecutor  # in which it is seen what is done
        try:
            studies, runs = {}, {}
            for called, share in (("first", 0.01), ("again", 0.01), ("kept", 0.0), ("more", 0.02)):
                rows = study.study(["scada"], False, 1, 1, share, Path(name))
                studies[called] = [row.mean for row, _ in rows]
                runs[called], done = sum(last - first for first, last in done), []
            whole = [row.mean for row, _ in study.study(["scada"], False, 1, 1, 0.02)]
        finally:
            study.simulate, study.ProcessPoolExecutor = before, pool
        kept = sorted(path.name for path in Path(name).rglob("*.json"))
    return studies | {"runs": runs, "whole": whole, "files": kept}


if __name__ == "__main__":
    cases.print_all(globals())

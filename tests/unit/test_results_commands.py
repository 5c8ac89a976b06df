"""`xom export` and `xom compare`: results of a site as files, made under the software of the analyses."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.factory import keep, key_of, outcome, result
from support.in_process import FastSite, in_fork
from xomflow.cli import main
from xomflow.core.paths import SOURCE


@pytest.fixture
def analysed(site: FastSite, analysis_python: Path, monkeypatch: pytest.MonkeyPatch) -> FastSite:
    """A site with two versions of an analysis."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(site.folder / "cache"))
    site.tree["software"] = [{"interpreter": str(analysis_python)}]
    site.analysis("kr83m", "pass")
    for number in (52894, 52895, 52896):
        scatter = (number - 52895) / 10
        for version, value in (("v1", 10.0), ("v2", 10.5 + scatter)):
            same = result("drift_velocity", 0.68, unit="mm/µs")
            changed = result("position", 1.0, unit="cm" if version == "v1" else "mm")
            tags = ["calm"] if number == 52894 else ["windy"]
            made = outcome(key_of(number, version=version), [result(value=value), same, changed], run={"tags": tags})
            keep(site.paths, made)
    keep(site.paths, outcome(key_of(52897, version="v1")))
    return site


def rows(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_results_are_printed_as_csv(analysed: FastSite) -> None:
    done = analysed.xom(
        "export", "kr83m", "52894-52895", "--tag", "win*", "--version", "v1,v2", "--since", "2026-01-01"
    )
    assert done.returncode == 0, done.stderr
    assert [(row["run_id"], row["version"], row["value"]) for row in rows(done.stdout)[::3]] == [
        ("052895", "v1", "10.0"),
        ("052895", "v2", "10.5"),
    ]


def test_results_are_written_to_a_file_where_the_command_was_typed(analysed: FastSite) -> None:
    below = analysed.folder / "notebooks"
    below.mkdir()
    analysed.write_config()
    done = in_fork(lambda: main(["export", "kr83m", "--output", "table.csv"]), below)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(rows((below / "table.csv").read_text())) == 9


def test_two_versions_are_compared_run_by_run(analysed: FastSite) -> None:
    done = analysed.xom("compare", "kr83m", "v1", "v2", "--output", str(analysed.folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "kr83m light_yield: v2 - v1 = +0.5 ± 0.058 PE/keV in the mean of 3 runs, +5.00% of the mean; they scatter by "
        "0.1 PE/keV; a number only in v1: 1 runs, only in v2: 0",
        "kr83m drift_velocity: v2 and v1 have the same values in 3 runs",
        "kr83m position: not comparable, the units are 'cm' and 'mm'",
        f"the differences are in {analysed.folder}/kr83m-v1-v2.csv, a figure in {analysed.folder}/kr83m-v1-v2.png",
    ]
    first, *_ = rows((analysed.folder / "kr83m-v1-v2.csv").read_text())
    assert (first["run_id"], first["variable"], first["value"], first["value_2"]) == (
        "052894",
        "light_yield",
        "10.0",
        "10.4",
    )
    assert [round(float(first[name]), 3) for name in ("difference", "difference_error")] == [0.4, 0.141]
    assert (analysed.folder / "kr83m-v1-v2.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_done_is_one_sentence(analysed: FastSite) -> None:
    cases = {
        ("export", "kr38m"): "has no results of 'kr38m'; it has those of: kr83m",
        ("export", "kr83m", "--version", "v3"): "has no results of kr83m v3; its versions are: v1, v2",
        ("export", "kr83m", "@other/052801-0bea"): "is a campaign of other, not of kr83m",
        ("export", "kr83m", "--output", "a.parquet"): "Parquet needs pyarrow",
    }
    for words, sentence in cases.items():
        done = analysed.xom(*words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_an_interpreter_without_pandas_is_named(site: FastSite) -> None:
    site.analysis("kr83m", "pass")
    keep(site.paths, outcome())
    done = site.xom("export", "kr83m")
    assert (done.returncode, done.stdout) == (2, "")
    assert "lacks pandas, which this command needs" in done.stderr


# --- under the interpreter of the analyses ----------------------------------------------------------------------------
_ASK = """
import json, math
import pandas
from xomlib.table.commands import _fits
from xomlib.table.compare import draw, merged, sentences

def table(*rows):
    columns = ["run", "run_id", "start", "variable", "unit", "value", "error"]
    whole = [(run, f"{run:06d}", pandas.Timestamp("2026-09-01", tz="UTC"), *more) for run, *more in rows]
    return pandas.DataFrame(whole, columns=columns)

def told(one, two):
    return sentences("kr83m", "v1", "v2", table(*one), table(*two))

none = math.nan
both = merged(
    table((1, "a", "s", 1.0, 0.3), (2, "a", "s", 1.0, none), (3, "a", "s", 2.0, 0.1), (4, "a", "s", 1.0, 0.1)),
    table((1, "a", "s", 1.5, 0.4), (2, "a", "s", 1.5, 0.1), (3, "a", "m", 2.0, 0.1), (5, "a", "s", 1.0, 0.1)),
)
figures = [draw("n", "v1", "v2", one) for one in (both, both[both.unit == "x"])]
panels = [[len(axes.containers) for axes in figure.axes] for figure in figures]
patterns = (["tpc_*"], ["b", "a?"], ["[a]"], [], ["TPC_BKG"])
print(json.dumps({
    "one": told([(1, "a", "s", 2.0, 0.1)], [(1, "a", "s", 2.5, 0.1)]),
    "no level": told(
        [(1, "a", "", -1.0, 0.1), (2, "a", "", 1.0, 0.1)], [(1, "a", "", 0.0, 0.1), (2, "a", "", 3.0, 0.1)]
    ),
    "same": told(
        [(1, "a", "s", 2.0, 0.1), (2, "a", "s", none, none)], [(1, "a", "s", 2.0, 9.0), (2, "a", "s", 1.0, 0.1)]
    ),
    "none": told([(1, "a", "s", none, none), (2, "b", "s", 1.0, 0.1)], [(1, "a", "s", 1.0, 0.1)]),
    "units": told(
        [(1, "a", "s", 1.0, 0.1), (2, "a", "s", 1.0, 0.1)], [(1, "a", "m", 1.0, 0.1), (2, "a", "", 1.0, 0.1)]
    ),
    "runs": both.run_id.tolist(),
    "difference": [None if one != one else one for one in both.difference],
    "error": [None if one != one else round(one, 6) for one in both.difference_error],
    "panels": panels,
    "fits": [[_fits(name, one) for name in ("tpc_bkg", "a?", "ab", "[a]")] for one in patterns],
}))
"""


def test_the_difference_of_two_versions_in_numbers_and_words(analysis_python: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [str(analysis_python), "-c", _ASK]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    only = "a number only in {}: {} runs, only in {}: {}".format
    assert json.loads(done.stdout) == {
        "one": ["kr83m a: v2 - v1 = +0.5 s in one run, +25.00% of the mean"],
        "no level": ["kr83m a: v2 - v1 = +1.5 ± 0.5 in the mean of 2 runs; they scatter by 0.71"],
        "same": [f"kr83m a: v2 and v1 have the same values in 1 runs; {only('v1', 0, 'v2', 1)}"],
        "none": [
            f"kr83m a: no run has a number in both; {only('v1', 0, 'v2', 1)}",
            f"kr83m b: no run has a number in both; {only('v1', 1, 'v2', 0)}",
        ],
        "units": ["kr83m a: not comparable, the units are '' and 'm' and 's'"],
        "runs": ["000001", "000002", "000003"],
        "difference": [0.5, 0.5, None],
        "error": [0.5, None, 0.141421],
        "panels": [[1], [0]],
        "fits": [
            [True, False, False, False],
            [False, True, False, False],
            [False, False, False, True],
            [False] * 4,
            [False] * 4,
        ],
    }

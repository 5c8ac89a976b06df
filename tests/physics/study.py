"""Pulls of every variable over many simulated runs whose truth is known; needs the analysis environment.

``python tests/physics/study.py [--fast] [--only kr83m] [--seed 1] [--processes 2] [--keep DIR] [--write]``

Each file of ``tests/physics/truths/`` is named as an analysis and has its `Scenario`s. The last line of the output has
all rows as JSON; ``--write`` renews docs/physics.md and its plots, with ``--only`` the parts of some analyses. The full
study ends with status 1 where a row is not as it should be; the fast one leaves that to tests.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes are many enough
import kept_runs
import numpy as np
from kept_runs import Found
from numpy.random import Generator

HERE = Path(__file__).resolve().parent

Results = list[dict[str, Any]]
Simulate = Callable[[Generator], tuple[Results, dict[str, float]]]

MEAN, WIDTH = 0.1, (0.9, 1.1)
BLOCK = 100  # runs that a process does at a time
PLENTY = 900  # runs from which on a row is held to the limits as they are: the mean's standard error is 0.033


@dataclass(frozen=True)
class Known:
    """A known bias: its reason, and the mean and width of the pull that it gives."""

    why: str
    mean: float
    width: float


@dataclass(frozen=True)
class Scenario:
    """Simulated runs of one kind.

    Attributes
    ----------
    name
        Short, unique within the analysis.
    what
        The runs in words and numbers, for the table.
    simulate
        Makes one run and analyses it; returns the results as keywords of `xomlib.Xomresult`, and the truths by
        variable. A variable without truth is not judged.
    runs, fast_runs
        Number of runs in the full and in the fast study; 0 leaves it out.
    flags
        The truth is not what the analysis takes for granted: a number that is flagged does not count.
    known
        Variable to its known bias; such a row is held to the same limits about the bias.
    """

    name: str
    what: str
    simulate: Simulate
    runs: int = 2000
    fast_runs: int = 100
    flags: bool = False
    known: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One variable in one scenario.

    Attributes
    ----------
    truth
        The true value (of the first run, should it differ from run to run).
    mean, width
        Of the pull; None with fewer than two numbers.
    numbers, without
        Runs with a number, and runs that ended with "insufficient statistics" or "fit failed".
    relative_bias
        Mean of value / truth - 1.
    events
        Mean of n.
    small_p
        Share of results whose goodness of fit has a p-value below 0.05; None where there is none.
    known
        Reason of a known bias, or empty.
    expected_mean, expected_width
        Of the pull: 0 and 1, or those of the known bias.
    good, off
        Numbers without a flag; those of them that are off by more than 3 sigma, systematic error included.
    judged
        Numbers that mean and width are of, if not all.
    """

    analysis: str
    scenario: str
    variable: str
    truth: float
    mean: float | None
    width: float | None
    numbers: int
    without: int
    relative_bias: float
    events: float
    small_p: float | None
    known: str
    expected_mean: float = 0.0
    expected_width: float = 1.0
    good: int = 0
    off: int = 0
    judged: int | None = None

    @property
    def allowed(self) -> tuple[float, tuple[float, float]]:
        """Limits of mean and width; with few runs three standard errors more, else chance would decide."""
        numbers = self.numbers if self.judged is None else self.judged
        more = 3 / max(numbers, 1) ** 0.5 if numbers < PLENTY else 0.0
        return MEAN + more, (WIDTH[0] - more / 2**0.5, WIDTH[1] + more / 2**0.5)

    @property
    def ok(self) -> bool:
        """Whether the pull, or with a known bias that bias, is as it should be; where all is flagged it is."""
        if self.mean is None or self.width is None:
            return self.judged is not None and self.judged < 2 <= self.numbers
        most, (low, high) = self.allowed
        width = self.width - self.expected_width + 1
        return abs(self.mean - self.expected_mean) < most and low < width < high


def analyses() -> list[str]:
    """Return the analyses that have truths."""
    return sorted(path.stem for path in (HERE / "truths").glob("[a-z]*.py"))


def load_truths(analysis: str) -> Any:
    """Return the module with the truths of one analysis."""
    name = f"truths_{analysis}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / "truths" / f"{analysis}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def scenarios(analysis: str) -> dict[str, Scenario]:
    """Return the scenarios of one analysis by name."""
    return {scenario.name: scenario for scenario in load_truths(analysis).SCENARIOS}


_KEYS = ("value", "error", "truth", "n", "p", "without", "systematic", "good")


def simulate(analysis: str, name: str, first: int, last: int, seed: int) -> Found:
    """Do the runs ``first`` to ``last`` (not inside) of a scenario; every run has random numbers of its own."""
    scenario = scenarios(analysis)[name]
    found: Found = {}
    for number in range(first, last):
        rng = np.random.default_rng([seed, zlib.crc32(f"{analysis} {name}".encode()), number])
        results, truths = scenario.simulate(rng)
        for result in results:
            if (variable := result["variable_name"]) not in truths:
                continue
            row = found.setdefault(variable, {key: [] for key in _KEYS})
            row["truth"].append(truths[variable])
            row["n"].append(float(result.get("n") or 0))
            if "insufficient" in result:
                row["without"].append(1.0)
                row["truth"].pop()
                continue
            row["value"].append(float(result["variable_value"]))
            row["error"].append(float(result["error"]))
            data = result.get("data", {})
            row["systematic"].append(float(data.get("systematic_error", 0.0)))
            row["good"].append(float(data.get("quality") == "good"))
            if "p_value" in data:
                row["p"].append(data["p_value"])
    return found


def study(
    only: list[str], fast: bool, seed: int, processes: int, share: float = 1.0, keep: Path | None = None
) -> list[tuple[Row, np.ndarray]]:
    """Do a share of the runs of the analyses; return the rows with their pulls.

    What is done of a scenario is kept in the folder ``keep`` and taken from there the next time, as long as the code
    that made it is the same; runs that lack to the number that is asked for are added.
    """
    with ProcessPoolExecutor(processes) as pool:
        waiting = []
        for analysis in only:
            for scenario in scenarios(analysis).values():
                runs = round((scenario.fast_runs if fast else scenario.runs) * share)
                place = kept_runs.kept_at(keep, analysis, scenario.name, seed) if keep else None
                done, parts = kept_runs.read(place)
                begun = _begin(pool, analysis, scenario, done, runs, seed)
                waiting.append((analysis, scenario, place, max(done, runs), parts, begun))
        return [row for one in waiting for row in _rows(*one)]


def _begin(pool: Any, analysis: str, scenario: Scenario, done: int, runs: int, seed: int) -> list[Any]:
    size = max(1, min(BLOCK, -(-(runs - done) // 8)))
    return [
        pool.submit(simulate, analysis, scenario.name, first, min(first + size, runs), seed)
        for first in range(done, runs, size)
    ]


def _rows(
    analysis: str, scenario: Scenario, place: Path | None, runs: int, parts: list[Found], begun: list[Any]
) -> list[tuple[Row, np.ndarray]]:
    found = kept_runs.joined([*parts, *(one.result() for one in begun)])
    if begun:
        kept_runs.write(place, runs, found)
    return [_row(analysis, scenario, variable, columns) for variable, columns in found.items()]


def _row(analysis: str, scenario: Scenario, variable: str, columns: dict[str, list[float]]) -> tuple[Row, np.ndarray]:
    value, error, truth, good = (np.array(columns[key]) for key in ("value", "error", "truth", "good"))
    pulls = (value - truth) / error
    if scenario.flags:
        pulls = pulls[good > 0]
    enough = len(pulls) > 1
    known = scenario.known.get(variable, Known("", 0.0, 1.0))
    row = Row(
        analysis=analysis,
        scenario=scenario.name,
        variable=variable,
        truth=float(truth[0]) if len(truth) else float("nan"),
        mean=float(pulls.mean()) if enough else None,
        width=float(pulls.std(ddof=1)) if enough else None,
        numbers=len(value),
        without=len(columns["without"]),
        relative_bias=float(np.mean(value / truth - 1)) if enough and np.all(truth != 0) else 0.0,
        events=float(np.mean(columns["n"])),
        small_p=float(np.mean(np.array(columns["p"]) < 0.05)) if columns["p"] else None,
        known=known.why,
        expected_mean=known.mean,
        expected_width=known.width,
        good=int(sum(columns["good"])),
        judged=len(pulls),
        off=int(np.sum((np.abs(value - truth) > 3 * np.hypot(error, columns["systematic"])) & (good > 0))),
    )
    return row, pulls


def line(row: Row) -> str:
    """Return a row as text."""
    mean, width = ("-" if x is None else f"{x:+.3f}" for x in (row.mean, row.width))
    small = "" if row.small_p is None else f"  p<0.05 {row.small_p:.1%}"
    mark = "  <-- not as it should be" if not row.ok else "  known" if row.known else ""
    return (
        f"{row.analysis:<16}{row.scenario:<14}{row.variable:<28}{row.truth:>11.5g}{mean:>8}{width:>8}"
        f"{row.numbers:>6}{row.without:>6}  bias {row.relative_bias:+.4%}  n {row.events:.0f}{small}{mark}"
    )


def main() -> int:
    """Do the study; print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="the short form, as in `make test`")
    parser.add_argument("--only", nargs="+", choices=analyses(), default=analyses(), metavar="ANALYSIS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="of the runs; 0: what is kept")
    parser.add_argument("--keep", type=Path, help="a folder: what is done of the study stays there and is not repeated")
    parser.add_argument("--write", action="store_true", help="renew docs/physics.md and plots: the parts of --only")
    options = parser.parse_args()
    if options.write and options.fast:
        parser.error("--write does not go with --fast")
    begun = time.monotonic()
    rows = study(options.only, options.fast, options.seed, options.processes, options.share, options.keep)
    seconds = time.monotonic() - begun
    for row, _ in rows:
        print(line(row), file=sys.stderr)
    print(f"{len(rows)} rows in {seconds:.0f} s", file=sys.stderr)
    if options.write:
        import physics_page

        limits = {"seed": options.seed, "mean": MEAN, "low": WIDTH[0], "high": WIDTH[1], "plenty": PLENTY}
        codes = {name: kept_runs.code_of(name) for name in options.only}
        physics_page.write(rows, {name: scenarios(name) for name in options.only}, limits, codes)
    print(json.dumps([asdict(row) | {"ok": row.ok} for row, _ in rows]))
    return 0 if options.fast or all(row.ok for row, _ in rows if row.analysis != "grid") else 1


if __name__ == "__main__":
    sys.modules["study"] = sys.modules["__main__"]  # the truths import it by name
    sys.exit(main())

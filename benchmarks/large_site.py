"""Ticks of a site of 600,000 runs x 20 analyses against Snakemake itself; twelve million outcomes are not written.

``python benchmarks/large_site.py [--runs 600000] [--analyses 20] [--repeat 3]``, under the workflow interpreter.

The newest shelf has all its outcomes. Each older one has one, and when its names are listed for the first time, this
benchmark (``--as-if-complete``) puts those of all its runs into the listing. Later ticks use what is kept of it, as a
site's ticks do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from costs import adopt_orphans, interleaved, load, say
from synthetic import ANALYSES, FIRST_RUN, ROOT, write_documents, write_outcomes
from tick_cost import DRY_FLOOR, RUN_FLOOR, all_judged, floor, ratios, tick

from support.site import Site
from xomflow.cli import main as xom
from xomflow.core.key import run_id
from xomflow.core.paths import TickPaths
from xomflow.outcomes import files
from xomflow.planning.progress.claims import hold_tick
from xomlib.files import dump_json

RUNS_IN_SHELF = 1000


def build(folder: Path, runs: int, analyses: int) -> Site:
    """Write a site in which everything is done, and let it be known to a tick."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    site = Site(folder)
    site.tree["page"] = {"interval": "1 h"}
    site.tree["rundb"] = {"kind": "file", "file": "runs.jsonl"}
    numbers = range(FIRST_RUN, FIRST_RUN + runs)
    write_documents(folder / "runs.jsonl", numbers)
    for name in (f"analysis_{number}" for number in range(analyses)):
        site.analysis(name, "raise SystemExit('this site is only looked at')")
        write_outcomes(site, name, [*numbers[:-RUNS_IN_SHELF:RUNS_IN_SHELF], *numbers[-RUNS_IN_SHELF:]])
    long_ago = time.time() - 86400
    for shelf in site.paths.outcomes.glob("*/*/*"):
        os.utime(shelf, (long_ago, long_ago))
    site.write_config()
    return site


def let_it_be_known(site: Site) -> None:
    """Let one discovery see each shelf as complete, in a process of its own."""
    tick_files = TickPaths(site.paths.tick("first"))
    with hold_tick(tick_files):
        dump_json(tick_files.settings, {"configuration": site.tree, "wrong": {}})
        subprocess.run([sys.executable, __file__, "--as-if-complete", tick_files.folder], cwd=site.folder, check=True)
    shutil.rmtree(tick_files.folder)


def discover_as_if_complete(tick_folder: str) -> int:
    """Discover, with all names of the runs of a shelf where it has some."""
    listed = files.names_in

    def names_in(folder: Path) -> Iterator[str]:
        names = list(listed(folder))
        if folder.name.isdecimal() and names:
            begin = int(folder.name) * RUNS_IN_SHELF
            names = [f"{run_id(number)}.json" for number in range(begin, begin + RUNS_IN_SHELF)]
        yield from names

    files.names_in = names_in
    return xom(["job", "discover", tick_folder])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=600_000)
    parser.add_argument("--analyses", type=int, default=2 * len(ANALYSES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / "benchmarks" / "large_site")
    parser.add_argument("--as-if-complete", metavar="TICK", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_if_complete:
        raise SystemExit(discover_as_if_complete(options.as_if_complete))
    adopt_orphans()
    begin = time.monotonic()
    site = build(options.folder, options.runs, options.analyses)
    let_it_be_known(site)
    tick(site)
    all_judged(site)
    tick(site)
    say(f"## {options.runs:,} runs x {options.analyses} analyses (built in {time.monotonic() - begin:.0f} s; {load()})")
    things = {
        RUN_FLOOR: partial(floor, site),
        DRY_FLOOR: partial(floor, site, "-n"),
        "idle tick, documents changed": partial(tick, site, changed=True),
        "idle tick": partial(tick, site),
    }
    series = interleaved(things, options.repeat)
    say(ratios(series))
    say(f"Largest process: {max(cost.peak_mb for one in series.values() for cost in one.costs):.0f} MB; {load()}.")


if __name__ == "__main__":
    main()

"""Snakemake's share of a job: a tick whose jobs end at once, beside an empty Snakefile with as many jobs.

``python benchmarks/scheduling_cost.py [--jobs 1000,4000,10000] [--repeat 1]``, under the workflow interpreter.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from costs import interleaved, load, measure, table
from synthetic import ROOT

from support.site import Site, document

ANALYSES = 10
FIRST_RUN = 50_000
EMPTY = """
rule all:
    default_target: True
    input: [f"out/{{n}}" for n in range({jobs})]
rule one:
    output: "out/{{n}}"
    shell: "true"
localrules: all
"""
AT_ONCE = ["--executor", "at-once", "--jobs", "100000", "--seconds-between-status-checks", "1", "--latency-wait", "1"]
EMPTY_GREEDY, EMPTY_XOM, TICK = "empty, greedy scheduler", "empty, XOM's scheduler", "a tick"
EMPTY_DRY, TICK_DRY = "empty, -n -q", "a tick, -n -q"


def profile(folder: Path, scheduler: str) -> str:
    """Write the common profile with a scheduler, and return its folder."""
    place = folder / scheduler
    place.mkdir()
    text = (ROOT / "profiles/default/config.yaml").read_text()
    (place / "config.yaml").write_text(text.replace("scheduler: xom", f"scheduler: {scheduler}"))
    return str(place)


def empty(folder: Path, jobs: int) -> None:
    """Make a folder with an empty Snakefile of so many jobs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "Snakefile").write_text(EMPTY.format(jobs=jobs))


def site_with(folder: Path, jobs: int) -> None:
    """Make a site with so many ready runs, all of which a tick takes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    site = Site(folder)
    site.tree |= {"max_jobs_per_tick": jobs, "max_running": 10 * jobs}
    for number in range(ANALYSES):
        site.analysis(f"analysis_{number}", "pass")
    site.runs([document(FIRST_RUN + number) for number in range(jobs // ANALYSES)])
    site.write_config()


def main() -> None:
    """Print a table for each number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", default="1000,4000,10000")
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT / "benchmarks" / "plugins")
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        greedy, own = (profile(folder, one) for one in ("greedy", "xom"))
        for jobs in map(int, options.jobs.split(",")):

            def run(make, place, *words, folder=folder, jobs=jobs):
                make(folder / place, jobs)
                return measure([snakemake, *words], folder / place, folder / "log")

            tick = ["-s", str(ROOT / "Snakefile"), "--workflow-profile", own]
            things = {
                EMPTY_GREEDY: partial(run, empty, "empty", "--workflow-profile", greedy, *AT_ONCE),
                EMPTY_XOM: partial(run, empty, "empty", "--workflow-profile", own, *AT_ONCE),
                TICK: partial(run, site_with, "site", *tick, *AT_ONCE),
                EMPTY_DRY: partial(run, empty, "empty", "--workflow-profile", own, "-n", "-q"),
                TICK_DRY: partial(run, site_with, "site", *tick, "-n", "-q"),
            }
            series = interleaved(things, options.repeat)
            cpu = {name: one.least("cpu") for name, one in series.items()}
            floor = {name: cpu[EMPTY_DRY if name in (EMPTY_DRY, TICK_DRY) else EMPTY_GREEDY] for name in cpu}
            rows = [
                [name, cpu[name], one.least("wall"), one.least("peak_mb"), cpu[name] / floor[name]]
                for name, one in series.items()
            ]
            print(f"\n{jobs} jobs ({load()})\n")
            print(table(["", "CPU s", "wall s", "peak MB", "CPU / empty"], rows))


if __name__ == "__main__":
    main()

"""What the commands that look at a site cost, at 60,000 runs x 10 analyses, relative to the start of the program.

``python benchmarks/operator_commands.py [--runs 60000] [--repeat 3] [--only idle,backfill]``, under the workflow
interpreter. What is measured and what came out is in ``benchmarks/README.md``. The site is that of ``tick_cost.py``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shlex
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from costs import Cost, Series, adopt_orphans, interleaved, load, measure, table
from synthetic import ANALYSES, FIRST_RUN, ROOT, idle_site
from tick_cost import PENDING_PER_ANALYSIS, show, step, tick

from support.site import Site
from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.planning.progress.claims import new_tick

DAYS = 30
TICKS_A_DAY = 144
LISTED = 200
FLOOR = "xom --help"
PARTS = ("idle", "backfill")


def commands(runs: int, moment: datetime) -> list[str]:
    """Return the commands that look at a site."""
    run, analysis = FIRST_RUN + runs // 2, ANALYSES[0]
    looks = ["status", "status --run", f"status --run {run}-{run + 99}", "status --failed"]
    looks += [f"why {run}", f"why {run} --at {times.text(moment)}", f"log {analysis} {run}", f"history {run}"]
    return [*looks, "slow", "outdated", "outdated --runs", "du", "du --exact", "doctor", "completion bash"]


def look(site: Site, words: str) -> Cost:
    """Measure one command, whatever its exit code."""
    command = shlex.join([sys.executable, "-m", "xomflow"])
    return measure(["sh", "-c", f"{command} {words} || true"], site.folder, site.folder / "command.log")


def costs_of(site: Site, runs: int, moment: datetime, repeat: int) -> str:
    """Return a table of all commands."""
    things: dict[str, Callable[[], Cost]] = {FLOOR: partial(look, site, "--help")}
    things |= {f"xom {words}": partial(look, site, words) for words in commands(runs, moment)}
    return in_a_table(interleaved(things, repeat))


def in_a_table(series: dict[str, Series]) -> str:
    """Return the least and the median of each, and its ratio to the floor."""
    base = series[FLOOR].least("cpu")
    rows = [
        [
            name,
            *(getattr(one, how)(what) for what in ("cpu", "wall") for how in ("least", "median")),
            one.least("cpu") / base,
        ]
        for name, one in series.items()
    ]
    return table(["", "CPU s", "median", "wall s", "median", "CPU / floor"], rows)


# --- what a site has besides ------------------------------------------------------------------------------------------
def write_old_ticks(site: Site, runs: int, until: datetime) -> None:
    """Write archives of old ticks, each with run lists and a claim."""
    head = ("run", "state", "reason", "attempt", "next_try", "mode", "start", "end", "tags")
    out = io.StringIO()
    rows = csv.writer(out, dialect="excel-tab", lineterminator="\n")
    rows.writerow(head)
    rows.writerows([run_id(FIRST_RUN + runs - n), "ready", "all needed data can be read", 1] for n in range(LISTED))
    lists, settings = out.getvalue(), json.dumps({"configuration": site.tree, "wrong": {}})
    for day in range(2, DAYS + 2):
        midnight = (until - timedelta(days=day)).replace(hour=0, minute=0, second=0)
        archive = site.paths.tick_archive(f"{midnight:%Y%m%dT}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
            for number in range(TICKS_A_DAY):
                name = new_tick(midnight + number * timedelta(minutes=1440 / TICKS_A_DAY))
                claims = [[analysis, "v1", run_id(FIRST_RUN + number), 1] for analysis in ANALYSES]
                target.writestr(f"{name}/claims.json", json.dumps(claims))
                target.writestr(f"{name}/settings.json", settings)
                for analysis in ANALYSES:
                    target.writestr(f"{name}/runs/{analysis}.tsv", lists)


def measured(folder: Path, runs: int, parts: set[str], repeat: int) -> Iterator[str]:
    """Measure all commands in each situation; yield the tables."""
    site, _ = idle_site(folder, runs, PENDING_PER_ANALYSIS)
    now = times.now()
    moment = now - timedelta(days=DAYS / 2)
    write_old_ticks(site, runs, now)
    for _ in range(2):
        tick(site)
    if "idle" in parts:
        yield f"## {runs:,} runs x {len(ANALYSES)} analyses, all done ({load()})"
        yield costs_of(site, runs, moment, repeat)
    if "backfill" in parts:
        yield f"## A new version of all: {runs * len(ANALYSES):,} keys are pending ({load()})"
        blocks = site.tree["analyses"]
        step(site, ["discover"], raised_to="v2")
        site.tree["analyses"] = {name: {**block, "version": "v2"} for name, block in blocks.items()}
        site.write_config()
        yield costs_of(site, runs, moment, repeat)
        site.tree["analyses"] = blocks
        site.write_config()
    yield f"At the end: {load()}."


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help="default: %(default)s")
    parser.add_argument("--folder", type=Path, help="default: that of tick_cost.py")
    options = parser.parse_args()
    parts = set(options.only.split(","))
    if not parts <= set(PARTS):
        parser.error(f"--only has {', '.join(sorted(parts - set(PARTS)))}; it may have {', '.join(PARTS)}")
    folder = options.folder or ROOT / "work" / "benchmarks" / "tick_cost" / f"{options.runs}_runs"
    adopt_orphans()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, {load()}.\n")
    show(measured(folder.absolute(), options.runs, parts, options.repeat))


if __name__ == "__main__":
    main()

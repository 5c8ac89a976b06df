"""A year of a site in minutes: the real decisions, a fake clock, a fake Slurm; prints the tables of ``docs/scale.md``.

``python benchmarks/simulate_year.py [--days 365] [--old 60000] [--analyses 10] [--most 500] [--seed 1]``, under the
workflow interpreter. The tests of the same program are in ``tests/unit/test_simulated_year.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import synthetic  # makes the support of the tests importable
from costs import say, table

from support.simulated.figures import SEEN, UNHINDERED, middle_and_most
from support.simulated.site import Site
from support.simulated.year import Scenario, live
from xomflow.core import times

assert synthetic.ROOT
STEPS = ("submitted", "done", "published", SEEN, UNHINDERED)


def waits(site: Site) -> Iterator[list[str]]:
    """Return a row for each step from ready on, of new and of old runs."""
    for kind in ("new", "reprocessed"):
        for step in STEPS:
            found = site.figures.waits.get((kind, step), [])
            yield [f"{kind} runs: {step}", str(len(found)), *(times.span(one) for one in middle_and_most(found))]


def counts(site: Site, scenario: Scenario) -> Iterator[list[str]]:
    """Return what was done, and what must be 0."""
    figures, cluster = site.figures, site.cluster
    done = sum(len(found) for (_, step), found in figures.waits.items() if step == "done")
    yield ["outcomes", f"{done:,}"]
    yield ["worked on twice", str(figures.doubled)]
    yield ["ready and neither done nor given up at the end", str(len(site.undone()))]
    yield ["given up (of the broken analysis, before its new version, and by chance)", f"{len(figures.gave_up):,}"]
    yield ["failure records", ", ".join(f"{kind} {number:,}" for kind, number in sorted(figures.failures.items()))]
    yield ["ticks", f"{figures.ticks:,}"]
    yield ["claims", f"{figures.claims:,}"]
    yield ["`sbatch` for one run each", f"{cluster.submitted - figures.batches:,}"]
    yield ["`sbatch` for batches", f"{figures.batches:,} ({figures.batched / max(1, figures.batches):.0f} runs each)"]
    yield ["files of outcomes and failure records", f"{done + sum(figures.failures.values()):,}"]
    yield ["most in progress at a time", f"{figures.most_in_progress:,} (`max_running` {scenario.max_running:,})"]
    yield ["days of a job in Slurm", f"{cluster.busy_seconds / 86400:,.0f}"]


def main() -> None:
    """Print the tables of a scenario."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    whole = Scenario()
    for name in ("days", "old", "analyses", "most", "cpus", "seed"):
        kind = type(getattr(whole, name))
        parser.add_argument(f"--{name}", type=kind, default=getattr(whole, name))
    options = vars(parser.parse_args())
    part = options["days"] / whole.days
    scenario = Scenario(**options, backfills=tuple(day * part for day in whole.backfills))
    began = time.process_time()
    site = live(scenario)
    print(table(["time from ready", "number", "median", "99 %", "longest"], waits(site)))
    print()
    print(table(["", "number"], counts(site, scenario)))
    say(f"{scenario.days:.0f} days in {time.process_time() - began:.0f} CPU s")


if __name__ == "__main__":
    main()

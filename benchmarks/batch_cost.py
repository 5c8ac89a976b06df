"""What a run costs through a real Slurm beyond its analysis, in batches and as a job of its own: CPU, submissions.

A site of the mini-XENONnT: one run's data stand under many run numbers, as hard links. Two analyses: one that reads
``event_info`` through straxen, and one that imports nothing. Ticks run until nothing is pending. Counted are the ticks
and all processes of the jobs, Slurm's own in each job included. Not counted are Slurm's daemons, and a first tick of
four runs, which compiles, asks about the context, and shows how long runs take. What an analysis itself needs, from
after its imports to its end, it measures and saves, and that is taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from costs import adopt_orphans, load, say, table
from synthetic import ROOT  # which also makes the following importable

# isort: split
from local_servers.slurm import SlurmCluster
from support import mini
from support.site import Site
from support.slurm_site import TICK, SlurmSite

FIRST_RUN, WARM_UP = 60001, 4
ANALYSES = {"reads_events": "import straxen, mini_xenonnt.context\n", "imports_nothing": ""}
SCRIPT = """\
import time
{imports}
import xomlib


def main(run_id):
    began = time.process_time()
    {work}
    xomlib.Xomresult(variable_name="rows", variable_value=rows).save()
    xomlib.Xomresult(variable_name="itself", variable_value=time.process_time() - began).save()
"""
WORK = {
    "reads_events": "rows = len(xomlib.context().get_array(run_id, 'event_info', progress_bar=False))",
    "imports_nothing": "rows = sum(range(1000))",
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a backfill cost.

    Parameters
    ----------
    cpu, wall
        Seconds of all its processes, and from its beginning to its end.
    of_ticks
        The part of `cpu` of the ticks.
    itself
        The part of `cpu` that the analyses themselves needed, by analysis, per run.
    jobs
        Number of jobs that were submitted.
    ticks
        Number of ticks.
    """

    cpu: float
    wall: float
    of_ticks: float
    itself: dict[str, float]
    jobs: int
    ticks: int


def set_of_runs(folder: Path, python: Path, runs: int) -> list[dict[str, Any]]:
    """Let the data of one run of the mini-XENONnT stand under many numbers; return the run documents."""
    original = mini.make(python, folder / "mini")
    data, copies = original / "strax_data", folder / "strax_data"
    run = next(path.name[:6] for path in sorted(data.glob("*-event_info-*")) if not path.name.endswith("_temp"))
    documents = map(json.loads, (original / "runs.jsonl").read_text().splitlines())
    document = next(one for one in documents if one["number"] == int(run))
    kinds = [path for path in data.glob(f"{run}-*") if not path.name.endswith("_temp")]
    for number in range(FIRST_RUN, FIRST_RUN + runs):
        for kind in kinds:
            copy = copies / kind.name.replace(run, f"{number:06d}", 1)
            copy.mkdir(parents=True)
            for file in kind.iterdir():
                if file.suffix == ".json":
                    text = file.read_text().replace(f'"run_id": "{run}"', f'"run_id": "{number:06d}"')
                    (copy / file.name).write_text(text)
                else:
                    os.link(file, copy / file.name)
    made = {"tags": [], "mode": "tpc_bkg", "status": "transferred"}
    return [
        {**document, **made, "number": number, "name": f"{number:06d}"} for number in range(FIRST_RUN, FIRST_RUN + runs)
    ]


def site_of(folder: Path, python: Path, cluster: SlurmCluster, batch: dict[str, Any], runs: int) -> SlurmSite:
    """Return a new site whose ticks take everything."""
    folder.mkdir()
    place = SlurmSite(Site(folder), cluster.access)
    place.site.tree["software"] = [{"interpreter": str(python)}]
    place.site.tree["context"] = mini.context(folder.parent)
    place.site.tree["warm_start"] = {"enabled": True}
    place.site.tree["max_jobs_per_tick"] = runs
    place.site.tree["slurm"] |= {"batch": batch, "memory_margin_mb": 300}
    place.site.tree["store"] = {"kind": "local"}
    for name, imports in ANALYSES.items():
        needs = ["event_info"] if "straxen" in imports else []
        place.site.analysis(name, "", memory_mb=2000, needs=needs)
        script = folder / "extra/scripts/analyses" / f"{name}.py"
        script.write_text(SCRIPT.format(imports=imports, work=WORK[name]))
    return place


def backfill(place: SlurmSite, cluster: SlurmCluster, documents: list[dict[str, Any]]) -> tuple[Spent, float]:
    """Run ticks until nothing is pending; return what that cost, and what was spent before it began."""
    place.site.runs(documents[:WARM_UP])
    tick(place)
    place.site.runs(documents)
    first, before, begin = next_number(cluster), children(), time.monotonic()
    of_daemons, of_ticks, ticks = daemons(cluster), 0.0, 0
    while any(len(place.site.done(name)) < len(documents) for name in ANALYSES):
        of_ticks += tick(place)
        ticks += 1
        done = {name: len(place.site.done(name)) for name in ANALYSES}
        say(f"  tick {ticks}: {done} after {time.monotonic() - begin:.0f} s, {load()}")
        while place.jobs():
            time.sleep(0.5)
    wall, jobs = time.monotonic() - begin, next_number(cluster) - first - 1
    cluster_own = daemons(cluster) - of_daemons
    cluster.stop()
    reap()
    numbers = [one["number"] for one in documents[WARM_UP:]]
    itself = {name: sum(own_seconds(place, name, number) for number in numbers) / len(numbers) for name in ANALYSES}
    return Spent(children() - before - cluster_own, wall, of_ticks, itself, jobs, ticks), of_daemons


def tick(place: SlurmSite) -> float:
    """Run a tick and return its CPU seconds; stop if it fails in another way than by failed runs."""
    place.site.write_config()
    with (place.site.folder / "tick.log").open("a") as log:
        process = subprocess.Popen(
            place.site.command(*TICK), cwd=place.site.folder, env=place.environment, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 7):
        raise SystemExit(f"a tick in {place.site.folder} ended with {process.returncode}, see tick.log")
    return usage.ru_utime + usage.ru_stime


def own_seconds(place: SlurmSite, analysis: str, number: int) -> float:
    """Return the CPU seconds of an analysis itself for a run."""
    results = place.site.outcome(analysis, number)["results"]
    return float(next(one["value"] for one in results if one["variable"] == "itself"))


def next_number(cluster: SlurmCluster) -> int:
    """Return the number of a job that is submitted now."""
    number = cluster.access.submit("true")
    cluster.access.run("scancel", number)
    return int(number)


def children() -> float:
    """Return the CPU seconds of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def daemons(cluster: SlurmCluster) -> float:
    """Return the CPU seconds of Slurm's daemons themselves."""
    pids = [one.pid for one in (*cluster.daemons.values(), cluster.controller, cluster._munge)]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def reap() -> None:
    """Wait for all processes that this one adopted."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


@contextmanager
def running_cluster() -> Iterator[SlurmCluster]:
    cluster = SlurmCluster(nodes=1, cpus=2, memory_mb=6000)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def measure(folder: Path, python: Path, name: str, batch: dict[str, Any], runs: int) -> Spent:
    """Measure a backfill on a cluster of its own."""
    say(f"{name}: {runs} runs, {load()}")
    documents = set_of_runs(folder, python, runs + WARM_UP)
    with running_cluster() as cluster:
        place = site_of(folder / "site", python, cluster, batch, runs + WARM_UP)
        return backfill(place, cluster, documents)[0]


def row(name: str, runs: int, spent: Spent) -> list[Any]:
    keys = runs * len(ANALYSES)
    itself = sum(spent.itself.values())
    beyond = spent.cpu / keys - itself / len(ANALYSES)
    return [name, runs, spent.jobs, spent.ticks, beyond, spent.of_ticks / keys, itself / len(ANALYSES), spent.wall]


HEADINGS = (
    "",
    "runs",
    "sbatch",
    "ticks",
    "CPU s beyond the analysis",
    "of it ticks",
    "analysis itself, CPU s",
    "wall s",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="of the backfill in batches")
    parser.add_argument("--alone", type=int, default=20, help="of that with a job for each run; 0: none")
    parser.add_argument("--cpus", type=int, default=1, help="CPUs of a batch")
    parser.add_argument("--interpreter", type=Path, default=ROOT / "work/envs/analysis/bin/python")
    options = parser.parse_args()
    adopt_orphans()
    rows = []
    for name, runs, batch in (
        ("a job for each run", options.alone, {"most": 1}),
        ("batches", options.runs, {"most": 500, "alone": 2, "cpus": options.cpus}),
    ):
        folder = Path(tempfile.mkdtemp(prefix="xom-batch-cost-"))
        try:
            if runs:
                rows.append(row(name, runs, measure(folder, options.interpreter, name, batch, runs)))
                print(table(HEADINGS, rows[-1:]), flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"Per run and analysis, of {len(ANALYSES)}: one reads through straxen, one imports nothing")
    print(table(HEADINGS, rows))
    print(f"At the end: {load()}.")


if __name__ == "__main__":
    main()

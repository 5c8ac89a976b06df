"""What a run costs in the job of a batch, against the same run alone in a job, without Slurm and Snakemake.

``python benchmarks/member_cost.py [--repeat 3]`` under the workflow interpreter, with the analysis environment made.
What is measured is in ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import yaml
from costs import Cost, Series, adopt_orphans, interleaved, load, measure, table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import mini as mini_set
from support.in_process import FastSite
from xomflow.core.key import Key
from xomflow.core.paths import ROOT, TickPaths
from xomflow.jobs.batches.batch_file import Batch, write_batch
from xomflow.jobs.description import read_job
from xomflow.planning.progress.claims import read_claims

ANALYSES = ("light", "event_rate")
FEW = 2
# The analysis itself: libraries, context and compiled code are there, as they never are in a job.
ITSELF = """
import json, sys, time
import xomlib
from xomlib.job import begin
from xomlib.documents.job_description import JobDescription
from xomlib.process.worker import call_script
from pathlib import Path
job = JobDescription.from_json(json.loads(sys.argv[1]))
begin(job)
if job.key.analysis != "light":
    st = xomlib.context()
    xomlib.context = lambda: st
for _ in range(3):
    begin(job)
    before = time.process_time()
    call_script(Path(job.script), job.key.run)
    spent = time.process_time() - before
print(spent)
"""


class Bench:
    """A site with a claimed tick, whose jobs are done again and again."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.python = python
        self.site = FastSite(folder)
        mini_set.point(self.site, mini_set.make(python, folder / "set"), python)
        self.site.tree["warm_start"] = {"enabled": True}
        self.site.analysis("light", "xomlib.Xomresult(variable_name='one', variable_value=1.0).save()")
        whole = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        self.site.tree["analyses"]["event_rate"] = whole["analyses"]["event_rate"]
        self.tick: TickPaths = self.site.claim()
        claimed = {claim.key for claim in read_claims(self.tick)}
        runs = {key.run for key in claimed if key.analysis == "event_rate"}  # the others have no data
        ready = sorted(key for key in claimed if key.run in runs)
        self.keys = {name: [key for key in ready if key.analysis == name] for name in ANALYSES}

    def batch(self, keys: Sequence[Key]) -> Cost:
        """Measure the process in the job of a batch."""
        self._forget()
        write_batch(self.tick, Batch("bench", tuple(keys), 1, 100_000.0))
        cost = self._measure("batch", str(self.tick.folder), "bench")
        self._check(keys)
        return cost

    def alone(self, key: Key) -> Cost:
        """Measure the process in the job of a single run."""
        self._forget()
        cost = self._measure("run", str(self.tick.folder), key.analysis, key.version, key.run)
        self._check([key])
        return cost

    def itself(self, key: Key) -> float:
        """Return the CPU seconds of the analysis itself."""
        with tempfile.TemporaryDirectory() as draft:
            job = json.dumps(read_job(self.tick, key).description(draft).to_json())
            return float(mini_set.call(self.python, "-c", ITSELF, job, folder=self.site.folder).split()[-1])

    def _measure(self, *words: str) -> Cost:
        return measure([sys.executable, "-m", "xomflow", "job", *words], self.site.folder, self.site.folder / "job.log")

    def _forget(self) -> None:
        for folder in (self.site.paths.outcomes, self.site.paths.all_figures, self.site.work / "logs"):
            for one in ANALYSES:
                shutil.rmtree(folder / one, ignore_errors=True)

    def _check(self, keys: Sequence[Key]) -> None:
        missing = [key for key in keys if not self.site.paths.outcome(key).exists()]
        if missing:
            raise SystemExit(f"{missing[0]} and {len(missing) - 1} more are not done, see {self.site.folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--python", type=Path, default=ROOT / "work/envs/analysis/bin/python")
    parser.add_argument("--folder", type=Path, default=ROOT / "work/benchmarks/members")
    options = parser.parse_args()
    os.environ["XOM_BATCH_JOB"] = "slurm 1"
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    bench = Bench(options.folder, options.python.absolute())
    adopt_orphans()
    print(f"{len(bench.keys['light'])} runs, {load()}")
    rows = [row_of(bench, name, options.repeat) for name in ANALYSES]
    headings = ["analysis", "itself", "alone, cold", "in a batch", "beyond itself: alone", "in a batch", "ratio"]
    print(table([*headings, "start of a batch", "wall s of a member"], rows))
    print(f"At the end: {load()}.")


def row_of(bench: Bench, name: str, repeat: int) -> list[str | float]:
    """Return the CPU seconds per run of one analysis; in a batch: the difference of a large and a small one."""
    keys = bench.keys[name]
    bench.batch(keys[:FEW])  # compiles what is compiled once
    things = {
        "alone": partial(bench.alone, keys[0]),
        "few": partial(bench.batch, keys[:FEW]),
        "all": partial(bench.batch, keys),
    }
    series = interleaved(things, repeat)
    itself = min(bench.itself(keys[0]) for _ in range(repeat))
    alone, member = series["alone"].least("cpu"), _per_member(series, "cpu", len(keys))
    start = series["few"].least("cpu") - FEW * member
    beyond = (alone - itself, member - itself)
    return [name, itself, alone, member, *beyond, beyond[0] / beyond[1], start, _per_member(series, "wall", len(keys))]


def _per_member(series: dict[str, Series], what: str, count: int) -> float:
    return (series["all"].least(what) - series["few"].least(what)) / (count - FEW)


if __name__ == "__main__":
    main()

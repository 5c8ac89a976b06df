"""The analyses outside the TPC over a small set of the mini-XENONnT, processed by straxen's own plugins, as JSON.

Needs the analysis environment; the set is made in a temporary folder, and its slow control is served beside.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import analysis_scripts
import numpy as np
from full_chain import analyse, copy_run, remove_last_chunk, truths_of

from mini_xenonnt import slow_control
from mini_xenonnt.simulation import vetoes
from xomflow.rundb.run import run_of
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.job import begin

MAKE = ("--runs", "10", "--decays", "300", "--seconds", "600", "--seed", "5", "--now", "2026-11-22T12:00:00Z")
OF_TYPES = {"busy": "veto_intervals", "muon_veto": "events_mv", "neutron_veto": "events_nv"}


def expected_spread(truth: dict[str, Any], events: int = 20_000) -> dict[str, float]:
    """Return mean and deviation of the spread of the hits' positions (mm), as straxen defines it, by brute force."""
    rng = np.random.default_rng(11)
    places = np.array(list(vetoes.pmts().values())).T
    found = []
    for _ in range(events):
        n = vetoes.MIN_HITS + rng.poisson(vetoes.MEAN_FURTHER_HITS)
        times = rng.exponential(vetoes.EVENT_DECAY, n).astype(int)
        channels = rng.integers(0, len(places), n)
        seen = channels != truth["nveto_dead_channel"] - 2000
        prompt = seen & (times < times[seen].min() + 20)
        weights = rng.exponential(vetoes.PE_PER_HIT, n)[prompt]
        hits = places[channels[prompt]]
        centre = np.average(hits, axis=0, weights=weights)
        found.append(np.sqrt(np.average((hits - centre) ** 2, axis=0, weights=weights).sum()))
    return {"mean": float(np.mean(found)), "error": float(np.std(found) / np.sqrt(events))}


def read_runs(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what `xomlib.run` returns for every run of the set."""
    runs = [run_of(json.loads(line)) for line in (folder / "runs.jsonl").read_text().splitlines()]
    return {run.id: run.as_dict() for run in runs}


def without_data(name: str, settings: dict[str, Any], run_id: str, run: dict[str, Any]) -> dict[str, Any]:
    """Run an analysis that reads no strax data."""
    module = analysis_scripts.load(name)
    key, context = JobKey(name, "v1", run_id), ContextSpec("not:used")
    begun = begin(JobDescription(key, str(module.__file__), context, settings, run))
    module.main(run_id)
    return {result["variable"]: result for result in begun.results}


def slow(folder: Path, runs: list[str]) -> dict[str, Any]:
    """Ask the set's own slow control about every run."""
    with slow_control.Server(slow_control.Series(folder), folder / "slow_control") as server:
        thread = slow_control.serve_in_thread(server)
        names = {parameter.truth: {"name": name} for name, parameter in slow_control.PARAMETERS.items()}
        settings = {"credentials": str(server.account), "parameters": names}
        runs_of_set = read_runs(folder)
        found = {run: without_data("scada", settings, run, runs_of_set[run]) for run in runs}
        server.shutdown()
        thread.join(10)
    return found


def analyse_outside(mini: Path, scratch: Path, most: int | None = None, spread_events: int = 20_000) -> dict[str, Any]:
    """Analyse the runs of a set, at most so many for each analysis, of which the first has figures; damage one."""
    data, draft = mini / "strax_data", scratch / "draft"
    document: dict[str, Any] = {"truths": {}}
    for name, needed in OF_TYPES.items():
        truths, module = truths_of(mini, needed), analysis_scripts.load(name)
        document["truths"] |= truths
        drawn = list(truths)[: None if most is None else 1]
        document[name] = {
            run: analyse(module, data, run, draft if run in drawn else None) for run in list(truths)[:most]
        }
    documents = [json.loads(line) for line in (mini / "runs.jsonl").read_text().splitlines()]
    runs = read_runs(mini)
    rated = [one["name"] for one in documents if "rate" in one][:most]
    document["daq_rate"] = {run: without_data("daq_rate", {}, run, runs[run]) for run in rated}
    document["documents"] = {one["name"]: one for one in documents}
    first, *_, last = document["neutron_veto"]
    document["spread"] = {first: expected_spread(document["truths"][first], spread_events)}
    neutron_veto, damaged = analysis_scripts.load("neutron_veto"), copy_run(data, last, scratch / "damaged")
    (monitor,) = damaged.glob(f"{last}-online_monitor_nv-*")
    remove_last_chunk(monitor)
    document["missing_chunk"] = analyse(neutron_veto, damaged, last)
    shutil.rmtree(monitor)
    document["nothing_by_channel"] = analyse(neutron_veto, damaged, last)
    return document


def main() -> None:
    """Make the set, analyse it, print the document as the last line."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(analysis_scripts.ROOT / "work" / "cache" / "numba"))
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        command = [sys.executable, "-m", "mini_xenonnt", "make", "--output", str(base / "mini"), *MAKE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with contextlib.redirect_stdout(sys.stderr):
            document = analyse_outside(base / "mini", base)
            document["scada"] = slow(base / "mini", list(document["truths"]))
    print(json.dumps(document))


if __name__ == "__main__":
    main()

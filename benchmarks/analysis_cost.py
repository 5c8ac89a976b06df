"""Cost of the analyses: time over reading the needed columns, and peak memory of a run ten times longer.

``python benchmarks/analysis_cost.py [--only kr83m] [--scale 1] [--repeat 3]``, under the analysis interpreter.

A run of each detector of the mini-XENONnT is made once in FOLDER and repeated, shifted in time, until the reference
sizes are there: 50,000 decays for kr83m, 5 million peaks for photo_ionization; and once more ten times as long, for
kr83m_campaign with ten times as many runs. scada and daq_rate read no data of strax. Every measurement
is a process of its own, so that its peak memory is its own. Times are CPU seconds after the imports and the building of
the context ("start"), which every job needs once; the minimum over the repetitions counts. "read" only reads the data
types and columns of the analysis; "numbers" is the analysis' ``main`` without its figure, "all" with it.

strax keeps one chunk in memory at a time, of up to 200 MB by its default. Peak memory of two lengths can be compared
only if both runs have several chunks. So the data of events, of which 50,000 fill a third of a chunk, are in chunks of
10 MB; peaks have strax's 200 MB. FOLDER needs 5 GB.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey

ROOT = Path(__file__).resolve().parents[1]
KR_RATE, BASE_SECONDS = 20.0, 625.0
BASES = {"tpc_kr83m": "052800", "muon_veto": "052801", "neutron_veto": "052802"}  # run mode: run id
FACTORS = (1, 10)
CHUNK_MB = {"peak_basics": 200.0, "event_basics": 50.0}  # others: 10


@dataclass(frozen=True)
class Case:
    """An analysis' reference size: its data types, how often the base run of which mode is repeated.

    A longer ``campaign`` is one of more runs; there it is the same run every time.
    """

    types: tuple[str, ...]
    repeats: int
    size: str
    mode: str = "tpc_kr83m"
    campaign: bool = False


CASES = {
    "event_rate": Case(("event_info", "veto_intervals"), 4, "50,000 decays"),
    "kr83m": Case(("event_info_double",), 4, "50,000 decays"),
    "alpha": Case(("event_info", "veto_intervals"), 4, "50,000 decays"),
    "drift": Case(("event_info",), 4, "50,000 decays"),
    "photo_ionization": Case(("event_basics", "peak_basics", "veto_intervals"), 63, "5 million peaks"),
    "peak_rate": Case(("peak_basics", "veto_intervals"), 63, "5 million peaks"),
    "pmt_health": Case(("online_peak_monitor", "veto_intervals"), 63, "11 hours"),
    "kr83m_campaign": Case(("event_info_double",), 4, "50,000 decays in a run", campaign=True),
    "busy": Case(("veto_intervals",), 63, "11 hours"),
    "muon_veto": Case(("events_mv", "hitlets_mv"), 63, "11 hours", "muon_veto"),
    "neutron_veto": Case(("events_nv", "event_positions_nv", "hitlets_nv"), 63, "11 hours", "neutron_veto"),
}


def run_of(case: Case, factor: int, scale: float) -> tuple[str, int]:
    """Return run id and number of repetitions of the base run."""
    repeats = max(1, round(case.repeats * (1 if case.campaign else factor) * scale))
    return f"{100_000 * (1 + list(BASES).index(case.mode)) + repeats:06d}", repeats


def make_bases(folder: Path, names: list[str]) -> Any:
    """Make the base runs of analyses, unless they are there; return their context, which may write."""
    from mini_xenonnt import truth
    from mini_xenonnt.context import mini_xenonnt

    (folder / "truth").mkdir(parents=True, exist_ok=True)
    st = mini_xenonnt(output_folder=folder / "data", truth_folder=folder / "truth", readonly=False)
    start = datetime(2026, 9, 1, tzinfo=UTC)
    end = start + timedelta(seconds=BASE_SECONDS)
    for mode, base in BASES.items():
        document = truth.of_run({"kr_rate": KR_RATE}, base, mode, start, end, start, 1)
        (folder / "truth" / f"{base}.json").write_text(json.dumps(document))
        cases = [CASES[name] for name in names if CASES[name].mode == mode]
        for data_type in dict.fromkeys(name for case in cases for name in case.types):
            if not st.is_stored(base, data_type):
                st.make(base, data_type, save=(data_type,), progress_bar=False)
    return st


def make_run(st: Any, base_id: str, run_id: str, data_type: str, repeats: int) -> None:
    """Write the base run's data several times, one after the other, as strax would store them."""
    import strax

    if st.is_stored(run_id, data_type):
        return
    base = st.get_array(base_id, data_type, progress_bar=False)
    plugin = st.get_single_plugin(base_id, data_type)
    length = int(BASE_SECONDS * 1e9)
    begin = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp()) * 10**9
    size = CHUNK_MB.get(data_type, 10.0)
    times = [name for name in base.dtype.names if "time" in name and base.dtype[name] == "int64"]

    def pieces() -> Iterator[Any]:
        for i in range(repeats):
            data = base.copy()
            for name in times:
                data[name] += i * length
            start = begin + i * length
            yield strax.Chunk(
                start=start, end=start + length, data=data, data_type=data_type, dtype=base.dtype,
                data_kind=plugin.data_kind_for(data_type), run_id=run_id, target_size_mb=size,
            )  # fmt: skip

    key = st.key_for(run_id, data_type)
    saver = st.storage[0].saver(key, plugin.metadata(run_id, data_type))
    saver.save_from(pieces(), rechunk=True)


def load(name: str) -> ModuleType:
    """Import ``scripts/analyses/<name>.py``."""
    spec = importlib.util.spec_from_file_location(f"analysis_{name}", ROOT / "scripts" / "analyses" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def measure(folder: Path, what: str, name: str, run_ids: str, reads: str) -> dict[str, Any]:
    """Do one measurement in this process; ``reads`` are the data types and columns of the analysis, as JSON."""
    import xomlib
    from xomlib.job import begin

    run_id = run_ids.partition(" ")[0]
    begun = time.process_time()
    module = load(name)
    seen: list[Any] = []
    with tempfile.TemporaryDirectory() as draft:
        begin(job(folder, name, run_ids.split(), draft))
        st = xomlib.context()
        xomlib.context = lambda: st  # the job's own building of it is part of the start
        if what == "reads":
            original = st.get_iter
            st.get_iter = lambda run, target, **rest: (
                seen.append([target, list(rest["keep_columns"])]) or original(run, target, **rest)  # type: ignore[func-returns-value]
            )
        if what == "numbers":
            for place in filter(None, (module, sys.modules.get("xomphysics.kr83m.analysis"))):
                place.draw = lambda *_: b""  # type: ignore[attr-defined]
        ready = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            if what == "read":
                for target, columns in json.loads(reads):
                    for _ in st.get_iter(run_id, target, keep_columns=tuple(columns), progress_bar=False):
                        pass
            else:
                module.main(run_id)
        done = time.process_time()
    return {"start": ready - begun, "work": done - ready, "peak_mb": peak_memory(), "reads": seen}


def job(folder: Path, name: str, run_ids: list[str], draft: str) -> JobDescription:
    """Return the description of a job as the workflow's runner makes it."""
    context = ContextSpec("mini_xenonnt.context:mini_xenonnt", {"output_folder": str(folder / "data")})
    key = JobKey(name, "v1", run_ids[0])
    return JobDescription(key, script="", context=context, run={"runs": run_ids}, draft=draft)


def peak_memory() -> float:
    """Return the peak resident memory of this process in MB.

    Not from getrusage: its maximum survives exec, so a child would report its parent's memory.
    """
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) / 1024


def in_process(folder: Path, what: str, name: str, run_id: str, repeat: int, reads: Any = ()) -> dict[str, Any]:
    """Return the minima of several measurements, each in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--measure", what, name, run_id, json.dumps(reads)]
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: min(run[key] for run in runs) for key in runs[0]}


def table(folder: Path, names: list[str], scale: float, repeat: int) -> str:
    """Measure everything and return the table."""
    st = make_bases(folder, names)
    titles = ("run", "start s", "read s", "numbers s", "all s", "numbers/read", "job/read", "peak MB")
    lines = [f"{'analysis':<18}" + "".join(f"{title:>{len(title) + 2}}" for title in titles)]
    for name in names:
        peaks, case = [], CASES[name]
        for factor in FACTORS:
            run_id, repeats = run_of(case, factor, scale)
            for data_type in case.types:
                make_run(st, BASES[case.mode], run_id, data_type, repeats)
            run_id = " ".join([run_id] * (factor if case.campaign else 1))
            reads = in_process(folder, "reads", name, run_id, 1)["reads"]
            read = in_process(folder, "read", name, run_id, repeat, reads)
            numbers, full = (in_process(folder, what, name, run_id, repeat) for what in ("numbers", "all"))
            start = min(part["start"] for part in (read, numbers, full))
            peaks.append(full["peak_mb"])
            values = (start, read["work"], numbers["work"], full["work"], numbers["work"] / read["work"])
            values += ((start + full["work"]) / (start + read["work"]), full["peak_mb"])
            cells = [f"{value:>{len(title) + 2}.2f}" for value, title in zip(values, titles[1:], strict=True)]
            lines.append(f"{name:<18}{f'x{factor}':>5}" + "".join(cells))
        each = {target: len(columns) for target, columns in reads}
        said = ", ".join(f"{columns} columns of {target}" for target, columns in each.items())
        lines.append(f"  {case.size}; reads {said}; memory of the longer run: {peaks[1] / peaks[0]:.3f} times")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / "benchmarks" / "analysis_cost")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="ANALYSIS")
    parser.add_argument("--scale", type=float, default=1.0, help="times the reference sizes")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", nargs=4, metavar=("WHAT", "ANALYSIS", "RUN", "READS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.folder, *options.measure)))
        return
    print(table(options.folder, options.only, options.scale, options.repeat))


if __name__ == "__main__":
    main()

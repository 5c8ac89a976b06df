"""Cost of the analyses: time over reading the needed columns, and peak memory of a run ten times longer.

``python benchmarks/analysis_cost.py [--decays 12000] [--chunk-mb 5] [--repeat 3]``, under the analysis interpreter.

Two Kr83m runs of the mini-XENONnT, one ten times longer than the other, are made once in FOLDER. Every measurement is a
process of its own, so that its peak memory is its own. Times are CPU seconds after the imports and the building of the
context, which a job pays once ("start"); the least of the repetitions counts. "read" reads the columns that the
analysis needs and does nothing else; "numbers" is the analysis' ``main`` without its figure, "all" with it.

strax keeps one chunk in memory at a time, of up to 200 MB by its default. The short run fills a twentieth of such a
chunk, the long one half of it, so at that size the comparison would be one of chunks. The data are made with smaller
chunks therefore, several per run in both; ``--chunk-mb 200`` shows the other number.
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
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNS = {"052800": 1, "052801": 10}  # run id -> times the length
KR_RATE = 20.0  # Hz
ANALYSES = ("event_rate", "kr83m")


def make_data(folder: Path, decays: int, chunk_mb: float) -> None:
    """Make the two runs, unless they are there."""
    import straxen

    from mini_xenonnt import truth
    from mini_xenonnt.context import mini_xenonnt

    (folder / "truth").mkdir(parents=True, exist_ok=True)
    st = mini_xenonnt(output_folder=folder / "data", truth_folder=folder / "truth", readonly=False)
    straxen.EventInfo.chunk_target_size_mb = straxen.EventInfoDouble.chunk_target_size_mb = chunk_mb
    start = datetime(2026, 9, 1, tzinfo=UTC)
    for run_id, factor in RUNS.items():
        end = start + timedelta(seconds=round(factor * decays / KR_RATE))
        document = truth.of_run({"kr_rate": KR_RATE}, run_id, "tpc_kr83m", start, end, start, 1)
        (folder / "truth" / f"{run_id}.json").write_text(json.dumps(document))
        for data_type in ("event_info", "distinct_channels", "event_info_double"):
            if not st.is_stored(run_id, data_type):
                st.make(run_id, data_type, save=(data_type,), progress_bar=False)


def load(name: str) -> ModuleType:
    """Import ``scripts/analyses/<name>.py``."""
    spec = importlib.util.spec_from_file_location(f"analysis_{name}", ROOT / "scripts" / "analyses" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def reader(module: ModuleType, name: str, run_id: str) -> Callable[[Any], None]:
    """Return what reads the columns that an analysis needs and does nothing with them."""
    if name == "kr83m":
        columns = (*module.NEEDED, *module.DEFAULTS["s1_columns"])
        target = "event_info_double"
    else:
        columns, target = ("time", module.DEFAULTS["energy_column"]), "event_info"

    def read(st: Any) -> None:
        for _ in st.get_iter(run_id, target, keep_columns=columns, progress_bar=False):
            pass

    return read


def measure(folder: Path, what: str, name: str, run_id: str) -> dict[str, float]:
    """Do one measurement in this process."""
    import xomlib
    from xomlib import session

    begun = time.process_time()
    module = load(name)
    with tempfile.TemporaryDirectory() as draft:
        session.begin(job(folder, name, run_id, draft))
        st = xomlib.context()
        xomlib.context = lambda: st  # the job's own building of it is part of the start
        if what == "numbers":
            module.draw = lambda *_: b""
        ready = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            if what == "read":
                reader(module, name, run_id)(st)
            else:
                module.main(run_id)
        done = time.process_time()
    return {"start": ready - begun, "work": done - ready, "peak_mb": peak_memory()}


def job(folder: Path, name: str, run_id: str, draft: str) -> dict[str, Any]:
    """Return the job as the workflow's runner would give it."""
    return {
        "key": {"analysis": name, "version": "v1", "run": run_id},
        "context": {
            "function": "mini_xenonnt.context:mini_xenonnt",
            "arguments": {"output_folder": str(folder / "data")},
        },
        "settings": {},
        "draft": draft,
    }


def peak_memory() -> float:
    """Return the peak resident memory of this process in MB.

    Not from getrusage: its maximum survives exec, so a child would report its parent's memory.
    """
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) / 1024


def in_process(folder: Path, what: str, name: str, run_id: str, repeat: int) -> dict[str, float]:
    """Return the quickest of several measurements, each in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--measure", what, name, run_id]
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: min(run[key] for run in runs) for key in runs[0]}


def table(folder: Path, repeat: int) -> str:
    """Measure everything and return the table."""
    widths = {"run": 6, "start s": 9, "read s": 8, "numbers s": 11, "all s": 7, "numbers/read": 14, "job/read": 10}
    widths["peak MB"] = 9
    lines = [f"{'analysis':<12}" + "".join(f"{title:>{width}}" for title, width in widths.items())]
    for name in ANALYSES:
        peaks = []
        for run_id, factor in RUNS.items():
            read, numbers, full = (
                in_process(folder, what, name, run_id, repeat) for what in ("read", "numbers", "all")
            )
            start = min(part["start"] for part in (read, numbers, full))
            peaks.append(full["peak_mb"])
            values = (start, read["work"], numbers["work"], full["work"], numbers["work"] / read["work"])
            values += ((start + full["work"]) / (start + read["work"]), full["peak_mb"])
            cells = [f"{value:>{width}.2f}" for value, width in zip(values, list(widths.values())[1:], strict=True)]
            lines.append(f"{name:<12}{f'x{factor}':>6}" + "".join(cells))
        lines.append(f"{name}: peak memory of the longer run over the normal one {peaks[1] / peaks[0]:.3f}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / "benchmarks" / "analysis_cost")
    parser.add_argument("--decays", type=int, default=12_000, help="Kr83m decays of the normal run")
    parser.add_argument("--chunk-mb", type=float, default=5.0, help="size of the data's chunks")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "ANALYSIS", "RUN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.folder, *options.measure)))
        return
    data_folder = options.folder / f"decays_{options.decays}_chunks_{options.chunk_mb:g}"
    make_data(data_folder, options.decays, options.chunk_mb)
    print(table(data_folder, options.repeat))


if __name__ == "__main__":
    main()

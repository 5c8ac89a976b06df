"""Makes small sets of the mini-XENONnT, one of them with a kill -9 in between, and prints what is found as JSON.

Runs under the analysis interpreter; `test_mini_chain.py` judges.
"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import strax

from mini_xenonnt import folder as place
from mini_xenonnt import schedule
from mini_xenonnt.context import mini_xenonnt
from support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SET = ("--runs", "24", "--decays", "300", "--seconds", "30", "--now", "2026-11-22T12:00:00Z")
TAKE = ("--mode", "tpc_kr83m", "--decays", "4000", "--now", "2026-11-22T13:00:00Z", "--tags", "new")
KR_ENERGIES = {"light_yield_32_2": ("cs1_a", 32.1516), "light_yield_9_4": ("cs1_b", 9.4057)}


def command(name: str, folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "mini_xenonnt", name, "--output", str(folder), *options]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=True)


def children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def killed_make(folder: Path) -> dict[str, Any]:
    """Start a make, kill it as soon as the first run is done; say how much was left and whether workers survived."""
    with subprocess.Popen(command("make", folder, *SET), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("[ 1/"):
            assert process.poll() is None
        workers = children(process.pid)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    alive = [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    return {"workers": len(workers), "alive": len(alive), "documents": place.runs_file(folder).exists()}


def digests(folder: Path) -> dict[str, str]:
    """Everything but strax's metadata, which holds times and versions."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("metadata.json")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def availability(folder: Path, lineage: dict[str, str]) -> list[dict[str, Any]]:
    st = mini_xenonnt(place.strax_data(folder))
    rows = []
    for run in documents(folder):
        for name in schedule.STORED_TYPES:
            path = place.data_folder(folder, run["name"], name, lineage[name])
            rows.append(
                {
                    "run": run["name"],
                    "type": name,
                    "readable": place.is_readable(path),
                    "stored": bool(st.is_stored(run["name"], name)),
                    "promised": any(e["type"] == name and e["host"] == "rucio-catalogue" for e in run["data"]),
                }
            )
    return rows


def documents(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.runs_file(folder).read_text().splitlines()]


def counts(folder: Path) -> list[dict[str, Any]]:
    """Numbers of events of all kinds, found and expected, summed over all runs that have them."""
    st = mini_xenonnt(place.strax_data(folder))
    sums: dict[str, list[float]] = {}
    for run in documents(folder):
        path = place.truth_file(folder, run["name"])
        if not path.exists():
            continue
        truth = json.loads(path.read_text())
        seconds = (truth["end_ns"] - truth["start_ns"]) / 1e9
        rates = {
            "event_info": sum(truth[f"{name}_rate"] for name in ("event", "kr", "rn222", "po218")),
            "events_nv": truth["nveto_rate"],
            "events_mv": truth["muveto_rate"],
            "veto_intervals": truth["busy_rate"] + truth["hev_rate"],
        }
        for name, rate in rates.items():
            if st.is_stored(run["name"], name):
                found = len(st.get_array(run["name"], name, progress_bar=False))
                total = sums.setdefault(name, [0.0, 0.0])
                total[0] += found
                total[1] += rate * seconds
    return [{"type": name, "found": found, "expected": expected} for name, (found, expected) in sums.items()]


def krypton(folder: Path, run_id: str) -> dict[str, Any]:
    st = mini_xenonnt(place.strax_data(folder))
    events = st.get_array(run_id, "event_info_double", progress_bar=False)
    truth = json.loads(place.truth_file(folder, run_id).read_text())
    double = (events["ds_s1_dt"] > 750) & (events["ds_s1_dt"] < 2000) & (events["s1_b_area"] > 40)
    out: dict[str, Any] = {"double": int(double.sum()), "events": len(events)}
    for name, (column, energy) in KR_ENERGIES.items():
        found = events[column][double] / energy
        out[name] = {
            "mean": float(found.mean()),
            "error": float(found.std() / np.sqrt(len(found))),
            "truth": truth[name],
        }
    return out


def hashes(**options: Any) -> dict[str, str]:
    st = mini_xenonnt(**options)
    return {name: st.key_for("052800", name).lineage_hash for name in schedule.STORED_TYPES}


def refusal(folder: Path) -> dict[str, Any]:
    """Ask a reading context for data that are not there."""
    before = digests(folder)
    st = mini_xenonnt(place.strax_data(folder))
    message = ""
    try:
        st.get_array("052800", "peaks", progress_bar=False)
    except strax.DataNotAvailable as error:
        message = str(error)
    return {"message": message, "changed": before != digests(folder)}


def here(folder: Path) -> list[str]:
    """What building and reading a context leaves in the working directory."""
    folder.mkdir()
    with contextlib.chdir(folder):
        mini_xenonnt("data").is_stored("052800", "event_info")
    return [path.name for path in folder.iterdir()]


def look(mini: Path, made: dict[str, str], scratch: Path) -> dict[str, Any]:
    """Return what is found in a set whose data were made with these lineage hashes."""
    return {
        "odd": json.loads((mini / "mini.json").read_text())["odd"],
        "hashes": [
            made,
            hashes(),
            hashes(output_folder=scratch / "x", truth_folder=scratch / "cmt-xedocs", readonly=False),
        ],
        "availability": availability(mini, made),
        "counts": counts(mini),
        "refusal": refusal(mini),
        "here": here(scratch / "empty"),
    }


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "work" / "cache" / "numba"))
    with tempfile.TemporaryDirectory(prefix="mini-") as name:
        yield Path(name)


def main() -> None:
    with folder() as base:
        one, other = base / "one", base / "other"
        killed = killed_make(one)
        call(*command("make", one, *SET))
        call(*command("make", other, *SET, "--jobs", "1"))
        same = digests(one) == digests(other)
        again = call(*command("make", one, *SET)).stderr
        taken = call(*command("take", one, *TAKE)).stdout.strip()
        state = json.loads((one / "mini.json").read_text())
        found = {
            **look(one, state["lineage"]["hashes"], base),
            "killed": killed,
            "same": same,
            "again": again,
            "taken": taken,
            "last": documents(one)[-1],
            "krypton": krypton(one, taken),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""What `xomlib.results` costs: 100,000 results, seven an outcome, cold and warm, against reading the same as CSV.

Run it with the analysis interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas

import xomlib

_VARIABLES = 7


def main() -> None:
    """Make outcomes, and print what each way of reading them took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        work = Path(folder, "work")
        outcomes = -(-options.results // _VARIABLES)
        for number in range(40_000, 40_000 + outcomes):
            _write(work, number)
        time.sleep(2.5)  # younger folders are not kept

        def read() -> pandas.DataFrame:
            return xomlib.results("kr83m", site=work)

        cold, frame = _timed(read, 1)
        warm, _ = _timed(read, options.repeat)
        table = Path(folder, "table.csv")
        frame.drop(columns="data").to_csv(table, index=False)
        csv, _ = _timed(lambda: pandas.read_csv(table), options.repeat)
    print(f"{len(frame)} results of {outcomes} outcomes")
    print(f"CPU: cold {cold:.2f} s, warm {warm:.2f} s, the same without data from CSV by pandas {csv:.2f} s")
    print(f"warm / CSV {warm / csv:.2f}, cold / warm {cold / warm:.1f}")


def _timed(work: Callable[[], pandas.DataFrame], repeat: int) -> tuple[float, pandas.DataFrame]:
    """Return the least CPU time of some repetitions, in seconds, and what it gave."""
    took = []
    for _ in range(repeat):
        begun = time.process_time()
        frame = work()
        took.append(time.process_time() - begun)
    return min(took), frame


def _write(work: Path, number: int) -> None:
    run = f"{number:06d}"
    folder = work / "outcomes/kr83m/v1" / run[:3]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{run}.json").write_text(json.dumps(_outcome(number, run), indent=1))


def _outcome(number: int, run: str) -> dict[str, Any]:
    of_each = {"unit": "PE/keV", "n": 512 + number, "limit": None, "insufficient": None}
    data = {"quality": "good", "chi2": 1.2, "p_value": 0.4}
    results = [
        {"variable": f"variable_{one}", "value": number / 7 + one, "error": 0.1, **of_each, "data": data}
        for one in range(_VARIABLES)
    ]
    types = ("event_basics", "event_info_double", "peak_basics", "corrected_areas")
    minutes, day = number % 1440, number // 1440 - 26
    start = f"2026-09-{day:02d}T{minutes // 60:02d}:{minutes % 60:02d}:00Z"
    facts = {"number": number, "mode": "tpc_kr83m", "source": "Kr-83m", "start": start, "end": start}
    more = {"detectors": ["tpc"], "tags": ["sr1_preliminary"], "comments": ["a comment"], "rate": {"tpc": 20.1}}
    made_with = {
        "lineage": dict.fromkeys(types, "abcdefghij"),
        "software": "/opt/python",
        "versions": {"strax": "2.2.3"},
    }
    return {
        "schema": "xom-outcome-2",
        "key": {"analysis": "kr83m", "version": "v1", "run": run},
        "status": "done",
        "attempt": 1,
        "message": "",
        "failure": None,
        "results": results,
        "figures": ["overview.png"],
        "run": facts | more,
        "provenance": {**made_with, "git": None, "host": "node01", "batch_job": None},
        "resources": {"wall_s": 1.5, "cpu_s": 1.0, "peak_memory_mb": 400.0},
        "started": start,
        "ended": start,
    }


if __name__ == "__main__":
    main()

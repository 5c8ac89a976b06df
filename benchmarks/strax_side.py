"""The part of ``tick_cost.py`` that needs strax; under the analysis interpreter, answers on standard output as JSON.

``CONTEXT`` is a list: the arguments of the context, and more folders of data.

``strax_side.py metadata CONTEXT FOLDER TYPE ...`` writes metadata as strax does, with the whole lineage.
``strax_side.py stored CONTEXT RUN,RUN,... TYPE ...`` asks ``is_stored`` for each run and type, twice.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import strax

from mini_xenonnt.context import mini_xenonnt


def write_metadata(st: Any, folder: str, types: list[str]) -> dict[str, str]:
    """Write a file of metadata for each type; return its path by ``<type>-<hash>``."""
    places = {}
    for name in types:
        key = st.key_for("000000", name)
        chunk = {"chunk_i": 0, "n": 1000, "start": 0, "end": 1, "run_id": "000000", "nbytes": 80_000, "filesize": 9_000}
        content = {
            "run_id": "000000",
            "data_type": name,
            "data_kind": name,
            "dtype": st.get_single_plugin("000000", name).dtype_for(name).descr,
            "lineage_hash": key.lineage_hash,
            "compressor": "zstd",
            "lineage": key.lineage,
            "chunk_target_size_mb": 200,
            "chunks": [{**chunk, "filename": f"{name}-{key.lineage_hash}-{number:06}"} for number in range(10)],
            "writing_started": 1.0,
            "writing_ended": 2.0,
            "strax_version": strax.__version__,
        }
        place = Path(folder, f"{name}.json")
        place.write_text(json.dumps(content, sort_keys=True, indent=4, default=dict))
        places[f"{name}-{key.lineage_hash}"] = str(place)
    return places


def ask(st: Any, runs: list[str], types: list[str]) -> dict[str, Any]:
    """Return the wall and CPU seconds of two passes over the runs, and what is stored."""
    passes = []
    stored: list[list[str]] = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        stored = [[run, name] for run in runs for name in types if st.is_stored(run, name)]
        passes.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    return {"passes": passes, "stored": stored}


def main() -> None:
    """Run one command and print its answer."""
    verb, given, subject, *types = sys.argv[1:]
    arguments, *folders = json.loads(given)
    st = mini_xenonnt(**arguments)
    st.storage += [strax.DataDirectory(folder, readonly=True) for folder in folders]
    answer = write_metadata(st, subject, types) if verb == "metadata" else ask(st, subject.split(","), types)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

"""Making the data of single runs with strax, in worker processes. Only this module and `context` need strax."""

import contextlib
import io
import json
import shutil
import time
from functools import cache
from pathlib import Path

import strax

from mini_xenonnt import folder as place
from mini_xenonnt.context import mini_xenonnt
from mini_xenonnt.schedule import STORED_TYPES, UPPER_TYPES, Run

CHAINS = (("peak_basics", "event_basics", *UPPER_TYPES), ("events_nv", "event_positions_nv"))
"""Chains of data types; making the last type of a chain makes all of them."""


@cache
def _context(folder: Path) -> strax.Context:
    st = mini_xenonnt(place.strax_data(folder), folder / "truth", readonly=False)
    st.storage[0].take_only = STORED_TYPES
    return st


def lineage_hashes() -> dict[str, str]:
    """Return the lineage hash of each stored data type; it is the same for all runs."""
    st = mini_xenonnt("strax_data")
    return {name: st.key_for("000000", name).lineage_hash for name in STORED_TYPES}


def produce(folder: Path, run: Run) -> tuple[float, float]:
    """Make the data of one run again; existing data of the run are deleted first.

    Parameters
    ----------
    folder : Path
        Folder of the set; the truth file of the run lies in it.
    run : Run
        The run.

    Returns
    -------
    tuple of float
        Seconds that it took, and megabytes on disk.

    Raises
    ------
    Exception
        Any error of strax or a plugin, with the output of strax in a note.
    """
    begin = time.monotonic()
    for old in place.strax_data(folder).glob(f"{run.run_id}-*"):
        shutil.rmtree(old)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            _make(_context(folder), run)
    except Exception as error:
        error.add_note(printed.getvalue()[-2000:])
        raise
    for name in run.broken_types:
        _break(folder, run, name)
    paths = place.strax_data(folder).glob(f"{run.run_id}-*/*")
    return time.monotonic() - begin, sum(path.stat().st_size for path in paths) / 1e6


def _make(st: strax.Context, run: Run) -> None:
    """Make the data types of a run: each chain in one pass, the others one by one."""
    chains = [tuple(name for name in chain if name in run.types) for chain in CHAINS]
    others = [(name,) for name in run.types if not any(name in chain for chain in chains)]
    for types in filter(None, [*chains, *others]):
        st.make(run.run_id, types[-1], save=types, processor="single_thread")


def _break(folder: Path, run: Run, data_type: str) -> None:
    """Write the remains of a killed (`temp`) or a crashed (`exception`) process for a data type."""
    key = _context(folder).key_for(run.run_id, data_type)
    final = place.data_folder(folder, run.run_id, data_type, key.lineage_hash)
    path = final.with_name(final.name + "_temp") if run.odd == "temp" else final
    path.mkdir(parents=True)
    metadata = {
        "run_id": run.run_id,
        "data_type": data_type,
        "lineage_hash": key.lineage_hash,
        "lineage": key.lineage,
        "chunks": [],
        "writing_started": run.end.timestamp(),
    }
    if run.odd == "exception":
        metadata["exception"] = "RuntimeError: simulated crash of the processing"
        metadata["writing_ended"] = run.end.timestamp() + 60
    name = f"{data_type}-{key.lineage_hash}-metadata.json"
    (path / name).write_text(json.dumps(metadata, indent=4, sort_keys=True, default=str))

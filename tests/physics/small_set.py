"""The analyses and the mini-XENONnT itself on a small set that is there already, as JSON: ``small_set.py SET``.

The short form of `full_chain.py`, `outside_chain.py` and `mini_chain.py`, in one process, since strax starts slowly.
"""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import mini_chain
from full_chain import analyse_tpc
from outside_chain import analyse_outside

from mini_xenonnt import folder as place
from mini_xenonnt import schedule
from mini_xenonnt.context import mini_xenonnt

MOST_TPC, MOST_OUTSIDE = 2, 8  # runs for each analysis; the TPC's have as many with as without krypton


def made_again(mini: Path, scratch: Path) -> dict[str, bool]:
    """Make the lowest data types of single runs a second time; return by data type whether all bytes are the same."""
    state = json.loads((mini / "mini.json").read_text())
    runs = [run for run in schedule.plan(place.parameters_from_json(state["parameters"])) if run.types and not run.odd]
    st = mini_xenonnt(scratch / "strax_data", scratch / "truth", readonly=False)
    same = {}
    for mode, data_type in (("tpc_kr83m", "peak_basics"), ("tpc_kr83m", "veto_intervals"), ("muon_veto", "events_mv")):
        run_id = next(run.run_id for run in runs if run.mode == mode)
        place.write_if_changed(place.truth_file(scratch, run_id), place.truth_file(mini, run_id).read_text())
        st.make(run_id, data_type, save=(data_type,), processor="single_thread", progress_bar=False)
        one, other = (
            {name: digest for name, digest in mini_chain.digests(folder / "strax_data").items() if data_type in name}
            for folder in (mini, scratch)
        )
        same[data_type] = bool(other) and other.items() <= one.items()
    return same


def look(mini: Path) -> dict[str, Any]:
    """Return everything that is found on the set."""
    hashes = json.loads((mini / "mini.json").read_text())["lineage"]["hashes"]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        return {
            "tpc": analyse_tpc(mini, scratch / "tpc", MOST_TPC),
            "outside": analyse_outside(mini, scratch / "outside", MOST_OUTSIDE, spread_events=3_000),
            "mini": {**mini_chain.look(mini, hashes, scratch), "same": made_again(mini, scratch / "again")},
        }


def main() -> None:
    """Print what is found as the last line."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(mini_chain.ROOT / "work" / "cache" / "numba"))
    with contextlib.redirect_stdout(sys.stderr):
        document = look(Path(sys.argv[1]))
    print(json.dumps(document))


if __name__ == "__main__":
    main()

"""What is found on a small set that is there already, as JSON: ``small_set.py SET PART``.

The parts are the short forms of `full_chain.py` (tpc), `outside_chain.py` (outside) and `mini_chain.py` (mini).
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
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


def look_at_mini(mini: Path, scratch: Path) -> dict[str, Any]:
    """Return what is found about the mini-XENONnT itself."""
    hashes = json.loads((mini / "mini.json").read_text())["lineage"]["hashes"]
    return {**mini_chain.look(mini, hashes, scratch), "same": made_again(mini, scratch / "again")}


PARTS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "tpc": lambda mini, scratch: analyse_tpc(mini, scratch, MOST_TPC),
    "outside": lambda mini, scratch: analyse_outside(mini, scratch, MOST_OUTSIDE, spread_events=3_000),
    "mini": look_at_mini,
}


def main() -> None:
    """Print what is found as the last line."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(mini_chain.ROOT / "work" / "cache" / "numba"))
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as scratch:
        document = PARTS[sys.argv[2]](Path(sys.argv[1]), Path(scratch))
    print(json.dumps(document))


if __name__ == "__main__":
    main()

"""Damage of strax's data is told as such, whatever codec, context and way of reading."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from xomflow.core.paths import ROOT

TRY = """
import json, sys
from pathlib import Path

from xomlib.process.failures import failure_of
from xomlib.process.reads import Journal, lineage_in, watch

folder = Path(sys.argv[1])
watch(Journal(folder / "reads"))
import numpy as np
import strax


class Peaks(strax.Plugin):
    provides, depends_on, data_kind, __version__, rechunk_on_save = "peaks", (), "peaks", "1", False
    dtype = strax.time_fields + [(("Area", "area"), np.float32)]

    def is_ready(self, chunk_i):
        return chunk_i < 3

    def source_finished(self):
        return True

    def compute(self, chunk_i):
        data = np.zeros(1000, self.dtype)
        data["time"] = chunk_i * 10**6 + np.arange(1000)
        data["endtime"], data["area"] = data["time"] + 1, np.arange(1000)
        return self.chunk(start=chunk_i * 10**6, end=(chunk_i + 1) * 10**6, data=data)


class Cuts(strax.Plugin):
    provides, depends_on, data_kind, __version__ = "cuts", ("peaks",), "peaks", "1"
    save_when, dtype = strax.SaveWhen.NEVER, strax.time_fields + [(("Cut", "cut"), bool)]

    def compute(self, peaks):
        return {"time": peaks["time"], "endtime": peaks["endtime"], "cut": peaks["area"] > 5}


WAYS = {
    "array": lambda st: st.get_array("052801", "peaks", progress_bar=False),
    "chunks": lambda st: list(st.get_iter("052801", "peaks", progress_bar=False)),
    "derived": lambda st: st.get_array("052801", "cuts", progress_bar=False),
    "workers": lambda st: st.get_array("052801", "peaks", progress_bar=False, max_workers=2),
}


def context(place):
    return strax.Context(storage=[strax.DataDirectory(str(place))], register=[Peaks, Cuts], allow_multiprocess=True)


said = {}
for codec in ("blosc", "zstd", "lz4", "bz2"):
    Peaks.compressor = codec
    place = folder / codec
    context(place).make("052801", "peaks")
    (data,) = place.iterdir()
    chunk = sorted(path for path in data.iterdir() if path.name[-6:].isdigit())[1]
    (metadata,) = data.glob("*.json")
    for path, damages in {
        chunk: {"cut": lambda b: b[: len(b) // 2], "empty": lambda b: b"", "other": lambda b: b"other", "gone": None},
        metadata: {"no JSON": lambda b: b[:-20], "length": lambda b: b.replace(b'"n": 1000', b'"n": 999', 1)},
    }.items():
        whole = path.read_bytes()
        for name, damage in damages.items():
            path.unlink()
            if damage:
                path.write_bytes(damage(whole))
            for way in WAYS if name == "other" else ["array"]:
                try:
                    said[f"{codec}, {name}, {way}"] = str(len(WAYS[way](context(place))))
                except BaseException as error:
                    said[f"{codec}, {name}, {way}"] = failure_of(error, needs=[])
        path.write_bytes(whole)
read = lineage_in(folder / "reads")
assert read == {"peaks": context(place).key_for("052801", "peaks").lineage_hash}, read
print(json.dumps(said))
"""


@pytest.mark.slow
def test_damage_is_told_with_type_and_run(analysis_python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [analysis_python, "-W", "ignore", "-c", TRY, tmp_path],
        env={"PYTHONPATH": str(ROOT / "src"), "NUMBA_CACHE_DIR": str(tmp_path / "numba")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert len(said) == 4 * 9
    wrong = {
        name: found
        for name, found in said.items()
        if found[0] != "data_broken" or not found[1].startswith("peaks of run 052801 cannot be read: ")
    }
    assert wrong == {}

"""A wrong bit in a chunk that decodes nevertheless is seen where the rest shows what was written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from xomflow.core.paths import ROOT

TRY = """
import json, random, sys
from pathlib import Path

import blosc
import numpy as np

from xomlib.process.damage import LARGEST, damaged_block

file = Path(sys.argv[1]) / "chunk"
blosc.set_nthreads(1)  # as strax does
drawn = np.random.default_rng(1)
data = np.zeros((40_000, 15))  # rows as of events: times, areas, counts, and columns without a value
data[:, 0] = np.cumsum(drawn.integers(1, 10**9, len(data)))
data[:, 1:5] = drawn.normal(100, 20, (len(data), 4))
data[:, 5:9] = drawn.integers(0, 100, (len(data), 4))
data[:, 9:] = np.nan
data = data.ravel()
whole = blosc.compress(data, shuffle=False)


def look(content, decoded, codec="blosc"):
    file.write_bytes(content)
    return damaged_block(file, decoded, codec)


chance, seen, changed = random.Random(1), 0, 0
for _ in range(60):
    damaged = bytearray(whole)
    damaged[chance.randrange(64, len(whole))] ^= 1 << chance.randrange(8)
    try:
        decoded = np.frombuffer(blosc.decompress(bytes(damaged)))
    except (blosc.blosc_extension.error, ValueError):
        continue
    changed += not np.array_equal(decoded, data, equal_nan=True)
    seen += look(bytes(damaged), decoded) is not None
large = np.zeros(LARGEST // 8 + 1)
print(json.dumps({
    "share": seen / changed,
    "good": look(whole, data),
    "of another version": look(blosc.compress(data, shuffle=False, clevel=5), data),
    "of other data": look(whole, data[::-1].copy()),
    "another codec": look(whole, data, "zstd"),
    "small": look(blosc.compress(data[:1000], shuffle=False), data[1:1001].copy()),
    "random": look(np.random.default_rng(1).bytes(len(whole)), data),
    "cut": look(whole[:100], data),
    "empty": look(b"", data[:0]),
    "large": look(blosc.compress(large, shuffle=False), large + 1),
}))
"""


@pytest.fixture(scope="module")
def said(analysis_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    folder = tmp_path_factory.mktemp("chunk")
    (folder / "try.py").write_text(TRY)
    command = [str(analysis_python), str(folder / "try.py"), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_many_of_the_wrong_bits_are_seen(said: dict[str, float | None]) -> None:
    share = said.pop("share")
    assert share is not None
    assert share > 0.2


def test_good_data_and_what_another_version_wrote_are_never_called_damaged(said: dict[str, float | None]) -> None:
    assert [name for name, block in said.items() if name != "share" and block is not None] == []


def test_a_script_that_reads_such_a_chunk_is_told_so(analysis_python: Path, tmp_path: Path) -> None:
    (tmp_path / "try.py").write_text("""
import sys
from pathlib import Path
from xomlib.process import reads
from xomlib.process.failures import failure_of

reads.watch(None)
import strax

reads.damaged_block = lambda file, data, codec: 7
place = Path(sys.argv[1])
import numpy as np

class Peaks(strax.Plugin):
    provides, depends_on, data_kind, __version__ = "peaks", (), "peaks", "1"
    dtype = strax.time_fields

    def is_ready(self, chunk_i):
        return chunk_i < 1

    def source_finished(self):
        return True

    def compute(self, chunk_i):
        data = np.zeros(10, self.dtype)
        data["time"] = np.arange(10)
        data["endtime"] = data["time"] + 1
        return self.chunk(start=0, end=100, data=data)

context = strax.Context(storage=[strax.DataDirectory(str(place / "data"))], register=[Peaks])
context.make("052801", "peaks")
try:
    context.get_array("052801", "peaks", progress_bar=False)
except Exception as error:
    print(*failure_of(error, "script.py", ["peaks"]), sep=": ")
""")
    command = [str(analysis_python), str(tmp_path / "try.py"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "data_broken: peaks of run 052801 cannot be read: " in done.stdout, done.stdout + done.stderr[-2000:]
    assert "block 7 is not what was written" in done.stdout

"""The file in which a tick writes which keys share a job."""

from __future__ import annotations

from pathlib import Path

from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.jobs.batches.batch_file import Batch, read_batch, write_batch


def test_a_job_reads_what_the_tick_wrote(tmp_path: Path) -> None:
    members = (Key("kr83m", "v2", "052002"), Key("daq", "v1", "052002"), Key("campaign", "v1", "052001-3f2a"))
    batch = Batch("first", members, at_once=2, seconds=1860.0)
    write_batch(TickPaths(tmp_path), batch)
    assert read_batch(TickPaths(tmp_path), "first") == batch

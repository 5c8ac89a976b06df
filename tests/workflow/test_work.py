"""What the process of a job says about itself."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.jobs import Jobs, Preloaded
from xomflow.core.paths import ROOT
from xomflow.jobs.processes.cold_start import run_cold
from xomflow.jobs.processes.process import ProcessEnd
from xomlib.files import read_json

MEGABYTES_OF_PARENT = 600
# A process that was large for a moment, and what a small job says that it starts: cold, and by fork.
LARGE_PARENT = f"""
import subprocess, sys
large = bytearray({MEGABYTES_OF_PARENT} * 2**20)
del large
code = 'from xomlib.process import worker; print(worker._resources()["peak_memory_mb"])'
print(subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True).stdout)
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with contextlib.closing(Jobs(tmp_path)) as made:
        yield made


def test_the_peak_memory_is_not_that_of_the_process_it_was_started_from() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE_PARENT],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 5 < float(done.stdout) < 100


def test_the_peak_memory_of_a_fork_is_not_the_peak_of_the_preloaded_process(
    tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    (tmp_path / "large.py").write_text(f"large = bytearray({MEGABYTES_OF_PARENT} * 2**20)\ndel large\n")
    with contextlib.closing(Preloaded(tmp_path, sys.executable, 60, "large", tmp_path)) as here:
        wait_for(here.listens)
        work = here.work("pass")
        assert here.start(work) == ProcessEnd(0)
    assert 5 < read_json(work.draft / "end.json")["peak_memory_mb"] < 100


def test_the_peak_memory_counts_what_was_freed_again(jobs: Jobs) -> None:
    work = jobs.work("x = bytearray(300 * 2**20)\ndel x")
    assert run_cold(work, jobs.paths) == ProcessEnd(0)
    assert 300 < read_json(work.draft / "end.json")["peak_memory_mb"] < 400


def test_the_peak_memory_counts_that_of_a_child(jobs: Jobs) -> None:
    work = jobs.work("import subprocess\nsubprocess.run([sys.executable, '-c', 'x = bytearray(300 * 2**20)'])")
    assert run_cold(work, jobs.paths) == ProcessEnd(0)
    assert 300 < read_json(work.draft / "end.json")["peak_memory_mb"] < 400


def test_the_time_of_the_processor_counts_that_of_a_child(jobs: Jobs) -> None:
    loop = "import time; end = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
    work = jobs.work(f"import subprocess\nsubprocess.run([sys.executable, '-c', '{loop}'])\nexec('{loop}')")
    assert run_cold(work, jobs.paths) == ProcessEnd(0)
    assert 1.0 <= read_json(work.draft / "end.json")["cpu_s"] < 3


def test_a_package_without_a_version_costs_nothing(jobs: Jobs) -> None:
    """Such as a checkout of cutax that is merely on the path."""
    (jobs.folder / "cutax.py").write_text("")
    work = jobs.work(f"sys.path.append({str(jobs.folder)!r})\nimport cutax")
    assert run_cold(work, jobs.paths) == ProcessEnd(0)
    assert read_json(work.draft / "end.json")["versions"]["cutax"] == "unknown"


def test_a_file_beside_the_script_shadows_no_module_and_can_be_imported(jobs: Jobs) -> None:
    work = jobs.work("import colorsys, shared_by_two_scripts\ncolorsys.rgb_to_hsv(1, 1, 1)")
    beside = Path(work.job.script).parent
    (beside / "colorsys.py").write_text("raise RuntimeError('the file beside the script was imported')")
    (beside / "shared_by_two_scripts.py").write_text("")
    assert run_cold(work, jobs.paths) == ProcessEnd(0)

"""A tick knows whether ticks and jobs of a version with an older layout are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.factory import KEY, NOW
from xomflow.core.files.work_format import FORMAT
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.planning.progress.claims import hold_tick
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.documents import TickStart
from xomflow.workflow.upkeep.older_version import has_older_jobs
from xomlib.files import dump_json


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.mark.parametrize("layout", [FORMAT - 1, FORMAT])
def test_they_are_found_alive_on_this_machine_and_in_the_batch_system(paths: Paths, layout: int) -> None:
    is_older = layout < FORMAT
    tick = TickPaths(paths.tick("20261122T120000-h-1"))
    dump_json(tick.settings, TickStart({}, {}, layout).to_json())
    paths.locks.mkdir()
    assert not has_older_jobs(paths)
    with hold_tick(tick):
        assert has_older_jobs(paths) == is_older
    with hold_run(paths, KEY) as lock:
        write_owner(lock, KEY, 1, tick.folder.name)
        assert has_older_jobs(paths) == is_older
    assert not has_older_jobs(paths), "a lock that no process holds stops the number"
    submissions.note(paths, Submission(KEY, 1, tick.folder.name, NOW, "17"))
    assert has_older_jobs(paths) == is_older


def test_a_job_of_a_tick_that_left_no_settings_counts_as_older(paths: Paths) -> None:
    submissions.note(paths, Submission(KEY, 1, "20261122T120000-h-1", NOW, "17"))
    assert has_older_jobs(paths)

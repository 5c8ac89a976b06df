"""Whether ticks and jobs of a version with an older layout of ``work`` are left, which refuse the present number."""

from __future__ import annotations

from xomflow.core.files.kept_json import read_kept
from xomflow.core.files.work_format import FORMAT, WITHOUT_FILE
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.run_lock import lock_owners
from xomflow.planning.progress.claims import living_ticks
from xomflow.slurm.submitting import submissions
from xomflow.workflow.documents import TickStart


def has_older_jobs(paths: Paths) -> bool:
    """Return whether a tick of an older layout lives, or has jobs on this machine or in the batch system."""
    submitted = {one.tick for one in submissions.noted(paths).values()}
    working = {one.tick for one in lock_owners(paths).values() if one.held}
    return any(_layout(TickPaths(paths.tick(tick))) < FORMAT for tick in submitted | working | living_ticks(paths))


def _layout(tick: TickPaths) -> int:
    start = read_kept(tick.settings, TickStart.from_json)
    return start.layout if start else WITHOUT_FILE

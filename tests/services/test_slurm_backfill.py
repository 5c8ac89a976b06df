"""A backfill of thousands of runs on a real cluster while ticks are killed and jobs are cancelled.

``XOM_BACKFILL_RUNS`` and ``XOM_BACKFILL_SEED`` choose how many, and which misfortunes. What happened is printed.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_servers.slurm import SlurmAccess, SlurmCluster
from support.site import Site
from support.slurm_site import GOOD, SlurmSite

pytestmark = pytest.mark.nightly

RUNS = int(os.environ.get("XOM_BACKFILL_RUNS", "5000"))
SEED = int(os.environ.get("XOM_BACKFILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KILLS = 6  # and as many cancelled jobs
FIRST = 20001
NOTES_ENTRY = f"with open(f'entered/{{run_id}}', 'a') as file:\n    file.write('x')\n{GOOD}"


@pytest.mark.timeout(3600)
def test_each_run_of_a_backfill_is_done_once_though_ticks_and_jobs_are_killed(
    site: Site, own_slurm: SlurmCluster, wait_for: Callable[..., None]
) -> None:
    print(f"XOM_BACKFILL_SEED={SEED} XOM_BACKFILL_RUNS={RUNS}")
    place, chance = _backfill(site, own_slurm.access), random.Random(SEED)
    first, cancelled, ticks, before, begin = _next_job(own_slurm.access), 0, 0, _cpu_of_children(), time.monotonic()
    for killing in range(KILLS, -1, -1):
        tick, target = place.start(), _done(place) + chance.randrange(1, RUNS // (KILLS + 1))
        ticks += 1
        wait_for(lambda tick=tick, target=target: tick.poll() is not None or _done(place) >= target, 1200)
        if killing and (jobs := place.jobs()):
            place.slurm.run("scancel", chance.choice(jobs))
            cancelled += 1
        if killing:
            tick.send_signal(signal.SIGKILL)
        _end_of(tick, place)
    wait_for(lambda: not place.jobs(), 1200)
    while ticks == KILLS + 1 or _done(place) < RUNS:  # what was cancelled last is ready again; records of ended jobs go
        _end_of(place.start(), place)
        ticks += 1
    jobs, wall = _next_job(own_slurm.access) - first - 1, time.monotonic() - begin
    again = [path.name for path in (site.folder / "entered").iterdir() if path.stat().st_size > 1]
    own = [site.outcome("light", number)["resources"]["cpu_s"] for number in site.done("light")]
    print(f"{jobs} submissions, {cancelled} jobs cancelled, {len(again)} runs begun twice, {ticks} ticks, {wall:.0f} s")
    print(f"CPU s per run: ticks {(_cpu_of_children() - before) / RUNS:.3f}, analyses' processes {sum(own) / RUNS:.3f}")
    assert site.done("light") == set(range(FIRST, FIRST + RUNS))
    # Only a run at which a cancelled job was at work begins again, and no submission is for fewer runs than 100.
    assert len(again) <= cancelled
    assert jobs <= RUNS / 100 + KILLS + cancelled
    assert not list(site.paths.submissions.iterdir())
    assert place.pending() == set()
    assert "the store has the points of all outcomes" in place.xom("verify")


def _backfill(site: Site, slurm: SlurmAccess) -> SlurmSite:
    (site.folder / "entered").mkdir()
    site.tree["warm_start"] = {"enabled": True}
    site.tree["max_jobs_per_tick"] = RUNS
    place = SlurmSite(site, slurm)
    site.tree["slurm"]["batch"] = {"memory_mb": 100}
    place.analysis("light", NOTES_ENTRY.replace("entered/", f"{site.folder}/entered/"))
    site.runs(range(FIRST, FIRST + RUNS))
    return place


def _done(place: SlurmSite) -> int:
    """Return the number of outcomes, without reading one."""
    folders: list[Path] = [*place.site.paths.shelves("light", "v1").glob("*")]
    return sum(name.endswith(".json") and ".failed-" not in name for one in folders for name in os.listdir(one))


def _end_of(tick: subprocess.Popen[str], place: SlurmSite) -> None:
    assert tick.wait(2400) in (0, 7, -signal.SIGKILL), place.said()[-3000:]


def _cpu_of_children() -> float:
    """Return the CPU seconds of all processes that were waited for, which are ticks, but for what asks Slurm."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _next_job(slurm: SlurmAccess) -> int:
    number = slurm.submit("true")
    slurm.run("scancel", number)
    return int(number)

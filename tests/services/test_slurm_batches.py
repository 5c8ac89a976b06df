"""Many runs in one job of a real cluster: which end how, and what a later tick makes of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest

from local_servers.slurm import SlurmAccess, SlurmCluster
from support.site import Site
from support.slurm_site import GOOD, SlurmSite
from xomflow.core.key import Key
from xomflow.slurm.submitting.submissions import Submission, noted

pytestmark = pytest.mark.slow
Wait = Callable[..., None]

# Says that it has begun, and waits for a file `go`, except for the newest run.
PATIENT = f"""
from pathlib import Path
with open(f"entered-{{run_id}}", "a") as file:
    file.write("x")
while run_id != "052004" and not Path("go").exists():
    time.sleep(0.05)
{GOOD}
"""


def in_batches(site: Site, slurm: SlurmAccess) -> SlurmSite:
    made = SlurmSite(site, slurm)
    # Memory that nothing needs would let a run take more than it may.
    site.tree["slurm"]["batch"] = {"most": 500, "alone": 1, "memory_mb": 0}
    return made


@pytest.fixture
def place(site: Site, slurm: SlurmAccess) -> Iterator[SlurmSite]:
    made = in_batches(site, slurm)
    yield made
    if left := made.jobs():
        slurm.run("scancel", *left)


@pytest.fixture
def own_place(site: Site, own_slurm: SlurmCluster) -> SlurmSite:
    return in_batches(site, own_slurm.access)


def record(place: SlurmSite, number: int, analysis: str = "patient") -> Submission:
    return noted(place.site.paths)[Key(analysis, "v1", f"{number:06d}")]


def has_entered(place: SlurmSite, number: int, times: int = 1) -> bool:
    file = place.site.folder / f"entered-{number:06d}"
    return file.exists() and len(file.read_text()) == times


def jobs_of(place: SlurmSite, analysis: str) -> set[str]:
    return {
        place.site.outcome(analysis, number)["provenance"]["batch_job"]["job"] for number in place.site.done(analysis)
    }


def test_forty_runs_of_two_analyses_are_one_job(place: SlurmSite) -> None:
    runs = range(52001, 52021)
    place.site.runs(runs)
    place.analysis("one", GOOD)
    place.analysis("two", GOOD)
    done = place.tick()
    assert done.returncode == 0, done.stderr
    assert place.site.done("one") == place.site.done("two") == set(runs)
    (job,) = jobs_of(place, "one") | jobs_of(place, "two")
    shown = place.slurm.job(job)
    (tick,) = place.site.ticks()
    assert shown["JobName"] == f"xom-batch-{tick.folder.name}-1"
    # 40 runs that are expected to take 18 s each, and the time limit of one with its minute
    assert (shown["MinMemoryNode"], shown["TimeLimit"], shown["CPUs/Task"]) == ("250M", "00:43:00", "1")
    assert not list(place.site.paths.submissions.iterdir())
    assert place.pending() == set()


@pytest.mark.nightly
def test_each_run_of_a_batch_has_an_end_of_its_own(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait
) -> None:
    hungry = """
if run_id == "052001":
    import mmap
    space = mmap.mmap(-1, 400 * 2**20)
    for place in range(0, len(space), 4096):
        space[place] = 1
"""
    own_place.site.runs(range(52001, 52006))
    own_place.site.tree["retries"] = {"attempts": 1}
    own_place.analysis(
        "mixed",
        f"{hungry if own_slurm.limits_memory else ''}\n"
        "open(f'entered-{run_id}', 'w').write('x')\n"
        "while run_id in ('052002', '052004'):\n    time.sleep(0.05)\n"
        "if run_id == '052003':\n    raise ValueError('no peaks')\n"
        f"{GOOD}",
        time_limit="40 s",
    )
    tick = own_place.start()
    wait_for(lambda: has_entered(own_place, 52004))
    assert "which goes on with other runs" in own_place.xom("cancel", "52004")
    assert tick.wait(400) == 7
    expected = {52002: "timeout", 52003: "raised", 52004: "cancelled"}
    expected |= {52001: "out_of_memory"} if own_slurm.limits_memory else {}
    assert {number: own_place.failure("mixed", number)["class"] for number in expected} == expected
    assert own_place.site.done("mixed") == {*range(52001, 52006)} - set(expected)
    assert not list(own_place.site.paths.submissions.iterdir())


@pytest.mark.nightly
@pytest.mark.parametrize("by", ["requeue", "node"])
def test_a_job_that_begins_again_does_what_is_left(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait, by: str
) -> None:
    own_place.site.runs(range(52001, 52005))
    own_place.analysis("patient", PATIENT)
    tick = own_place.start()
    wait_for(lambda: has_entered(own_place, 52003))
    job = record(own_place, 52003).job
    if by == "requeue":
        own_place.slurm.run("scontrol", "requeue", job)
    else:
        lose_node(own_place, own_slurm, job)
    wait_for(lambda: has_entered(own_place, 52003, times=2))
    own_place.go()
    assert tick.wait(400) == 0
    assert own_place.site.done("patient") == {*range(52001, 52005)}
    assert {own_place.site.outcome("patient", number)["attempt"] for number in range(52001, 52005)} == {1}


def lose_node(place: SlurmSite, cluster: SlurmCluster, job: str) -> None:
    """Kill a node's daemon and, as if the machine went down, what ran on it: the job's processes, and their step."""
    (lock,) = place.site.paths.locks.glob("*.lock")
    runner = psutil.Process(json.loads(lock.read_text())["pid"])
    around = list(itertools.takewhile(lambda one: one.name() != "slurmd", runner.parents()))
    step = next(place for place, one in enumerate(around) if one.name().startswith("slurmstepd"))
    victims = [*runner.children(recursive=True), runner, *around[: step + 1]]
    cluster.kill_node(place.slurm.job(job)["NodeList"])
    for process in reversed(victims):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.nightly
def test_a_job_of_a_tick_that_was_killed_is_not_doubled(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs(range(52001, 52005))
    place.analysis("patient", PATIENT)
    tick = place.start()
    wait_for(lambda: has_entered(place, 52003))
    tick.send_signal(signal.SIGKILL)
    tick.wait()
    assert place.pending() == set()
    job = record(place, 52001).job
    later = place.start()
    place.go()
    assert later.wait(400) == 0
    wait_for(lambda: place.site.done("patient") == {*range(52001, 52005)})
    assert jobs_of(place, "patient") == {job}


@pytest.mark.nightly
def test_the_runs_that_a_job_never_began_are_tried_by_the_same_tick(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait
) -> None:
    own_place.site.runs(range(52001, 52004))
    own_place.site.tree["retries"] = {"attempts": 1}
    own_place.analysis("patient", PATIENT, slurm={"options": ["--no-requeue"]})
    tick = own_place.start()
    wait_for(lambda: has_entered(own_place, 52003))
    lose_node(own_place, own_slurm, record(own_place, 52003).job)
    wait_for(lambda: has_entered(own_place, 52002))
    own_place.go()
    assert tick.wait(400) == 7
    assert own_place.failure("patient", 52003)["class"] == "node_failed"
    assert own_place.site.done("patient") == {52001, 52002}
    assert json.loads((own_place.site.work / "format").read_text())

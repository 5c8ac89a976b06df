"""Ticks with ``snakemake --profile slurm`` on a real cluster: what ends how, and what a later tick makes of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_servers.accounting import ACCOUNT
from local_servers.slurm import SlurmAccess, SlurmCluster
from support.patience import PATIENCE
from support.site import Site, document
from support.slurm_site import GOOD, SlurmSite
from xomflow.core.key import Key

# Of each kind of end one test is part of `make test`; the others are left to the night.
pytestmark = pytest.mark.slow
Wait = Callable[..., None]

# Waits for a file `go`; says that it has begun.
PATIENT = f"""
from pathlib import Path
Path(f"begun-{{run_id}}").write_text(str(os.getpid()))
with open(f"entered-{{run_id}}", "a") as file:
    file.write("x")
while not Path("go").exists():
    time.sleep(0.05)
{GOOD}
"""
# Shared memory is not what the runner's own limit counts, so only Slurm's limit stops it.
HUNGRY = f"""
import mmap
space = mmap.mmap(-1, 400 * 2**20)
for place in range(0, len(space), 4096):
    space[place] = 1
{GOOD}
"""


@pytest.fixture
def place(site: Site, slurm: SlurmAccess) -> Iterator[SlurmSite]:
    made = SlurmSite(site, slurm)
    yield made
    if left := made.jobs():
        slurm.run("scancel", *left)


@pytest.fixture
def own_place(site: Site, own_slurm: SlurmCluster) -> SlurmSite:
    return SlurmSite(site, own_slurm.access)


# --- outside a tick ---------------------------------------------------------------------------------------------------
def test_a_run_is_tried_as_a_job_and_fails_there_as_in_a_tick(place: SlurmSite) -> None:
    place.site.runs([52001, 52002])
    place.analysis("answer", f"space = bytearray(10**10) if run_id == '052002' else None\n{GOOD}")
    place.site.write_config()
    tried = {}
    for run in ("52001", "52002"):
        said = place.xom("try", "answer", run, "--slurm", "--json", "--save", str(place.site.folder / "tried"))
        tried[run] = json.JSONDecoder().raw_decode(said)[0][0]
    assert [one["value"] for one in tried["52001"]["document"]["results"]] == [1]
    assert tried["52002"]["failure"][0] == "out_of_memory"
    assert not list(place.site.paths.outcomes.rglob("*.json")) and not place.jobs()


# --- the ordinary case ------------------------------------------------------------------------------------------------


def test_runs_are_done_as_jobs_of_slurm(place: SlurmSite) -> None:
    place.site.runs([52001, 52002])
    place.analysis("good", GOOD)
    rule = place.site.folder / "extra/rules/analyses/good.smk"
    with_benchmark = '    benchmark:\n        xom.benchmark("good")\n    params:'
    rule.write_text(rule.read_text().replace("    params:", with_benchmark))
    done = place.tick()
    assert done.returncode == 0, done.stderr
    assert place.site.done("good") == {52001, 52002}
    job = place.site.outcome("good", 52001)["provenance"]["batch_job"]["job"]
    shown = place.slurm.job(job)
    assert shown["JobName"] == "xom-good-052001"
    assert shown["Comment"].startswith("xom")
    assert (shown["MinMemoryNode"], shown["TimeLimit"], shown["CPUs/Task"]) == ("250M", "00:31:00", "1")
    assert not list(place.site.paths.submissions.iterdir())
    assert place.pending() == set()
    assert (place.site.work / "benchmarks/good/v1/052/052001.tsv").read_text().count("\n") == 2


@pytest.mark.nightly
def test_account_partition_and_more_come_from_the_configuration(place: SlurmSite) -> None:
    place.site.runs([52001])
    place.analysis("one", GOOD, slurm={"partition": "urgent", "options": ["--nice=7"]})
    place.analysis("two", GOOD)
    assert place.tick().returncode == 0
    jobs = [place.site.outcome(name, 52001)["provenance"]["batch_job"]["job"] for name in ("one", "two")]
    one, two = map(place.slurm.job, jobs)
    assert (one["Partition"], one["Nice"]) == ("urgent", "7")
    assert (two["Partition"], two["Nice"]) == ("main", "1000")  # the run is old


@pytest.mark.nightly
def test_a_job_gets_nothing_of_the_environment_but_what_it_needs(place: SlurmSite) -> None:
    place.site.runs([52001])
    place.analysis("good", f"print('SEEN', sorted(os.environ))\n{GOOD}")
    place.environment["TOKEN_OF_SOMETHING"] = "secret"
    place.tick()
    job = place.site.outcome("good", 52001)["provenance"]["batch_job"]["job"]
    log = place.site.paths.log(Key("good", "v1", "052001")).read_text()
    assert "SEEN" in log
    assert "TOKEN_OF_SOMETHING" not in log
    assert "secret" not in place.slurm.run("scontrol", "show", "job", "--details", job).stdout


# --- how jobs end -----------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_an_analysis_that_fails_is_its_own_fault(place: SlurmSite) -> None:
    place.site.runs([52001])
    place.analysis("bad", "raise ValueError('no peaks')")
    done = place.tick()
    assert done.returncode == 7
    assert place.failure("bad", 52001)["class"] == "raised"
    log = Path(place.site.folder / place.failure("bad", 52001)["log"])
    assert "ValueError: no peaks" in log.read_text()


def test_out_of_memory_is_tried_again_with_more(own_place: SlurmSite, own_slurm: SlurmCluster) -> None:
    if not own_slurm.limits_memory:
        pytest.skip("this machine has no control groups of version 1 for Slurm to limit memory with")
    own_place.site.runs([52001])
    own_place.analysis("hungry", HUNGRY, memory_mb=250)  # with the margin of 100 MB too little
    assert own_place.tick().returncode == 7
    assert own_place.failure("hungry", 52001)["class"] == "out_of_memory"
    done = own_place.tick()
    assert done.returncode == 0, done.stderr
    assert own_place.site.outcome("hungry", 52001)["attempt"] == 2


@pytest.mark.nightly  # Slurm looks at time limits twice a minute
def test_slurms_time_limit_is_a_timeout(own_place: SlurmSite, wait_for: Wait) -> None:
    own_place.site.runs([52001])
    own_place.analysis("patient", PATIENT)
    tick = own_place.start()
    wait_for(lambda: own_place.has_begun(52001))
    own_place.slurm.run("scontrol", "update", f"JobId={own_place.record('patient', 52001)['job']}", "TimeLimit=0")
    assert tick.wait(PATIENCE) == 7
    assert own_place.failure("patient", 52001)["class"] == "timeout"


@pytest.mark.parametrize("when", ["running", pytest.param("pending", marks=pytest.mark.nightly)])
def test_a_cancelled_job_is_tried_again_at_once(own_place: SlurmSite, wait_for: Wait, when: str) -> None:
    own_place.site.runs([52001])
    own_place.site.tree["retries"] = {"attempts": 1}
    own_place.analysis("patient", PATIENT, slurm={"options": ["--begin=now+1hour"] if when == "pending" else []})
    tick = own_place.start()
    ready = own_place.jobs if when == "pending" else lambda: own_place.has_begun(52001)
    wait_for(ready)
    own_place.slurm.run("scancel", *own_place.jobs())
    assert tick.wait(PATIENCE) == 7
    assert own_place.failure("patient", 52001)["class"] == "cancelled"
    assert own_place.pending() == {("patient", "052001")}


def test_a_job_whose_node_died_is_done_elsewhere_once(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait
) -> None:
    own_place.site.runs([52001])
    own_place.analysis("patient", PATIENT)
    tick = own_place.start()
    wait_for(lambda: own_place.has_begun(52001))
    kill_node(own_place, own_slurm, 52001)
    wait_for(lambda: own_place.entered(52001) == 2)
    own_place.go()
    assert tick.wait(PATIENCE) == 0
    assert own_place.site.outcome("patient", 52001)["attempt"] == 1


@pytest.mark.nightly
def test_a_node_that_died_is_not_the_analysis_fault(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait
) -> None:
    own_place.site.runs([52001])
    own_place.site.tree["retries"] = {"attempts": 1}
    own_place.analysis("patient", PATIENT, slurm={"options": ["--no-requeue"]})
    tick = own_place.start()
    wait_for(lambda: own_place.has_begun(52001))
    kill_node(own_place, own_slurm, 52001)
    assert tick.wait(PATIENCE) == 7
    assert own_place.failure("patient", 52001)["class"] == "node_failed"
    own_place.go()
    assert own_place.tick().returncode == 0


@pytest.mark.nightly
def test_a_job_that_no_node_can_start_is_given_up_and_done_again(own_place: SlurmSite, own_slurm: SlurmCluster) -> None:
    own_place.site.runs([52001])
    own_place.site.tree["retries"] = {"attempts": 1}
    own_place.analysis("good", GOOD)
    with own_slurm.without_spool():
        assert own_place.tick().returncode == 7
    failure = own_place.failure("good", 52001)
    assert failure["class"] == "node_failed"
    assert "PENDING (launch failed requeued held); XOM cancels it" in failure["message"]
    assert own_place.jobs() == []
    assert own_place.tick().returncode == 0
    assert own_place.site.outcome("good", 52001)["attempt"] == 2


@pytest.mark.nightly
def test_a_tick_names_the_nodes_that_were_drained_while_a_run_waits(
    own_place: SlurmSite, own_slurm: SlurmCluster
) -> None:
    own_place.site.runs([52001])
    own_place.site.tree["slurm"]["tick_limit"] = "5 s"
    own_place.analysis("good", GOOD)
    nodes = f"NodeName={','.join(own_slurm.nodes)}"
    assert own_slurm.access.run("scontrol", "update", nodes, "State=DRAIN", "Reason=full disk").returncode == 0
    assert "runs go on in Slurm" in own_place.tick().stderr
    told = own_place.xom("status")
    assert "1 runs wait in Slurm, where some nodes take no jobs: " in told
    assert "drained (full disk)" in told
    assert own_slurm.access.run("scontrol", "update", nodes, "State=RESUME").returncode == 0
    own_place.site.tree["slurm"]["tick_limit"] = "5 min"
    own_place.site.write_config()


def kill_node(place: SlurmSite, cluster: SlurmCluster, number: int) -> None:
    """Kill a node's daemon and, as if the machine went down, what ran on it."""
    job = place.record("patient", number)["job"]
    (lock,) = place.site.paths.locks.glob("*.lock")
    runner = json.loads(lock.read_text())["pid"]
    step = int(Path(f"/proc/{runner}/stat").read_text().rsplit(") ", 1)[1].split()[1])
    analysis = int((place.site.folder / f"begun-{number:06d}").read_text())
    cluster.kill_node(place.slurm.job(job)["NodeList"])
    for process in (step, runner, analysis):
        os.kill(process, signal.SIGKILL)


# --- ticks ------------------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_long_job_does_not_delay_what_became_ready_since(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001])
    place.analysis("patient", PATIENT)
    place.analysis("good", GOOD)
    first = place.start()
    wait_for(lambda: place.has_begun(52001))
    place.site.runs([52002])
    place.site.tree["analyses"]["patient"]["max_run"] = 52001
    second = place.tick()
    assert second.returncode == 0, second.stderr
    assert place.site.done("good") == {52001, 52002}
    assert first.poll() is None
    place.go()
    assert first.wait(PATIENCE) == 0
    assert place.entered(52001) == 1


def test_jobs_of_a_killed_tick_are_neither_doubled_nor_lost(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001])
    place.analysis("patient", PATIENT)
    first = place.start()
    wait_for(lambda: place.has_begun(52001))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert place.pending() == set()
    assert place.tick().returncode == 0
    assert len(place.jobs()) == 1
    place.go()
    wait_for(lambda: place.site.done("patient"))
    last = place.tick()
    assert last.returncode == 0
    assert (place.site.paths.store / "test/patient/v1/052.lp").exists()
    assert place.entered(52001) == 1
    assert not list(place.site.paths.submissions.iterdir())


# Takes the whole script from its tick before it says that it was asked.
SLOW = """#!/bin/sh
script=$(cat)
echo x >> {asked}
until [ -e {go_on} ]; do sleep 0.05; done
printf '%s\\n' "$script" | {real} "$@"
"""


def test_a_job_whose_submission_outlives_its_tick_is_not_submitted_again(
    place: SlurmSite, tmp_path: Path, wait_for: Wait
) -> None:
    asked, go_on = tmp_path / "asked", tmp_path / "go_on"
    slow = tmp_path / "bin" / "sbatch"
    slow.parent.mkdir()
    real = place.slurm.run("which", "sbatch").stdout.strip()
    slow.write_text(SLOW.format(asked=asked, go_on=go_on, real=real))
    slow.chmod(0o755)
    place.environment["PATH"] = f"{slow.parent}:{place.environment['PATH']}"
    place.site.runs([52001])
    place.analysis("good", GOOD, slurm={"options": ["--begin=now+1hour"]})
    first = place.start()
    wait_for(asked.exists)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert place.tick().returncode == 0
    go_on.touch()
    wait_for(place.jobs)
    assert place.pending() == set()
    place.slurm.run("scontrol", "update", f"JobId={place.jobs()[0]}", "StartTime=now")
    wait_for(lambda: place.site.done("good"))
    assert asked.read_text() == "x\n"


@pytest.mark.nightly
def test_a_job_that_vanished_after_its_tick_is_done_again(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001])
    place.analysis("patient", PATIENT)
    first = place.start()
    wait_for(lambda: place.has_begun(52001))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    place.slurm.run("scancel", "--signal=KILL", "--full", *place.jobs())
    wait_for(lambda: not place.jobs())
    assert place.pending() == {("patient", "052001")}
    place.go()
    assert place.tick().returncode == 0
    assert place.site.done("patient") == {52001}


@pytest.mark.nightly
def test_while_slurm_does_not_answer_nothing_is_concluded(
    own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait
) -> None:
    own_place.site.runs([52001])
    own_place.analysis("patient", PATIENT)
    first = own_place.start()
    wait_for(lambda: own_place.has_begun(52001))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    own_slurm.controller.stop()
    assert own_place.pending() == set()
    assert own_place.tick().returncode == 0
    own_slurm.start_controller()
    assert len(own_place.jobs()) == 1
    own_place.go()
    wait_for(lambda: own_place.site.done("patient"))
    assert own_place.tick().returncode == 0
    assert own_place.entered(52001) == 1


@pytest.mark.nightly
def test_a_tick_goes_on_when_slurm_comes_back(own_place: SlurmSite, own_slurm: SlurmCluster, wait_for: Wait) -> None:
    own_place.site.runs([52001])
    own_place.analysis("patient", PATIENT)
    tick = own_place.start()
    wait_for(lambda: own_place.has_begun(52001))
    own_slurm.controller.stop()
    own_place.go()
    wait_for(lambda: own_place.site.done("patient"))
    own_slurm.start_controller()
    assert tick.wait(PATIENCE) == 0
    assert own_place.entered(52001) == 1


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_tick_that_is_told_to_end_leaves_its_jobs(place: SlurmSite, wait_for: Wait, number: signal.Signals) -> None:
    place.site.runs([52001])
    place.analysis("good", GOOD)
    place.analysis("patient", PATIENT)
    tick = place.start()
    wait_for(lambda: place.has_begun(52001) and place.site.done("good"))
    tick.send_signal(number)
    assert tick.wait(PATIENCE) == 0
    assert "1 runs go on in Slurm, a later tick takes up what they leave" in place.said()
    assert (place.site.paths.store / "test/good/v1/052.lp").exists()
    assert len(place.jobs()) == 1
    place.go()
    wait_for(lambda: place.site.done("patient"))


def time_is_up(tick: subprocess.Popen[str]) -> None:
    """As the alarm does at the end of ``slurm.tick_limit``, see `test_tick_endings`."""
    tick.send_signal(signal.SIGALRM)
    assert tick.wait(PATIENCE) == 0


def test_a_tick_is_bounded_in_time(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001])
    place.analysis("patient", PATIENT)
    tick = place.start()
    wait_for(lambda: place.has_begun(52001))
    time_is_up(tick)
    assert "its time is up: no runs are left" in place.said()
    assert len(place.jobs()) == 1
    place.go()
    wait_for(lambda: place.site.done("patient"))


# Works when Python has given up its handlers of signals: lets an alarm that is still to come come at once.
AT_THE_VERY_END = """
import os, signal

class Last:
    left, begin, wait, mkdir, getpid = signal.getitimer, signal.setitimer, signal.pause, os.mkdir, os.getpid

    def __del__(self, kind=signal.ITIMER_REAL):
        self.mkdir(f"end-of-{self.getpid()}")
        if self.left(kind)[0]:
            self.begin(kind, 0.001)
            self.wait()

last = Last()
"""


@pytest.mark.nightly
def test_a_tick_that_ended_in_time_is_not_killed_by_its_alarm(place: SlurmSite) -> None:
    (place.site.folder / "sitecustomize.py").write_text(AT_THE_VERY_END)
    place.environment["PYTHONPATH"] = str(place.site.folder)
    tick = place.start()
    assert tick.wait(PATIENCE) == 0
    assert (place.site.folder / f"end-of-{tick.pid}").exists()


@pytest.mark.nightly
def test_a_person_can_cancel(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001, 52002])
    place.analysis("patient", PATIENT)
    tick = place.start()
    wait_for(lambda: place.has_begun(52001) and place.has_begun(52002))
    time_is_up(tick)
    assert "patient v1 run 052001" in place.xom("cancel", "52001")
    wait_for(lambda: len(place.jobs()) == 1)
    assert "patient v1 run 052002" in place.xom("cancel")
    wait_for(lambda: not place.jobs())


@pytest.mark.nightly
def test_a_job_that_no_node_can_take_is_not_tried_at_once(place: SlurmSite) -> None:
    place.site.runs([52001])
    place.analysis("large", GOOD, memory_mb=10_000_000)
    place.site.tree["slurm"]["latency"] = "0 s"
    place.site.tree["retries"] = {"first_wait": "1 h"}
    place.tick()
    (record,) = place.site.failures("large", 52001)
    assert record["failure"]["class"] == "not_started"
    assert "Slurm has no node for what job" in record["failure"]["message"]
    place.tick()
    assert place.site.failures("large", 52001) == [record]


# --- what Slurm does not take -----------------------------------------------------------------------------------------


def test_what_slurm_never_takes_costs_nothing_else(place: SlurmSite, monkeypatch: pytest.MonkeyPatch) -> None:
    place.site.runs([52001])
    place.analysis("good", GOOD)
    place.analysis("astray", GOOD, slurm={"partition": "nowhere"})
    place.site.tree["slurm"]["patience"] = "2 s"
    done = place.tick()
    assert done.returncode == 5
    assert place.site.done("good") == {52001}
    assert place.site.failures("astray", 52001) == []
    (line,) = [line for line in done.stderr.splitlines() if line.endswith("1 runs are left for the next tick")]
    assert "invalid partition specified: nowhere" in line


@pytest.mark.nightly
def test_a_limit_on_submissions_makes_jobs_wait_their_turn(
    site: Site, slurm_of_two: SlurmCluster, wait_for: Wait
) -> None:
    place = SlurmSite(site, slurm_of_two.access)
    site.runs([52001, 52002, 52003, 52004, 52005])
    place.analysis("patient", PATIENT)
    tick = place.start()
    wait_for(lambda: "AssocMaxSubmitJobLimit" in place.said())
    assert len(place.jobs()) == 2
    place.go()
    assert tick.wait(PATIENCE) == 0
    (line,) = [line for line in place.said().splitlines() if "AssocMaxSubmitJobLimit" in line]
    assert line.startswith("sbatch refused: AssocMaxSubmitJobLimit; Batch job submission failed: Job violates")
    assert line.endswith("what Slurm does not take now waits here and is offered again")
    assert site.done("patient") == {52001, 52002, 52003, 52004, 52005}
    assert [place.entered(number) for number in sorted(site.done("patient"))] == [1, 1, 1, 1, 1]
    shown = place.slurm.run("squeue", "--noheader", "--states=all", "--format=%j|%a").stdout.splitlines()
    assert sorted(shown) == [f"xom-patient-0{number}|{ACCOUNT}" for number in range(52001, 52006)]


@pytest.mark.nightly
def test_a_partition_that_is_down_is_said(own_place: SlurmSite, wait_for: Wait) -> None:
    own_place.slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    own_place.site.runs([52001])
    own_place.analysis("good", GOOD)
    tick = own_place.start()
    wait_for(lambda: "PartitionDown" in own_place.slurm.answer("squeue", "--noheader", "--format=%r"))
    time_is_up(tick)
    assert "is pending (PartitionDown)" in own_place.xom("why", "52001")
    own_place.slurm.run("scontrol", "update", "PartitionName=main", "State=UP")


@pytest.mark.nightly
def test_a_new_run_is_before_the_old_ones_that_wait_in_slurm(own_place: SlurmSite, wait_for: Wait) -> None:
    own_place.slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    own_place.site.runs(range(52001, 52006))
    own_place.analysis("good", GOOD)
    ticks = [own_place.start()]
    wait_for(lambda: len(own_place.jobs()) == 5)
    ended = datetime.now(UTC) - timedelta(hours=1)
    own_place.site.runs([document(52900, end={"$date": f"{ended:%Y-%m-%dT%H:%M:%SZ}"})])
    ticks.append(own_place.start())
    wait_for(lambda: len(own_place.jobs()) == 6)
    priority = {number: int(own_place.slurm.job(number)["Priority"]) for number in own_place.jobs()}
    new = own_place.record("good", 52900)["job"]
    assert all(priority[new] > priority[number] for number in priority if number != new), priority
    own_place.slurm.run("scontrol", "update", "PartitionName=main", "State=UP")
    assert [tick.wait(120) for tick in ticks] == [0, 0]


@pytest.mark.nightly
def test_without_slurm_a_tick_says_so(place: SlurmSite, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh", "tee", "which"):
        (programs / name).symlink_to(str(shutil.which(name)))
    place.environment["PATH"] = str(programs)
    place.site.tree["slurm"]["patience"] = "2 s"
    place.site.runs([52001])
    place.analysis("good", GOOD)
    done = place.tick()
    assert done.returncode == 5
    assert "squeue is not on the PATH: 1 runs are left" in done.stderr

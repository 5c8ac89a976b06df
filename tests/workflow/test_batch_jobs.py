"""The process in the job of a batch: several runs, each on its own, without a batch system around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite
from support.jobs import alive
from support.patience import PATIENCE
from xomflow.core.key import Key, run_id
from xomflow.jobs.batches.batch_file import Batch
from xomflow.jobs.run_lock import hold_run, lock_owners

Wait = Callable[..., None]
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
# Says which process it is and which one has imported for it, and waits until the test lets it go on.
WAITS = f"""
import heavy
open(f'began-{{run_id}}', 'w').write(f'{{os.getpid()}} {{heavy.PROCESS}} {{os.getppid()}}')
while not os.path.exists(f'go-{{run_id}}'):
    time.sleep(0.01)
{GOOD}
"""
HEAVY = "import os\nwith open('imports', 'a') as file:\n    file.write('x')\nPROCESS = os.getpid()\n"


class World:
    """A site with one claimed tick, whose runs are members of one batch."""

    def __init__(self, folder: Path, count: int, body: str = WAITS, at_once: int = 1, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.site = FastSite(folder)
        (folder / "heavy.py").write_text(HEAVY)
        preload = options.pop("preload", ["heavy"])
        self.site.tree["warm_start"] = {"enabled": True, "preload": preload}
        self.site.tree["context"] = {"function": "json:loads"}
        self.site.runs(range(52001, 52001 + count))
        self.site.analysis("any", body, **options)
        self.tick = self.site.claim()
        self.keys = [Key("any", "v1", run_id(number)) for number in range(52001, 52001 + count)]
        self.batch = Batch("one", tuple(self.keys), at_once, seconds=100_000.0)

    def start(self) -> int:
        return self.site.start_batch(self.tick, self.batch)

    def run(self) -> int:
        """Work on the batch to its end and return the exit code."""
        return self.end_of(self.start())

    def end_of(self, pid: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def limit(self, number: int, seconds: float) -> None:
        """Change the time limit of a run."""
        jobs = self.tick.jobs("any")
        tree = json.loads(jobs.read_text())
        tree["runs"][run_id(number)]["time_limit_s"] = seconds
        jobs.write_text(json.dumps(tree))

    def began(self, number: int) -> list[int]:
        """The process of a run, the one that imported for it, and its parent; none before it began."""
        path = self.site.folder / f"began-{run_id(number)}"
        return [int(word) for word in path.read_text().split()] if path.exists() else []

    def go(self, *numbers: int) -> None:
        for number in numbers:
            (self.site.folder / f"go-{run_id(number)}").touch()

    def cancel(self, number: int) -> None:
        place = self.tick.cancelled(self.keys[number - 52001])
        place.parent.mkdir(exist_ok=True)
        place.touch()

    def classes(self, number: int) -> list[tuple[int, str]]:
        records = self.site.failures("any", number)
        return [(record["attempt"], record["failure"]["class"]) for record in records]

    def left_locks(self) -> dict[int, int]:
        """The runs whose lock file was left with an owner, and the attempts."""
        owners = lock_owners(self.site.paths)
        assert not any(owner.held for owner in owners.values())
        return {int(key.run): owner.attempt for key, owner in owners.items()}

    @property
    def log(self) -> str:
        return (self.site.folder / "batch.log").read_text()


# --- one batch with every way to end ----------------------------------------------------------------------------------
ENDS = {
    52001: (GOOD, ""),
    52002: ("raise ValueError('odd')", "raised"),
    52003: ("sys.exit(3)", "raised"),
    52004: ("os.kill(os.getpid(), signal.SIGKILL)", "killed"),
    52005: ("x = bytearray(3_000_000_000)", "out_of_memory"),
    52006: ("time.sleep(600)", "timeout"),
    52007: ("os._exit(0)", "killed"),
    52008: ("pass", "no_result"),
    52009: (GOOD, ""),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> World:
    body = "print('the log of', run_id, flush=True)\nimport heavy\n"
    body += "open(f'told-{run_id}', 'w').write(str(heavy.PROCESS))\n"
    for number, (end, _) in ENDS.items():
        body += f"if run_id == '{number:06d}':\n    {end}\n"
    world = World(tmp_path_factory.mktemp("ended") / "site", len(ENDS), body, at_once=2, memory_mb=1000)
    world.limit(52006, 0.3)
    assert world.run() == 0
    return world


def test_how_one_run_ends_is_told_apart_and_costs_no_other(ended: World) -> None:
    assert ended.site.done("any") == {number for number, (_, kind) in ENDS.items() if not kind}
    found = {number: ended.classes(number) for number in ENDS}
    assert found == {number: [(1, kind)] if kind else [] for number, (_, kind) in ENDS.items()}
    assert ended.left_locks() == {}
    assert not list(ended.site.paths.drafts.iterdir())
    assert "2 done, 7 failed" in ended.log


def test_each_run_has_a_log_of_its_own_and_the_job_in_its_outcome(ended: World) -> None:
    for number in ENDS.keys() - {52006}:  # whose time may be up before it prints
        lines = ended.site.paths.log(Key("any", "v1", run_id(number))).read_text().splitlines()
        assert [line for line in lines if line.startswith("the log of")] == [f"the log of {number:06d}"]
    assert ended.site.outcome("any", 52001)["provenance"]["batch_job"] == {"system": "slurm", "job": "7"}


def test_the_runs_are_forks_of_one_process_of_the_machine_that_ends_with_the_job(ended: World, wait_for: Wait) -> None:
    told = {number: ended.site.folder / f"told-{number:06d}" for number in ENDS}
    (process,) = {path.read_text() for number, path in told.items() if number != 52006}  # whose time may be up before
    assert (ended.site.folder / "imports").read_text() == "x"
    wait_for(lambda: not alive(int(process)) and not ended.site.processes())
    assert not list((ended.site.folder / "node").iterdir())
    assert not ended.tick.warm.exists()


def test_what_snakemake_looks_for_is_there_of_those_that_are_done(ended: World) -> None:
    made = {int(path.name) for path in (ended.tick.folder / "made").rglob("0*") if path.is_file()}
    assert made == {52001, 52009}


# --- stopped, killed, started again -----------------------------------------------------------------------------------
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_that_ends_in_the_middle_leaves_who_is_done_and_who_had_begun(
    tmp_path: Path, wait_for: Wait, kill: signal.Signals
) -> None:
    world = World(tmp_path / "site", 5, at_once=2)
    world.go(52001)
    batch = world.start()
    wait_for(lambda: world.site.done("any") == {52001} and world.began(52002) and world.began(52003))
    os.kill(batch, kill)
    assert world.end_of(batch) == (1 if kill == signal.SIGTERM else -kill)
    wait_for(lambda: not world.site.processes())
    assert world.left_locks() == {52002: 1, 52003: 1}
    assert not any(world.classes(number) for number in range(52001, 52006))
    assert not world.began(52004), "nothing more is begun"
    # The next survey: without a record of a submission these two were lost, and the others have no attempt behind them.
    world.go(52002, 52003, 52004, 52005)
    assert world.site.tick().returncode == 0
    assert world.site.done("any") == set(range(52001, 52006))
    assert [world.classes(number) for number in range(52002, 52006)] == [[(1, "lost")], [(1, "lost")], [], []]


def test_a_job_that_is_started_again_does_what_is_left_as_the_same_attempt(tmp_path: Path, wait_for: Wait) -> None:
    world = World(tmp_path / "site", 4)
    world.go(52001, 52003, 52004)
    batch = world.start()
    wait_for(lambda: world.began(52002))
    os.killpg(batch, signal.SIGKILL)
    world.end_of(batch)
    wait_for(lambda: not world.site.processes())
    first = world.site.paths.outcome(world.keys[0]).stat().st_mtime_ns
    world.go(52002)
    assert world.run() == 0
    assert world.site.done("any") == {52001, 52002, 52003, 52004}
    assert world.site.paths.outcome(world.keys[0]).stat().st_mtime_ns == first
    assert {world.site.outcome("any", number)["attempt"] for number in range(52001, 52005)} == {1}
    assert world.left_locks() == {}


def test_a_killed_preloaded_process_costs_no_run_and_the_next_run_starts_another(
    tmp_path: Path, wait_for: Wait
) -> None:
    world = World(tmp_path / "site", 3, at_once=2)
    batch = world.start()
    wait_for(lambda: world.began(52001) and world.began(52002))
    os.kill(world.began(52001)[1], signal.SIGKILL)
    world.go(52001, 52002, 52003)
    assert world.end_of(batch) == 0
    assert world.site.done("any") == {52001, 52002, 52003}
    assert world.began(52003)[1] != world.began(52002)[1]


def test_without_a_preloaded_process_the_runs_start_cold(tmp_path: Path) -> None:
    world = World(tmp_path / "site", 2, GOOD, preload=["no_such_module"])
    assert world.run() == 0
    assert world.site.done("any") == {52001, 52002}
    assert world.log.count("No module named 'no_such_module'") == 1, "it is tried once, and the log has the reason"


def test_a_killed_runner_costs_its_own_run_alone(tmp_path: Path, wait_for: Wait) -> None:
    world = World(tmp_path / "site", 2)
    world.go(52002)
    batch = world.start()
    wait_for(lambda: world.began(52001))
    owner = lock_owners(world.site.paths)[world.keys[0]]
    os.kill(owner.pid, signal.SIGKILL)
    assert world.end_of(batch) == 0
    assert world.classes(52001) == [(1, "lost")]
    assert world.site.done("any") == {52002}
    assert not alive(world.began(52001)[0])
    assert world.left_locks() == {}


# --- not begun --------------------------------------------------------------------------------------------------------
def test_who_is_cancelled_ends_or_never_begins_and_the_others_go_on(tmp_path: Path, wait_for: Wait) -> None:
    world = World(tmp_path / "site", 4, at_once=2)
    world.cancel(52003)
    batch = world.start()
    wait_for(lambda: world.began(52001) and world.began(52002))
    world.cancel(52001)
    wait_for(lambda: world.classes(52001))
    world.go(52002, 52004)
    assert world.end_of(batch) == 0
    assert world.site.done("any") == {52002, 52004}
    assert [world.classes(number) for number in (52001, 52003)] == [[(1, "cancelled")]] * 2
    assert not world.began(52003)
    assert not alive(world.began(52001)[0])
    assert world.left_locks() == {}


def test_a_run_that_does_not_fit_into_the_time_left_is_as_ready_as_before(tmp_path: Path) -> None:
    world = World(tmp_path / "site", 3, GOOD, time_limit="1 h")
    world.limit(52002, 5000.0)
    world.batch = Batch("one", tuple(world.keys), 1, seconds=4000.0)
    assert world.run() == 0
    assert world.site.done("any") == {52001, 52003}
    assert (world.classes(52002), world.left_locks()) == ([], {})
    assert world.site.pending() == {("any", "052002")}
    assert "1 not begun for want of time" in world.log


def test_a_run_that_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    world = World(tmp_path / "site", 2, GOOD)
    with hold_run(world.site.paths, world.keys[0]):
        assert world.run() == 0
    assert world.site.done("any") == {52002}
    assert world.classes(52001) == []


def test_the_log_of_a_member_is_followed_to_its_own_end_not_that_of_the_batch(tmp_path: Path, wait_for: Wait) -> None:
    world = World(tmp_path / "site", 2, body=f"print('hello from', run_id, flush=True)\n{WAITS}")
    pid = world.start()
    wait_for(lambda: world.began(52001))
    words, pipe = [sys.executable, "-m", "xomflow", "log", "any", "52001", "-f"], subprocess.PIPE
    with subprocess.Popen(words, cwd=world.site.folder, stdout=pipe, stderr=pipe, text=True) as log:
        assert log.stdout and log.stderr
        assert log.stdout.readline().startswith("--- attempt 1, ")
        assert log.stdout.readline() == "hello from 052001\n"
        world.go(52001)
        assert log.wait(PATIENCE) == 0
        assert log.stderr.read().endswith("any v1 run 052001: nothing works on it any more\n")
    wait_for(lambda: world.began(52002))
    world.go(52002)
    assert world.end_of(pid) == 0

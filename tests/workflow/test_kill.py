"""A tick killed at any moment leaves nothing to unlock, and nothing is done twice at a time."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from support.patience import PATIENCE
from support.site import Site

# The script itself watches: a second process on the same run cannot get the lock and leaves a witness.
WATCHED = """
import fcntl
with open(f'watch-{run_id}', 'w') as watch:
    try:
        fcntl.flock(watch, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        open(f'witness-{run_id}', 'w').close()
    time.sleep(0.3)
    xomlib.Xomresult(variable_name='answer', variable_value=int(run_id) / 7, error=0.5).save()
    time.sleep(0.3)
"""
WAITS = f"open(f'started-{{run_id}}', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.05)\n{WATCHED}"


def results(site: Site) -> dict[int, list]:
    return {number: site.outcome("watched", number)["results"] for number in site.done("watched")}


def kill(process, everything: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if everything else os.kill)(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    ("kills", "warm"),
    [
        pytest.param(2, True, id="two"),
        pytest.param(20, False, marks=pytest.mark.nightly, id="twenty-cold"),
        pytest.param(20, True, marks=pytest.mark.nightly, id="twenty-warm"),
    ],
)
def test_kills_at_random_moments(site: Site, kills: int, warm: bool) -> None:
    """Kills of the tick alone and of all its processes, each followed at once by the next tick."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    numbers = set(range(52001, 52025))
    site.runs(sorted(numbers))
    site.tree["warm_start"] = {"enabled": warm, "least_jobs": 2, "preload": ["json"]}
    site.tree["context"] = {"function": "json:loads"}
    site.tree["max_jobs_per_tick"] = 6
    site.tree["retries"] = {"attempts": 3, "first_wait": "0 s"}  # a run may be lost several times in a row
    site.analysis("watched", WATCHED)
    for _ in range(kills):
        tick = site.start("--cores", "2")
        with contextlib.suppress(Exception):
            tick.wait(chance.uniform(2.0, 9.0))
        kill(tick, everything=chance.random() < 0.5)
    for _ in range(20):
        assert site.tick().returncode == 0
        if not site.claimed() and site.done("watched") == numbers:
            break
    assert results(site) == {
        number: [
            {
                "variable": "answer",
                "value": number / 7,
                "error": 0.5,
                "unit": "",
                "n": None,
                "limit": None,
                "insufficient": None,
                "data": {},
            }
        ]
        for number in numbers
    }
    assert list(site.folder.glob("witness-*")) == []
    assert list(site.paths.locks.glob("*.lock")) == []
    lines = (site.paths.store / "test/watched/v1/052.lp").read_text().splitlines()
    assert len(lines) == len(numbers)


def test_a_run_that_a_killed_tick_left_going_is_running_and_not_started_again(site: Site, wait_for) -> None:
    site.runs([52001])
    site.analysis("watched", WAITS)
    tick = site.start()
    wait_for((site.folder / "started-052001").exists)
    kill(tick, everything=False)
    assert site.pending() == set()
    second = site.tick()
    assert second.returncode == 0
    assert site.claimed() == set()
    (site.folder / "go").touch()
    wait_for(lambda: site.done("watched") == {52001})
    wait_for(lambda: not list(site.paths.locks.glob("*.lock")))
    assert site.tick().returncode == 0
    assert (site.paths.store / "test/watched/v1/052.lp").exists()
    assert not list(site.folder.glob("witness-*"))


def test_a_run_whose_processes_were_all_killed_is_lost_and_done_again(site: Site, wait_for) -> None:
    site.runs([52001])
    site.analysis("watched", WAITS)
    tick = site.start()
    wait_for((site.folder / "started-052001").exists)
    everything = site.processes()
    kill(tick, everything=True)
    for process in everything:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    (site.folder / "go").touch()
    wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in everything))
    assert site.pending() == {("watched", "052001")}
    assert site.tick().returncode == 0
    assert site.done("watched") == {52001}
    (record,) = site.failures("watched", 52001)
    assert record["failure"]["class"] == "lost"
    assert site.outcome("watched", 52001)["attempt"] == 2


def test_a_long_run_does_not_delay_what_became_ready_since(site: Site, wait_for) -> None:
    site.runs([52001])
    site.analysis("watched", WAITS)
    first = site.start()
    wait_for((site.folder / "started-052001").exists)
    site.analysis("quick", WATCHED)
    began = time.monotonic()
    assert site.tick().returncode == 0
    assert site.done("quick") == {52001}
    assert first.poll() is None, f"the first tick ended by itself within {time.monotonic() - began:.0f} s"
    (site.folder / "go").touch()
    assert first.wait(PATIENCE) == 0

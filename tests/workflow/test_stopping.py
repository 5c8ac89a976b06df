"""Being told to end: a job leaves a record and no process; a tick says what it leaves for the next one."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.patience import PATIENCE
from support.site import Site
from xomflow.workflow.snakemake.tick_end import in_thread

ENDLESS = "(__import__('pathlib').Path('begun')).write_text(str(os.getpid()))\ntime.sleep(600)"


def awaited(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("warm", "number"),
    [
        (False, signal.SIGTERM),
        (True, signal.SIGINT),
        pytest.param(False, signal.SIGINT, marks=pytest.mark.nightly),
        pytest.param(True, signal.SIGTERM, marks=pytest.mark.nightly),
    ],
)
def test_a_job_that_is_told_to_end_ends_its_analysis_and_says_so(
    site: Site, warm: bool, number: signal.Signals
) -> None:
    site.runs([52001])
    site.tree["warm_start"] = {"enabled": warm, "least_jobs": 1, "preload": ["json"]}
    site.tree["context"] = {"function": "json:loads"}
    site.analysis("endless", ENDLESS)
    tick = site.start()
    analysis = int(awaited(lambda: (site.folder / "begun").exists() and (site.folder / "begun").read_text()))
    (lock,) = site.paths.locks.glob("*.lock")
    mark = json.loads(lock.read_text())
    assert (mark["analysis"], mark["run"]) == ("endless", "052001")
    os.kill(mark["pid"], number)
    assert tick.wait(PATIENCE) == 7
    awaited(lambda: not is_alive(analysis))
    (record,) = site.failures("endless", 52001)
    assert record["failure"]["class"] == "stopped"
    assert number.name in record["failure"]["message"]
    assert site.pending() == {("endless", "052001")}  # it was not the analysis' fault


def test_an_interrupted_tick_says_how_much_is_left(site: Site) -> None:
    site.runs([52001, 52002, 52003])
    site.analysis("endless", ENDLESS)
    tick = site.start("--cores", "1")
    awaited((site.folder / "begun").exists)
    os.killpg(tick.pid, signal.SIGINT)
    assert tick.wait(PATIENCE) == 1
    last = (site.folder / "tick.log").read_text()
    assert "interrupted: 2 runs are left for the next tick" in last
    assert len(list(site.paths.outcomes.rglob("*.failed-*"))) == 1


def test_a_tick_that_is_told_to_end_lets_its_running_jobs_finish(site: Site) -> None:
    site.runs([52001, 52002, 52003])
    begun = "open('begun', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)\n"
    site.analysis("patient", begun + "xomlib.Xomresult(variable_name='answer', variable_value=1).save()")
    tick = site.start("--cores", "1")
    awaited((site.folder / "begun").exists)
    tick.send_signal(signal.SIGTERM)
    awaited(lambda: "Will exit after finishing currently running jobs" in (site.folder / "tick.log").read_text())
    (site.folder / "go").touch()
    assert tick.wait(PATIENCE) == 1
    assert "interrupted: 2 runs are left for the next tick" in (site.folder / "tick.log").read_text()
    assert len(site.done("patient")) == 1
    assert list(site.paths.outcomes.rglob("*.failed-*")) == []


def test_what_interrupts_snakemake_waits_for_no_lock_of_its_own() -> None:
    lock, ended = threading.Lock(), threading.Event()

    def end(_number: int, _frame: Any) -> None:
        with lock:
            ended.set()

    with lock:  # as while Snakemake notes that jobs have ended
        in_thread(end)(signal.SIGTERM, None)
        assert not ended.is_set()
    assert ended.wait(PATIENCE)

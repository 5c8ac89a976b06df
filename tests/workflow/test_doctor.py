"""`xom doctor` examines a site, whatever is wrong with it: each check is one line with what to do."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.in_process import FastSite
from xomflow.core import times
from xomflow.core.errors import DiskError, RunDBError
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.jobs.run_lock import hold_run, leave_run, write_owner
from xomflow.slurm.batch_system import BatchJob, JobEnd
from xomflow.workflow.requests.doctor import servers
from xomflow.workflow.requests.doctor.finding import Check, Finding, examine, worst

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
NAMES = ("configuration", "account", "folders", "layout", "disk", "locks", "clock", "decisions", "left-overs")
NAMES = (*NAMES, "software", "run database", "store", "Slurm", "ticks", "timer", "messages", "units")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site where a tick has just ended, on a machine without Slurm and timers."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.analysis("moody", GOOD)
    site.runs([52001])
    assert site.tick().returncode == 0
    return site


@pytest.fixture
def site(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def doctor(site: FastSite) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and the lines by what they are about."""
    done = site.xom("doctor", "--json", PATH="", HOME=str(site.folder))
    assert done.stderr == ""
    found: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(done.stdout):
        found.setdefault(line["about"], []).append(line)
    return done.returncode, found


def test_at_a_good_site_each_check_is_one_line(site: FastSite) -> None:
    code, found = doctor(site)
    assert code == ExitCode.OK
    assert tuple(found) == NAMES
    states = {name: [line["state"] for line in lines] for name, lines in found.items()}
    assert states.pop("timer") == ["look"]
    assert set(map(tuple, states.values())) == {("ok",)}
    assert {line["what to do"] for lines in found.values() for line in lines if line["state"] == "ok"} == {None}


def test_only_jobs_that_have_not_ended_are_counted(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [BatchJob("17", "running"), BatchJob("16", "completed", JobEnd("lost", "")), BatchJob("18", "pending")]
    slurm = SimpleNamespace(jobs=lambda *_, **__: jobs, nodes_out=list, ended_jobs=lambda _: [])
    monkeypatch.setattr(servers, "open_batch_system", lambda _: slurm)
    monkeypatch.setattr(servers.shutil, "which", lambda _: "squeue")
    _, found = doctor(site)
    assert found["Slurm"][0]["seen"].endswith(" s: 2 jobs of this account have not ended")


def test_a_wrong_configuration_is_a_line_for_each_error(site: FastSite) -> None:
    site.tree |= {"retries": {"attempts": -1}, "wrok": "work"}
    code, found = doctor(site)
    assert code == ExitCode.CONFIGURATION
    assert [line["state"] for line in found["configuration"]] == ["wrong", "wrong"]
    assert list(found) == ["configuration"]


def test_what_is_wrong_with_one_thing_stops_no_other_check(site: FastSite) -> None:
    (site.folder / "runs.jsonl").unlink()
    shutil.move(site.paths.outcomes, site.folder / "away")
    site.paths.outcomes.mkdir()
    code, found = doctor(site)
    assert code == ExitCode.RUN_DATABASE, "the first thing to act on"
    assert tuple(found) == NAMES
    wrong = {name: lines[0]["seen"] for name, lines in found.items() if lines[0]["state"] == "wrong"}
    assert wrong.keys() == {"folders", "run database"}
    assert "its disk is not mounted or its link leads elsewhere" in wrong["folders"]


def test_what_was_left_behind_is_named(site: FastSite) -> None:
    key = Key("moody", "v1", "052002")
    lock = hold_run(site.paths, key)
    write_owner(lock, key, 1, "some tick", None)
    leave_run(lock)
    odd = site.paths.set_aside / "moody/v1/052/052003.json.1"
    odd.parent.mkdir(parents=True)
    odd.touch()
    (site.paths.ticks / "20260101.damaged-1.zip").touch()
    (site.paths.decisions / "odd.json").write_text("{}")
    code, found = doctor(site)
    assert code == ExitCode.OK
    assert [line["seen"] for line in found["locks"]] == ["1 attempts vanished: moody v1 run 052002"]
    assert [line["seen"] for line in found["left-overs"]] == [
        "1 files were set aside, such as work/set_aside/moody/v1/052/052003.json.1",
        "1 damaged archives: work/ticks/20260101.damaged-1.zip",
    ]
    assert "odd.json is no decision and counts for nothing" in found["decisions"][0]["seen"]


def test_a_timer_that_stopped_and_a_clock_that_is_wrong_are_noticed(site: FastSite) -> None:
    tick = site.ticks()[-1].folder
    tick.rename(tick.with_name(f"{times.now() - timedelta(days=3):%Y%m%dT%H%M%S}-vm-1"))
    code, found = doctor(site)
    assert code == ExitCode.UNFORESEEN
    assert "began 3.0 d ago" in found["ticks"][0]["seen"]
    assert "look at the timer" in found["ticks"][0]["what to do"]
    future = time.time() + 3600
    os.utime(site.paths.ticks, (future, future))
    code, found = doctor(site)
    assert code == ExitCode.STORE_OR_DISK
    assert "1.0 h in the future" in found["clock"][0]["seen"] or "60 min in the future" in found["clock"][0]["seen"]


def test_an_account_file_that_others_can_read_is_a_line_with_what_to_type(site: FastSite) -> None:
    secret = Path(site.folder / "influx.json")
    secret.write_text("{}")
    secret.chmod(0o644)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(secret)}
    code, found = doctor(site)
    assert code == ExitCode.STORE_OR_DISK
    assert found["store"][0]["seen"] == f"store.credentials: {secret} can be read by others; run: chmod 600 {secret}"


def test_a_store_that_does_not_answer_is_wrong(site: FastSite) -> None:
    account = Path(site.folder / "influx.json")
    account.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "t", "org": "o", "bucket": "b"}))
    account.chmod(0o600)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(account)}
    code, found = doctor(site)
    assert code == ExitCode.STORE_OR_DISK
    assert [line["state"] for line in found["store"]] == ["wrong"]
    assert "InfluxDB at http://127.0.0.1:1, bucket b does not answer" in found["store"][0]["seen"]


def test_a_check_that_hangs_or_raises_costs_only_its_own_line() -> None:
    released = threading.Event()

    def hangs() -> Iterator[Finding]:
        released.wait()
        yield Finding("too late")

    def raises(error: Exception) -> Iterator[Finding]:
        raise error

    checks = [
        Check("a", hangs, deadline=0.05),
        Check("b", lambda: raises(RuntimeError("odd"))),
        Check("c", lambda: raises(RunDBError("it is away"))),
        Check("d", lambda: []),
    ]
    found = dict(examine(checks))
    released.set()
    assert found["a"].seen == "no answer within 0 s"
    assert found["b"].seen == "XOM itself failed: RuntimeError: odd"
    assert (found["c"].seen, found["c"].code) == ("it is away", ExitCode.RUN_DATABASE)
    assert (found["d"].state, found["d"].seen) == ("ok", "nothing to complain about")
    assert worst(found.values()) == ExitCode.RUN_DATABASE
    assert worst([Finding("x", "y"), Finding("z", "y", DiskError.exit_code)]) == ExitCode.STORE_OR_DISK
    assert worst([Finding("x", "y")]) == ExitCode.OK

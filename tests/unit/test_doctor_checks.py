"""The checks of `xom doctor`, one by one: what each sees, and what a person does about it."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import KEY, NOW, settings
from support.mail import address_file
from xomflow.config.model import Config, Notify
from xomflow.core.account import own_account
from xomflow.core.errors import BatchSystemError, ConfigurationError, DiskError, RunDBError, XomError
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import mark_folders
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import Summary
from xomflow.jobs.run_lock import hold_run, leave_run, write_owner
from xomflow.notify.state import Told, write_told
from xomflow.slurm.batch_system import BatchJob, JobEnd
from xomflow.workflow.requests.doctor import finding, folder, servers, site, ticks
from xomflow.workflow.requests.doctor.finding import Check, Finding, examine, worst
from xomflow.workflow.requests.doctor.site import examine_site
from xomlib.files import dump_json

Found = list[tuple[str, str]]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = Paths(Path("work"))
    for one in (found.outcomes, found.locks, found.ticks):
        one.mkdir(parents=True)
    return found


def configured(**changes: Any) -> Config:
    Path("runs.jsonl").touch()
    return settings("work", **changes)


def look(checks: list[Check], name: str) -> Found:
    """What a check sees and what is to be done; what means that ticks do not work begins with its code."""
    (check,) = (one for one in checks if one.name == name)
    return [(f"{one.code.name}: {one.seen}" if one.code else one.seen, one.to_do) for one in check.look()]


def in_folder(paths: Paths, name: str) -> Found:
    return look(folder.folder_checks(paths), name)


def in_servers(name: str, config: Config | None = None) -> Found:
    return look(servers.server_checks(config or configured()), name)


def in_ticks(name: str, config: Config | None = None) -> Found:
    return look(ticks.tick_checks(config or configured(), NOW), name)


# --- findings ---------------------------------------------------------------------------------------------------------
def test_a_finding_is_good_to_be_looked_at_or_wrong() -> None:
    findings = [Finding("a"), Finding("a", "b"), Finding("a", code=ExitCode.SLURM), Finding("a", "b", ExitCode.SLURM)]
    assert [one.state for one in findings] == ["ok", "look", "wrong", "wrong"]


def test_the_worst_finding_decides_the_exit_code() -> None:
    assert worst([]) is worst([Finding("a", "b")]) is ExitCode.OK
    order = [ExitCode.CONFIGURATION, ExitCode.RUN_DATABASE, ExitCode.SLURM, ExitCode.STORE_OR_DISK]
    order += [ExitCode.WAITS_FOR_PERSON, ExitCode.USAGE, ExitCode.UNFORESEEN, ExitCode.OK]
    for place, code in enumerate(order):
        assert worst(Finding("a", code=one) for one in reversed(order[place:])) is code


def test_checks_are_listed_in_order_whatever_they_do() -> None:
    def late() -> list[Finding]:
        time.sleep(0.2)
        return [Finding("too late")]

    def fail() -> list[Finding]:
        raise RunDBError("it is away")

    checks = [
        Check("a", late, 0.05),
        Check("b", fail),
        Check("c", list),
        Check("d", lambda: [Finding("x"), Finding("y")]),
    ]
    assert list(examine(checks)) == [
        (
            "a",
            Finding(
                "no answer within 0 s", "find out what hangs: a mount, a server or a command", ExitCode.STORE_OR_DISK
            ),
        ),
        (
            "b",
            Finding(
                "it is away",
                "do what the sentence names, or find its words in docs/playbook.md",
                ExitCode.RUN_DATABASE,
            ),
        ),
        ("c", Finding("nothing to complain about")),
        ("d", Finding("x")),
        ("d", Finding("y")),
    ]


def test_all_checks_have_their_time_from_the_beginning_and_hold_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    never, hold_up = threading.Event(), list[bool]()

    def wait(longest: float | None) -> list[Finding]:
        hold_up.append(not threading.current_thread().daemon)
        return [Finding(f"waited: {never.wait(longest)}")]

    moments = iter((1000.0, 1000.0, 1090.0))
    monkeypatch.setattr(finding, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    checks = [Check("a", lambda: wait(0.02), 60.0), Check("b", lambda: wait(None), 60.0)]
    assert [one.seen for _, one in examine(checks)] == ["waited: False", "no answer within 1 min"]
    assert hold_up == [False, False]
    never.set()


def test_a_configuration_that_is_wrong_is_all_there_is_to_say(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a: 1\nb: 2\n")
    found = list(examine_site(file))
    assert {(name, one.to_do, one.code) for name, one in found} == {
        ("configuration", "fix what the line names", ExitCode.CONFIGURATION)
    }
    assert len(found) > 2


def test_a_good_configuration_has_its_analyses_and_warnings_beside_what_else_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SimpleNamespace(work=tmp_path, analyses={"kr83m": 1, "daq_rate": 2}, warnings=["two names are alike"])
    monkeypatch.setattr(site, "load_configuration", lambda file: config)
    for name in ("folder_checks", "server_checks", "tick_checks"):
        monkeypatch.setattr(site, name, lambda *_, name=name: [Check(name, lambda: [Finding("all is well")])])
    assert [(name, one.seen) for name, one in examine_site(tmp_path / "config.yaml")] == [
        ("configuration", "2 analyses: kr83m, daq_rate"),
        ("configuration", "two names are alike"),
        *((name, "all is well") for name in ("folder_checks", "server_checks", "tick_checks")),
    ]


# --- the folder -------------------------------------------------------------------------------------------------------
def test_the_account_is_the_owner_or_another_one(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    ((seen, to_do),) = in_folder(paths, "account")
    assert (seen.endswith(" runs ticks here"), to_do) == (True, "")
    monkeypatch.setattr(folder, "other_owner", lambda work: "xenon")
    ((seen, to_do),) = in_folder(paths, "account")
    assert ("xenon" in seen, to_do) == (True, "start ticks as xenon")
    assert in_folder(paths, "locks") == [("whether files can be locked can only be tried by the owner", "")]
    monkeypatch.setattr(ticks, "other_owner", lambda work: "xenon")
    assert in_ticks("timer") == [("the timer of another account cannot be seen", "")]


def test_folders_and_layout_are_there(paths: Paths) -> None:
    assert in_folder(paths, "folders") == []
    paths.outcomes.rmdir()
    assert in_folder(paths, "folders") == [("work/outcomes is not there yet", "start the first tick")]
    (paths.work / "format").write_text("2\n")
    assert in_folder(paths, "layout") == [("layout 2", "")]
    (paths.work / "format").write_text("1\n")
    assert in_folder(paths, "layout") == [("layout 1", "nothing: a tick makes it layout 2 when no older job is left")]
    (paths.work / "format").write_text("99\n")
    with pytest.raises(ConfigurationError, match="99"):
        in_folder(paths, "layout")


def test_what_stops_ticks_stops_these_checks(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.maintenance.write_text("odd")
    with pytest.raises(XomError, match="maintenance"):
        in_folder(paths, "layout")
    mark_folders(paths, local_store=False)
    paths.outcomes.rename(paths.work / "moved")
    with pytest.raises(XomError, match="outcomes"):
        in_folder(paths, "folders")
    monkeypatch.setattr(folder, "check_locks", raising(DiskError("no file can be locked")))
    with pytest.raises(DiskError):
        in_folder(paths, "locks")


def test_a_site_without_a_folder_yet_has_room_and_no_locks(paths: Paths) -> None:
    shutil.rmtree(paths.work)
    assert in_folder(paths, "disk")[0][0].endswith(" are free")
    assert in_folder(paths, "locks") == []


@pytest.mark.parametrize(
    ("size", "files", "free", "is_enough"),
    [
        (2_000_000_000, 50_000, "2.0 GB and 50000 files are free", True),
        (1_999_999_000, 50_000, "2.0 GB and 50000 files are free", False),
        (5_000_000_000, 49_999, "5.0 GB and 49999 files are free", False),
        (5_000_000_000, None, "5.0 GB are free", True),
    ],
)
def test_the_disk_has_room(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, size: int, files: int | None, free: str, is_enough: bool
) -> None:
    disk = SimpleNamespace(
        f_bavail=size // 1000, f_frsize=1000, f_files=0 if files is None else 1, f_favail=files or 0, f_flag=0
    )
    monkeypatch.setattr(os, "statvfs", lambda place: disk)
    few = (f"work: only {free}", "make space: `xom du` shows what takes it")
    assert in_folder(paths, "disk") == [(free, "") if is_enough else few]


def test_a_disk_that_takes_nothing_is_wrong_once(paths: Paths) -> None:
    paths.cache.touch()
    found = in_folder(paths, "disk")
    assert found[0][0].startswith("STORE_OR_DISK: work/cache cannot be written: it is no folder, where one is needed")
    assert found[0][1] == "make space, or mount the disk so that files can be written"
    assert len(found) == 2


def test_locks_that_are_held_or_left_are_named(paths: Paths) -> None:
    assert in_folder(paths, "locks") == []
    lock = hold_run(paths, KEY)
    write_owner(lock, KEY, 1, "t", 10.0)
    assert in_folder(paths, "locks") == []
    leave_run(lock)
    with paths.publishing_lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert in_folder(paths, "locks") == [
            (f"another process holds {paths.publishing_lock}", "nothing, unless it does so for longer than a tick"),
            ("1 attempts vanished: kr83m v1 run 052894", "nothing: the next tick writes a record"),
        ]


def test_a_file_of_the_future_shows_a_wrong_clock(paths: Paths) -> None:
    paths.ticks.rmdir()
    for _ in ("before the first tick", "before the first one has a folder"):
        assert in_folder(paths, "clock")[0][0].endswith(", no file is in the future")
        paths.ticks.mkdir(exist_ok=True)
    (paths.ticks / "gone").symlink_to("nowhere")
    for ahead, is_wrong in ((25, False), (90, True)):
        (paths.ticks / "a").touch()
        os.utime(paths.ticks / "a", (time.time() + ahead,) * 2)
        ((seen, to_do),) = in_folder(paths, "clock")
        assert (
            seen.startswith("STORE_OR_DISK: the newest file in work/ticks is ") == to_do.startswith("set") == is_wrong
        )


def test_what_was_set_aside_or_is_damaged_is_left_for_a_person(paths: Paths) -> None:
    assert in_folder(paths, "left-overs") == []
    for name in (
        "set_aside/b/c.1",
        "set_aside/a.1",
        "logs/a/v1/052.damaged-1.zip",
        "ticks/2.damaged-1.zip",
        "ticks/3.zip",
    ):
        (paths.work / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.work / name).touch()
    assert in_folder(paths, "left-overs") == [
        ("2 files were set aside, such as work/set_aside/a.1", "look at them, then delete them"),
        (
            "2 damaged archives: work/logs/a/v1/052.damaged-1.zip, work/ticks/2.damaged-1.zip",
            "rescue what is in them, or delete them",
        ),
    ]
    (paths.decisions).mkdir()
    (paths.decisions / "odd.json").write_text("{}")
    ((seen, to_do),) = in_folder(paths, "decisions")
    assert ("odd.json is no decision" in seen, to_do) == (True, "look at the file")


# --- servers ----------------------------------------------------------------------------------------------------------
def test_run_database_and_store_answer(paths: Paths) -> None:
    assert in_servers("run database")[0][0].endswith("runs.jsonl answers in 0.0 s")
    assert in_servers("store")[0][0].endswith(" answers in 0.0 s")
    assert [one.deadline for one in servers.server_checks(configured())] == [120.0, 60.0, 60.0, 60.0]


def test_each_software_is_asked_once_for_each_of_its_contexts(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, set[str]]] = []

    def describe(program: Any, context: Any, types: set[str]) -> Any:
        asked.append((context.function, types))
        return SimpleNamespace(versions={"straxen": "3", "strax": "2"})

    probe = {False: SimpleNamespace(describe=describe)}  # which writes no answer down
    monkeypatch.setattr(servers, "open_context_probe", lambda config, may_write: probe[may_write])
    blocks: dict[str, Any] = {name: {"version": "v1", "needs": [name * 3]} for name in "ab"}
    blocks |= {"c": {"version": "v1", "needs": ["ccc"], "context": {"function": "own:one"}}}
    blocks |= {"d": {"version": "v1", "context": {"function": "other:one"}}}
    found = in_servers("software", configured(analyses=blocks))
    assert asked == [(name, {"aaa", "bbb", "ccc"}) for name in ("nobody:asks", "own:one")]
    assert [seen.partition(": ")[2] for seen, _ in found] == [
        "nobody:asks works, strax 2, straxen 3",
        "own:one works, strax 2, straxen 3",
    ]


@pytest.fixture
def slurm(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A Slurm that answers, and has jobs of which one has ended."""
    jobs = [BatchJob("17", "running"), BatchJob("16", "completed", JobEnd("lost", "")), BatchJob("18", "pending")]
    found = SimpleNamespace(jobs=lambda: jobs, nodes_out=list, ended_jobs=lambda numbers: [], used={}, held=[])
    monkeypatch.setattr(servers, "open_batch_system", lambda config: found)
    monkeypatch.setattr(servers.submissions, "noted", lambda paths: found.used)
    monkeypatch.setattr(servers, "statuses", lambda *_: {})
    monkeypatch.setattr(servers, "held_jobs", lambda statuses: found.held)
    monkeypatch.setattr(servers.shutil, "which", lambda name: "/usr/bin/squeue")
    return found


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


def test_a_slurm_that_answers_has_its_jobs_counted(slurm: SimpleNamespace) -> None:
    line = ("squeue answers in 0.0 s: 2 jobs of this account have not ended", "")
    assert in_servers("Slurm") == [line]
    slurm.held, slurm.nodes_out = ["a job is held"], lambda: ["node1 is down", "node2 is drained"]
    slurm.ended_jobs = raising(BatchSystemError("sacct is off"))
    assert in_servers("Slurm") == [
        line,
        ("WAITS_FOR_PERSON: a job is held", "do what the sentence names"),
        (
            "some nodes take no jobs: node1 is down, node2 is drained",
            "`sinfo -R` has the reasons, the site can take them back",
        ),
        (
            "no accounting: sacct is off",
            "nothing: how jobs that vanished ended is unknown, they count as lost",
        ),
    ]


def test_without_slurm_runs_are_analysed_here_unless_jobs_were_submitted(
    slurm: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.jobs = raising(BatchSystemError("squeue does not answer"))
    assert in_servers("Slurm") == [
        ("squeue does not answer; no job was submitted", "nothing, if runs are analysed on this machine")
    ]
    monkeypatch.setattr(servers.shutil, "which", lambda name: None)
    assert in_servers("Slurm") == [
        ("its commands are not here, and no job was submitted: runs are analysed on this machine", "")
    ]
    slurm.used = {KEY: "a job"}
    with pytest.raises(BatchSystemError):
        in_servers("Slurm")


# --- ticks ------------------------------------------------------------------------------------------------------------
def tick(paths: Paths, age: timedelta) -> TickPaths:
    files = TickPaths(paths.tick(f"{NOW - age:%Y%m%dT%H%M%S}-vm-1"))
    files.folder.mkdir(parents=True)
    files.lock.touch()
    return files


def test_the_newest_tick_is_young_and_came_to_its_end(paths: Paths) -> None:
    assert in_ticks("ticks") == [("there was no tick yet", "start one, then the timer")]
    files = tick(paths, timedelta(hours=3))
    words = f"the newest tick, {files.folder.name}, began 3.0 h ago"
    ended = ("it ended without a summary, as one that was killed", "nothing, unless the next one does so too")
    assert in_ticks("ticks") == [(words, ""), ended]
    dump_json(files.summary, Summary(files.folder.name, NOW, NOW).to_json())
    assert in_ticks("ticks") == [(words, "")]
    dump_json(files.trouble, {"sentence": "the disk is full", "exit_code": 6})
    assert in_ticks("ticks")[1:] == [
        ("STORE_OR_DISK: it could not look for work: the disk is full", "see the sentence")
    ]
    dump_json(files.trouble, {"sentence": "odd", "exit_code": "x"})
    assert in_ticks("ticks")[1][0] == "UNFORESEEN: it could not look for work: odd"


def test_three_missing_ticks_are_wrong_unless_the_newest_one_works_still(paths: Paths) -> None:
    files = tick(paths, timedelta(hours=3, seconds=1))
    name = files.folder.name
    dump_json(files.summary, Summary(name, NOW, NOW).to_json())
    assert in_ticks("ticks") == [
        (
            f"UNFORESEEN: the newest tick, {name}, began 3.0 h ago",
            "look at the timer: page.interval is 1.0 h",
        )
    ]
    files.summary.unlink()
    with files.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert in_ticks("ticks") == [
            (f"1 ticks work now, the oldest is {name}", ""),
            (f"the newest tick, {name}, began 3.0 h ago", ""),
        ]
    (paths.ticks / "20261130.zip").write_text("no archive")
    assert in_ticks("ticks")[0][1] == "delete it; no result is in it"


@pytest.fixture
def answers(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What commands answer that know of timers."""
    found: dict[str, str] = {}
    monkeypatch.setattr(ticks, "_output", lambda command: found.get(command[0], ""))
    yield found


def test_whatever_starts_ticks_is_named(
    answers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "_LINGER", tmp_path)
    none = [("nothing that starts ticks was found for this account", "see docs/operator.md, The timer")]
    assert in_ticks("timer") == none
    answers["crontab"] = "# */10 * * * * snakemake\n"
    assert in_ticks("timer") == none
    answers |= {"crontab": "# a\n*/10 * * * * cd /x && snakemake\n", "squeue": "xom-tick\n"}
    assert in_ticks("timer") == [("ticks are started by cron and Slurm", "")]
    answers["systemctl"] = "Mon 2026 xom-tick.timer xom.service"
    assert in_ticks("timer") == [
        ("ticks are started by systemd and cron and Slurm", ""),
        ("the timer ends with your session", "loginctl enable-linger"),
    ]
    (tmp_path / own_account()).touch()
    assert in_ticks("timer") == [("ticks are started by systemd and cron and Slurm", "")]


def test_a_command_that_is_not_there_or_fails_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ticks._output(["no-such-command"]) == ticks._output(["sh", "-c", "printf '\\377'"]) == ""
    assert ticks._output(["sh", "-c", "echo x; exit 1"]) == "x\n"
    monkeypatch.setattr(ticks, "_TIMEOUT", 0.05)
    assert ticks._output(["sleep", "5"]) == ""


def test_recipients_are_counted_and_those_who_were_not_reached_are_named(paths: Paths, tmp_path: Path) -> None:
    assert in_ticks("messages") == [("no mail or chat message is sent: notify.addresses is not set", "")]
    file = address_file(tmp_path, addresses=["mailto://x.org?to=a@b.org", "slack://a/b/c"])
    write_told(paths, {"a@b.org": Told(problem="refused")})
    config = configured().model_copy(update={"notify": Notify(addresses=file)})
    assert in_ticks("messages", config) == [
        ("a@b.org was not reached: refused", "xom notify --test"),
        ("2 recipients", ""),
    ]

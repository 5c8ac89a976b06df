"""One analysis in a process of its own, cold or as a fork of the preloaded process, without a tick around it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from support.jobs import Jobs, Preloaded, alive
from support.patience import PATIENCE
from xomflow.core.key import Key
from xomflow.core.paths import ROOT
from xomflow.jobs.processes.cold_start import run_cold
from xomflow.jobs.processes.process import ProcessEnd, StopRequested, raise_on_stop
from xomflow.jobs.processes.warm_start import send, try_to_connect
from xomlib.documents.job_description import ContextSpec
from xomlib.files import read_json

Wait = Callable[..., None]
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


Start = Callable[..., Preloaded]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a preloaded process."""
    started = []

    def begin(
        python: Path | str = sys.executable, idle: float = 60, preload: str = "json", where: Path = ROOT
    ) -> Preloaded:
        started.append(Preloaded(tmp_path, python, idle, preload, where))
        return started[-1]

    yield begin
    for one in started:
        one.close()


@pytest.fixture
def preloaded(start: Start, wait_for: Wait) -> Preloaded:
    """A preloaded process that is ready for jobs."""
    here = start()
    wait_for(here.listens)
    return here


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    made.close()


def takes(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


ENDS = [
    ("os.kill(os.getpid(), signal.SIGKILL)", ProcessEnd(signal.SIGKILL)),
    ("os._exit(7)", ProcessEnd(7 << 8)),
    ("raise ValueError", ProcessEnd(1 << 8)),
    (GOOD, ProcessEnd(0)),
]


# --- the same cold and warm -------------------------------------------------------------------------------------------
WAYS = ("cold", "warm")


def run_script(
    way: str, preloaded: Preloaded, text: str, run: str = "052001"
) -> tuple[ProcessEnd | None, dict[str, Any]]:
    """Run a script cold or warm, and return how it ended and its draft."""
    work = preloaded.work("pass", run)
    Path(work.job.script).write_text(text)
    with contextlib.chdir(preloaded.folder):
        end = run_cold(work, preloaded.paths) if way == "cold" else preloaded.start(work)
    return end, read_json(work.draft / "draft.json") if (work.draft / "draft.json").exists() else {}


PARALLEL = """
import concurrent.futures, multiprocessing, os
import xomlib

OFFSET = 10

def square(number):
    return number * number + OFFSET + xomlib.settings()["more"]

def main(run_id):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        total = sum(pool.map(square, range(3)))
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as executor:
        total += sum(executor.map(square, range(3)))
    forgotten = multiprocessing.get_context("fork").Pool(1)  # and not closed
    total += forgotten.apply(square, (0,))
    xomlib.Xomresult(variable_name="total", variable_value=total).save()

if __name__ == "__main__":
    raise SystemExit("it started itself")
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_script_may_share_its_work_among_processes(preloaded: Preloaded, way: str) -> None:
    work = preloaded.work("pass", more=1)
    Path(work.job.script).write_text(PARALLEL)
    fcntl.flock(work.lock, fcntl.LOCK_EX)
    end = run_cold(work, preloaded.paths) if way == "cold" else preloaded.start(work)
    assert end == ProcessEnd(0), Path(work.log.name).read_text()
    assert read_json(work.draft / "draft.json")["results"][0]["value"] == 2 * (5 + 3 * 11) + 11
    work.lock.close()
    with (preloaded.folder / "lock-052001").open("w") as lock:
        assert takes(lock), "no process is left that has the lock of the run"


SAVES_ELSEWHERE = """
import multiprocessing
import xomlib

def save(name):
    try:
        xomlib.Xomresult(variable_name=name, variable_value=1).save()
    except Exception:
        pass

def main(run_id):
    save("own")
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        pool.map(save, ["elsewhere"])
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_another_process_saves_is_refused_and_not_lost_in_silence(preloaded: Preloaded, method: str) -> None:
    _, draft = run_script("cold", preloaded, SAVES_ELSEWHERE.replace("{method}", method))
    assert [one["variable"] for one in draft["results"]] == ["own"]
    assert draft["problems"] == [
        "'elsewhere' is saved in a process that the script started: return it, and save it in main"
    ]


WRITES = """
import os
import xomlib

def main(run_id):
    print("works in", os.getcwd(), os.listdir())
    open("left behind", "w").close()
    site = xomlib.context().storage[0].path
    xomlib.Xomresult(variable_name="x", variable_value=1, data={"site": site, "file": str(xomlib.path("a/b"))}).save()
"""
CONTEXT = """
class Frontend:
    path = None

class Context:
    def __init__(self, path):
        frontend = Frontend()
        frontend.path, frontend.host = path, path
        self.storage = [frontend]
        open(path).close()
    def set_context_config(self, given):
        pass
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_script_works_in_an_empty_folder_and_the_configuration_in_that_of_the_site(
    start: Start, tmp_path: Path, wait_for: Wait, way: str
) -> None:
    here = start(where=tmp_path)
    wait_for(here.listens)
    (here.folder / "own_context.py").write_text(CONTEXT)
    (here.folder / "some data").touch()
    work = here.work("pass")
    Path(work.job.script).write_text(WRITES)
    work = replace(work, job=replace(work.job, context=ContextSpec("own_context:Context", {"path": "some data"})))
    with contextlib.chdir(here.folder):
        assert (run_cold(work, here.paths) if way == "cold" else here.start(work)) == ProcessEnd(0), Path(
            work.log.name
        ).read_text()
    assert not (here.folder / "left behind").exists()
    assert f"works in {work.draft}/scratch []" in Path(work.log.name).read_text()
    data = read_json(work.draft / "draft.json")["results"][0]["data"]
    assert data == {"site": str(here.folder / "some data"), "file": str(here.folder / "a/b")}


# --- the life of a preloaded process ----------------------------------------------------------------------------------
def test_it_does_a_job_and_waits_for_more(preloaded: Preloaded) -> None:
    work = preloaded.work(GOOD)
    assert preloaded.start(work) == ProcessEnd(0)
    assert read_json(work.draft / "draft.json")["results"][0]["value"] == 1
    assert read_json(work.draft / "end.json")["failure"] is None
    assert preloaded.process.poll() is None


def test_it_ends_when_the_lock_of_its_tick_is_free(preloaded: Preloaded) -> None:
    preloaded.lock.close()
    assert preloaded.process.wait(PATIENCE) == 0
    assert not preloaded.socket.exists()


def test_it_ends_in_silence_when_the_folder_of_its_tick_is_gone(preloaded: Preloaded) -> None:
    for path in sorted(preloaded.tick.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert preloaded.process.wait(PATIENCE) == 0
    assert (preloaded.folder / "warm.log").read_text() == ""


def test_it_ends_after_idle_time(start: Start) -> None:
    here = start(idle=0.5)
    assert here.process.wait(PATIENCE) == 0
    assert not here.socket.exists()


def test_it_is_not_idle_while_a_worker_runs(start: Start, wait_for: Wait) -> None:
    here = start(idle=4)
    wait_for(here.listens)
    assert here.start(here.work(f"time.sleep(8)\n{GOOD}")) == ProcessEnd(0)
    assert here.start(here.work(GOOD, "052002")) == ProcessEnd(0), "it takes the next one as well"


def test_a_module_that_cannot_be_imported_ends_it_at_once(start: Start) -> None:
    here = start(preload="json,no_such_module")
    assert here.process.wait(PATIENCE) == 1
    assert not here.socket.exists()
    assert "No module named 'no_such_module'" in (here.folder / "warm.log").read_text()


def test_what_runs_when_its_tick_has_gone_is_finished_without_a_busy_loop(preloaded: Preloaded, wait_for: Wait) -> None:
    ends: dict[str, ProcessEnd | None] = {}
    threads = []
    for run, seconds in (("052001", 1.5), ("052002", 4)):
        work = preloaded.work(
            f"{preloaded.file('started')[:-6]} + run_id, 'w').close()\ntime.sleep({seconds})\n{GOOD}", run
        )
        threads.append(threading.Thread(target=lambda work=work, run=run: ends.update({run: preloaded.start(work)})))
        threads[-1].start()
    wait_for(lambda: len(list(preloaded.folder.glob("started*"))) == 2)
    before = preloaded.cpu_seconds()
    preloaded.lock.close()
    threads[0].join()
    wait_for(lambda: (preloaded.paths.draft(Key("any", "v1", "052002")) / "end.json").exists())
    assert preloaded.cpu_seconds() - before < 0.5
    threads[1].join()
    assert ends == {"052001": ProcessEnd(0), "052002": ProcessEnd(0)}
    assert preloaded.process.wait(PATIENCE) == 0


# --- its workers ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("body", "end"), ENDS)
def test_the_end_of_a_worker_is_told_and_the_next_one_runs(preloaded: Preloaded, body: str, end: ProcessEnd) -> None:
    assert preloaded.start(preloaded.work(body)) == end
    assert preloaded.start(preloaded.work(GOOD, "052002")) == ProcessEnd(0)


def test_time_is_up_for_a_worker(preloaded: Preloaded, wait_for: Wait) -> None:
    body = f"{preloaded.file('pid')}.write(str(os.getpid()))\ntime.sleep(600)"
    begin = time.monotonic()
    assert preloaded.start(preloaded.work(body, time_limit=5.0)) == ProcessEnd(None, timed_out=True)
    assert time.monotonic() - begin < 60
    wait_for(lambda: not alive(int((preloaded.folder / "pid").read_text())))


def test_a_worker_whose_runner_is_killed_is_killed_and_lets_go_of_the_lock(
    preloaded: Preloaded, wait_for: Wait
) -> None:
    runner = preloaded.runner(preloaded.work(f"{preloaded.file('started')}.close()\ntime.sleep(600)"))
    wait_for((preloaded.folder / "started").exists)
    with (preloaded.folder / "lock-052001").open("w") as lock:
        assert not takes(lock)
        os.kill(runner, signal.SIGKILL)
        os.waitpid(runner, 0)
        wait_for(lambda: takes(lock))
    assert preloaded.process.poll() is None


def test_a_worker_outlives_the_preloaded_process_and_its_runner_and_keeps_the_lock(
    preloaded: Preloaded, wait_for: Wait
) -> None:
    go = str(preloaded.folder / "go")
    waits = f"{preloaded.file('started')}.close()\nend = time.monotonic() + 60\n"
    waits += f"while not os.path.exists({go!r}) and time.monotonic() < end:\n    time.sleep(0.02)\n"
    work = preloaded.work(waits + GOOD)
    runner = preloaded.runner(work)
    wait_for((preloaded.folder / "started").exists)
    preloaded.process.kill()
    preloaded.process.wait()
    os.kill(runner, signal.SIGKILL)
    os.waitpid(runner, 0)
    with (preloaded.folder / "lock-052001").open("w") as lock:
        assert not takes(lock)
        (preloaded.folder / "go").touch()
        wait_for(lambda: takes(lock))
    assert read_json(work.draft / "end.json")["failure"] is None


@pytest.mark.parametrize("way", WAYS)
def test_a_script_is_over_and_what_it_left_is_ended(preloaded: Preloaded, way: str, wait_for: Wait) -> None:
    """A process made by fork alone inherits the run lock, and the pipe whose closing tells that the worker is gone."""
    left = f"pid = os.fork()\nif not pid:\n    time.sleep(600)\n{preloaded.file('pid')}.write(str(pid))"
    work = preloaded.work(f"{left}\n{GOOD}", time_limit=300)
    with contextlib.chdir(preloaded.folder):
        end = run_cold(work, preloaded.paths) if way == "cold" else preloaded.start(work)
    assert end == ProcessEnd(0)
    wait_for(lambda: not alive(int((preloaded.folder / "pid").read_text())))


def test_a_worker_keeps_the_environment_that_its_software_brought(preloaded: Preloaded) -> None:
    body = "xomlib.Xomresult(variable_name='brought', variable_value=int('PRELOADED_ONLY' in os.environ)).save()"
    work = preloaded.work(body)
    assert preloaded.start(work) == ProcessEnd(0)
    assert [result["value"] for result in read_json(work.draft / "draft.json")["results"]] == [1]


def test_settings_may_be_longer_than_what_a_socket_passes_on_at_once(preloaded: Preloaded) -> None:
    long = list(range(200_000))
    body = "xomlib.Xomresult(variable_name='answer', variable_value=len(xomlib.settings()['long'])).save()"
    work = preloaded.work(body, long=long)
    # On a busy machine the preloaded process gives up a request that stops in the middle; nothing has started then.
    ends = (preloaded.start(work) for _ in range(10))
    assert next(filter(None, ends), None) == ProcessEnd(0)
    assert read_json(work.draft / "draft.json")["results"][0]["value"] == len(long)


@pytest.mark.parametrize("message", [b"", b"{", b"nonsense\n", b"{" * 100_000])
def test_nonsense_neither_disturbs_it_nor_stays_open(preloaded: Preloaded, wait_for: Wait, message: bytes) -> None:
    files = Path(f"/proc/{preloaded.process.pid}/fd")
    before = len(os.listdir(files))
    client = try_to_connect(preloaded.warm)
    assert client is not None
    # It may have hung up already.
    with client, (preloaded.folder / "some file").open("w") as some, contextlib.suppress(OSError):
        send(client, message, [some.fileno()] if message else [])
    assert preloaded.start(preloaded.work(GOOD)) == ProcessEnd(0)
    wait_for(lambda: len(os.listdir(files)) <= before)


def test_a_connection_of_another_user_is_closed_at_once(preloaded: Preloaded) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    preloaded.warm.chmod(0o777)
    preloaded.socket.chmod(0o777)
    ask = """
import os, socket, sys
os.chdir(sys.argv[1])
os.setuid(61077)
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(20)
    client.connect("socket")
    sys.exit(client.recv(1) != b"")
"""
    assert subprocess.run([sys.executable, "-c", ask, preloaded.warm], check=False).returncode == 0
    assert preloaded.start(preloaded.work(GOOD)) == ProcessEnd(0)


def test_a_process_of_another_user_gets_no_job(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 61077)
    assert try_to_connect(preloaded.warm) is None


def test_a_worker_that_cannot_begin_says_why_in_its_log(preloaded: Preloaded) -> None:
    work = preloaded.work(GOOD)
    work = replace(work, job=replace(work.job, script=5))  # type: ignore[arg-type]
    assert preloaded.start(work) == ProcessEnd(1 << 8)
    assert "JobError: script is 5, a text is needed" in (preloaded.folder / "log-052001").read_text()


def test_workers_draw_different_random_numbers(start: Start, analysis_python: Path, wait_for: Wait) -> None:
    here = start(python=analysis_python, preload="numpy,numpy.random,random")
    wait_for(here.listens)
    drawn = []
    for run in ("052001", "052002"):
        body = "import numpy, random\nfor name, one in (('a', numpy.random), ('b', random)):\n    "
        body += "xomlib.Xomresult(variable_name=name, variable_value=one.random()).save()"
        work = here.work(body, run)
        assert here.start(work) == ProcessEnd(0)
        drawn += [result["value"] for result in read_json(work.draft / "draft.json")["results"]]
    assert len(set(drawn)) == 4


# --- cold -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("body", "end"), ENDS)
def test_cold_the_end_of_a_process_is_told(jobs: Jobs, body: str, end: ProcessEnd) -> None:
    assert run_cold(jobs.work(body), jobs.paths) == end


def test_cold_time_is_up_for_a_process_and_what_it_started(jobs: Jobs, wait_for: Wait) -> None:
    pid = jobs.folder / "pid"
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
    body += f"open({str(pid)!r}, 'w').write(str(child.pid))\ntime.sleep(600)"
    assert run_cold(jobs.work(body, time_limit=5.0), jobs.paths) == ProcessEnd(None, timed_out=True)
    wait_for(lambda: not alive(int(pid.read_text())))


def test_cold_the_memory_is_limited(jobs: Jobs) -> None:
    work = jobs.work("x = bytearray(3_000_000_000)")
    assert run_cold(work, jobs.paths) == ProcessEnd(1 << 8)
    assert read_json(work.draft / "end.json")["failure"]["class"] == "out_of_memory"


def test_cold_a_script_can_be_terminated_where_its_caller_ignores_that(jobs: Jobs) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        end = run_cold(jobs.work("os.kill(os.getpid(), signal.SIGTERM)"), jobs.paths)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert end == ProcessEnd(signal.SIGTERM)


def test_a_limit_of_the_system_below_the_job_s_stays(tmp_path: Path) -> None:
    code = """
import resource
from xomlib.process.limits import limit_memory
resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))
limit_memory(4000)
print(resource.getrlimit(resource.RLIMIT_DATA)[0] == 2**30)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_cold_being_told_to_end_while_it_starts_leaves_no_process(
    jobs: Jobs, wait_for: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    class TooEarly(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self.pid)
            # To this thread, for a runner has no other one.
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", TooEarly)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with raise_on_stop(), pytest.raises(StopRequested, match="SIGTERM"):
            run_cold(jobs.work("time.sleep(600)"), jobs.paths)
    finally:
        for number, then in before.items():
            signal.signal(number, then)
    wait_for(lambda: not alive(started[0]))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_cold_a_process_whose_runner_is_gone_has_a_time_limit_too(jobs: Jobs) -> None:
    work = jobs.work("xomlib.Xomresult(variable_name='left', variable_value=signal.alarm(0)).save()", time_limit=30.5)
    assert run_cold(work, jobs.paths) == ProcessEnd(0)
    (left,) = (result["value"] for result in read_json(work.draft / "draft.json")["results"])
    assert work.time_limit < left <= 91

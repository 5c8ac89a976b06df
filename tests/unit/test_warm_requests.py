"""The runner's side of the preloaded process: what its answers mean, when it is started, and when it is given up."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from support.in_fork import in_fork
from support.jobs import Jobs, alive
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomflow.jobs.processes import cold_start, warm_start
from xomflow.jobs.processes.cold_start import run_cold
from xomflow.jobs.processes.process import STOP_SIGNALS, ProcessEnd, ProcessSpec, StopRequested, raise_on_stop
from xomflow.jobs.processes.surroundings import Home

PID, STATUS = b'{"pid": 77}\n', b'{"status": 9}\n'


class Ends:
    """The preloaded process' end of a connection, and the worker's end of its pipe."""

    def __init__(self) -> None:
        self.client, self.server = socket.socketpair()
        gone, worker = os.pipe()
        self.gone: IO[bytes] = os.fdopen(gone, "rb")
        self.worker: IO[bytes] = os.fdopen(worker, "wb")
        self.killed: list[tuple[int, int]] = []
        self.left_behind: list[int] = []

    def close(self) -> None:
        for one in (self.client, self.server, self.gone, self.worker):
            one.close()

    def wait(self, time_limit: float = 60.0) -> ProcessEnd | None:
        return warm_start._wait(self.client, self.gone, time_limit)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    made = Ends()

    def kill(pid: int, number: int) -> None:
        made.killed.append((pid, number))
        made.worker.close()

    monkeypatch.setattr(warm_start.os, "killpg", kill)
    monkeypatch.setattr(warm_start, "end_left_behind", made.left_behind.append)
    yield made
    made.close()


# --- answers ----------------------------------------------------------------------------------------------------------
def test_the_status_of_the_worker_is_its_end_in_however_many_pieces_it_comes(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 5, 4096):
        monkeypatch.setattr(warm_start, "_receive", lambda client, size=size: client.recv(size))
        ends.server.send(PID + STATUS)
        assert ends.wait() == ProcessEnd(9), "a process that it left behind may hold the pipe"
    assert (ends.left_behind, ends.killed) == ([77] * 3, [])


def test_a_status_that_comes_after_the_worker_has_ended_is_waited_for(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends.server.send(PID)
    ends.worker.close()
    receive = warm_start._receive

    def late(client: socket.socket) -> bytes:
        part = receive(client)
        ends.server.send(STATUS)
        return part

    monkeypatch.setattr(warm_start, "_receive", late)
    assert ends.wait() == ProcessEnd(9)


def test_without_any_answer_nothing_has_started(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_start, "_ANSWER_SECONDS", 0.01)
    assert ends.wait() is None
    ends.server.close()
    ends.worker.close()
    assert ends.wait() is None
    assert (ends.killed, ends.left_behind) == ([], [])


@pytest.mark.parametrize("closes", [True, False])
def test_a_worker_is_killed_with_its_group_at_the_time_limit(ends: Ends, closes: bool) -> None:
    ends.server.send(PID)
    if closes:  # the preloaded process was killed; the worker goes on
        ends.server.close()
    assert ends.wait(0.01) == ProcessEnd(None, timed_out=True)
    assert ends.killed == [(77, signal.SIGKILL)]


def test_a_worker_that_has_begun_has_its_time_limit(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_start, "_ANSWER_SECONDS", 0.01)
    ends.server.send(PID)
    threading.Timer(0.05, ends.server.send, [STATUS]).start()
    assert ends.wait(60.0) == ProcessEnd(9)


def test_a_request_that_is_longer_than_a_socket_takes_at_once_arrives_whole(ends: Ends) -> None:
    message, parts = b"x" * 2_000_000, list[bytes]()

    def read() -> None:
        while part := ends.server.recv(65536):
            parts.append(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    warm_start.send(ends.client, message, [ends.gone.fileno()])
    assert ends.client.gettimeout() is None, "a worker may be silent for long"
    ends.client.shutdown(socket.SHUT_WR)
    reader.join()
    assert b"".join(parts) == message


def test_where_the_preloaded_process_dies_the_end_of_the_worker_is_unknown(ends: Ends) -> None:
    ends.server.send(PID)
    ends.server.close()
    ends.worker.close()
    assert ends.wait() == ProcessEnd(None)
    assert ends.left_behind == [77]


def test_a_server_that_died_before_its_answer_may_have_begun_the_worker(ends: Ends) -> None:
    ends.server.close()
    assert ends.wait(0.01) == ProcessEnd(None, timed_out=True)


# --- a request --------------------------------------------------------------------------------------------------------
@pytest.fixture
def spec(tmp_path: Path) -> Iterator[ProcessSpec]:
    jobs = Jobs(tmp_path)
    yield jobs.work("pass")
    jobs.close()


def run(spec: ProcessSpec, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> ProcessEnd | None:
    monkeypatch.setattr(warm_start, "_connect", lambda *_: ends.client)
    home = Home(Path("home"), Path("lock"))
    return warm_start.run_warm(spec, Paths(Path("work")), home, ["json"], 60.0)


def test_a_request_has_the_job_its_log_its_lock_and_a_pipe(
    spec: ProcessSpec, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends.server.send(PID + STATUS)
    assert run(spec, ends, monkeypatch) == ProcessEnd(9)
    message, descriptors, _, _ = socket.recv_fds(ends.server, 65536, 4)
    asked = json.loads(message)
    assert asked == {"folder": str(Path.cwd()), "memory_mb": 1000, "job": spec.job.to_json()}
    files = [str(Path(f"/proc/self/fd/{one}").readlink()) for one in descriptors]
    for one in descriptors:
        os.close(one)
    assert files[:2] == [spec.log.name, spec.lock.name]
    assert files[2].startswith("pipe:")


# --- a cold start -----------------------------------------------------------------------------------------------------
@pytest.fixture
def own_handlers() -> Iterator[None]:
    """Give signals to stop back to those who had them."""
    before = {one: signal.getsignal(one) for one in STOP_SIGNALS}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def cold(spec: ProcessSpec, folder: Path, script: str, **changes: Any) -> ProcessEnd:
    """How a run ends whose interpreter is a shell script; signals are blocked as before."""
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        return run_cold(replace(spec, program=Program(interpreter), **changes), Paths(folder / "work"))
    finally:
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_the_end_of_a_new_process_is_its_status_or_the_time_limit(spec: ProcessSpec, tmp_path: Path) -> None:
    assert [cold(spec, tmp_path, f"exit {code}").status for code in (0, 3)] == [0, 3 << 8]
    assert cold(spec, tmp_path, "kill -KILL $$").signal_name == "SIGKILL"
    assert cold(spec, tmp_path, "exec sleep 60", time_limit=0.05) == ProcessEnd(None, timed_out=True)


def test_a_job_that_is_stopped_ends_its_new_process(
    spec: ProcessSpec, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    def job() -> None:
        with raise_on_stop(), pytest.raises(StopRequested, match="SIGTERM"):
            cold(spec, tmp_path, f"echo $$ > {tmp_path / 'pid'}; kill -TERM $PPID; exec sleep 60")

    done = in_fork(job, tmp_path)  # a job has one thread; pytest's workers have one more, which takes signals too
    assert done.returncode == 0, done.stderr
    number = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(number), 10)


@pytest.mark.usefixtures("own_handlers")
def test_a_signal_to_stop_that_comes_while_a_process_starts_ends_it(
    spec: ProcessSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]
) -> None:
    start, started = cold_start.start, []

    def start_late(*given: Any, **more: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        started.append(start(*given, **more))
        return started[0]

    monkeypatch.setattr(cold_start, "start", start_late)
    with raise_on_stop(), pytest.raises(StopRequested, match="SIGTERM"):
        cold(spec, tmp_path, "exec sleep 60")
    (process,) = started
    wait_for(lambda: not alive(process.pid), 10)


def test_what_an_analysis_leaves_running_ends_with_it(
    spec: ProcessSpec, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    assert cold(spec, tmp_path, f"sleep 60 & echo $! > {tmp_path / 'pid'}").status == 0
    number = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(number), 10)


def test_where_no_process_can_be_started_signals_are_as_before(
    spec: ProcessSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("no process is left")

    monkeypatch.setattr(cold_start, "start", fail)
    with pytest.raises(OSError, match="no process is left"):
        cold(spec, tmp_path, "exit 0")


# --- a warm start -----------------------------------------------------------------------------------------------------
def test_a_request_that_is_not_taken_has_started_nothing(
    spec: ProcessSpec, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends.server.close()
    assert run(spec, ends, monkeypatch) is None
    monkeypatch.setattr(warm_start, "_connect", lambda *_: None)
    home = Home(Path("home"), Path("lock"))
    assert warm_start.run_warm(spec, Paths(Path("work")), home, ["json"], 60.0) is None


def test_the_wait_for_the_status_of_a_worker_that_has_gone_is_short(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_start, "_ANSWER_SECONDS", 0.05)
    ends.server.send(PID)
    ends.worker.close()
    assert (ends.wait(), ends.left_behind) == (ProcessEnd(None), [77])


def test_a_look_for_a_preloaded_process_leaves_no_file_open(tmp_path: Path) -> None:
    before, place = set(os.listdir("/proc/self/fd")), Path.cwd()
    assert warm_start.try_to_connect(tmp_path) is None
    assert (set(os.listdir("/proc/self/fd")), Path.cwd()) == (before, place)


def test_a_preloaded_process_that_does_not_read_is_not_waited_for(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_start, "_ANSWER_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        warm_start.send(ends.client, b"x" * 10**7, [ends.gone.fileno()])


def test_only_the_worker_keeps_its_end_of_the_pipe(
    spec: ProcessSpec, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it closes, the worker has ended, even if the preloaded process was killed."""
    send = warm_start.send

    def send_and_die(*given: Any) -> None:
        ends.server.send(PID)
        send(*given)
        ends.server.close()

    monkeypatch.setattr(warm_start, "send", send_and_die)
    assert run(replace(spec, time_limit=0.5), ends, monkeypatch) == ProcessEnd(None)


def test_a_job_that_is_stopped_closes_its_connection_and_waits_for_the_worker(
    spec: ProcessSpec, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(client: socket.socket, pipe: IO[bytes], _: float) -> Any:
        waited.append(pipe)
        raise StopRequested("SIGTERM")

    waited: list[Any] = []
    selected: list[Any] = []

    def select(*given: Any) -> Any:
        assert ends.client.fileno() == -1, "only then the worker is killed"
        selected.extend(given[0])

    monkeypatch.setattr(warm_start, "_wait", stopped)
    monkeypatch.setattr(warm_start, "select", SimpleNamespace(select=select))
    with pytest.raises(StopRequested):
        run(spec, ends, monkeypatch)
    assert selected == waited


# --- a preloaded process ----------------------------------------------------------------------------------------------
class Preloaded:
    """Stands for the start of a preloaded process.

    Attributes
    ----------
    code
        Its exit code; None while it runs.
    listens_after
        How many looks it takes until it listens; None: it never does.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = Home(folder / "warm", folder / "lock")
        self.program = Program(Path("/opt/python"))
        self.folder = self.home.of(self.program.name)
        self.code: int | None = None
        self.listens_after: int | None = None
        self.looks = self.started = self.killed = 0
        self.now = 1000.0
        self.listener: socket.socket | None = None
        monkeypatch.setattr(warm_start, "_start", self._start)
        monkeypatch.setattr(warm_start, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep))

    def listen(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / "socket"))
        self.listener.listen()

    def close(self) -> None:
        if self.listener:
            self.listener.close()

    def connect(self) -> bool:
        client = warm_start._connect(self.program, Paths(Path("work")), self.home, ["json"], 60.0)
        if client:
            client.close()
        return client is not None

    def _start(self, *_: Any) -> Any:
        self.started += 1
        self.folder.joinpath("log").write_text("Traceback\nModuleNotFoundError: no strax\n" if self.code else "")
        return SimpleNamespace(poll=lambda: self.code, kill=self._kill)

    def _kill(self) -> None:
        self.killed += 1

    def _sleep(self, seconds: float) -> None:
        assert seconds < 1
        self.looks += 1
        self.now += 10.0
        if self.looks == self.listens_after:
            self.listen()


@pytest.fixture
def preloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preloaded]:
    monkeypatch.chdir(tmp_path)
    made = Preloaded(Path(), monkeypatch)
    yield made
    made.close()


def test_one_that_listens_is_used_and_no_other_started(preloaded: Preloaded) -> None:
    preloaded.listen()
    preloaded.folder.chmod(0o755)
    assert preloaded.connect()
    assert preloaded.started == 0
    assert preloaded.folder.stat().st_mode & 0o777 == 0o700


def test_one_is_started_and_awaited(preloaded: Preloaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, locked = warm_start.fcntl.flock, []

    def lock(file: IO[str], how: int) -> None:
        flock(file, how)
        locked.append((file.name, how))

    monkeypatch.setattr(warm_start.fcntl, "flock", lock)
    preloaded.listens_after = 3
    assert [preloaded.connect(), preloaded.connect()] == [True, True]
    assert (preloaded.started, preloaded.killed, preloaded.looks) == (1, 0, 3)
    assert not (preloaded.folder / "failed").exists()
    assert Path.cwd() == tmp_path
    assert locked == [(str(preloaded.folder / "start.lock"), fcntl.LOCK_EX)] * 2, "two runs start one"


@pytest.mark.parametrize(
    ("code", "why", "killed"), [(1, "ModuleNotFoundError: no strax", 0), (None, "it did not answer within 120 s", 1)]
)
def test_one_that_does_not_start_is_given_up_once(
    preloaded: Preloaded, capsys: pytest.CaptureFixture[str], code: int | None, why: str, killed: int
) -> None:
    preloaded.code = code
    assert [preloaded.connect(), preloaded.connect()] == [False, False]
    assert (preloaded.started, preloaded.killed) == (1, killed)
    words = "no preloaded process, so each run imports the libraries itself"
    assert capsys.readouterr().out == f"/opt/python: {words}: {why}\n"
    assert preloaded.now == (1000.0 if code else 1120.0)


def test_in_a_folder_of_another_user_none_is_started(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    preloaded.folder.mkdir(parents=True)
    monkeypatch.setattr(warm_start.os, "geteuid", lambda: os.getuid() + 1)
    assert not preloaded.connect()
    assert preloaded.started == 0


def test_where_another_user_listens_there_is_none(preloaded: Preloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    preloaded.listen()
    assert warm_start.try_to_connect(preloaded.folder.with_name("absent")) is None
    monkeypatch.setattr(warm_start, "is_own_user", lambda _: False)
    assert warm_start.try_to_connect(preloaded.folder) is None


def test_it_is_started_with_each_module_once_and_an_old_socket_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, program, began = Home(tmp_path / "warm", tmp_path / "lock"), Program(Path("/opt/python")), []
    folder = home.of(program.name)
    folder.mkdir(parents=True)
    (folder / "socket").touch()
    monkeypatch.setattr(warm_start.subprocess, "Popen", lambda *given, **more: began.append((given, more)))
    monkeypatch.setattr(warm_start, "_servers", [])
    warm_start._start(program, Paths(tmp_path), home, ["a", "b", "a"], 60.0)
    ((given, more),) = began
    assert given[0][-6:] == ["xomlib.process.fork_server", str(folder), str(home.lock), "60.0", "a", "b"]
    assert more["stdout"].name == str(folder / "log")
    assert not (folder / "socket").exists()
    assert len(warm_start._servers) == 1

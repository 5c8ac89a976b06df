"""Which requests the preloaded process takes, when it kills a child, and when it ends."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.jobs import Preloaded
from support.patience import PATIENCE
from xomflow.jobs.processes.process import ProcessEnd
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.process import fork_server
from xomlib.process.fork_server import Server
from xomlib.process.peers import is_own_user

REQUEST = json.dumps({"folder": "/", "memory_mb": 100, "job": {}}).encode() + b"\n"


class Served(Server):
    """A server that forks no process, and whose clock a test sets.

    Attributes
    ----------
    forked
        How many children it began; their process ids count from 101.
    ended
        Process ids and wait statuses of children that have ended.
    killed
        What it killed: process group or process, and its id.
    """

    def __init__(self, lock: Path, idle: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.forked = 0
        self.now = 1000.0
        self.ended: list[tuple[int, int]] = []
        self.killed: list[tuple[str, int]] = []
        self.no_groups = False
        own = {"killpg": self._kill_group, "kill": lambda pid, number: self._kill("process", pid, number)}
        own |= {"fork": self._fork, "waitpid": lambda *_: self.ended.pop(0) if self.ended else (0, 0)}
        kept = {name: getattr(os, name) for name in ("close", "WNOHANG")}
        monkeypatch.setattr(fork_server, "os", SimpleNamespace(**kept, **own))
        monkeypatch.setattr(fork_server, "_CHECK_SECONDS", 0)
        monkeypatch.setattr(fork_server, "time", SimpleNamespace(monotonic=lambda: self.now))
        super().__init__(str(lock), idle)

    def _fork(self) -> int:
        self.forked += 1
        return 100 + self.forked

    def _kill(self, what: str, pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        self.killed.append((what, pid))

    def _kill_group(self, pid: int, number: int) -> None:
        if self.no_groups:
            raise ProcessLookupError
        self._kill("group", pid, number)


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    """The lock file of a tick that is alive."""
    with (tmp_path / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield tmp_path / "lock"


@pytest.fixture
def server(lock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    made = Served(lock, 60.0, monkeypatch)
    yield made
    made._selector.close()
    for client in made._children.values():
        client.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def ask(server: Served, *parts: bytes, pipe: int | None = None, leaves: bool = False) -> socket.socket:
    """Let the server take a request, and return the client's side."""
    client, other = socket.socketpair()
    for place, part in enumerate(parts):
        if place == 0 and pipe is not None:
            socket.send_fds(client, [part], [pipe])
        else:
            client.send(part)
    if leaves:
        client.shutdown(socket.SHUT_WR)
    server._accept(SimpleNamespace(accept=lambda: (other, None)))  # type: ignore[arg-type]
    client.settimeout(0)
    return client


def answers(client: socket.socket) -> list[Any]:
    """What the client got; None: the connection is closed."""
    found: list[Any] = []
    with client, suppress(BlockingIOError):
        while part := _received(client):
            found += map(json.loads, part.splitlines())
        found.append(None)
    return found


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(4096)
    except ConnectionResetError:  # it was closed before what was sent had been read
        return b""


def is_open(end: int) -> bool:
    """Whether a pipe has another writer than this one."""
    os.set_blocking(end, False)
    try:
        return os.read(end, 1) != b""
    except BlockingIOError:
        return True


def test_a_request_becomes_a_child_whose_end_is_the_second_answer(server: Served, pipe: tuple[int, int]) -> None:
    for parts in ((REQUEST,), (REQUEST[:5], REQUEST[5:-1], b"\n")):
        client = ask(server, *parts, pipe=pipe[1])
        pid = 100 + server.forked
        server.ended = [(pid, 256)]
        server._turn()
        assert answers(client) == [{"pid": pid}, {"status": 256}, None]
    assert server.forked == 2
    os.close(pipe[1])
    assert not is_open(pipe[0]), "the server kept an end of it"


@pytest.mark.parametrize(
    ("parts", "leaves"), [((b"{\n",), False), ((b"\xff\n",), False), ((REQUEST[:-1],), True), ((REQUEST,), True)]
)
def test_an_odd_request_and_one_whose_client_left_begin_nothing(
    server: Served, pipe: tuple[int, int], parts: tuple[bytes, ...], leaves: bool
) -> None:
    server.now = 1050.0
    assert answers(ask(server, *parts, pipe=pipe[1], leaves=leaves)) == [None]
    assert server.forked == 0
    os.close(pipe[1])
    assert not is_open(pipe[0]), "the server kept an end of it"
    server.now = 1060.1
    assert server._is_over(), "it was no work"


def test_a_process_of_another_user_is_not_served(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "is_own_user", lambda _: False)
    assert answers(ask(server, REQUEST)) == [None]
    assert server.forked == 0


def test_who_is_at_the_other_end_is_asked_of_the_system_where_it_has_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = struct.pack("3i", 1, 1000, 2000)
    other: Any = SimpleNamespace(getsockopt=lambda level, option, size: answer[:size])
    for user, is_own in ((1, False), (1000, True), (2000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert is_own_user(other) == is_own
    monkeypatch.delattr(socket, "SO_PEERCRED")
    assert is_own_user(other), "as on macOS"


@pytest.mark.parametrize(("no_groups", "what"), [(False, "group"), (True, "process")])
def test_only_the_child_of_a_client_that_leaves_is_killed(server: Served, no_groups: bool, what: str) -> None:
    server.no_groups = no_groups
    first, second = ask(server, REQUEST), ask(server, REQUEST)
    answer = second.recv(4096)
    second.close()
    server._turn()
    server.ended = [(102, 9)]
    server._turn()
    assert (answer, server.killed) == (b'{"pid": 102}\n', [(what, 102)])
    server.ended = [(101, 0)]
    server._turn()
    assert answers(first) == [{"pid": 101}, {"status": 0}, None]


def test_all_children_that_have_ended_are_answered_in_one_turn(server: Served) -> None:
    clients = [ask(server, REQUEST) for _ in range(3)]
    server.ended = [(102, 0), (77, 0), (101, 9)]
    server._reap()
    found = [answers(client) for client in clients]
    assert found == [[{"pid": 101}, {"status": 9}, None], [{"pid": 102}, {"status": 0}, None], [{"pid": 103}]]


def test_it_ends_after_some_time_without_a_child_or_with_its_tick(server: Served, lock: Path) -> None:
    def is_over_at(now: float) -> bool:
        server.now = now
        return server._is_over()

    assert [is_over_at(now) for now in (1000.0, 1060.0, 1060.1)] == [False, False, True]
    server.now = 1040.0
    client = ask(server, REQUEST)
    assert not is_over_at(9999.0), "a child works"
    server.now, server.ended = 2000.0, [(101, 0)]
    server._reap()
    assert [is_over_at(now) for now in (2060.0, 2060.1)] == [False, True], "idle since its end"
    client.close()
    server.now = 2000.0
    lock.unlink()
    assert server._is_over(), "the tick is gone"


def test_descriptors_are_closed_but_those_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    its_os = SimpleNamespace(sysconf=lambda _: 20, closerange=lambda low, high: closed.extend(range(low, high)))
    monkeypatch.setattr(fork_server, "os", its_os)
    fork_server.close_all_but(9, 5)
    assert closed == [number for number in range(3, 20) if number not in (5, 9)]


def test_it_listens_until_it_is_over_and_then_waits_for_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    served, accepted, reaped = Server(str(tmp_path / "lock"), 60.0), [], []
    client = socket.socket(socket.AF_UNIX)

    def is_over() -> bool:
        if not accepted:
            with suppress(OSError):
                client.connect("socket")
        return bool(accepted)

    def accept(listener: socket.socket) -> None:
        one, _ = listener.accept()
        one.close()
        accepted.append(Path("socket").exists())
        served._children[1] = None

    def reap() -> None:
        reaped.append(Path("socket").exists())
        if not reaped[-1]:
            served._children.clear()

    for name, fake in (("_is_over", is_over), ("_accept", accept), ("_reap", reap)):
        monkeypatch.setattr(served, name, fake)
    monkeypatch.setattr(fork_server, "_CHECK_SECONDS", 0.01)
    before, wakeup = signal.getsignal(signal.SIGCHLD), signal.set_wakeup_fd(-1)
    try:
        served.serve()
        number = signal.set_wakeup_fd(-1)
        assert number >= 0, "the end of a child wakes it"
        os.close(number)
    finally:
        signal.signal(signal.SIGCHLD, before)
        signal.set_wakeup_fd(wakeup)
        client.close()
        wake = min(key.fd for key in served._selector.get_map().values())
        served._selector.close()
        os.close(wake)
    assert (accepted, reaped) == ([True], [True, False])


def test_its_modules_are_imported_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    its_os = {name: lambda *given, name=name: done.append((name, *given)) for name in ("setsid", "chdir")}
    its_gc = {name: lambda name=name: done.append(name) for name in ("collect", "freeze")}
    monkeypatch.setattr(fork_server, "os", SimpleNamespace(**its_os))
    monkeypatch.setattr(fork_server, "gc", SimpleNamespace(**its_gc))
    monkeypatch.setattr(fork_server, "importlib", SimpleNamespace(import_module=done.append))
    monkeypatch.setattr(
        fork_server, "Server", lambda *given: SimpleNamespace(serve=lambda: done.append(("serve", *given)))
    )
    assert fork_server.main(["/folder", "/lock", "60", "json", "csv"]) == 0
    imports = ["xomlib.saving", "json", "csv"]
    last = ("serve", "/lock", 60.0)
    assert done == [("setsid",), *imports, "collect", "freeze", ("chdir", "/folder"), last]


# --- a child ----------------------------------------------------------------------------------------------------------
class Ended(BaseException):
    """Stands for the end of a process."""


@pytest.mark.parametrize(("fails", "status"), [("", 7), ("limit_memory", 1), ("run_in_scratch", 1)])
def test_a_child_leaves_all_that_is_the_server_s_and_ends_with_the_status_of_its_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fails: str, status: int
) -> None:
    done: list[Any] = []

    def noted(name: str, result: Any = None) -> Any:
        def call(*given: Any) -> Any:
            done.append((name, *given))
            if name == fails:
                raise ValueError("odd")
            return result

        return call

    def end(code: int) -> None:
        done.append(("exit", code))
        raise Ended

    its_os = {name: noted(name) for name in ("setsid", "dup2", "chdir")}
    its_os |= {"open": noted("open", 9), "_exit": end, "devnull": os.devnull, "O_RDONLY": os.O_RDONLY}
    monkeypatch.setattr(fork_server, "os", SimpleNamespace(**its_os))
    kept = {name: getattr(signal, name) for name in ("SIGCHLD", "SIG_DFL")}
    its_signal = {name: noted(name) for name in ("set_wakeup_fd", "signal")}
    monkeypatch.setattr(fork_server, "signal", SimpleNamespace(**kept, **its_signal))
    its_atexit = {name: noted(name) for name in ("_clear", "_run_exitfuncs")}
    monkeypatch.setattr(fork_server, "atexit", SimpleNamespace(**its_atexit))
    monkeypatch.setattr(fork_server, "threading", SimpleNamespace(_shutdown=noted("_shutdown")))
    for name in ("close_all_but", "limit_memory"):
        monkeypatch.setattr(fork_server, name, noted(name))
    monkeypatch.setattr("xomlib.process.worker.run_in_scratch", noted("run_in_scratch", 7))
    random, pool = (SimpleNamespace(**{name: noted(name)}) for name in ("seed", "_exit_function"))
    monkeypatch.setitem(sys.modules, "numpy.random", random)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "multiprocessing.util", pool)  # type: ignore[arg-type]
    server = object.__new__(Server)
    job = JobDescription(JobKey("any", "v1", "052001"), "s", ContextSpec("json:loads"))
    with pytest.raises(Ended):
        server._become_worker({"folder": "/site", "memory_mb": 100, "job": job.to_json()}, [4, 5, 6])
    begin = [("set_wakeup_fd", -1), ("signal", signal.SIGCHLD, signal.SIG_DFL), ("setsid",)]
    begin += [
        ("open", os.devnull, os.O_RDONLY),
        ("dup2", 9, 0),
        ("dup2", 4, 1),
        ("dup2", 4, 2),
        ("close_all_but", 5, 6),
    ]
    begin += [("chdir", "/site"), ("limit_memory", 100)]
    work = [("seed",), ("_clear",), ("run_in_scratch", job)]
    ends = [("_shutdown",), ("_run_exitfuncs",), ("_exit_function",)]
    whole = begin if fails == "limit_memory" else [*begin, *work] if fails else [*begin, *work, *ends]
    assert done == [*whole, ("exit", status)]
    assert ("ValueError: odd" in capsys.readouterr().err) is bool(fails)


# --- a real one -------------------------------------------------------------------------------------------------------
BODY = """
import atexit, resource, signal
atexit.register(lambda: print("at its end", flush=True))
print("to out", sys.stdin.read() == "", os.getsid(0) == os.getpid(), len(os.listdir("/proc/self/fd")) <= 7)
print("to err", resource.getrlimit(resource.RLIMIT_DATA)[0] == 1000 * 2**20, file=sys.stderr)
print(signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, signal.set_wakeup_fd(-1), Path.cwd().name)
"""


def test_runs_are_forks_of_a_process_that_ends_with_its_tick(tmp_path: Path, wait_for: Callable[..., None]) -> None:
    served = Preloaded(tmp_path, sys.executable, 60, "json")
    try:
        wait_for(served.listens)
        good = served.work(f"from pathlib import Path\n{BODY.strip()}")
        assert served.start(good) == ProcessEnd(0)
        printed = Path(good.log.name).read_text().splitlines()
        assert sorted(printed) == sorted(["to out True True True", "to err True", "True -1 scratch", "at its end"])
        bad = served.work("raise ValueError('no light')", "052002")
        assert served.start(bad) == ProcessEnd(1 << 8)
        assert Path(bad.log.name).read_text().splitlines()[-1] == "ValueError: no light"
        assert json.loads((bad.draft / "end.json").read_text())["failure"]["class"] == "raised"
        odd = replace(served.work("pass", "052003"), memory_mb="much")  # type: ignore[arg-type]
        assert served.start(odd) == ProcessEnd(1 << 8)
        assert "Traceback" in Path(odd.log.name).read_text()
        served.lock.close()
        assert served.process.wait(PATIENCE) == 0
        assert not served.socket.exists()
    finally:
        served.close()

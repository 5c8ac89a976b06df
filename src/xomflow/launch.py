"""Start one analysis in a process of its own, cold or as a fork of a preloaded one, and wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from xomflow import software
from xomflow.paths import Paths, TickPaths
from xomflow.software import Program
from xomlib.files import dump_json
from xomlib.warm import limit_memory

_ADDRESS = "socket"
_START_SECONDS = 120.0
_servers: list[subprocess.Popen[bytes]] = []  # they outlive their first job; Python wants somebody to hold them
_ANSWER_SECONDS = 30.0
_GRACE_SECONDS = 60
_TOLD_TO_END = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Work:
    """One analysis to start.

    Parameters
    ----------
    program
        What runs it.
    job
        What xomlib is told, see `xomlib.session.Session`.
    draft
        Folder for the job's files.
    log
        Open file for what the analysis prints.
    lock
        The held lock of the run, which the process keeps open.
    time_limit
        Seconds.
    memory_mb
        Megabytes.
    """

    program: Program
    job: dict[str, Any]
    draft: Path
    log: IO[str]
    lock: IO[str]
    time_limit: float
    memory_mb: int


class Stopped(BaseException):
    """Somebody told this job to end."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended.

    Parameters
    ----------
    status
        Its wait status, where it is known.
    timed_out
        Whether its time was up.
    stopped_by
        Name of the signal that told the job to end; empty if none did.
    out_of_memory
        Whether the kernel ended a process of the job because there was no memory left.
    """

    status: int | None
    timed_out: bool = False
    stopped_by: str = ""
    out_of_memory: bool = False

    @property
    def signal_name(self) -> str:
        """Name of the signal that ended it; empty if none did or nobody knows."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return ""
        return signal.Signals(os.WTERMSIG(self.status)).name


def run_cold(work: Work, paths: Paths) -> End:
    """Run the analysis in a new process."""
    order = work.draft / "job.json"
    dump_json(order, work.job)
    # Being told to end must wait until there is a process to end.
    signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD_TO_END)
    try:
        process = subprocess.Popen(
            software.command(work.program, paths, "xomlib.work", str(order.absolute())),
            env=software.environment(work.program, paths),
            stdin=subprocess.DEVNULL,
            stdout=work.log,
            stderr=subprocess.STDOUT,
            pass_fds=(work.lock.fileno(),),
            start_new_session=True,
            preexec_fn=lambda: _prepare(work),
        )
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
            code = process.wait(work.time_limit)
        except (subprocess.TimeoutExpired, Stopped) as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return End(None, timed_out=not isinstance(error, Stopped), stopped_by=_who(error))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
    return End(-code if code < 0 else code << 8)


def _prepare(work: Work) -> None:
    """Set up the new process, in it, before it becomes the analysis."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
    limit_memory(work.memory_mb)
    signal.alarm(math.ceil(work.time_limit) + _GRACE_SECONDS)  # should nobody be left to see to its time


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within it, being told to end raises `Stopped`; afterwards it is ignored: the last word must be written."""

    def stop(number: int, _: Any) -> None:
        _on_signals(signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name)

    _on_signals(stop)
    try:
        yield
    finally:
        _on_signals(signal.SIG_IGN)


def _on_signals(then: Any) -> None:
    for one in _TOLD_TO_END:
        signal.signal(one, then)


def _who(error: BaseException) -> str:
    return str(error) if isinstance(error, Stopped) else ""


def run_warm(work: Work, paths: Paths, tick: TickPaths, warm: dict[str, Any]) -> End | None:
    """Run the analysis as a fork of the tick's preloaded process; None where that is not possible: run it cold then.

    Parameters
    ----------
    work
        What to run.
    paths, tick
        Where things are.
    warm
        ``preload`` (modules) and ``idle_s`` (seconds).
    """
    folder = tick.warm(work.program.name)
    client = _connect(work.program, paths, tick, folder, warm)
    if client is None:
        return None
    gone, held_by_worker = os.pipe()
    order = {
        "folder": os.getcwd(),  # noqa: PTH109
        "memory_mb": work.memory_mb,
        "job": work.job,
    }
    with client, os.fdopen(gone, "rb") as pipe:
        try:
            descriptors = [work.log.fileno(), work.lock.fileno(), held_by_worker]
            _send(client, json.dumps(order).encode() + b"\n", descriptors)
        except OSError:
            return None
        finally:
            os.close(held_by_worker)
        try:
            return _wait(client, pipe, work.time_limit)
        except Stopped as error:  # closing the connection ends the worker
            return End(None, stopped_by=str(error))


def _send(client: socket.socket, message: bytes, descriptors: list[int]) -> None:
    client.settimeout(_ANSWER_SECONDS)
    sent = socket.send_fds(client, [message], descriptors)
    client.sendall(message[sent:])
    client.settimeout(None)


def _wait(client: socket.socket, gone: IO[bytes], time_limit: float) -> End | None:
    """Wait until the worker is gone, which its end of the pipe tells even if the preloaded process was killed."""
    answers, begin = b"", time.monotonic()
    watched: list[Any] = [client, gone]
    ready: list[Any] = []
    # A process that the worker left behind may hold the pipe for longer, so the status is as good.
    while gone not in ready and "status" not in _told(answers):
        # Without an answer nothing has begun, unless whoever would give it is gone.
        known = answers or client not in watched
        until = begin + (time_limit if known else min(time_limit, _ANSWER_SECONDS))
        ready, _, _ = select.select(watched, [], [], max(0.0, until - time.monotonic()))
        if not ready:
            if not known:
                return None
            _kill_worker(_told(answers), gone)
            return End(None, timed_out=True)
        if client in ready:
            part = _receive(client)
            answers += part
            if not part:
                watched.remove(client)
    client.settimeout(_ANSWER_SECONDS)
    while client in watched and "status" not in _told(answers) and (part := _receive(client)):
        answers += part
    told = _told(answers)
    return End(told.get("status")) if told else None


def _told(answers: bytes) -> dict[str, int]:
    """Return what the complete lines of an answer say."""
    lines = answers[: answers.rfind(b"\n") + 1].splitlines()
    return {name: value for line in lines for name, value in json.loads(line).items()}


def _kill_worker(told: dict[str, int], gone: IO[bytes]) -> None:
    if "pid" in told:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(told["pid"], signal.SIGKILL)
        select.select([gone], [], [], _ANSWER_SECONDS)


def _receive(client: socket.socket) -> bytes:
    try:
        return client.recv(4096)
    except OSError:
        return b""


def _connect(
    program: Program, paths: Paths, tick: TickPaths, folder: Path, warm: dict[str, Any]
) -> socket.socket | None:
    """Return a connection to the preloaded process, which is started by whoever comes first; None if it will not."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = _try_to_connect(folder)
        if client is not None:
            return client
        if (folder / "failed").exists():
            return None
        with contextlib.suppress(FileNotFoundError):
            (folder / _ADDRESS).unlink()
        with (folder / "log").open("ab") as log:
            # The name of a Unix socket may have 108 characters, a path may have more.
            arguments = ["--folder", str(folder.absolute())]
            arguments += ["--alive", str(tick.lock.absolute()), "--idle", str(warm["idle_s"])]
            arguments += ["--preload", ",".join(dict.fromkeys(warm["preload"]))]
            server = subprocess.Popen(
                software.command(program, paths, "xomlib.warm", _ADDRESS, *arguments),
                env=software.environment(program, paths),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _servers.append(server)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            client = _try_to_connect(folder)
            if client is not None:
                return client
            time.sleep(0.05)
        if server.poll() is None:
            server.kill()
        (folder / "failed").touch()  # once is enough: the others start cold at once
        return None


def _try_to_connect(folder: Path) -> socket.socket | None:
    client = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        client.connect(_ADDRESS)
    except OSError:
        client.close()
        return None
    finally:
        os.fchdir(here)
        os.close(here)
    return client

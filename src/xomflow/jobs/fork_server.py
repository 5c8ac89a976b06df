"""Run an analysis as a fork of a preloaded process (warm start)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Any

from xomflow.config import software
from xomflow.config.software import Program
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.process import End, Stopped, Work

_ADDRESS = "socket"
_START_SECONDS = 120.0
_servers: list[subprocess.Popen[bytes]] = []  # they outlive their first job; Python wants somebody to hold them
_ANSWER_SECONDS = 30.0


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
                software.command(program, paths, "xomlib.fork_server", _ADDRESS, *arguments),
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

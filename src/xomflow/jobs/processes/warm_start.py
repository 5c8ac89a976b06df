"""Run an analysis as a fork of a preloaded process, `xomlib.process.fork_server`, which the first run starts."""

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
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from xomflow.config import software
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomflow.jobs.processes.process import ProcessEnd, ProcessSpec, StopRequested
from xomflow.jobs.processes.surroundings import Home
from xomflow.outcomes.document import log_tail
from xomlib.files import open_file
from xomlib.printing import say
from xomlib.process.launch import end_left_behind
from xomlib.process.peers import is_own_user

_SOCKET = "socket"  # as in xomlib.process.fork_server
_START_SECONDS = 120.0
_ANSWER_SECONDS = 30.0
_servers: list[subprocess.Popen[bytes]] = []  # they outlive their first job, and Python warns about lost ones


def run_warm(spec: ProcessSpec, paths: Paths, home: Home, preload: Iterable[str], idle_s: float) -> ProcessEnd | None:
    """Run the analysis as a fork of a preloaded process and return how it ended; `StopRequested` once it is killed.

    Parameters
    ----------
    spec
        What the process needs.
    paths, home
        Where things are, and where the preloaded process is.
    preload
        Modules that the preloaded process imports.
    idle_s
        Seconds without a job after which it ends.

    Returns
    -------
    ProcessEnd or None
        None if the analysis has not started, because there is no such process.
    """
    client = _connect(spec.program, paths, home, preload, idle_s)
    if client is None:
        return None
    gone, held_by_worker = os.pipe()
    request = {"folder": os.getcwd(), "memory_mb": spec.memory_mb, "job": spec.job.to_json()}  # noqa: PTH109
    with client, os.fdopen(gone, "rb") as pipe:
        try:
            send(client, json.dumps(request).encode() + b"\n", [spec.log.fileno(), spec.lock.fileno(), held_by_worker])
        except OSError:
            return None
        finally:
            os.close(held_by_worker)
        try:
            return _wait(client, pipe, spec.time_limit)
        except StopRequested:
            client.close()  # which ends the worker, and with it the lock is free
            select.select([pipe], [], [], _ANSWER_SECONDS)
            raise


def send(client: socket.socket, message: bytes, descriptors: list[int]) -> None:
    """Send a request with its file descriptors; `OSError` if the preloaded process does not take it."""
    client.settimeout(_ANSWER_SECONDS)
    sent = socket.send_fds(client, [message], descriptors)
    client.sendall(message[sent:])
    client.settimeout(None)


def _wait(client: socket.socket, gone: IO[bytes], time_limit: float) -> ProcessEnd | None:
    """Wait until the worker has ended; its end of the pipe shows that even if the preloaded process was killed."""
    received, begin = b"", time.monotonic()
    watched: list[Any] = [client, gone]
    ready: list[Any] = []
    # A process that the worker left behind may hold the pipe for longer, so the status is as good.
    while gone not in ready and "status" not in _answers_in(received):
        # No reply means that the job has not started, unless the server died.
        started = received or client not in watched
        until = begin + (time_limit if started else min(time_limit, _ANSWER_SECONDS))
        ready, _, _ = select.select(watched, [], [], max(0.0, until - time.monotonic()))
        if not ready:
            if not started:
                return None
            _kill_worker(_answers_in(received), gone)
            return ProcessEnd(None, timed_out=True)
        if client in ready:
            part = _receive(client)
            received += part
            if not part:
                watched.remove(client)
    client.settimeout(_ANSWER_SECONDS)
    while "status" not in _answers_in(received) and (part := _receive(client)):
        received += part
    answers = _answers_in(received)
    if "pid" in answers:
        end_left_behind(answers["pid"])
    return ProcessEnd(answers.get("status")) if answers else None


def _answers_in(received: bytes) -> dict[str, int]:
    """Return the answers in the complete lines received: ``pid``, and ``status`` at the end."""
    lines = received[: received.rfind(b"\n") + 1].splitlines()
    return {name: value for line in lines for name, value in json.loads(line).items()}


def _kill_worker(answers: dict[str, int], gone: IO[bytes]) -> None:
    if "pid" in answers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(answers["pid"], signal.SIGKILL)
        select.select([gone], [], [], _ANSWER_SECONDS)


def _receive(client: socket.socket) -> bytes:
    try:
        return client.recv(4096)
    except OSError:
        return b""


def _connect(program: Program, paths: Paths, home: Home, preload: Iterable[str], idle_s: float) -> socket.socket | None:
    """Return a connection to the preloaded process, which is started if there is none; None if it does not start."""
    folder = home.of(program.name)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        return None
    folder.chmod(0o700)  # whatever the umask: who can connect can run scripts as this user
    with open_file(folder / "start.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (client := try_to_connect(folder)) or (folder / "failed").exists():
            return client
        server = _start(program, paths, home, preload, idle_s)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            if client := try_to_connect(folder):
                return client
            time.sleep(0.05)
        if server.poll() is None:
            server.kill()
        (folder / "failed").touch()  # the other runs start cold at once
        why = " ".join(log_tail(folder / "log")[-1:]) or f"it did not answer within {_START_SECONDS:.0f} s"
        say(f"{program.name}: no preloaded process, so each run imports the libraries itself: {why}")
        return None


def _start(
    program: Program, paths: Paths, home: Home, preload: Iterable[str], idle_s: float
) -> subprocess.Popen[bytes]:
    folder = home.of(program.name)
    (folder / _SOCKET).unlink(missing_ok=True)
    arguments = [str(folder.absolute()), str(home.lock.absolute()), str(idle_s), *dict.fromkeys(preload)]
    with open_file(folder / "log", "ab") as log:
        server = subprocess.Popen(
            software.command(program, paths, "xomlib.process.fork_server", *arguments),
            env=software.environment(program, paths),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    _servers.append(server)
    return server


def try_to_connect(folder: Path) -> socket.socket | None:
    """Return a connection to the preloaded process in a folder; None if none of this user listens there."""
    client = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)  # the name of a Unix socket may have 108 characters, a path may have more
        client.connect(_SOCKET)
        if is_own_user(client):
            return client
    except OSError:
        pass
    finally:
        os.fchdir(here)
        os.close(here)
    client.close()
    return None

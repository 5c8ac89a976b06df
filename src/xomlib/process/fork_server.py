"""A process that has imported the heavy libraries once and forks a child for every job.

``python -m xomlib.process.fork_server FOLDER LOCK SECONDS MODULE ...`` imports the modules and listens on the Unix
socket ``FOLDER/socket``, for processes of the same user only. A client sends one job, a line of JSON, with three file
descriptors: the log, the run's lock (which the child keeps open, so that the lock lasts as long as the job) and the
writing end of a pipe (which closes when the child ends, whatever happens to this process). The answer is one line with
the child's process id and one with its wait status.

The process ends when the tick that started it is gone, so that its LOCK is free, or after SECONDS without a job;
running children finish first.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

from xomlib.documents.job_description import JobDescription
from xomlib.process.limits import limit_memory
from xomlib.process.locks import is_locked
from xomlib.process.peers import is_own_user

_SOCKET = "socket"
_PART_SIZE = 65536
_CHECK_SECONDS = 1.0


def main(argv: list) -> int:
    """Import the modules and serve jobs until the tick is gone."""
    folder, lock, idle, *modules = argv
    os.setsid()
    for module in ("xomlib.saving", *modules):  # found also in the folder where this process was started
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # children share these pages as long as no collector touches them
    os.chdir(folder)  # the name of a Unix socket may have 108 characters, a path may have more
    Server(lock, float(idle)).serve()
    return 0


class Server:
    """The preloaded process, which listens in the current folder; see the module's text.

    Parameters
    ----------
    tick_lock
        Lock file of the tick; once it is free the tick is gone.
    idle
        Seconds without a job after which to end.
    """

    def __init__(self, tick_lock: str, idle: float) -> None:
        self._tick_lock = tick_lock
        self._idle = idle
        self._children: dict = {}
        self._selector = selectors.DefaultSelector()
        self._last_work = time.monotonic()

    def serve(self) -> None:
        """Serve until the tick is gone or no job came for long, and every child has ended."""
        wake, signalled = os.pipe()
        os.set_blocking(signalled, False)
        signal.set_wakeup_fd(signalled)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake, selectors.EVENT_READ, lambda: os.read(wake, 4096))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(_SOCKET)
            listener.listen(64)
            self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
            while not self._is_over():
                self._turn()
            self._selector.unregister(listener)
            with contextlib.suppress(FileNotFoundError):  # the tick's folder may be gone with it
                os.unlink(_SOCKET)
        while self._children:  # no new work, but what runs is finished
            self._turn()

    def _turn(self) -> None:
        for event, _ in self._selector.select(_CHECK_SECONDS):
            event.data()
        self._reap()

    def _is_over(self) -> bool:
        idle = not self._children and time.monotonic() - self._last_work > self._idle
        return idle or not is_locked(self._tick_lock)

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        if not is_own_user(client):
            client.close()
            return
        client.settimeout(5)
        descriptors: list = []
        try:
            message, descriptors, _, _ = socket.recv_fds(client, _PART_SIZE, 3)
            while message and not message.endswith(b"\n"):
                part = client.recv(_PART_SIZE)
                message = message + part if part else b""
            request = json.loads(message)
        except (OSError, ValueError):
            close_all(descriptors)
            client.close()
            return
        if client in select.select([client], [], [], 0)[0]:
            close_all(descriptors)  # the client has left: it waited for too long
            client.close()
            return
        pid = os.fork()
        if pid == 0:
            self._become_worker(request, descriptors)
        close_all(descriptors)
        self._children[pid] = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._client_left(client))
        _answer(client, {"pid": pid})

    def _become_worker(self, request: dict, descriptors: list) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            log, lock, pipe = descriptors
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            close_all_but(lock, pipe)
            os.chdir(request["folder"])
            limit_memory(request["memory_mb"])
            if "numpy.random" in sys.modules:  # every child would draw the same numbers
                sys.modules["numpy.random"].seed()
            from xomlib.process import worker

            atexit._clear()  # what the modules of the server registered is its own
            status = worker.run_in_scratch(JobDescription.from_json(request["job"]))
            _end_as_python_does()
        except BaseException:  # the log is the only place where this can be read
            traceback.print_exc()
        finally:
            # Never back into the server's own code, and no exit handlers of the parent.
            sys.stderr.flush()
            os._exit(status)

    def _client_left(self, client: Any) -> None:
        """Kill the child of a client that does not wait any more: it was killed, or the time limit is reached."""
        for pid, owner in self._children.items():
            if owner is client:
                self._selector.unregister(owner)
                try:
                    os.killpg(pid, signal.SIGKILL)
                except ProcessLookupError:  # it has just begun and is not the head of a group yet
                    os.kill(pid, signal.SIGKILL)  # not reaped, so it is there

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._last_work = time.monotonic()
            client = self._children.pop(pid, None)
            if client is not None:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(client)
                _answer(client, {"status": status})
                client.close()


def close_all(descriptors: list) -> None:
    """Close these file descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def close_all_but(*keep: int) -> None:
    """Close every file descriptor above standard error except those in ``keep``."""
    start = 3
    for descriptor in [*sorted(keep), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(start, descriptor)
        start = descriptor + 1


def _end_as_python_does() -> None:
    """Wait for threads and end child processes, as an interpreter does at its end."""
    util: Any = sys.modules.get("multiprocessing.util")
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if util is not None:  # its function was the server's
        util._exit_function()


def _answer(client: socket.socket, answer: dict) -> None:
    with contextlib.suppress(OSError):
        client.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

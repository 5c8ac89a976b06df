"""A process that a test starts: awaited until it is ready, stopped by its own id whatever happens to the test."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PATIENCE = 10.0  # seconds between a request to end and an order
LONG = 900.0
"""Seconds that no step of a server takes, however busy the machine."""


class DaemonError(Exception):
    """A server did not start or died."""


class Daemon:
    """One server process, which can be stopped, killed and started again.

    Parameters
    ----------
    command
        What is started.
    log
        File for what it prints.
    environment
        Its environment; nothing: ours.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command = [*_tether(), *command]
        self._name = Path(command[0]).name
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, f"{self._name} was never started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; see `wait_until` for readiness."""
        assert not self.alive, f"{self._name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.log.parent,  # where it leaves a core, should it crash
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], object], seconds: float = LONG) -> None:
        """Wait until it is ready; `DaemonError` with the end of its log if it dies before or takes too long."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise DaemonError(f"{self._name} died while it started: {self._last_words()}")
            if time.monotonic() > end:
                raise DaemonError(f"{self._name} was not ready after {seconds:.0f} s: {self._last_words()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, and see to it; nothing where it has ended."""
        if self.alive:
            self.signal(signal.SIGTERM)
            self._reap(_PATIENCE)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.alive:
            self.signal(signal.SIGKILL)
        self._reap(_PATIENCE)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def _reap(self, seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1000:]


class Server(abc.ABC):
    """A server with data of its own, which can be stopped, killed and started again where it was."""

    _daemon: Daemon

    @abc.abstractmethod
    def start(self) -> None:
        """Start it, at the port that it had before if it ran before."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._daemon.pid

    def stop(self) -> None:
        """End it in good order."""
        self._daemon.stop()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._daemon.kill()


def _tether() -> list[str]:
    """Where there is a setpriv the kernel ends the server with us, even if we are killed."""
    if not shutil.which("setpriv"):
        return []
    # Killed before setpriv has asked for the signal, we are no longer the parent, and no signal will come.
    only_if_we_live = ["sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]
    return ["setpriv", "--pdeathsig", "TERM", "--", *only_if_we_live]


def free_ports(number: int) -> list[int]:
    """Return different loopback ports that nobody listens on."""
    with contextlib.ExitStack() as open_ones:
        probes = [open_ones.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]

"""The tick's own steps, in forks of Snakemake's process: it has imported nearly all that they need, which costs more.

The forks are made by a process that is forked before Snakemake has threads, so none of them can hold a lock.
"""

from __future__ import annotations

import json
import os
import runpy
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import TickPaths
from xomflow.workflow.commands import step_command

_MOST = 65536  # bytes of an order: a step and the folder of a tick


class Steps:
    """Runs steps of a tick one after the other, each in a process of its own that this process waits for.

    Made before the tick takes its lock, which no step may keep.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._orders, orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._orders.close()
            _serve(orders)
        orders.close()

    def take(self, step: str, tick: TickPaths) -> int:
        """Run a step to its end and return its exit code; what it prints is also in its log."""
        try:
            self._orders.send(json.dumps([step, str(tick.folder)]).encode())
            return int(self._orders.recv(_MOST))
        except (OSError, ValueError):  # it was killed
            return ExitCode.UNFORESEEN

    def close(self) -> None:
        """End the process that makes the forks."""
        self._orders.close()
        os.waitpid(self._pid, 0)


def take_by_command(step: str, tick: TickPaths) -> int:
    """Run a step to its end as a program and return its exit code; what it prints is also in its log."""
    with subprocess.Popen(
        step_command(step, tick), shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as one:
        subprocess.run(["tee", str(tick.log(step))], stdin=one.stdout, check=False)
    return one.returncode


def _serve(orders: socket.socket) -> NoReturn:
    """Fork a process for each order, until there will be no more."""
    try:
        interrupt = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the step ends by it, and that is reported
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Both steps need most of it, and meanwhile Snakemake makes ready what it asks for.
        import xomflow.workflow.discover
        import xomflow.workflow.ending.finish  # noqa: F401

        while order := orders.recv(_MOST):
            step, folder = json.loads(order)
            pid = os.fork()
            if pid == 0:
                orders.close()
                if interrupt != signal.SIG_IGN:
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                _work(step, TickPaths(Path(folder)))
            _, status = os.waitpid(pid, 0)
            orders.send(str(os.waitstatus_to_exitcode(status)).encode())
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


def _work(step: str, tick: TickPaths) -> NoReturn:
    """Be the process of a step; never return into what Snakemake was about to do."""
    code = int(ExitCode.UNFORESEEN)
    try:
        tee = subprocess.Popen(["tee", str(tick.log(step))], stdin=subprocess.PIPE)
        assert tee.stdin is not None
        for descriptor in (1, 2):
            os.dup2(tee.stdin.fileno(), descriptor)
        tee.stdin.close()
        sys.stdout, sys.stderr = (os.fdopen(one, "w", buffering=1, errors="backslashreplace") for one in (1, 2))
        code = _code_of_command(step, tick)
        sys.stdout.close()
        sys.stderr.close()
        tee.wait()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _code_of_command(step: str, tick: TickPaths) -> int:
    """Do what the command of a step does; return its exit code."""
    sys.argv = shlex.split(step_command(step, tick))[2:]
    try:
        runpy.run_module("xomflow", run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    return ExitCode.UNFORESEEN

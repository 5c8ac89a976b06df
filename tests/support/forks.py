"""An interpreter whose processes are forks of one that has imported straxen, which takes 4 s of CPU each time.

`preloaded` gives such an interpreter to a test. This file is also both of its halves, under the analysis interpreter:
the server (``python forks.py serve SOCKET straxen``), and what stands in the interpreter's place (``python forks.py ask
SOCKET ...``): it has a fork run its command line, with its folder, environment and files.
"""

import contextlib
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_FILES = (0, 1, 2)
_SOURCE = Path(__file__).resolve().parents[2] / "src"


@contextlib.contextmanager
def preloaded(path: Path, python: Path, *packages: Path) -> Iterator[Path]:
    """Write an interpreter ``path`` that understands ``-m MODULE ...`` and ``FILE ...``, and end its server afterwards.

    Parameters
    ----------
    path
        Where the interpreter is written.
    python
        The analysis interpreter.
    packages
        More folders of modules.
    """
    with tempfile.TemporaryDirectory(prefix="forks") as folder:  # the path of a socket must be short
        place = Path(folder, "socket")
        path.write_text(f'#!/bin/sh\nexec "{python}" -S -E "{__file__}" ask "{place}" "$@"\n')
        path.chmod(0o755)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [_SOURCE, *packages]))}
        command = [str(python), __file__, "serve", str(place), "straxen"]
        with subprocess.Popen(command, env=environment) as server:
            try:
                end = time.monotonic() + 300
                while not place.exists():
                    assert server.poll() is None, "the server has ended"
                    assert time.monotonic() < end, "the server does not listen"
                    time.sleep(0.02)
                yield path
            finally:
                server.terminate()


def serve(place: str, *modules: str) -> None:
    """Import the modules, then run a fork for each caller."""
    del sys.path[0]  # this file's folder, whose `site.py` is not Python's
    for module in modules:
        __import__(module)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{place}.new")
    listening.listen()
    Path(f"{place}.new").rename(place)
    while True:
        caller, _ = listening.accept()
        if os.fork() == 0:
            _answer(caller)
        caller.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(caller: socket.socket) -> None:
    """Run a caller's command line in a fork of its own, and report how that ended."""
    text, files, _, _ = socket.recv_fds(caller, 1 << 16, len(_FILES))
    while not text.endswith(b"\n"):
        text += caller.recv(1 << 16)
    worker = os.fork()
    if worker == 0:
        for number, file in zip(_FILES, files, strict=True):
            os.dup2(file, number)
            os.close(file)
        caller.close()
        _run(**json.loads(text))
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    caller.sendall(bytes([code & 255]))
    os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be the process that the caller asked for."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    code = 1
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr, sys.__stdout__)):  # a script may replace them
            stream.flush()
        os._exit(code)


def ask(place: str, *arguments: str) -> int:
    """Have a fork run the interpreter's arguments, and return its exit status."""
    request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        text = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(server, [text], _FILES)
        server.sendall(text[sent:])
        return (server.recv(1) or b"\1")[0]


if __name__ == "__main__":
    _, half, *rest = sys.argv
    if half == "serve":
        serve(*rest)
    else:
        sys.exit(ask(*rest))

"""An interpreter whose processes are forks of one that has imported straxen, which takes 4 s of CPU each time.

`shared_server` is for all tests of a session, `own_server` for one whose variables straxen reads at its import;
`interpreter` writes what stands in the interpreter's place. This file is also both halves, under the analysis
interpreter: the server (``python forks.py serve SOCKET PID straxen``), which ends with the process of that number, and
the other (``python forks.py ask SOCKET NAME ...``), which has a fork run its command line, with its folder, environment
and files.
"""

import contextlib
import fcntl
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FILES = (0, 1, 2)
_SOURCE = Path(__file__).resolve().parents[2] / "src"


def interpreter(path: Path, python: Path, server: Path, *packages: Path) -> Path:
    """Write an interpreter ``path`` that understands ``-m MODULE ...`` and ``FILE ...``, and return it.

    Parameters
    ----------
    path
        Where the interpreter is written.
    python
        The analysis interpreter.
    server
        Socket of a server.
    packages
        More folders of modules.
    """
    found = ":".join(["$PYTHONPATH", *map(str, packages)])
    ask = f'exec "{python}" -S -E "{__file__}" ask "{server}" "{path}" "$@"'
    path.write_text(f'#!/bin/sh\nexport PYTHONPATH="{found}"\n{ask}\n')
    path.chmod(0o755)
    return path


def shared_server(python: Path, folder: Path, session: int) -> Path:
    """Return the socket of the server in a folder, which is started if it is not there.

    Parameters
    ----------
    python
        The analysis interpreter.
    folder
        A folder of all workers of the session.
    session
        The process with which it ends.
    """
    with (folder / "straxen.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / "straxen.socket"
        if not note.exists():
            place = Path(tempfile.mkdtemp(prefix="forks"), "socket")  # the path of a socket must be short
            with (folder / "straxen.log").open("w") as log:
                _wait_for(place, _start(python, place, session, stdout=log, stderr=log, start_new_session=True))
            note.write_text(str(place))
        return Path(note.read_text())


@contextlib.contextmanager
def own_server(python: Path) -> Iterator[Path]:
    """Start a server with the variables that are set now, give its socket, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="forks") as folder:
        place = Path(folder, "socket")
        with _start(python, place, os.getpid()) as server:
            try:
                _wait_for(place, server)
                yield place
            finally:
                server.terminate()


def _start(python: Path, place: Path, session: int, **options: Any) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(_SOURCE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(python), __file__, "serve", str(place), str(session), "straxen"],
        env=environment, stdin=subprocess.DEVNULL, **options,
    )  # fmt: skip


def _wait_for(place: Path, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 300
    while not place.exists():
        assert server.poll() is None, "the server has ended"
        assert time.monotonic() < end, "the server does not listen"
        time.sleep(0.02)


def serve(place: str, session: str, *modules: str) -> None:
    """Import the modules, then run a fork for each caller until the process of the session has ended."""
    del sys.path[0]  # this file's folder, whose `site.py` is not Python's
    over = os.pidfd_open(int(session))
    for module in modules:
        __import__(module)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{place}.new")
    listening.listen()
    Path(f"{place}.new").rename(place)
    watched: list[Any] = [listening, over]
    while over not in select.select(watched, [], [])[0]:
        caller, _ = listening.accept()
        if os.fork() == 0:
            _answer(caller)
        caller.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    shutil.rmtree(Path(place).parent, ignore_errors=True)


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


def _run(name: str, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be the process that the caller asked for; what a script starts by `sys.executable` is a fork too."""
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
            sys.argv, sys.executable = arguments, name
            sys.path.insert(0, str(Path(arguments[0]).parent.absolute()))
            runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr, sys.__stdout__)):  # a script may replace them
            stream.flush()
        os._exit(code)


def ask(place: str, name: str, *arguments: str) -> int:
    """Have a fork run the interpreter's arguments, and return its exit status."""
    request = {"name": name, "arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
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

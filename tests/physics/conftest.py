"""Runs the physics scripts under the analysis interpreter, once per test session."""

import fcntl
import json
import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Run = Callable[..., Any]


@pytest.fixture(scope="session")
def run_script(shared: Path, straxen_python: Path) -> Run:
    """Return a function that runs one script of this folder and returns the JSON in its last line.

    Without another interpreter it is a fork of a process that has imported straxen. pytest-xdist's workers share what
    the first of them ran.
    """

    def run(script: str, *arguments: str, python: Path = straxen_python) -> Any:
        name = f"{script}-{zlib.crc32(json.dumps(arguments).encode())}"
        answer = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not answer.exists():
                answer.write_text(_run(python, script, arguments))
        return json.loads(answer.read_text())

    return run


def _run(python: Path, script: str, arguments: tuple[str, ...]) -> str:
    # A script's own folder is on its path already; tests/ has the servers that misbehave.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    command = [str(python), str(HERE / f"{script}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, f"{script} failed:\n{done.stderr[-3000:]}"
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="session")
def small_set(run_script: Run, mini: Path) -> Callable[[str], Any]:
    """Return a function that returns what `small_set.py` prints of a part of the session's small set."""
    return lambda part: run_script("small_set", str(mini), part)


@pytest.fixture(scope="session")
def kr83m_cases(run_script: Run) -> Any:
    """Return what `kr83m_cases.py` prints."""
    return run_script("kr83m_cases")

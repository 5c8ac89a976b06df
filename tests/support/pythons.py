"""Other Pythons of this machine."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest


def python_3_9() -> str:
    """A Python 3.9 of this machine, or a skip."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        found = subprocess.run(["pyenv", "prefix", "3.9"], capture_output=True, text=True, check=True).stdout.strip()
        return f"{found}/bin/python"
    own = sorted(Path("~/.pyenv/versions").expanduser().glob("3.9*/bin/python"))
    found_here = str(own[-1]) if own else shutil.which("python3.9")
    # A name in PATH may be a shim without an interpreter behind it.
    if not found_here or subprocess.run([found_here, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no Python 3.9 on this machine (looked for pyenv's and for python3.9)")
    return found_here

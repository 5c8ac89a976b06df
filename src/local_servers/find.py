"""Find the programs of the servers: what ``make services`` built, and what the system has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SYSTEM = os.pathsep.join(["/usr/sbin", "/sbin"])  # where daemons lie, which is not in everybody's PATH


class NoServerError(Exception):
    """There is no such server; the message names the command that makes it."""


def built(service: str, part: str) -> Path:
    """Return a part of what ``make services`` made; `NoServerError` if it did not."""
    folder = Path(os.environ.get("XOM_TEST_SERVICES", ROOT / "work/services")).absolute()
    place = folder / service / part
    if not place.exists():
        raise NoServerError(f"there is no {service} server: {place} does not exist; `make services` makes it")
    return place


def program(name: str) -> str:
    """Return the path of a program of the system; `NoServerError` if it is not installed."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + _SYSTEM)
    if found is None:
        raise NoServerError(f"the program {name} is not installed; `make services` installs it")
    return found

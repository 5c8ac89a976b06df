"""Installed systemd units: one of an earlier release counts a tick that crashed as a success and sends no mail."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from xomflow.core.exit_code import ExitCode

# Where systemd looks for units of a user and of the machine; a unit's folder ``.d`` has additions to it.
_SYSTEM = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")
_UNITS = ("xom*.service", "xom*.service.d/*.conf")
# The name that systemd has for this code.
_EXCUSES = {str(int(ExitCode.UNFORESEEN)), "FAILURE"}


def units_that_hide_crashes() -> list[str]:
    """Return a sentence for each installed unit of XOM that counts exit code 1 as a success."""
    return [
        f"{path}: it counts exit code 1, a crash, as success, so no mail is sent: write SuccessExitStatus="
        f"{int(ExitCode.FAILED_RUNS)} as in deploy/xom.service, then systemctl daemon-reload"
        for path in _installed()
        if hides_crashes(_text_of(path))
    ]


def hides_crashes(unit: str) -> bool:
    """Return whether a unit file excuses exit code 1: by its list of codes, or by a ``-`` before the command."""
    excused: list[str] = []
    for line in re.sub(r"\\\n", " ", unit).splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "SuccessExitStatus":
            excused = [*excused, *value.split()] if value else []  # an empty value takes the earlier ones back
        if key == "ExecStart" and re.match(r"[@:+!]*-", value):
            return True
    return not _EXCUSES.isdisjoint(excused)


def _installed() -> Iterator[Path]:
    homes = [os.environ.get("XDG_CONFIG_HOME") or "~/.config", os.environ.get("XDG_DATA_HOME") or "~/.local/share"]
    users = [Path(home).expanduser() / "systemd/user" for home in homes]
    for folder in [*users, *(Path(place, kind) for place in _SYSTEM for kind in ("user", "system"))]:
        for pattern in _UNITS:
            yield from sorted(folder.glob(pattern))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # one that this account may not read

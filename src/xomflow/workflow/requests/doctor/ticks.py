"""Checks of ticks and of what starts them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.account import other_owner, own_account
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Summary
from xomflow.planning.progress.claims import living_ticks
from xomflow.workflow.messages.looking import recipients_now
from xomflow.workflow.requests.doctor.finding import Check, Finding
from xomflow.workflow.upkeep.installed_units import units_that_hide_crashes
from xomflow.workflow.upkeep.past_ticks import PastTick, past_ticks

# Ticks that are missing before it counts as wrong, as on the page.
_MISSING = 3
_TIMEOUT = 10.0
# Has a file for each account whose timers go on without a session.
_LINGER = Path("/var/lib/systemd/linger")
# What starts ticks: the command, and what its answer contains if it does.
_TIMERS = {
    "systemd": (["systemctl", "--user", "--no-pager", "--plain", "list-timers"], re.compile(r"\bxom[\w.-]*\.timer")),
    "cron": (["crontab", "-l"], re.compile(r"^[^#\n]*(snakemake|xom)", re.MULTILINE)),
    "Slurm": (["squeue", "--me", "--noheader", "--format=%j", "--name=xom-tick"], re.compile("xom-tick")),
}


def tick_checks(config: Config, now: datetime) -> list[Check]:
    """Return the checks of ticks."""
    return [
        Check("ticks", lambda: _ticks(config, now)),
        Check("timer", lambda: _timer(Paths(config.work))),
        Check("messages", lambda: _messages(config)),
        Check("units", lambda: (Finding(one, "do what the sentence names") for one in units_that_hide_crashes())),
    ]


def _ticks(config: Config, now: datetime) -> Iterator[Finding]:
    paths, problems = Paths(config.work), list[str]()
    newest = next(past_ticks(paths, problems), None)
    yield from (Finding(one, "delete it; no result is in it") for one in problems)
    if newest is None:
        yield Finding("there was no tick yet", "start one, then the timer")
        return
    if alive := sorted(living_ticks(paths)):
        yield Finding(f"{len(alive)} ticks work now, the oldest is {alive[0]}")
    age = (now - newest.began).total_seconds()
    words = f"the newest tick, {newest.name}, began {times.span(max(0.0, age))} ago"
    if age > _MISSING * config.page.interval and newest.name not in alive:
        to_do = f"look at the timer: page.interval is {times.span(config.page.interval)}"
        yield Finding(words, to_do, ExitCode.UNFORESEEN)
    else:
        yield Finding(words)
    yield from _end_of(newest, newest.name in alive)


def _end_of(tick: PastTick, is_alive: bool) -> Iterator[Finding]:
    trouble = tick.read_json(tick.files.trouble)
    if isinstance(trouble, dict):
        yield Finding(f"it could not look for work: {trouble.get('sentence')}", "see the sentence", _code(trouble))
    elif not is_alive and read_kept(tick.files.summary, Summary.from_json) is None:
        yield Finding("it ended without a summary, as one that was killed", "nothing, unless the next one does so too")


def _code(trouble: dict[str, object]) -> ExitCode:
    try:
        return ExitCode(int(str(trouble.get("exit_code"))))
    except ValueError:
        return ExitCode.UNFORESEEN


def _timer(paths: Paths) -> Iterator[Finding]:
    if other_owner(paths.work):
        yield Finding("the timer of another account cannot be seen")
        return
    found = [name for name, (command, sign) in _TIMERS.items() if sign.search(_output(command))]
    if found:
        yield Finding(f"ticks are started by {' and '.join(found)}")
    else:
        yield Finding("nothing that starts ticks was found for this account", "see docs/operator.md, The timer")
    if "systemd" in found and not (_LINGER / own_account()).exists():
        yield Finding("the timer ends with your session", "loginctl enable-linger")


def _messages(config: Config) -> Iterator[Finding]:
    if config.notify.addresses is None:
        yield Finding("no mail or chat message is sent: notify.addresses is not set")
        return
    told = recipients_now(config)  # its error is a finding
    for one in told:
        if one.problem:
            yield Finding(f"{one.recipient} was not reached: {one.problem}", "xom notify --test")
    yield Finding(f"{len(told)} recipients")


def _output(command: list[str]) -> str:
    """Return what a command prints; nothing if it is not there or fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout

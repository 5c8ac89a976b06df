"""The commands that rules start."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xomflow.core.paths import TickPaths


def step_command(step: str, tick: TickPaths) -> str:
    """Return the command of one of the tick's own steps: discover, publish."""
    return _command(step, str(tick.folder))


def batch_command(name: str, tick: TickPaths) -> str:
    """Return the command of a job that works on a batch of the tick."""
    return _command("batch", str(tick.folder), name)


def notify_command(tick: TickPaths, code: int) -> list[str]:
    """Return the command, in words, that sends the messages of a tick with this exit code."""
    return _words("notify", str(tick.folder), str(int(code)))


@dataclass(frozen=True)
class RunCommand:
    """Makes the command of a run's job when Snakemake has filled in the wildcards."""

    # Snakemake asks for it several times per job, and to find it takes longer than to make the command.
    __signature__ = inspect.signature(lambda wildcards: wildcards)

    tick: str
    analysis: str
    version_of: Callable[[str, str], str]

    def __call__(self, wildcards: Any) -> str:
        """Return the command."""
        version = self.version_of(self.analysis, wildcards.run)
        return _command("run", self.tick, self.analysis, version, wildcards.run)


def _command(*arguments: str) -> str:
    return shlex.join(_words(*arguments))


def _words(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "xomflow", "job", *arguments]

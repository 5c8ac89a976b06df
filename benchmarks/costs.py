"""What commands cost, measured and printed: CPU of whole process trees, wall time, peak memory, ratios.

The CPU of a process counts for whoever waits for it. A process that outlives its parent, such as the preloaded one of
a tick, is usually adopted by init and lost to the sum; here this process adopts it (``PR_SET_CHILD_SUBREAPER``, Linux)
and waits for it, so nothing is estimated or sampled.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost.

    Parameters
    ----------
    cpu
        CPU seconds of the command and of every process that came of it.
    wall
        Seconds until the command ended.
    peak_mb
        Peak resident memory of the largest single process, in MB.
    outlived
        The part of `cpu` of the processes that outlived the command (and of their children).
    """

    cpu: float
    wall: float
    peak_mb: float = 0.0
    outlived: float = 0.0


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "processes cannot be adopted")


def measure(command: Sequence[str], folder: Path, log: Path) -> Cost:
    """Run a command in ``folder`` to its end, and wait for what outlives it.

    The peak memory is not below that of this process, because a process that is started takes its parent's over:
    stay small.

    Raises
    ------
    SystemExit
        If the command fails; what it printed is in ``log``.
    """
    begin = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} in {folder} ended with {process.returncode}, see {log}")
    outlived = _cpu_of_adopted()
    cpu = usage.ru_utime + usage.ru_stime + outlived
    return Cost(cpu, wall, usage.ru_maxrss / 1024, outlived)


def _cpu_of_adopted() -> float:
    seconds = 0.0
    while True:
        try:
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return seconds
        seconds += usage.ru_utime + usage.ru_stime


class Series:
    """The costs of one thing, measured several times."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []

    def least(self, name: str) -> float:
        """Return the least of ``cpu``, ``wall`` or ``peak_mb``."""
        return min(getattr(cost, name) for cost in self.costs)

    def median(self, name: str) -> float:
        """Return the median of ``cpu``, ``wall``, ``peak_mb`` or ``outlived``."""
        return statistics.median(getattr(cost, name) for cost in self.costs)


def interleaved(things: Mapping[str, Callable[[], Cost]], repeat: int) -> dict[str, Series]:
    """Measure each thing once, then each once more, and so on, so that a busy moment hits all of them alike."""
    series = {name: Series() for name in things}
    for number in range(1, repeat + 1):
        for name, run in things.items():
            cost = run()
            series[name].costs.append(cost)
            say(f"  {number}/{repeat} {name}: {cost.cpu:.2f} CPU s, {cost.wall:.2f} s, {cost.peak_mb:.0f} MB")
    return series


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table of texts and numbers; numbers with two decimals, a dash for None."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(headings), *cells]) for column in range(len(headings))]
    lines = [list(headings), ["-" * width for width in widths], *cells]
    return "\n".join(f"| {' | '.join(_padded(*pair) for pair in zip(line, widths, strict=True))} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)


def load() -> str:
    """Return the load averages of the last 1, 5 and 15 minutes, in words."""
    return "load average " + ", ".join(f"{one:.2f}" for one in os.getloadavg())


def say(text: str) -> None:
    """Show progress, beside the tables on standard output."""
    print(text, file=sys.stderr, flush=True)

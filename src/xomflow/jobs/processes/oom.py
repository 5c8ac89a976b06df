"""Whether the kernel killed processes because their control group had no memory left."""

from __future__ import annotations

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
# The files with the number of kills: version 1 has a tree of its own for memory, version 2 one for everything.
_COUNTERS = {"memory": ("memory", "memory.oom_control"), "": ("", "memory.events")}


def oom_kills(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many processes of this one's control group the kernel has killed; 0 where they are not counted."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return 0
    for _, controller, path in lines:
        if controller in _COUNTERS:
            tree, name = _COUNTERS[controller]
            found = _count(groups / tree / path.strip("/") / name)
            if found is not None:
                return found
    return 0


def _count(counter: Path) -> int | None:
    try:
        entries = dict(line.split() for line in counter.read_text().splitlines())
        return int(entries["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None

"""The containers of the first XOM, by ranges of runs, as software without overlap. Pure."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_END = 999_999  # the largest run number, for a range without end


@dataclass(frozen=True, slots=True)
class Container:
    """A container and its range of runs, both ends included.

    Parameters
    ----------
    name
        Name of its image.
    first, last
        Run numbers.
    """

    name: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.name} ({_range(self.first, self.last)})"


def containers_in(tool: Mapping[str, Any]) -> list[Container]:
    """Return the containers in their order; a range that ends with 0 has no end."""
    found = tool.get("container_dict") or {}
    return [Container(name, int(one["from"]), int(one["to"]) or _END) for name, one in found.items()]


def without_overlaps(containers: list[Container]) -> list[Container]:
    """Return the same software for each run as the first XOM chose, the first container with the run, by rising run."""
    made: list[Container] = []
    for one in containers:
        free = [(one.first, one.last)]
        for before in made:
            free = [part for first, last in free for part in _without(first, last, before)]
        made += [Container(one.name, first, last) for first, last in free]
    return sorted(made, key=lambda one: one.first)


def about_ranges(containers: list[Container]) -> Iterator[str]:
    """Yield a sentence for each overlap of two ranges, and for each hole between ranges."""
    for place, one in enumerate(containers):
        for other in containers[place + 1 :]:
            first, last = max(one.first, other.first), min(one.last, other.last)
            if first <= last:
                yield (
                    f"container_dict: {one} and {other} overlap in runs {_range(first, last)}: these get {one.name}, "
                    "which is the first one there, as before"
                )
    for first, last in holes(containers):
        runs = _range(first, last)
        yield f"container_dict: runs {runs} have no container: they wait, see software_may_have_holes"


def holes(containers: list[Container]) -> list[tuple[int, int]]:
    """Return the first and the last run of each range between others that has no container."""
    pairs = itertools.pairwise(without_overlaps(containers))
    return [(left.last + 1, right.first - 1) for left, right in pairs if left.last + 1 < right.first]


def software_of(containers: list[Container], singularity_base: str) -> list[dict[str, Any]]:
    """Return the blocks of ``software``.

    Parameters
    ----------
    containers
        Without overlaps.
    singularity_base
        The command that started them: launcher, ``exec``, binds, and the folder of the images.
    """
    words = shlex.split(singularity_base)
    binds = [word.partition("=")[2] or words[place + 1] for place, word in enumerate(words) if word[:6] == "--bind"]
    folder = words[-1] if words and words[-1] not in binds else ""
    common = {"launcher": words[0] if words else "singularity", **({"binds": binds} if binds else {})}
    return [
        {
            "min_run": one.first,
            **({"max_run": one.last} if one.last < _END else {}),
            "image": f"{folder.rstrip('/')}/{one.name}" if folder else one.name,
            **common,
        }
        for one in containers
    ]


def _without(first: int, last: int, taken: Container) -> list[tuple[int, int]]:
    parts = [(first, min(last, taken.first - 1)), (max(first, taken.last + 1), last)]
    return [part for part in parts if part[0] <= part[1]]


def _range(first: int, last: int) -> str:
    return f"from {first}" if last == _END else str(first) if first == last else f"{first}-{last}"

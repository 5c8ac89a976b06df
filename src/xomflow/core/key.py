"""The key of all results: analysis, version and run."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

RUN_DIGITS = 6
# The id of a run or of a campaign.
ID = r"\d{6}(?:-[0-9a-f]{4})?"
_SHELF_DIGITS = 3


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One piece of work.

    Parameters
    ----------
    analysis
        Name of the analysis.
    version
        Its version; raising it is the only thing that makes finished work pending again.
    run
        The six-digit id of a run, or the id of a campaign, which is that of its first run and a digest of all its runs.
    """

    analysis: str
    version: str
    run: str

    @property
    def shelf(self) -> str:
        """The folder that holds this key's files: a thousand runs share one."""
        return shelf_of(self.run)

    def __str__(self) -> str:
        return f"{self.analysis} {self.version} run {self.run}"

    def as_dict(self) -> dict[str, str]:
        """Return the key in the form of outcomes."""
        return {"analysis": self.analysis, "version": self.version, "run": self.run}


class Pattern(Key):
    """A key whose run is a wildcard of Snakemake."""

    @property
    def shelf(self) -> str:
        """A wildcard too, since a pattern cannot express that it is a part of the run."""
        return "{shelf}"


@functools.cache  # a survey of a long backfill asks millions of times
def run_id(number: int) -> str:
    """Return the six-digit id of run ``number``."""
    return f"{number:0{RUN_DIGITS}d}"


def group_id(numbers: Sequence[int]) -> str:
    """Return the id of a campaign, such as ``052801-3f2a``; it changes whenever a run joins or leaves."""
    digest = hashlib.sha256(",".join(map(str, numbers)).encode()).hexdigest()
    return f"{run_id(numbers[0])}-{digest[:4]}"


def is_group(run: str) -> bool:
    """Return whether this is the id of a campaign."""
    return "-" in run


def first_run(run: str) -> int:
    """Return the number of a run, or of the first run of a campaign, from its id."""
    return int(run[:RUN_DIGITS])


def shelf_of(run: str) -> str:
    """Return the shelf of a run id: ``052`` for ``052894``."""
    return run[:_SHELF_DIGITS]


def is_shelf(name: str) -> bool:
    """Return whether a text is the name of a shelf."""
    return len(name) == _SHELF_DIGITS and name.isascii() and name.isdecimal()

"""How many files and bytes there are, by analysis and kind, and how many a year of runs makes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, list_shelves, list_versions, names_in
from xomflow.outcomes.reading import read_outcome
from xomflow.workflow.requests.looking.folder_sizes import Files, FolderSizes

_YEAR = 365.25 * 86400
_DAY = 86400.0


@dataclass(slots=True)
class Space:
    """Files of one kind.

    Parameters
    ----------
    analysis
        Whose files these are; empty: the files of no single analysis.
    kind
        What they are.
    files, size
        How many, and bytes; an estimate where not all were looked at.
    files_a_year, size_a_year
        How many of them a year of runs makes; None if that is not known, or they do not grow with the runs.
    """

    analysis: str
    kind: str
    files: int = 0
    size: float = 0.0
    files_a_year: float | None = None
    size_a_year: float | None = None


def space_of(paths: Paths, exact: bool = False) -> tuple[list[Space], list[str]]:
    """Return the files of each analysis by kind, then all others by folder, and sentences about unreadable folders.

    Parameters
    ----------
    paths
        Where they are.
    exact
        Whether each file is looked at; else the sizes of large folders follow from some of their files.
    """
    with FolderSizes(exact) as sizes:
        look = _Look(paths, sizes)
        return [one for one in look.all() if one.files], look.missed


def total(spaces: Sequence[Space]) -> Space:
    """Return the sum of all; growth in a year is the sum of those for which it is known."""
    files, size = sum(one.files for one in spaces), sum(one.size for one in spaces)
    a_year = _sum_of_known(one.files_a_year for one in spaces), _sum_of_known(one.size_a_year for one in spaces)
    return Space("", "all", files, size, *a_year)


class _Look:
    """One look at all folders."""

    def __init__(self, paths: Paths, sizes: FolderSizes) -> None:
        self._paths = paths
        self._sizes = sizes
        self.missed: list[str] = []

    def all(self) -> Iterator[Space]:
        for analysis in sorted(name for name in names_in(self._paths.outcomes) if not name.startswith(".")):
            years = self._years(analysis)
            for one in self._of_analysis(analysis):
                if years:
                    one.files_a_year, one.size_a_year = one.files / years, one.size / years
                yield one
        of_analyses = {self._paths.outcomes, self._paths.all_figures, self._paths.logs}
        for place in sorted(self._paths.work / name for name in names_in(self._paths.work)):
            if place not in of_analyses and not place.is_symlink():
                yield self._count(Space("", place.name), place)

    def _of_analysis(self, analysis: str) -> Iterator[Space]:
        done, others = Space(analysis, "outcomes"), Space(analysis, "failure records")
        for finished, rest in self._files(self._paths.outcomes / analysis):
            _add(done, finished)
            _add(others, rest)
        yield from (done, others)
        yield self._count(Space(analysis, "figures"), self._paths.all_figures / analysis)
        yield self._count(Space(analysis, "logs"), self._paths.logs / analysis)

    def _count(self, space: Space, place: Path) -> Space:
        for both in self._files(place):
            for files in both:
                _add(space, files)
        return space

    def _files(self, place: Path) -> Iterator[tuple[Files, Files]]:
        """Yield the files of each folder, those of finished runs apart."""
        for folder in self._sizes.below(place):
            if folder.missed:
                self.missed.append(folder.missed)
            yield folder.finished, folder.others

    def _years(self, analysis: str) -> float | None:
        """Return from the first to the last run of an analysis, in years; None if there is less than a day."""
        starts = [one for version in list_versions(self._paths, analysis) for one in self._starts(analysis, version)]
        seconds = (max(starts) - min(starts)).total_seconds() if starts else 0.0
        return seconds / _YEAR if seconds > _DAY else None

    def _starts(self, analysis: str, version: str) -> Iterator[datetime]:
        """Yield when the first and the last run of a version began."""
        shelves = list_shelves(self._paths, analysis, version)
        for shelf, choose in ((shelves[0], min), (shelves[-1], max)) if shelves else ():
            names = list(filter(is_done_name, names_in(shelf)))
            with contextlib.suppress(OSError, ValueError):
                yield times.moment(str(read_outcome(shelf / choose(names)).run.start))


def _sum_of_known(numbers: Iterable[float | None]) -> float | None:
    known = [one for one in numbers if one is not None]
    return sum(known) if known else None


def _add(space: Space, files: Files) -> None:
    space.files += files.number
    space.size += files.size

"""The results of a period with the verdicts on them; reads only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.core.verdicts import Mark, SeriesId, Verdict, read_bands
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults
from xomflow.outcomes.model import Outcome
from xomflow.reports.facts import OfAnalysis, Period, Point, Remarkable, Series
from xomflow.workflow.documents import AnalysisTitle, VariableTitle

# Number of variables that are shown of an analysis without main variables.
_MOST = 3
Bands = dict[SeriesId, list[Verdict]]


class Results:
    """The results of one period.

    Parameters
    ----------
    paths
        Where they are.
    period
        The period.
    """

    def __init__(self, paths: Paths, period: Period) -> None:
        self._paths = paths
        self._period = period
        self._cache = OutcomeCache(paths, may_write=False)
        self._units: dict[tuple[str, str], str] = {}

    @cached_property
    def _current(self) -> CurrentResults:
        return CurrentResults(self._paths)

    def of(self, name: str, block: AnalysisTitle, states: dict[State, int], since: datetime | None) -> OfAnalysis:
        """Return what there is about an analysis.

        Parameters
        ----------
        name, block
            Of the analysis.
        states
            Number of its runs in each state.
        since
            Start of the first run whose results are wanted; None: none are.
        """
        made = [
            outcome
            for shelf in self._changed(name, block.version)
            for outcome in self._cache.outcomes(shelf).values()
            if self._period.has(_moment(outcome.ended))
        ]
        self._units |= {(name, result.variable): result.unit for outcome in made for result in outcome.results}
        cpu_s = sum(one.resources.cpu_s or 0.0 for one in made)
        failed = sum(one.attempt - 1 for one in made)
        series = self._series(name, block, since) if since else ()
        return OfAnalysis(
            name, block.version, block.title, block.contact, len(made), failed, cpu_s, states, tuple(series)
        )

    def marks(self, analysis: str, version: str) -> list[Remarkable]:
        """Return the marked results of an analysis in the period, the newest first, with the units that `of` saw."""
        found = [
            Remarkable(analysis, series.variable, self._units.get((analysis, series.variable), ""), one)
            for bands in self._bands(analysis, version, self._period.begin)
            for series, verdicts in bands.items()
            for one in verdicts
            if one.mark not in (Mark.NONE, Mark.MUTED) and self._period.has(times.moment(one.start))
        ]
        return sorted(found, key=lambda one: one.verdict.start, reverse=True)

    def _changed(self, analysis: str, version: str) -> list[Shelf]:
        """Return the shelves in which an outcome came, went or was replaced since the period began."""
        begin, folder = self._period.begin.timestamp(), self._paths.shelves(analysis, version)
        return [one for one in self._shelves(analysis, version) if (folder / one.name).stat().st_mtime >= begin]

    def _shelves(self, analysis: str, version: str) -> list[Shelf]:
        """Return the shelves of a version, the newest runs first."""
        names: list[str] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._paths.shelves(analysis, version)) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
        return [Shelf(analysis, version, name) for name in sorted(names, reverse=True)]

    def _bands(self, analysis: str, version: str, since: datetime) -> Iterator[Bands]:
        """Yield the verdicts of each shelf with a run that started since a moment, the newest runs first."""
        for shelf in self._shelves(analysis, version):
            bands = read_bands(self._paths, analysis, version, shelf.name)
            yield bands
            if bands and all(times.moment(one[0].start) < since for one in bands.values() if one):
                return

    def _series(self, name: str, block: AnalysisTitle, since: datetime) -> Iterator[Series]:
        """Yield the results of the first variables of an analysis."""
        outcomes = self._since(name, block.version, since)
        verdicts = {
            (series.variable, one.run): (series.group, one)
            for bands in self._bands(name, block.version, since)
            for series, found in bands.items()
            for one in found
        }
        names = list(dict.fromkeys(result.variable for outcome in outcomes for result in outcome.results))
        for variable in block.main_variables or names[:_MOST]:
            if variable in names:
                title = block.variables.get(variable, VariableTitle()).title or variable
                yield _series(variable, title, outcomes, verdicts)

    def _since(self, analysis: str, version: str, since: datetime) -> list[Outcome]:
        """Return the current outcomes of runs that started since a moment until the period ends, in order."""
        found: list[Outcome] = []
        for shelf in self._shelves(analysis, version):
            here = list(self._current.of(shelf, self._cache.outcomes(shelf)).values())
            found += here
            if here and all((_moment(one.run.start) or since) < since for one in here):
                break
        wanted = [one for one in found if (start := _moment(one.run.start)) and since <= start < self._period.end]
        return sorted(wanted, key=lambda one: (one.run.start or "", one.key.run))


def _series(
    variable: str, title: str, outcomes: list[Outcome], verdicts: Mapping[tuple[str, str], tuple[str, Verdict]]
) -> Series:
    points, unit = list[Point](), ""
    for outcome in outcomes:
        run, start = outcome.key.run, _moment(outcome.run.start)
        for result in outcome.results:
            if result.variable == variable and result.value is not None and start:
                group, verdict = verdicts.get((variable, run), ("", None))
                points.append(Point(run, start, result.value, result.error, outcome.run.mode, group, verdict))
                unit = result.unit
    return Series(variable, title, unit, tuple(points))


def _moment(text: str | None) -> datetime | None:
    """Return a moment of an outcome; None if there is none, or it cannot be understood."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)

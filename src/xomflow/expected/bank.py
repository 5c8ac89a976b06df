"""The variables of one analysis, version and group of run modes, judged together run by run.

Together they show what none shows alone: a bad run, in which many variables are far away at once. Nothing is learned
from it, unless it goes on: then it is a change, which the variables have to show themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from math import floor, log10
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.verdicts import HowEnded, Kind, Mark, Verdict
from xomflow.expected.event import Event
from xomflow.expected.method.absence import Absence, Bursts
from xomflow.expected.method.jumps import Gaps
from xomflow.expected.method.series import Series
from xomflow.expected.method.settings import Settings
from xomflow.expected.method.steps import Look, Now, Taken
from xomflow.expected.method.tail import Usual, usual_tail

# A run is bad if at least this share of its variables, and this number, deviate by more standard deviations than this.
_PART, _FEWEST, _FAR = 0.2, 3, 4.0
# Consecutive bad runs that count as a change.
_IN_A_ROW = 3
# Runs between two estimates of the common tail of all variables.
_OFTEN = 50
_REMEMBERED = 2000
_STEP_OF_DEVIATION = 0.05
_BAND = 3.0


class RunResults(NamedTuple):
    """The results of one run.

    Parameters
    ----------
    run, start
        Id of the run or campaign, and its start, UTC.
    values
        Value and standard deviation (0: none is known) by variable.
    is_bad
        Whether a person decided that it is a bad run.
    renewed, muted
        Variables of which a person expects a new level from this run on, and those that are not to be marked; an empty
        name stands for all.
    """

    run: str
    start: str
    values: Mapping[str, tuple[float, float]]
    is_bad: bool = False
    renewed: frozenset[str] = frozenset()
    muted: frozenset[str] = frozenset()


class Bank:
    """The series of all variables of one group of run modes.

    Parameters
    ----------
    settings
        Of the analysis.

    Attributes
    ----------
    finished
        Events that ended since the caller emptied this list.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._series: dict[str, Series] = {}
        self._absences: dict[str, Absence] = {}
        self._bursts, self._gaps = Bursts(), Gaps()
        self._usual = Usual()
        self._runs: list[tuple[str, str]] = []  # the last ones, the newest last
        self._number = 0
        self._held: list[tuple[int, float, Mapping[str, tuple[float, float]]]] = []
        self._in_a_row = 0
        self._open: dict[tuple[Kind, str], Event] = {}
        self.finished: list[Event] = []

    def to_json(self) -> dict[str, Any]:
        """Return the state; `read` goes on from it exactly."""
        self._forget_old_runs()
        return {
            "series": {name: one.to_json() for name, one in self._series.items()},
            "absences": {name: one.to_json() for name, one in self._absences.items()},
            "bursts": self._bursts.to_json(),
            "gaps": self._gaps.to_json(),
            "usual": self._usual,
            "runs": self._runs,
            "number": self._number,
            "held": self._held,
            "in_a_row": self._in_a_row,
            "open": list(self._open.values()),
        }

    def read(self, content: Mapping[str, Any]) -> Bank:
        """Take over the state that `to_json` returned, and return the bank."""
        self._series = {name: Series(self._settings, name).read(one) for name, one in content["series"].items()}
        self._absences = {name: Absence.from_json(one) for name, one in content["absences"].items()}
        self._bursts, self._gaps = Bursts.from_json(content["bursts"]), Gaps.from_json(content["gaps"])
        self._usual = Usual(*content["usual"])
        self._runs = [(run, start) for run, start in content["runs"]]
        self._number, self._in_a_row = content["number"], content["in_a_row"]
        self._held = [(number, start, values) for number, start, values in content["held"]]
        events = map(Event.from_json, content["open"])
        self._open = {_place(one.kind, one.variable): one for one in events}
        return self

    @property
    def events(self) -> list[Event]:
        """The events that go on."""
        return list(self._open.values())

    def take(self, results: RunResults) -> list[tuple[str, Verdict]]:
        """Take the results of the next run into account; return the verdict on each of them, by variable."""
        start = times.moment(results.start).timestamp()
        self._runs.append((results.run, results.start))
        self._number += 1
        if growth := self._gaps.before(start):
            for one in self._series.values():
                one.wait(growth)
        self._renew(results.renewed)
        looks = self._looks(results.values)
        is_bad = results.is_bad or self._is_bad(looks)
        self._note_bad(is_bad, results, looks)
        if is_bad and (results.is_bad or self._in_a_row < _IN_A_ROW):
            if not results.is_bad:
                self._held.append((self._number, start, results.values))
            return [(name, _verdict(results, name, look, Mark.BAD_RUN, False)) for name, look in looks.items()]
        for number, then, values in self._held if is_bad else ():
            self._take_all(Now(number, then, self._usual), values, self._looks(values), learns=False)
        self._held = []
        now = Now(self._number, start, self._usual)
        taken = self._take_all(now, results.values, self._looks(results.values) if is_bad else looks, not is_bad)
        if not is_bad:
            self._note_absent(results.values)
        if self._number % _OFTEN == 0:
            self._usual = usual_tail(one.tail for one in self._series.values())
        return [
            (name, _verdict(results, name, look, *self._mark(name, taken[name], results.muted, not is_bad)))
            for name, look in looks.items()
        ]

    def widen(self, variances: Mapping[str, float]) -> None:
        """Add to the variance of the level of some variables."""
        for name, variance in variances.items():
            if (series := self._series.get(name)) and series.level:
                series.level.widen(variance)

    def end_all(self) -> None:
        """End all open events, as between the runs of the version before and those of this one."""
        self._renew(sorted({variable for _, variable in self._open if variable}))
        self._open, self.finished, self._held, self._in_a_row = {}, [], [], 0

    def _looks(self, values: Mapping[str, tuple[float, float]]) -> dict[str, Look | None]:
        looks = {}
        for name, (value, error) in values.items():
            if (series := self._series.get(name)) is None:
                series = self._series[name] = Series(self._settings, name)
            looks[name] = series.look(value, error)
        return looks

    def _is_bad(self, looks: Mapping[str, Look | None]) -> bool:
        """Return whether many variables that have no open step are far away."""
        judged = far = 0
        for name, look in looks.items():
            if look is not None and self._series[name].frozen is None:
                judged += 1
                far += not -_FAR <= look.deviation <= _FAR
        return far >= _FEWEST and far >= _PART * judged

    def _note_bad(self, is_bad: bool, results: RunResults, looks: Mapping[str, Look | None]) -> None:
        """Begin or end the event of bad runs in a row; one that a person called bad is over at once."""
        is_open, is_decided = (Kind.BAD_RUN, "") in self._open, results.is_bad
        self._in_a_row = self._in_a_row + 1 if is_bad and not is_decided else 0
        if is_open and (is_decided or not is_bad):
            self._end(Kind.BAD_RUN, "", HowEnded.ONE_RUN)
        if is_bad and (is_decided or not is_open):
            judged = [(abs(look.deviation), name, look) for name, look in looks.items() if look is not None]
            far = sum(distance > _FAR for distance, *_ in judged)
            _, worst, look = max(judged, default=(0.0, "", None))
            before, sigma = (look.expected, look.deviation) if look else (0.0, 0.0)
            after = results.values[worst][0] if look else 0.0
            self._begin(Kind.BAD_RUN, worst, self._number, before, after, sigma, len(judged), far)
        if is_decided:
            self._end(Kind.BAD_RUN, "", HowEnded.EXPECTED)

    def _take_all(
        self, now: Now, values: Mapping[str, tuple[float, float]], looks: Mapping[str, Look | None], learns: bool
    ) -> dict[str, Taken]:
        found = {}
        for name, (value, error) in values.items():
            taken = found[name] = self._series[name].take(value, error, looks[name], now, learns)
            for kind, how in taken.ends:
                self._end(kind, name, how)
            if (change := taken.begins) is not None:
                of_it = change.found
                self._begin(
                    change.kind, name, change.run, change.before, change.after, of_it.sigma, of_it.n, of_it.agree
                )
        return found

    def _note_absent(self, values: Mapping[str, Any]) -> None:
        for name, series in self._series.items():
            if series.level is None:
                continue
            if (absence := self._absences.get(name)) is None:
                absence = self._absences[name] = Absence()
            if name in values:
                if absence.came(self._bursts):
                    self._end(Kind.MISSING, name, HowEnded.RETURNED)
            elif row := absence.missing(self._number, self._bursts):
                expected = series.level.levels[series.level.best]
                self._begin(Kind.MISSING, name, absence.since, expected, absence.usual, 0.0, row, row)

    def _renew(self, variables: Collection[str]) -> None:
        """Begin with new levels; missing variables are expected to be missing from now on."""
        for name in list(self._series) if "" in variables else variables:
            if name in self._series:
                self._series[name].renew()
            for kind in (Kind.STEP, Kind.SCATTER, Kind.DRIFT, Kind.MISSING):
                self._end(kind, name, HowEnded.EXPECTED)

    def _mark(self, name: str, taken: Taken, muted: Container[str], learns: bool) -> tuple[Mark, bool]:
        """Return the mark of a result, and whether it was learned."""
        mark = Mark.NONE if not taken.is_outlier else Mark.MUTED if name in muted or "" in muted else Mark.OUTLIER
        return mark, learns and not self._series[name].is_open

    def _begin(self, kind: Kind, variable: str, number: int, *more: Any) -> None:
        run, start = self._runs[max(number - self._number - 1, -len(self._runs))]
        self._open[_place(kind, variable)] = Event(kind, variable, number, run, start, *self._runs[-1], *more)

    def _end(self, kind: Kind, variable: str, how: HowEnded) -> None:
        event = self._open.pop((kind, variable), None)
        if event is not None:
            _, start = self._runs[-1]
            self.finished.append(event._replace(ended=start, ended_number=self._number, how=how))

    def _forget_old_runs(self) -> None:
        """Keep the runs of which a variable still has results."""
        oldest = [one.windows.rows[0][3] for one in self._series.values() if one.windows.rows]
        kept = min(self._number - int(min(oldest, default=self._number)) + 1, _REMEMBERED)
        self._runs = self._runs[-kept:]


def _place(kind: Kind, variable: str) -> tuple[Kind, str]:
    """Return the place of an open event: there is one of bad runs, whichever variable is farthest away."""
    return kind, "" if kind is Kind.BAD_RUN else variable


def _verdict(results: RunResults, variable: str, look: Look | None, mark: Mark, learned: bool) -> Verdict:
    """Return the verdict on a result, with numbers so coarse that a late run hardly changes any."""
    value, _ = results.values[variable]
    if look is None:
        return Verdict(results.run, results.start, value, mark=mark, learned=learned)
    unit = 10.0 ** floor(log10(max(look.width, 1e-300) / 5))
    middle, band = round(look.expected / unit) * unit, round(_BAND * look.width / unit) * unit
    deviation = round(round(look.deviation / _STEP_OF_DEVIATION) * _STEP_OF_DEVIATION, 2)
    return Verdict(results.run, results.start, value, middle, middle - band, middle + band, deviation, mark, learned)

"""What a report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from xomflow.core.state import State
from xomflow.core.verdicts import Alarm, Verdict


@dataclass(frozen=True, slots=True)
class Period:
    """A period, both ends UTC; the second one is not part of it."""

    begin: datetime
    end: datetime

    def has(self, moment: datetime | None) -> bool:
        """Return whether a moment is in the period; a moment that is unknown is not."""
        return moment is not None and self.begin <= moment < self.end


@dataclass(frozen=True, slots=True)
class Point:
    """One result of a series.

    Parameters
    ----------
    run, start
        Id of its run or campaign, and the start of that.
    value, error
        As saved; error None: none was given.
    mode, group
        Run mode, and the group of modes that is judged together; empty if it was not judged.
    verdict
        What is expected there; None: it was not judged.
    """

    run: str
    start: datetime
    value: float
    error: float | None
    mode: str
    group: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The results of one variable of one analysis, in the order of time.

    Parameters
    ----------
    variable, title, unit
        Of the variable.
    points
        Its results.
    """

    variable: str
    title: str
    unit: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class OfAnalysis:
    """What there is about one analysis.

    Parameters
    ----------
    name, version, title, contact
        As configured.
    done, failed
        Number of attempts of the period with and without an outcome.
    cpu_s
        Seconds of processor time of its outcomes of the period.
    states
        Number of runs in each state now.
    series
        Results of its first variables.
    """

    name: str
    version: str
    title: str
    contact: str
    done: int = 0
    failed: int = 0
    cpu_s: float = 0.0
    states: dict[State, int] = field(default_factory=dict)
    series: Sequence[Series] = ()


@dataclass(frozen=True, slots=True)
class Remarkable:
    """A result that is marked: an outlier, or one of a bad run."""

    analysis: str
    variable: str
    unit: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Missing:
    """Runs that lack results for the same reason.

    Parameters
    ----------
    state
        Of all.
    runs
        How many.
    analyses
        Names of their analyses, in words.
    example, reason
        One of them, and its reason.
    """

    state: State
    runs: int
    analyses: str
    example: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened and may explain a change: a decision, a new version, other software."""

    when: datetime
    what: str
    details: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a report.

    Parameters
    ----------
    site
        What the site is called.
    period
        The period.
    analyses, alarms, marks, missing, changes
        See there; alarms that began or ended in the period, or go on.
    ticks
        Number of ticks that ended in the period.
    gap_s
        The longest time without the end of a tick, in seconds.
    sentences
        The sentences of the newest tick: what waits for a person, and what is wrong.
    """

    site: str
    period: Period
    analyses: Sequence[OfAnalysis] = ()
    alarms: Sequence[Alarm] = ()
    marks: Sequence[Remarkable] = ()
    missing: Sequence[Missing] = ()
    changes: Sequence[Change] = ()
    ticks: int = 0
    gap_s: float = 0.0
    sentences: Sequence[str] = ()

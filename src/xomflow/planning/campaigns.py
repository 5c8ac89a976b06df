"""Analyses over a period: which runs belong together, and what one group of runs is as if it were one run.

A group is a `Run` with members. Its id is that of its first run and a digest of all, so a run that joins late makes
another key: what was done counts no more, and the new result takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xomflow.config.model import Period
from xomflow.core import times
from xomflow.rundb.run import Run


@dataclass(frozen=True, slots=True)
class Campaign:
    """Runs that belong together, whether they can be analysed or not.

    Parameters
    ----------
    members
        In the order of their numbers; at least one.
    closed
        Whether a later run shows that no more can follow.
    unclear
        Runs among them or beside them whose documents cannot be understood, so nobody knows whether they belong.
    """

    members: tuple[Run, ...]
    closed: bool
    unclear: tuple[int, ...] = ()

    @property
    def end(self) -> datetime:
        """When the last of them ended or, where that is not known, began."""
        return max(run.end or run.start for run in self.members)

    def open_words(self, period: Period, now: datetime) -> str:
        """Say until when more runs may follow; empty if no more can."""
        until = self.end + timedelta(seconds=period.gap)
        if self.closed or now >= until:
            return ""
        return f"its period is open until a run of another kind or {times.text(until)}"


def campaigns_of(
    runs: Iterable[Run], belongs: Callable[[Run], bool], period: Period, unclear: Collection[int] = ()
) -> list[Campaign]:
    """Return the groups of an analysis, the first one first.

    Parameters
    ----------
    runs
        All runs that the run database knows.
    belongs
        Whether the analysis is about runs of this kind, finished or not.
    period
        How long two runs may be apart. A run of another mode with one of their detectors also ends a group.
    unclear
        Numbers of the runs whose documents cannot be understood.
    """
    groups: list[Campaign] = []
    members: list[Run] = []
    for run in sorted(runs, key=lambda run: run.number):
        if belongs(run):
            if members and (run.start - (members[-1].end or members[-1].start)).total_seconds() >= period.gap:
                groups.append(Campaign(tuple(members), closed=True))
                members = []
            members.append(run)
        elif members and run.mode != members[-1].mode and run.detectors & members[-1].detectors:
            groups.append(Campaign(tuple(members), closed=True))
            members = []
    groups += [Campaign(tuple(members), closed=False)] if members else []
    return [replace(group, unclear=_beside(group.members, unclear)) for group in groups] if unclear else groups


def _beside(members: Sequence[Run], unclear: Collection[int]) -> tuple[int, ...]:
    """Return which of these runs lie among the members or right before or after them."""
    first, last = members[0].number, members[-1].number
    while first - 1 in unclear:
        first -= 1
    while last + 1 in unclear:
        last += 1
    return tuple(sorted(number for number in unclear if first <= number <= last))


def as_run(members: Sequence[Run], missing: Sequence[Run] = ()) -> Run:
    """Return what runs are as if they were one, as outcomes and job files tell of it.

    Parameters
    ----------
    members
        The runs that are analysed, in order; at least one.
    missing
        The runs that belong to them and are left out.
    """
    first = members[0]
    return first._replace(
        end=max((run.end for run in members if run.end), default=None),
        detectors=frozenset().union(*(run.detectors for run in members)),
        tags=frozenset().union(*(run.tags for run in members)),
        comments=tuple(comment for run in members for comment in run.comments),
        rate=(),
        rate_max=(),
        members=tuple(run.number for run in members),
        missing=tuple(run.number for run in missing),
    )

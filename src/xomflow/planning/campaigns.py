"""Analyses over a period: which runs form a campaign, and the campaign as if it were one run.

The id of a campaign is that of its first run and a digest of all its runs. A run that joins late makes another key: the
older outcome counts no more, and the new result takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xomflow.config.model import Period
from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.core.reason import Reason
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
        Numbers of runs among them or beside them whose documents cannot be understood: these may belong to them.
    """

    members: tuple[Run, ...]
    closed: bool
    unclear: tuple[int, ...] = ()

    @property
    def end(self) -> datetime:
        """End of the last run; the start of a run without an end."""
        return max(run.end or run.start for run in self.members)

    def describe_open(self, period: Period, now: datetime) -> Reason | None:
        """Return a phrase about the time until which more runs may follow; None if no more can."""
        until = self.end + timedelta(seconds=period.gap)
        if self.closed or now >= until:
            return None
        return Reason(f"its period is open until a run of another kind or {times.text(until)}")


def campaigns_of(
    runs: Iterable[Run], belongs: Callable[[Run], bool], period: Period, unclear: Collection[int] = ()
) -> list[Campaign]:
    """Return the campaigns of an analysis, the first one first.

    Parameters
    ----------
    runs
        All runs of the run database.
    belongs
        Whether the analysis is about runs of this kind, finished or not.
    period
        How long two runs may be apart. A run of another mode with one of their detectors also ends a campaign.
    unclear
        Numbers of the runs whose documents cannot be understood.
    """
    campaigns: list[Campaign] = []
    members: list[Run] = []
    for run in sorted(runs, key=lambda run: run.number):
        if belongs(run):
            if members and (run.start - (members[-1].end or members[-1].start)).total_seconds() >= period.gap:
                campaigns.append(Campaign(tuple(members), closed=True))
                members = []
            members.append(run)
        elif members and run.mode != members[-1].mode and run.detectors & members[-1].detectors:
            campaigns.append(Campaign(tuple(members), closed=True))
            members = []
    campaigns += [Campaign(tuple(members), closed=False)] if members else []
    return [replace(one, unclear=_beside(one.members, unclear)) for one in campaigns] if unclear else campaigns


def _beside(members: Sequence[Run], unclear: Collection[int]) -> tuple[int, ...]:
    """Return which of these runs lie among the members or right before or after them."""
    first, last = members[0].number, members[-1].number
    while first - 1 in unclear:
        first -= 1
    while last + 1 in unclear:
        last += 1
    return tuple(sorted(number for number in unclear if first <= number <= last))


def as_run(members: Sequence[Run], missing: Sequence[Run] = ()) -> Run:
    """Return runs as if they were one, in the form of outcomes and job files.

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


def campaign_as_run(
    campaign: Campaign, unready: Mapping[str, Reason], period: Period, now: datetime
) -> tuple[Run, Reason | None]:
    """Return a campaign as if it were one run, and a phrase about what it waits for; None if it can be analysed.

    It waits for members that cannot be read; after a time it goes on without them and lists them as missing.

    Parameters
    ----------
    campaign
        Runs that belong together.
    unready
        What the runs that cannot be analysed lack, by run id.
    period
        For how long it waits.
    now
        The present.
    """
    ready = [run for run in campaign.members if run.id not in unready]
    absent = [run for run in campaign.members if run.id in unready]
    if campaign.unclear:
        runs = ", ".join(map(run_id, campaign.unclear))
        waits = f"the documents of these runs cannot be understood, and they may belong: {runs}"
        return as_run(campaign.members), Reason(waits)
    if still_open := campaign.describe_open(period, now):
        return as_run(campaign.members), still_open
    if absent and (not ready or now < campaign.end + timedelta(seconds=period.wait)):
        count = f"{len(absent)} of {len(campaign.members)} runs cannot be read"
        return as_run(campaign.members), Reason(f"{count}: {absent[0].id}: {unready[absent[0].id]}")
    return as_run(ready, absent), None

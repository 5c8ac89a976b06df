"""Analyses over a period: which runs form a campaign, and the campaign as if it were one run.

The id of a campaign is that of its first run and a digest of all its runs. A run that joins late makes another key;
`xomflow.outcomes.campaigns.current` decides which of the results that share runs counts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xomflow.config.model import Period
from xomflow.core import times
from xomflow.core.key import group_id, run_id
from xomflow.core.messages import some_of
from xomflow.core.reason import Reason
from xomflow.outcomes.campaigns.current import Revision
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.run import Run
from xomflow.rundb.united import common, united


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
        Names of runs among them or beside them whose documents cannot be understood: these may belong to them.
    unseen
        Numbers of runs among them or in their current results whose documents are not there now.
    shown
        Those of their numbers that are in a current result.
    """

    members: tuple[Run, ...]
    closed: bool
    unclear: tuple[str, ...] = ()
    unseen: tuple[int, ...] = ()
    shown: frozenset[int] = frozenset()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its runs."""
        return tuple(run.number for run in self.members)

    @property
    def id(self) -> str:
        """The id of the campaign with all its runs."""
        return group_id(self.numbers)

    @property
    def end(self) -> datetime:
        """End of the last run; the start of a run without an end."""
        return max(run.end or run.start for run in self.members)

    def describe_obscure(self) -> Reason | None:
        """Return a phrase about runs whose documents are of no use now; None if there are none."""
        if self.unclear:
            runs = some_of(self.unclear)
            return Reason(f"the documents of these runs cannot be understood, and they may belong: {runs}")
        if self.unseen:
            runs = some_of(list(map(run_id, self.unseen)))
            return Reason(f"the run database does not show the documents of these runs now: {runs}")
        return None

    def describe_open(self, period: Period, now: datetime) -> Reason | None:
        """Return a phrase about the time until which more runs may follow; None if no more can."""
        until = self.end + timedelta(seconds=period.gap)
        if self.closed or now >= until:
            return None
        return Reason(f"its period is open until a run of another kind or {times.text(until)}")


def campaigns_of(
    runs: Iterable[Run], belongs: Callable[[Run], bool], period: Period, unclear: Collection[Complaint] = ()
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
        The documents that cannot be understood.
    """
    campaigns: list[Campaign] = []
    members: list[Run] = []
    ordered = sorted(runs, key=lambda run: run.number)
    for run in ordered:
        if belongs(run):
            if members and (run.start - (members[-1].end or members[-1].start)).total_seconds() >= period.gap:
                campaigns.append(Campaign(tuple(members), closed=True))
                members = []
            members.append(run)
        elif members and _parts(run, members[-1]):
            campaigns.append(Campaign(tuple(members), closed=True))
            members = []
    campaigns += [Campaign(tuple(members), closed=False)] if members else []
    if not unclear:
        return campaigns
    bounds = _Bounds(ordered, belongs, period, unclear)
    return [replace(one, unclear=bounds.obscuring(one)) for one in campaigns]


def _parts(run: Run, member: Run) -> bool:
    """Return whether a run that does not belong ends a campaign."""
    return run.mode != member.mode and bool(run.detectors & member.detectors)


class _Bounds:
    """Finds which documents may be those of runs of a campaign, up to the next runs that bound it.

    Parameters
    ----------
    ordered
        All runs, in the order of their numbers.
    belongs, period, unclear
        See `campaigns_of`.
    """

    def __init__(
        self,
        ordered: Sequence[Run],
        belongs: Callable[[Run], bool],
        period: Period,
        unclear: Iterable[Complaint],
    ) -> None:
        self._ordered = ordered
        self._numbered = sorted((one for one in unclear if one.number is not None), key=_number)
        self._dated = [one for one in unclear if one.number is None and one.start is not None]
        self._belongs = belongs
        self._gap = timedelta(seconds=period.gap)
        self._place = {run.number: place for place, run in enumerate(ordered)}

    def obscuring(self, campaign: Campaign) -> tuple[str, ...]:
        """Return the names of the runs of the documents that may belong to a campaign."""
        first, last = campaign.members[0], campaign.members[-1]
        earlier = (self._ordered[place] for place in range(self._place[first.number] - 1, -1, -1))
        later = (self._ordered[place] for place in range(self._place[last.number] + 1, len(self._ordered)))
        before = next((run for run in earlier if self._bound(run, first, first.start - (run.end or run.start))), None)
        after = next((run for run in later if self._bound(run, last, run.start - campaign.end)), None)
        low = bisect_right(self._numbered, before.number, key=_number) if before else 0
        high = bisect_left(self._numbered, after.number, key=_number) if after else len(self._numbered)
        candidates = [*self._numbered[low:high], *self._dated]
        return tuple(one.run for one in candidates if self._fits(one, campaign, before, after))

    def _fits(self, one: Complaint, campaign: Campaign, before: Run | None, after: Run | None) -> bool:
        """Return whether the time of a document, as far as it has one, is that of a run of the campaign."""
        if one.start is None:
            return True
        if (before and one.start < before.start) or (after and one.start > after.start):
            return False
        ends = campaign.members[0].start - (one.end or one.start)
        return one.start - campaign.end < self._gap and ends < self._gap

    def _bound(self, run: Run, member: Run, distance: timedelta) -> bool:
        return distance >= self._gap or self._belongs(run) or _parts(run, member)


def _number(one: Complaint) -> int:
    return -1 if one.number is None else one.number


def with_results(campaign: Campaign, current: Iterable[Revision], unknown: Collection[int]) -> Campaign:
    """Return a campaign with what follows from the current results that share runs with it.

    Parameters
    ----------
    campaign
        Runs that belong together.
    current
        The current results of the analysis.
    unknown
        Runs of results whose documents are not there or cannot be understood.
    """
    first, last = campaign.members[0].number, campaign.members[-1].number
    runs = {run for one in current if one.runs[0] <= last and first <= one.runs[-1] for run in one.runs}
    members = {run.number for run in campaign.members}
    unseen = [run for run in sorted((runs | members).intersection(unknown)) if run_id(run) not in campaign.unclear]
    return replace(campaign, unseen=tuple(unseen), shown=frozenset(runs))


def as_run(members: Sequence[Run], missing: Sequence[Run] = ()) -> Run:
    """Return runs as if they were one, in the form of outcomes and job files.

    Parameters
    ----------
    members
        The runs that are analysed, in order; at least one.
    missing
        The runs that belong to them and are left out.
    """
    whole, highest = united([run.entries for run in members]), [dict(run.rate_max) for run in members]
    return members[0]._replace(
        mode=whole.mode,
        source=whole.source,
        end=max((run.end for run in members if run.end), default=None),
        detectors=frozenset().union(*(run.detectors for run in members)),
        tags=frozenset(whole.tags),
        comments=tuple(whole.comments),
        rate=tuple(whole.rate.items()),
        rate_max=tuple((name, max(rates[name] for rates in highest)) for name in common(highest)),
        members=tuple(run.number for run in members),
        missing=tuple(run.number for run in missing),
    )


def campaign_as_run(
    campaign: Campaign, unready: Mapping[str, Reason], period: Period, now: datetime
) -> tuple[Run, Reason | None]:
    """Return a campaign as if it were one run, and a phrase about what it waits for; None if it can be analysed.

    It waits for members that cannot be read; after a time it goes on without them and lists them as missing. It never
    goes on without a member that is in a current result: fewer runs would take the place of more.

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
    if obscure := campaign.describe_obscure():
        return as_run(campaign.members), obscure
    if still_open := campaign.describe_open(period, now):
        return as_run(campaign.members), still_open
    stays = any(run.number in campaign.shown for run in absent)
    if absent and (stays or not ready or now < campaign.end + timedelta(seconds=period.wait)):
        count = f"{len(absent)} of {len(campaign.members)} runs cannot be read"
        return as_run(campaign.members), Reason(f"{count}: {absent[0].id}: {unready[absent[0].id]}")
    return as_run(ready, absent), None

"""The pending runs of analyses whose runs depend on each other: those over a period, or with outcomes of groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from xomflow.config.model import Analysis, Period
from xomflow.core.key import is_group
from xomflow.outcomes.campaigns.current import Groups, Revision, find_current
from xomflow.outcomes.campaigns.groups import KnownGroups
from xomflow.outcomes.files import Failure, Listing
from xomflow.planning.pending.shelf import by_selection_key, pending_shelf
from xomflow.planning.pending.work import PendingRuns
from xomflow.planning.runs.campaigns import campaigns_of, with_results
from xomflow.planning.runs.selection import Selector, selection_key
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.query import RunQuery
from xomflow.rundb.run import Run


def pending_of_all(
    selector: Selector,
    block: Analysis,
    answer: RunQuery,
    listing: Listing,
    revisions: Mapping[str, Revision],
    again: Collection[str],
) -> PendingRuns:
    """Return the pending runs of an analysis, of all runs and outcomes at once.

    Parameters
    ----------
    selector, block
        Decides for the analysis, and its block of the configuration.
    answer
        All runs.
    listing, revisions
        The names of its outcomes, and which runs they are about.
    again
        Ids of those that are to be made again.
    """
    if block.period:
        return _pending_campaigns(selector, block.period, answer, listing.failures, revisions, again)
    # Publishing gives those that are called superseded their names back.
    done = replace(listing, done=listing.done | revisions.keys())
    shelf = pending_shelf(selector, by_selection_key(answer.runs.values()), done, again, "")
    pending = [answer.runs[number] for number in shelf.pending]
    return PendingRuns(
        shelf.done, pending, shelf.failures, known_groups=_groups_of_single_runs(selector, answer, revisions)
    )


def unclear_for(selector: Selector, complaints: Iterable[Complaint]) -> list[Complaint]:
    """Return the documents that cannot be understood and may be those of runs of an analysis."""
    return [one for one in complaints if one.number is None or not selector.refusal_in_groups(one.number)]


def _pending_campaigns(
    selector: Selector,
    period: Period,
    answer: RunQuery,
    failures: dict[str, list[Failure]],
    revisions: Mapping[str, Revision],
    again: Collection[str],
) -> PendingRuns:
    """Return the pending campaigns of one analysis; those of ``again`` are to be made again."""
    done = {name: one.runs for name, one in revisions.items() if name not in again}
    unknown = _unknown(selector, answer, revisions.values())
    obscure = unknown | answer.unseen
    unclear = unclear_for(selector, answer.complaints)
    campaigns = campaigns_of(answer.runs.values(), _Belongs(selector), period, unclear)
    groups = Groups(tuple(one.numbers for one in campaigns), unknown)
    current = [revisions[name] for name in find_current(revisions, groups).current]
    rest = [with_results(one, current, obscure) for one in reversed(campaigns) if done.get(one.id) != one.numbers]
    return PendingRuns(
        done=len(campaigns) - len(rest),
        failures=failures,
        campaigns=rest,
        done_runs=done,
        known_groups=KnownGroups(groups, _of_groups(revisions)),
    )


def _groups_of_single_runs(selector: Selector, answer: RunQuery, revisions: Mapping[str, Revision]) -> KnownGroups:
    """Return what decides about outcomes of groups that an analysis of single runs has from before."""
    belongs, of_groups = _Belongs(selector), _of_groups(revisions)
    runs = {run for one in of_groups.values() for run in one.runs}
    alone = tuple((run,) for run in sorted(runs & answer.runs.keys()) if belongs(answer.runs[run]))
    return KnownGroups(Groups(alone, _unknown(selector, answer, of_groups.values()), single=True), of_groups)


def _unknown(selector: Selector, answer: RunQuery, revisions: Iterable[Revision]) -> frozenset[int]:
    """Return the runs with results of which nothing is known now, and no decision against them from before."""
    belongs, unknown = _Belongs(selector), set()
    for number in {run for one in revisions for run in one.runs} - answer.given_up:
        run = answer.runs.get(number, answer.before.get(number))
        is_unknown = number in answer.unseen or number not in answer.runs
        if is_unknown and (belongs(run) if run else not selector.refusal_in_groups(number)):
            unknown.add(number)
    return frozenset(unknown)


def _of_groups(revisions: Mapping[str, Revision]) -> dict[str, Revision]:
    return {name: one for name, one in revisions.items() if is_group(name)}


class _Belongs:
    """Whether an analysis is about a run, finished or not; runs that look alike are decided once.

    Parameters
    ----------
    selector
        Decides for the analysis.
    """

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self._decided: dict[tuple, bool] = {}

    def __call__(self, run: Run) -> bool:
        key = selection_key(run)
        if key not in self._decided:
            self._decided[key] = not self._selector.refusal_by_kind(run)
        return self._decided[key] and not self._selector.refusal_in_groups(run.number)

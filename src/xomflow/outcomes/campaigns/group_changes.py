"""Which results of groups a tick would change because the groups are no longer what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from xomflow.core.paths import Paths
from xomflow.outcomes.campaigns.current import CurrentOutcomes, Groups, Revision, find_current
from xomflow.outcomes.campaigns.groups import GroupsOfAll, Method, read_groups, revisions_of
from xomflow.outcomes.files import list_outcomes

NONE_GIVEN_UP: Mapping[str, frozenset[int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """Results of one analysis and version, by id.

    Parameters
    ----------
    lost
        Those that would be superseded, and no current result has all their runs.
    regrouped
        Those that stay until they are made anew, and did not have to in the tick before.
    """

    lost: frozenset[str]
    regrouped: frozenset[str]


def group_changes(
    paths: Paths, groups: GroupsOfAll, given_up: Mapping[str, frozenset[int]] = NONE_GIVEN_UP
) -> Iterator[tuple[Method, GroupChanges]]:
    """Yield what would change, by analysis and version; reads only.

    Parameters
    ----------
    paths
        Where the outcomes are.
    groups
        The groups of today. Those of the tick before are what it left; without them only results of single runs count
        as regrouped.
    given_up
        Numbers of runs that groups have lost by a decision, by analysis; what follows from that does not count.
    """
    earlier = read_groups(paths) or {}
    for method, known in groups.items():
        listing = list_outcomes(paths, *method)
        revisions = revisions_of(paths, *method, listing, known.revisions)
        members = {run for one in known.groups.members for run in one}
        with_all_runs = replace(
            known.groups, unknown=known.groups.unknown | (given_up.get(method[0], frozenset()) - members)
        )
        derived = find_current(revisions, with_all_runs)
        shown = {run for name in derived.current for run in revisions[name].runs}
        lost = {name for name in listing.done & derived.superseded.keys() if not shown.issuperset(revisions[name].runs)}
        outdated = _outdated(revisions, with_all_runs, derived)
        if outdated and method in earlier:
            before = earlier[method].groups
            outdated -= _outdated(revisions, before, find_current(revisions, before))
        elif outdated:
            outdated = frozenset(name for name in outdated if revisions[name].alone)
        yield method, GroupChanges(frozenset(lost), outdated)


def _outdated(revisions: dict[str, Revision], groups: Groups, derived: CurrentOutcomes) -> frozenset[str]:
    """Return the current results that are made anew; not those that stay because nothing is known about their runs."""
    marked = (name for name, mark in derived.current.items() if mark)
    return frozenset(name for name in marked if groups.unknown.isdisjoint(revisions[name].runs))

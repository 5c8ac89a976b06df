"""Which results of one analysis and version are current: a pure decision, and the only one about it.

Groups of runs change: a run comes late, is tagged away, two groups merge, one splits. Each makes another outcome, and
the older ones are kept. Nothing about which of them counts is stored. It follows from the members of all outcomes and
from the groups of today:

- A result with a run that the analysis no longer takes, by decision, is not current.
- Results that overlap are never current together. Of all sets without an overlap, the one with the most runs is
  current. So a result stays until others take over all its runs, and fewer runs never replace more.
- Of sets with equally many runs, the one that keeps runs about which nothing is known now, then the one that fits the
  groups of today, then the one made as its analysis takes runs today, alone or in groups, then the one of fewer
  results, then the newer one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xomflow.core.key import run_id
from xomflow.core.messages import some_of
from xomflow.core.reason import Reason


class Revision(NamedTuple):
    """One outcome, as far as this decision needs it.

    Parameters
    ----------
    runs
        Numbers of the runs that were analysed, in order; at least one.
    missing
        Numbers of the runs that were left out, because they could not be read.
    ended
        When the attempt ended, UTC, as in the outcome.
    alone
        Whether its analysis took single runs when it was made. A group may have one run too.
    """

    runs: tuple[int, ...]
    missing: tuple[int, ...] = ()
    ended: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """How the runs of an analysis belong together today.

    Parameters
    ----------
    members
        Numbers of the runs of each group, in order. A run that is in none, and not unknown, is left out by decision.
    unknown
        Numbers of the runs that have results and about which nothing is known now: their documents are not there, or
        cannot be understood.
    single
        Whether the analysis takes single runs. Results of single runs then stay whatever becomes of the run.
    """

    members: tuple[tuple[int, ...], ...] = ()
    unknown: frozenset[int] = frozenset()
    single: bool = False


@dataclass(frozen=True, slots=True)
class CurrentOutcomes:
    """Which outcomes are current, and which are superseded.

    Parameters
    ----------
    current
        Ids of the current outcomes, each with the reason why it is not made of what its group is today, or None.
    superseded
        Ids of all others, with the reason.
    """

    current: Mapping[str, Reason | None] = field(default_factory=dict)
    superseded: Mapping[str, Reason] = field(default_factory=dict)


def find_current(revisions: Mapping[str, Revision], groups: Groups | None) -> CurrentOutcomes:
    """Return which outcomes of one analysis and version are current.

    Parameters
    ----------
    revisions
        All its outcomes, by id.
    groups
        The groups of today; None if these are not known, as of a version that is no longer configured. Then no run
        counts as left out.
    """
    group_of = {run: members for members in (groups.members if groups else ()) for run in members}
    superseded: dict[str, Reason] = {}
    rest: dict[str, Revision] = {}
    for name, one in revisions.items():
        if left_out := _left_out(one, group_of, groups):
            superseded[name] = Reason(f"the analysis no longer takes {_runs(left_out)}")
        else:
            rest[name] = one
    unknown = groups.unknown if groups else frozenset[int]()
    of_before = {name for name, one in rest.items() if groups and one.alone != groups.single}
    chosen = _most_runs(rest, group_of, unknown, of_before)
    hulls = [(revisions[name].runs[0], revisions[name].runs[-1], name) for name in chosen]
    for name, one in rest.items():
        if name not in chosen:
            others = [other for first, last, other in hulls if first <= one.runs[-1] and one.runs[0] <= last]
            superseded[name] = Reason(f"these results have its runs: {', '.join(others)}")
    marks = {name: _mark(revisions[name], group_of, unknown, name in of_before) for name in chosen}
    return CurrentOutcomes(marks, superseded)


def _left_out(one: Revision, group_of: Collection[int], groups: Groups | None) -> list[int]:
    """Return the runs of a result that its analysis no longer takes."""
    if groups is None or (groups.single and len(one.runs) == 1):
        return []
    return [run for run in one.runs if run not in group_of and run not in groups.unknown]


def _most_runs(
    revisions: Mapping[str, Revision],
    group_of: Mapping[int, tuple[int, ...]],
    unknown: Collection[int],
    of_before: Collection[str],
) -> list[str]:
    """Return the best set of results without an overlap, in order of their runs.

    A result takes up all numbers from its first to its last run: this is the scheduling of weighted intervals
    (J. Kleinberg, E. Tardos, Algorithm Design, 2005, section 6.1).
    """
    by_age = sorted(revisions, key=lambda name: (revisions[name].ended, name))
    age = {name: place for place, name in enumerate(by_age)}
    names = sorted(revisions, key=lambda name: (revisions[name].runs[-1], name))
    lasts = [revisions[name].runs[-1] for name in names]
    best: list[tuple[tuple[int, ...], int]] = [((0,) * 6, -1)]  # for so many names: the worth, and the last one taken
    for place, name in enumerate(names):
        one = revisions[name]
        spread = len({group_of[run] for run in one.runs if run in group_of}) > 1
        lost = sum(run in unknown for run in one.runs)
        own = (len(one.runs), lost, -spread, -(name in of_before), -1, age[name])
        before = bisect_left(lasts, one.runs[0])
        taken = tuple(map(sum, zip(best[before][0], own, strict=True)))
        best.append(max((taken, place), best[-1]))
    chosen, place = [], len(names)
    while (last := best[place][1]) >= 0:
        chosen.append(names[last])
        place = bisect_left(lasts, revisions[names[last]].runs[0])
    return chosen[::-1]


def _mark(
    one: Revision, group_of: Mapping[int, tuple[int, ...]], unknown: Collection[int], of_before: bool
) -> Reason | None:
    """Return why a current result is not made of what its group is today; None if it is."""
    if lost := [run for run in one.runs if run in unknown]:
        return Reason(f"it stays although nothing is known now about {_runs(lost)}")
    present = {group_of[run] for run in one.runs if run in group_of}
    if len(present) > 1:
        return Reason(f"it stays until its runs have other results: they belong to {len(present)} groups now")
    if more := [run for members in present for run in members if run not in one.runs and run not in one.missing]:
        return Reason(f"it stays until there is a result with {_runs(more)} too")
    then = "single runs" if one.alone else "groups of runs"
    return Reason(f"it stays until it is made anew: its analysis took {then} then") if of_before else None


def _runs(numbers: Sequence[int]) -> str:
    """Return numbers of runs as words."""
    return f"run{'s' if len(numbers) > 1 else ''} {some_of(list(map(run_id, numbers)))}"

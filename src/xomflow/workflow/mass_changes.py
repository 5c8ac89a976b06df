"""Which mass changes are ahead: what was known, what became of it, and the decisions about it, for the brake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from xomflow.core import times
from xomflow.core.errors import XomError
from xomflow.core.paths import Paths
from xomflow.decisions.effects import vetoes
from xomflow.decisions.model import Decision, standing
from xomflow.outcomes.campaigns.group_changes import group_changes
from xomflow.outcomes.campaigns.groups import GroupsOfAll, Method
from xomflow.outcomes.known import KnownResults, Lost
from xomflow.planning.brake import BrakeError, Fate, MassChange, brake
from xomflow.publishing.open_store import StoreConfig, open_store

_FATES = {Lost.GONE: Fate.GONE, Lost.DAMAGED: Fate.DAMAGED}


def mass_changes(
    paths: Paths,
    store: StoreConfig,
    decisions: Iterable[Decision],
    groups: GroupsOfAll | None = None,
    given_up: frozenset[int] = frozenset(),
    everything: bool = False,
) -> tuple[MassChange, ...]:
    """Return the changes before which a tick stops; reads only.

    Parameters
    ----------
    paths
        Where everything is.
    store
        Where results are published.
    decisions
        All that were made.
    groups
        The groups of today; None: the tick has looked at them before.
    given_up
        Numbers of runs that groups have lost by a decision, which does not count.
    everything
        Whether to look also at outcomes in folders that have not changed since they were published.
    """
    stand = standing(decisions, times.now())
    lost_by_decision = {analysis: given_up | vetoes(stand, analysis).keys() for analysis, _ in groups or {}}
    known = KnownResults(paths, paths.ledger_of(_name_of(store, paths)))
    shelves, after = known.shelves(), _changes_of_groups(paths, groups or {}, lost_by_decision)
    for shelf in shelves:
        if lost := known.lost(shelf, everything):
            fates = after.setdefault((shelf.analysis, shelf.version), {})
            fates |= {run: _FATES[one] for run, one in lost.items()}
    before: dict[Method, dict[str, datetime]] = {method: {} for method in after}
    for shelf in shelves:
        if (method := (shelf.analysis, shelf.version)) in before:
            before[method] |= known.of(shelf)
    return brake(before, after, stand, paths.outcomes)


def stop_before(changes: Iterable[MassChange]) -> None:
    """Raise `BrakeError` if there is any mass change."""
    if found := tuple(changes):
        raise BrakeError(found)


def _changes_of_groups(
    paths: Paths, groups: GroupsOfAll, given_up: Mapping[str, frozenset[int]]
) -> dict[Method, dict[str, Fate]]:
    found: dict[Method, dict[str, Fate]] = {}
    for method, changes in group_changes(paths, groups, given_up):
        fates = dict.fromkeys(changes.regrouped, Fate.REGROUPED) | dict.fromkeys(changes.lost, Fate.SUPERSEDED)
        found |= {method: fates} if fates else {}
    return found


def _name_of(store: StoreConfig, paths: Paths) -> str:
    """Return the name of the ledger; one that there is not if the account cannot be read, which publishing reports."""
    try:
        return open_store(store, paths).name
    except XomError:
        return "unknown"

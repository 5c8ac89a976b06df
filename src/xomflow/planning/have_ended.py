"""A second look at the keys that a tick is about to take, however new the kept listing of the outcomes seems.

A file server whose clock counts seconds, or is behind, can give a folder the same time stamp before and after a job
ended. What was claimed is therefore looked at itself: otherwise it would be analysed again by each tick.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.files import Failure, failures_among, names_in


def have_ended(paths: Paths, known: Mapping[Key, Collection[Failure]]) -> bool:
    """Return whether any of these keys has an outcome, or a failed attempt that is not known.

    Parameters
    ----------
    paths
        Where the outcomes are.
    known
        Keys that count as pending, with their known failures.
    """
    shelves = {place: list(names_in(place)) for place in {paths.outcome(key).parent for key in known}}
    done = {place: frozenset(names) for place, names in shelves.items()}
    failed = {place: [name for name in names if ".failed-" in name] for place, names in shelves.items()}
    to_redo = outcomes_to_redo(paths)
    for key, failures in known.items():
        place = paths.outcome(key)
        attempts = {failure.attempt for failure in failures}
        unknown = (one for one in failures_among(failed[place.parent], key.run) if one.attempt not in attempts)
        if key not in to_redo and (place.name in done[place.parent] or any(unknown)):
            return True
    return False

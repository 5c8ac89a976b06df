"""A second look at the keys that a tick is about to take, however new the kept listing of the outcomes seems.

A file server whose clock counts seconds, or is behind, can give a folder the same time stamp before and after a job
ended. What was claimed is therefore looked at itself: otherwise it would be analysed again by each tick.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.ends.last_words import LastWords
from xomflow.outcomes.files import Failure


def have_ended(paths: Paths, known: Mapping[Key, Collection[Failure]]) -> bool:
    """Return whether any of these keys has an outcome, or a failed attempt that is not known.

    Parameters
    ----------
    paths
        Where the outcomes are.
    known
        Keys that count as pending, with their known failures.
    """
    words = LastWords(paths)
    for key, failures in known.items():
        attempts = {failure.attempt for failure in failures}
        unknown = (one for one in words.failures_of(key) if one.attempt not in attempts)
        if key not in words.to_redo() and (words.is_done(key) or any(unknown)):
            return True
    return False

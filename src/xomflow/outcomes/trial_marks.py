"""Which outcomes are those of trials: a mark in their folder, which stays when the configuration lacks the trial.

Without it a trial that was given up would look like an older version, and would be published like one.
"""

from __future__ import annotations

from collections.abc import Collection

from xomflow.core.paths import Paths
from xomflow.outcomes.campaigns.groups import Method
from xomflow.outcomes.files import list_versions, names_in
from xomlib.files import write_atomically


def on_trial(paths: Paths, published: Collection[Method], trials: Collection[Method]) -> frozenset[Method]:
    """Return the versions of analyses that are trials, or were until they were given up; reads only.

    Parameters
    ----------
    paths
        Where the outcomes are.
    published, trials
        The versions that the configuration and decisions publish now, and those that are on trial now.
    """
    return (_marked(paths) | frozenset(trials)).difference(published)


def renew_marks(paths: Paths, published: Collection[Method], trials: Collection[Method]) -> None:
    """Mark the trials, and no version that is published."""
    marked = _marked(paths)
    for method in set(trials) - marked:
        write_atomically(paths.trial_mark(*method), "")
    for method in marked.intersection(published):
        paths.trial_mark(*method).unlink(missing_ok=True)


def _marked(paths: Paths) -> frozenset[Method]:
    analyses = names_in(paths.outcomes)
    methods = ((analysis, version) for analysis in analyses for version in list_versions(paths, analysis))
    return frozenset(method for method in methods if paths.trial_mark(*method).exists())

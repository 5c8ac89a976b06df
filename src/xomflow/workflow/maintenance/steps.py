"""What renaming and removing an analysis have in common."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from xomflow import page
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import PersonNeededError, UsageError
from xomflow.core.files.file_lock import exclusive
from xomflow.core.files.maintenance import Maintenance, check_finished, unfinished
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.decisions.effects import drained
from xomflow.decisions.files import read_decisions, standing_decisions
from xomflow.jobs.ends.lost import record_lost
from xomflow.outcomes.campaigns.groups import GroupsOfAll, read_groups, write_groups
from xomflow.outcomes.files import list_outcomes, list_versions, names_in
from xomflow.page.refresh import refresh_page
from xomflow.planning.progress.in_progress import read_in_progress
from xomflow.publishing.open_store import StoreConfig, open_store
from xomflow.publishing.publish import drop, publish
from xomflow.publishing.stores.store import StoreError
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.settle import settle
from xomflow.workflow.mass_changes import mass_changes
from xomflow.workflow.trials import stores_of
from xomflow.workflow.upkeep.what_runs import what_runs


def has_begun(paths: Paths, wanted: Maintenance) -> Maintenance | None:
    """Return the same maintenance as it was begun and interrupted; None if none was.

    Raises
    ------
    UnfinishedError
        If it was another one, which has to be finished first.
    """
    found = unfinished(paths)
    if found is not None and found.command != wanted.command:
        check_finished(paths)
    return found


def keys_of(paths: Paths, *analyses: str) -> list[Key]:
    """Return the keys of analyses that have an outcome or a failure record, of all versions."""
    found = []
    for analysis in analyses:
        for version in list_versions(paths, analysis):
            listing = list_outcomes(paths, analysis, version)
            runs = listing.done | listing.superseded | listing.failures.keys()
            found += [Key(analysis, version, run) for run in sorted(runs)]
    return found


def must_have_results(paths: Paths, analysis: str) -> None:
    """Raise `UsageError` if nothing is there of an analysis."""
    if not any(map(os.path.lexists, paths.folders_of(analysis))):
        hint = did_you_mean(analysis, [name for name in names_in(paths.outcomes) if not name.startswith(".")])
        raise UsageError(f"{paths.outcomes} has nothing of an analysis {analysis!r}{hint}; nothing was done")


@contextlib.contextmanager
def undisturbed(config: Config, command: str) -> Iterator[None]:
    """Keep ticks away, on a drained site on which nothing runs; jobs that ended without a record get one before.

    Raises
    ------
    PersonNeededError
        If it is not drained, or something runs.
    """
    paths = Paths(config.work)
    with exclusive(paths.discovery_lock, config.longest_wait), exclusive(paths.archiving_lock, config.longest_wait):
        found = read_in_progress(config, times.now())
        running = what_runs(config, found)
        if running or drained(standing_decisions(paths)) is None:
            why_not = "; ".join(running) or "it is not drained"
            raise PersonNeededError(
                f"{command}: the site has to be drained first, and {why_not}; nothing was done; type: "
                'xom drain --wait --why "..."'
            )
        settle(paths, open_batch_system(config), config.retries, found.asked)
        record_lost(paths, config.retries, found.submissions.keys())
        yield


def move(source: Path, target: Path) -> None:
    """Move a folder, if it is there, also to another disk; a kill leaves what can be moved again."""
    if not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(source)


def forget(paths: Paths, analysis: str) -> None:
    """Remove what is kept of the outcomes of an analysis, and its part of the page."""
    for folder in (paths.known_outcomes / analysis, *paths.expected_of(analysis)):
        shutil.rmtree(folder, ignore_errors=True)
    page.remove_chunks(paths.page, analysis)


def rename_groups(paths: Paths, old: str, new: str = "") -> None:
    """Give the groups that were left for publishing the new name of their analysis; remove them if there is none."""
    known = read_groups(paths)
    if known is not None:
        renamed = {(new if name == old else name, version): one for (name, version), one in known.items()}
        left: GroupsOfAll = {method: one for method, one in renamed.items() if method[0]}
        write_groups(paths, left)


def drop_points(config: Config, analysis: str) -> int:
    """Remove all points of an analysis from all stores; return how many there were."""
    paths = Paths(config.work)
    with contextlib.ExitStack() as opened:
        stores = [opened.enter_context(contextlib.closing(open_store(one, paths))) for one, _ in stores_of(config)]
        return drop(paths, stores, analysis, config.longest_wait)


def publish_all(config: Config) -> list[str]:
    """Publish and renew the page as a tick does, unless the brake stops it; return sentences about what failed."""
    paths, problems = Paths(config.work), list[str]()
    if found := mass_changes(paths, StoreConfig.of(config.store), read_decisions(paths).made):
        return [f"not published: {change.sentence}" for change in found]
    for where, scope in stores_of(config):
        with contextlib.closing(open_store(where, paths)) as store:
            more = (config.page.url, config.longest_wait, (), scope)
            problems += publish(paths, store, where.prefix, *more).problems
    with exclusive(paths.publishing_lock, config.longest_wait):
        problems += refresh_page(paths).problems
    return list(dict.fromkeys(problems))


def said(sentences: list[str]) -> list[str]:
    """Return the sentence about what was done; if there are others, about what failed, raise them all together."""
    if len(sentences) > 1:
        raise StoreError("\n".join([*sentences, "the next tick publishes the rest"]))
    return sentences

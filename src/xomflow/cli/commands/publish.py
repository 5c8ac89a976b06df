"""Commands about the store."""

from __future__ import annotations

import argparse
from contextlib import closing

from xomflow.cli.command import Command
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import mark_folders
from xomflow.core.paths import Paths
from xomflow.outcomes.campaigns.groups import GroupsOfAll, read_groups
from xomflow.publishing.open_store import StoreConfig, open_store
from xomlib.printing import say


def rebuild(config: Config, options: argparse.Namespace) -> int:
    """Publish all outcomes to the store, which may be empty."""
    from xomflow.decisions.files import read_decisions
    from xomflow.workflow.mass_changes import mass_changes, stop_before
    from xomflow.workflow.requests.rebuild import rebuild as publish_everything

    paths, where = Paths(config.work), StoreConfig.of(config.store)
    stop_before(mass_changes(paths, where, read_decisions(paths).made, everything=True))
    mark_folders(paths, where.is_local)
    receipt = publish_everything(config, _groups(config))
    say(f"{receipt.outcomes} outcomes, {receipt.points} points are in the store", *receipt.problems)
    return ExitCode.STORE_OR_DISK if receipt.problems else ExitCode.OK


def verify(config: Config, options: argparse.Namespace) -> int:
    """Compare the store with the outcomes; exit code 9 if they differ, 6 if the store does not answer."""
    from xomflow.publishing.publish import verify as differences
    from xomflow.workflow.trials import stores_of

    paths, found = Paths(config.work), list[str]()
    for where, scope in stores_of(config):
        with closing(open_store(where, paths)) as store:
            found += differences(paths, store, where.prefix, _groups(config), config.page.url, scope)
    say(*found, f"{len(found)} differences" if found else "the store has the points of all outcomes")
    return ExitCode.STORE_DIFFERS if found else ExitCode.OK


def _groups(config: Config) -> GroupsOfAll | None:
    """Return what decides which outcomes of groups are current: as the last tick left it, else found again."""
    from xomflow.planning.pending.find import load_pending
    from xomflow.rundb.database import open_rundb

    left = read_groups(Paths(config.work))
    if left is not None or not any(block.period for block in config.analyses.values()):
        return left
    return load_pending(config, open_rundb(config.rundb), may_write=False).known_groups(config)


COMMANDS = (Command(rebuild, by_owner=True), Command(verify))

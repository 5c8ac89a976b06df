"""Commands that act on jobs and files of a site at once."""

from __future__ import annotations

import argparse
from functools import partial

from xomflow.cli.arguments import add_runs, analysis_name, wanted_runs
from xomflow.cli.command import Command
from xomflow.cli.conventions import Plan, add_conventions, carry_out, nothing
from xomflow.config.model import Config
from xomflow.core.paths import Paths


def cancel(config: Config, options: argparse.Namespace) -> int:
    """End the jobs that ticks left in the batch system, or those of some runs; a later tick tries these runs again."""
    from xomflow.slurm.open_batch_system import open_batch_system
    from xomflow.slurm.submitting.cancel import cancel as cancel_runs
    from xomflow.slurm.submitting.cancel import keys_at_work

    paths = Paths(config.work)
    keys = wanted_runs(options).choose_keys(keys_at_work(paths))
    if not keys:
        return carry_out(nothing("is known", "no such job"), options)
    act = partial(cancel_runs, paths, open_batch_system(config), keys)
    return carry_out(Plan("whose jobs are to be ended", keys, act), options)


def _of_cancel(parser: argparse.ArgumentParser) -> None:
    add_runs(parser, narrow=False)
    add_conventions(parser)


def rename(config: Config, options: argparse.Namespace) -> int:
    """Give an analysis another name, on a drained site: results, figures, logs, decisions, points and page follow."""
    from xomflow.workflow.maintenance import rename as maintenance

    old, new = options.old, options.new
    keys = maintenance.check_rename(config, old, new)
    return carry_out(Plan(f"of {old} to be called {new}", keys, lambda: maintenance.rename(config, old, new)), options)


def _of_rename(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=analysis_name, metavar="OLD", help="present name")
    parser.add_argument("new", type=analysis_name, metavar="NEW", help="new name, which the configuration has already")
    add_conventions(parser)


def remove(config: Config, options: argparse.Namespace) -> int:
    """Take an analysis out, on a drained site: its files move to <work>/removed, its points are removed."""
    from xomflow.workflow.maintenance import remove as maintenance

    keys = maintenance.check_remove(config, options.analysis)
    plan = Plan(f"of {options.analysis} to be removed", keys, lambda: maintenance.remove(config, options.analysis))
    return carry_out(plan, options)


def _of_remove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", type=analysis_name, help="its name, which the configuration has no more")
    add_conventions(parser)


COMMANDS = (
    Command(cancel, _of_cancel, by_owner=True),
    Command(rename, _of_rename, by_owner=True, maintains=True),
    Command(remove, _of_remove, by_owner=True, maintains=True),
)

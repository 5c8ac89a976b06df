"""Commands that act on jobs and files of a site at once."""

from __future__ import annotations

import argparse

from xomflow.cli.command import Command
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import run_id
from xomflow.core.paths import Paths
from xomlib.printing import say


def cancel(config: Config, options: argparse.Namespace) -> int:
    """End the jobs that ticks left in the batch system, or those of some runs; a later tick tries these runs again."""
    from xomflow.slurm.cancel import cancel as cancel_runs
    from xomflow.slurm.open_batch_system import open_batch_system

    wanted = {run_id(number) for number in options.run}
    say(*cancel_runs(Paths(config.work), open_batch_system(config), wanted) or ["no such job is known"])
    return ExitCode.OK


def _of_cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=int, nargs="*", help="run numbers; none: all runs")


COMMANDS = (Command(cancel, _of_cancel, by_owner=True),)
